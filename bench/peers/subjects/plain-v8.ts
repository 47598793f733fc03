/**
 * V8's own WebAssembly, as a program calls it, compiled once: the floor.
 * https://nodejs.org/en/learn/getting-started/nodejs-with-webassembly
 */

import { readFileSync } from 'node:fs';
import { bitsOf, requireAnswer, requireBits } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

export const subject: SubjectModule = {
  fences: NO_FENCES,
  packageName: null,
  kept: 2_000,
  lives: 10_000,
  async open({ plain }) {
    const module = new WebAssembly.Module(new Uint8Array(readFileSync(plain)));
    const imports = { env: { now: () => process.hrtime.bigint() } };
    const make = () => new WebAssembly.Instance(module, imports);
    return {
      async run(job) {
        requireAnswer(job, (make().exports[job] as () => number)());
      },
      async program(program) {
        const run = make().exports.program as (index: number, argument: number) => number;
        requireBits(program, bitsOf(run(program.index, program.argument)));
      },
      async keep() {
        const instances = [make()];
        return () => void instances.pop();
      },
    };
  },
};
