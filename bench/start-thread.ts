/** A thread that starts agents in a worker of its own for a while: how many it does, and at what CPU time. */

import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { PreparedModule } from '../src/wasm/component/prepare/prepare.ts';
import { BATCH, InProcessWorker } from './in-process-worker.ts';

/** What a thread is given. */
interface Task {
  readonly module: Pick<PreparedModule, 'plan' | 'compiled'>;
  readonly reuse: boolean;
}

/** What a thread has done. */
export interface Done {
  readonly perSecond: number;
  /** Of the thread alone: not what the garbage collector's own threads take. */
  readonly cpuMicroseconds: number;
}

const WARM_BATCHES = 100;
const MEASURED_MS = 2_000;

/** Starts agents on so many threads at once, after all of them are warm. */
export async function onThreads(
  count: number,
  { plan, compiled }: Task['module'],
  reuse: boolean,
): Promise<Done[]> {
  const task: Task = { module: { plan, compiled }, reuse };
  const threads = Array.from(
    { length: count },
    () => new Worker(new URL(import.meta.url), { workerData: task }),
  );
  const answers = () =>
    Promise.all(
      threads.map(
        (thread) =>
          new Promise<Done>((resolve, reject) => {
            thread.once('message', resolve);
            thread.once('error', reject);
          }),
      ),
    );
  await answers();
  for (const thread of threads) thread.postMessage('go');
  const done = await answers();
  await Promise.all(threads.map((thread) => thread.terminate()));
  return done;
}

async function work({ module, reuse }: Task, port: NonNullable<typeof parentPort>): Promise<void> {
  const worker = new InProcessWorker(module, BATCH, reuse);
  for (let batch = 0; batch < WARM_BATCHES; batch += 1) {
    await worker.run(BATCH);
  }
  const go = new Promise((resolve) => port.once('message', resolve));
  port.postMessage('warm');
  await go;
  const startedAt = performance.now();
  const cpuBefore = process.threadCpuUsage();
  let started = 0;
  while (performance.now() - startedAt < MEASURED_MS) {
    await worker.run(BATCH);
    started += BATCH;
  }
  const { user, system } = process.threadCpuUsage(cpuBefore);
  const done: Done = {
    perSecond: started / ((performance.now() - startedAt) / 1000),
    cpuMicroseconds: (user + system) / started,
  };
  port.postMessage(done);
}

if (parentPort !== null) {
  await work(workerData as Task, parentPort);
}
