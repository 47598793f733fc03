/**
 * Wasmer's JavaScript SDK: one sandbox of a package that was made once, a command of it a life, with its
 * timeout: https://www.npmjs.com/package/@wasmer/sdk
 */

import { readFileSync } from 'node:fs';
import { Wasmer } from '@wasmer/sdk/node';
import { HASH } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** Of the answer a command tells six bits, of all its bits, as its exit code. */
function bitsTold(answer: bigint): number {
  let bits = answer;
  for (const width of [48n, 24n, 12n, 6n]) bits ^= bits >> width;
  return Number(bits & 63n);
}

const TIMEOUT_MS = 60_000;

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    capabilities: true,
    caveat: 'after its timeout a loop keeps its core',
  },
  packageName: '@wasmer/sdk',
  // It keeps no instance ready: a process of its own is what runs.
  kept: 0,
  lives: 200,
  async open({ command }) {
    const wasmer = new Wasmer();
    const pkg = await wasmer.packages.create({
      modules: { guest: readFileSync(command) },
      commands: { guest: { module: 'guest' } },
    });
    const sandbox = await wasmer.sandboxes.create({ packages: [pkg] });
    const run = async (answer: bigint, ...args: readonly string[]) => {
      const { exitCode } = await sandbox
        .command(pkg.command('guest'), args)
        .run({ check: false, timeoutMs: TIMEOUT_MS });
      if (exitCode !== bitsTold(answer)) throw new Error(`${args[0]} exited with ${exitCode}`);
    };
    return {
      run: (job) => run(job === 'compute' ? BigInt(HASH >>> 0) : 1n, job),
      program: ({ index, argument, bits }) =>
        run(BigInt(bits), 'program', String(index), String(argument)),
    };
  },
};
