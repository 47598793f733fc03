/** node:vm, a context a life, with its timeout, of scripts compiled once: https://nodejs.org/api/vm.html */

import { createContext, Script } from 'node:vm';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const TIMEOUT_MS = 60_000;

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    caveat: 'it is no security mechanism, Node says',
  },
  packageName: null,
  kept: 100,
  lives: 500,
  async open() {
    const scripts = {
      nothing: new Script(SCRIPTS.nothing),
      compute: new Script(SCRIPTS.compute),
      calls: new Script(SCRIPTS.calls),
    };
    const make = () => createContext({ now: () => performance.now() });
    return {
      async run(job) {
        requireAnswer(job, scripts[job].runInContext(make(), { timeout: TIMEOUT_MS }));
      },
      async keep() {
        const contexts = [make()];
        return () => void contexts.pop();
      },
    };
  },
};
