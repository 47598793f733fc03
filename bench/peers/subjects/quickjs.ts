/**
 * QuickJS as WebAssembly, by quickjs-emscripten: a runtime with limits and a context a life:
 * https://github.com/justjake/quickjs-emscripten#runtime
 */

import { getQuickJS, type QuickJSRuntime, shouldInterruptAfterDeadline } from 'quickjs-emscripten';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const MEMORY_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 60_000;

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    boundsMemory: true,
    capabilities: true,
    caveat: 'what else is on the thread waits until it ends',
  },
  packageName: 'quickjs-emscripten',
  kept: 200,
  lives: 1_000,
  async open() {
    const quickjs = await getQuickJS();
    const make = (): QuickJSRuntime => {
      const runtime = quickjs.newRuntime();
      runtime.setMemoryLimit(MEMORY_BYTES);
      runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + DEADLINE_MS));
      return runtime;
    };
    const contextOf = (runtime: QuickJSRuntime) => {
      const context = runtime.newContext();
      const now = context.newFunction('now', () => context.newNumber(performance.now()));
      context.setProp(context.global, 'now', now);
      now.dispose();
      return context;
    };
    return {
      async run(job) {
        const runtime = make();
        const context = contextOf(runtime);
        const value = context.unwrapResult(context.evalCode(SCRIPTS[job]));
        requireAnswer(job, context.getNumber(value));
        value.dispose();
        context.dispose();
        runtime.dispose();
      },
      async keep() {
        const runtime = make();
        const context = contextOf(runtime);
        return () => {
          context.dispose();
          runtime.dispose();
        };
      },
    };
  },
};
