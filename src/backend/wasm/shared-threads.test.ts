/** Goal: threads say that they live, and one that is gone does not. Method: threads without agents. */

import { afterEach, expect, test } from 'vitest';
import { ControlBlocks } from '../../resource/control-blocks.ts';
import { SharedThreads } from './shared-threads.ts';

/** Longer than a thread takes to start on a busy machine. */
const PATIENT_MS = 60_000;

const opened: SharedThreads[] = [];
afterEach(() => Promise.all(opened.splice(0).map((threads) => threads.close())));

test('threads answer, those that start are told apart, and those that are closed are silent', async () => {
  const threads = new SharedThreads({
    workers: 2,
    sliceFuel: 1_000,
    blocks: new ControlBlocks(1).memory,
    onWarning: () => {},
  });
  opened.push(threads);
  expect(await threads.answering(0)).toEqual({ answering: 0, starting: 2, silent: 0 });
  const two = { answering: 2, starting: 0, silent: 0 };
  expect(await threads.answering(PATIENT_MS)).toEqual(two);
  expect(await Promise.all([1, 2].map(() => threads.answering(PATIENT_MS)))).toEqual([two, two]);
  await threads.close();
  expect(await threads.answering(0)).toEqual({ answering: 0, starting: 0, silent: 2 });
});
