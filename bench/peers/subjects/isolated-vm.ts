/** isolated-vm: a V8 isolate a life, with its memory limit and timeout. */

import ivm from 'isolated-vm';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const MEMORY_MB = 64;
const TIMEOUT_MS = 60_000;

export const subject: SubjectModule = {
  // Its limits know JavaScript: WebAssembly's memory and loops are outside of them.
  fences: { ...NO_FENCES, endsLoops: true, capabilities: true },
  packageName: 'isolated-vm',
  kept: 50,
  lives: 100,
  async open() {
    const make = async () => {
      const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB });
      const context = await isolate.createContext();
      await context.global.set('now', new ivm.Callback(() => performance.now()));
      return { isolate, context };
    };
    return {
      async run(job) {
        const { isolate, context } = await make();
        requireAnswer(job, await context.eval(SCRIPTS[job], { timeout: TIMEOUT_MS }));
        isolate.dispose();
      },
      async keep() {
        const { isolate } = await make();
        return () => isolate.dispose();
      },
    };
  },
};
