/**
 * What people install, as it is built and not from source: how long the command line takes, and a program until
 * its first agent has ended. Each time in a process of its own, beside Node that does nothing.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Part, type Row, statsOf } from './measure.ts';
import { publish } from './publish.ts';

const ROUNDS = 15;

const PROGRAM = `import { openKernel } from './dist/index.js';
await using kernel = await openKernel({ workers: 1 });
const agent = await kernel.spawn({ module: await kernel.load(process.argv[2]) });
const { exit } = await agent.exited;
if (exit.reason !== 'normal') throw new Error(exit.message);
`;

/** Milliseconds from the start of a process of Node to its end. @throws {Error} where it fails */
function processMs(folder: string, args: readonly string[]): number {
  const startedAt = performance.now();
  execFileSync(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
  });
  return performance.now() - startedAt;
}

/** The command line and the library, as published. */
export const published: Part = {
  name: 'published',
  what: 'the command line and a program, from the start of the process to its end',
  async run() {
    const hello = (await buildGuests({ only: ['hello'] })).files.get('hello') ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      publish(folder);
      writeFileSync(join(folder, 'program.mjs'), PROGRAM);
      const run = (...options: string[]) => ['bin/ringfence.cjs', 'run', ...options, hello];
      const programs = new Map<string, readonly string[]>([
        ['node -e 0', ['-e', '0']],
        ['ringfence --help', ['bin/ringfence.cjs', '--help']],
        ['ringfence run', run()],
        ['ringfence run, isolation thread', run('--isolation', 'thread')],
        ['ringfence run, isolation process', run('--isolation', 'process')],
        ['a program, to the end of its first agent', ['program.mjs', hello]],
      ]);
      const [first = '', ...others] = programs.keys();
      const times = new Map([...programs.keys()].map((name) => [name, [] as number[]]));
      // The first time the module is prepared.
      for (const args of programs.values()) processMs(folder, args);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [name, args] of programs) times.get(name)?.push(processMs(folder, args));
      }
      const floor = statsOf(times.get(first) ?? [], 'ms').median;
      return [first, ...others].map((name): Row => {
        const stats = statsOf(times.get(name) ?? [], 'ms');
        return {
          part: 'published',
          name,
          value: `${stats.median.toFixed(0)} ms`,
          ratio: name === first ? null : stats.median / floor,
          against: name === first ? '' : first,
          stats,
          plot: 'from the start of a process to its end',
        };
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
