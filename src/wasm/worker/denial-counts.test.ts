/** Goal: the kernel knows of each denial, and is not flooded. Method: a guest that asks again and again. */

import { expect, test } from 'vitest';
import { type DenialCount, DenialCounts } from './denial-counts.ts';

test('each kind is told at once, then ever more seldom, and exactly at the end', () => {
  const told: DenialCount[] = [];
  const denials = new DenialCounts((denial) => told.push(denial));
  for (let count = 0; count < 1_000; count += 1) {
    denials.add('can_ipc', 'ipc.send');
  }
  expect(told.map(({ count }) => count)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  denials.add('can_spawn', 'process.spawn');
  expect(told.at(-1)).toEqual({ capability: 'can_spawn', operation: 'process.spawn', count: 1 });
  told.length = 0;
  denials.flush();
  expect(told).toEqual([
    { capability: 'can_ipc', operation: 'ipc.send', count: 1_000 },
    { capability: 'can_spawn', operation: 'process.spawn', count: 1 },
  ]);
});
