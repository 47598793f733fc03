/** Node's own WASI: a reactor, as its documentation makes one: https://nodejs.org/api/wasi.html */

import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';
import { bitsOf, requireAnswer, requireBits } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    caveat: 'it is not for untrusted code, Node says',
  },
  packageName: null,
  kept: 2_000,
  lives: 5_000,
  async open({ reactor }) {
    const module = new WebAssembly.Module(new Uint8Array(readFileSync(reactor)));
    const make = () => {
      const wasi = new WASI({ version: 'preview1', args: [], env: {}, preopens: {} });
      const instance = new WebAssembly.Instance(
        module,
        wasi.getImportObject() as WebAssembly.Imports,
      );
      wasi.initialize(instance);
      return instance;
    };
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
