/** Goal: threads say that they live, and one that is gone does not. Method: threads without agents. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { ControlBlocks } from '../../resource/control-blocks.ts';
import { SharedThreads } from './shared-threads.ts';

/** Longer than a thread takes to start on a busy machine. */
const PATIENT_MS = 60_000;

const opened: SharedThreads[] = [];
afterEach(() => Promise.all(opened.splice(0).map((threads) => threads.close())));

/** Has threads die as soon as they are made, so many of them or all. */
function dying(threads: number): () => void {
  let left = threads;
  const end = (thread: Worker): void => {
    left -= 1;
    if (left >= 0) {
      void thread.terminate();
    }
  };
  process.on('worker', end);
  return () => process.off('worker', end);
}

const withWarnings = (warnings: string[]) => {
  const threads = new SharedThreads({
    workers: 2,
    sliceFuel: 1_000,
    blocks: new ControlBlocks(1).memory,
    onWarning: (text) => warnings.push(text),
  });
  opened.push(threads);
  return threads;
};

test('a thread that dies while it starts is followed by another, which is waited for', async () => {
  const warnings: string[] = [];
  const stop = dying(2);
  try {
    const threads = withWarnings(warnings);
    await threads.ready();
    expect(await threads.answering(PATIENT_MS)).toMatchObject({ answering: 2 });
    expect(warnings).toEqual(Array(2).fill(expect.stringMatching(/^a worker died/)));
  } finally {
    stop();
  }
});

test('where none comes to take agents, that is said, and no further one is started', async () => {
  const warnings: string[] = [];
  const stop = dying(Number.POSITIVE_INFINITY);
  try {
    const threads = withWarnings(warnings);
    await expect(threads.ready()).rejects.toMatchObject({ code: 'RF_INTERNAL' });
    expect(warnings).toHaveLength(6);
  } finally {
    stop();
  }
});

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

test('threads that are closed are followed by no others', async () => {
  const made: Worker[] = [];
  const remember = (thread: Worker): void => void made.push(thread);
  process.on('worker', remember);
  try {
    const threads = withWarnings([]);
    await threads.ready();
    const ends = made.map((thread) => once(thread, 'exit'));
    await threads.close();
    await Promise.all(ends);
    // Whoever is told of the ends has had his turn.
    await new Promise(setImmediate);
    expect(made).toHaveLength(2);
  } finally {
    process.off('worker', remember);
  }
});
