/**
 * gVisor as Debian packages it (`runsc`), a sandbox with a Node a life, without a network; `do` needs no image:
 * https://gvisor.dev/docs/user_guide/quick_start/oci/ and `runsc help do`.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const FLAGS = ['--rootless', '--network=none', 'do', process.execPath, '--max-old-space-size=64'];
const WAITING = 'console.log(1); setInterval(() => {}, 1e6);';

const source = (script: string): string =>
  `const now = () => performance.now(); console.log(${script});`;

const start = (code: string): ChildProcess =>
  spawn('runsc', [...FLAGS, '-e', code], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });

export const subject: SubjectModule = {
  // A control group bounds its memory, where one is made for it; without root it has none.
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    capabilities: true,
    caveat: 'it reads the files of the host unless it is given an image',
  },
  packageName: null,
  kept: 5,
  lives: 15,
  async open() {
    const told = execFileSync('runsc', ['--version'], { encoding: 'utf8' });
    return {
      version: /\d{8}/.exec(told)?.[0] ?? '',
      async run(job) {
        const child = start(source(SCRIPTS[job]));
        const ended = once(child, 'exit');
        requireAnswer(job, Number(await text(child.stdout!)));
        await ended;
      },
      async keep() {
        const child = start(WAITING);
        await once(child.stdout!, 'data');
        return async () => {
          child.kill();
          await once(child, 'exit');
        };
      },
    };
  },
};
