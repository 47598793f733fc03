/** node:worker_threads, a thread a life. */

import { Worker } from 'node:worker_threads';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** The host's functions are across the thread: what is called there is the thread's own clock. */
const source = (script: string): string =>
  `const { parentPort } = require('node:worker_threads');
  const now = () => performance.now();
  parentPort.postMessage(${script});`;
const WAITING = `require('node:worker_threads').parentPort.on('message', () => {}).postMessage(1);`;

function answered(worker: Worker): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.once('message', resolve);
  worker.once('error', reject);
  return promise;
}

export const subject: SubjectModule = {
  fences: { ...NO_FENCES, endsLoops: true },
  packageName: null,
  kept: 20,
  lives: 30,
  async open() {
    return {
      async run(job) {
        const worker = new Worker(source(SCRIPTS[job]), { eval: true });
        requireAnswer(job, await answered(worker));
        await worker.terminate();
      },
      async keep() {
        const worker = new Worker(WAITING, { eval: true });
        await answered(worker);
        return async () => void (await worker.terminate());
      },
    };
  },
};
