/**
 * isolated-vm: a V8 isolate a life, with its memory limit and timeout; on this thread, which is faster than
 * its own: https://github.com/laverdet/isolated-vm#api-documentation
 */

import ivm from 'isolated-vm';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const MEMORY_MB = 64;
const TIMEOUT_MS = 60_000;

export const subject: SubjectModule = {
  // Its limits know JavaScript: WebAssembly's memory and loops are outside of them.
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    capabilities: true,
    caveat: 'what else is on the thread waits until it ends',
  },
  packageName: 'isolated-vm',
  kept: 50,
  lives: 100,
  async open() {
    const make = () => {
      const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB });
      const context = isolate.createContextSync();
      context.global.setSync('now', new ivm.Callback(() => performance.now()));
      return { isolate, context };
    };
    return {
      async run(job) {
        const { isolate, context } = make();
        requireAnswer(job, context.evalSync(SCRIPTS[job], { timeout: TIMEOUT_MS }));
        isolate.dispose();
      },
      async keep() {
        const { isolate } = make();
        return () => isolate.dispose();
      },
    };
  },
};
