/** Goal: the longest time of a timer is Node's own. Method: timers of that time, and of one millisecond more. */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { TIMER_MS_MAX } from './timer.ts';

test('a timer takes the longest time, and nothing longer', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const longest = setTimeout(() => expect.unreachable(), TIMER_MS_MAX);
  expect(warned).not.toHaveBeenCalled();
  await delay(TIMER_MS_MAX + 1);
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('32-bit'), 'TimeoutOverflowWarning');
  clearTimeout(longest);
});
