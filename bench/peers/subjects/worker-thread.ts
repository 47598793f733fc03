/** node:worker_threads, a thread a life, with limits and no environment: https://nodejs.org/api/worker_threads.html */

import { Worker } from 'node:worker_threads';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** The host's functions are across the thread: what is called there is the thread's own clock. */
const source = (script: string): string =>
  `const { parentPort } = require('node:worker_threads');
  const now = () => performance.now();
  parentPort.postMessage(${script});`;
const OPTIONS = {
  eval: true,
  env: {},
  resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 },
};
const WAITING = `require('node:worker_threads').parentPort.on('message', () => {}).postMessage(1);`;

function answered(worker: Worker): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.once('message', resolve);
  worker.once('error', reject);
  return promise;
}

export const subject: SubjectModule = {
  // Its limits are those of JavaScript's heap: buffers and WebAssembly's memory are outside.
  fences: { ...NO_FENCES, endsLoops: true },
  packageName: null,
  kept: 20,
  lives: 60,
  async open() {
    return {
      async run(job) {
        const worker = new Worker(source(SCRIPTS[job]), OPTIONS);
        requireAnswer(job, await answered(worker));
        await worker.terminate();
      },
      async keep() {
        const worker = new Worker(WAITING, OPTIONS);
        await answered(worker);
        return async () => void (await worker.terminate());
      },
    };
  },
};
