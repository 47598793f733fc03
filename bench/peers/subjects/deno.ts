/**
 * Deno, a process a life, without any permission and with a bounded heap:
 * https://docs.deno.com/runtime/fundamentals/security/#executing-untrusted-code
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { JOBS, requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const FLAGS = ['run', '--no-prompt', '--no-config', '--no-lock', '--cached-only', '--no-remote'];
const HEAP = '--v8-flags=--max-old-space-size=64';
const WAITING = 'console.log(1); setInterval(() => {}, 1e6);';

const source = (script: string): string =>
  `const now = () => performance.now(); console.log(${script});`;

/** The package's own way to its program, where none of its scripts has run. */
function program(): string {
  const { runInstall } = createRequire(import.meta.url)('deno/install_api.cjs') as {
    runInstall(): string;
  };
  return runInstall();
}

export const subject: SubjectModule = {
  // Its heap is bounded; buffers and WebAssembly's memory are outside of it.
  fences: { ...NO_FENCES, endsLoops: true, capabilities: true },
  packageName: 'deno/package.json',
  kept: 10,
  lives: 30,
  async open({ component }) {
    const folder = join(dirname(component), 'deno');
    const file = (name: string): string => join(folder, `${name}.js`);
    mkdirSync(folder, { recursive: true });
    for (const job of JOBS) writeFileSync(file(job), source(SCRIPTS[job]));
    writeFileSync(file('wait'), WAITING);
    const deno = program();
    const env = { DENO_DIR: join(folder, 'cache'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
    const start = (name: string): ChildProcess =>
      spawn(deno, [...FLAGS, HEAP, file(name)], { stdio: ['ignore', 'pipe', 'inherit'], env });
    return {
      async run(job) {
        const child = start(job);
        const ended = once(child, 'exit');
        requireAnswer(job, Number(await text(child.stdout!)));
        await ended;
      },
      async keep() {
        const child = start('wait');
        await once(child.stdout!, 'data');
        return async () => {
          child.kill();
          await once(child, 'exit');
        };
      },
    };
  },
};
