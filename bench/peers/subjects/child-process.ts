/**
 * node:child_process, a process a life, under Node's permission model and with a bounded heap:
 * https://nodejs.org/api/child_process.html, https://nodejs.org/api/permissions.html
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const FLAGS = ['--permission', '--max-old-space-size=64'];

const source = (script: string): string =>
  `const now = () => performance.now(); process.send(${script});`;
const WAITING = `process.on('message', () => {}); process.send(1);`;

function start(code: string): ChildProcess {
  return spawn(process.execPath, [...FLAGS, '-e', code], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {},
  });
}

export const subject: SubjectModule = {
  // Its heap is bounded; buffers and WebAssembly's memory are outside of it.
  fences: {
    ...NO_FENCES,
    endsLoops: true,
    capabilities: true,
    caveat: 'its permissions are no wall against malicious code, Node says',
  },
  packageName: null,
  kept: 10,
  lives: 30,
  async open() {
    return {
      async run(job) {
        const child = start(source(SCRIPTS[job]));
        const [answer] = (await once(child, 'message')) as [unknown];
        requireAnswer(job, answer);
        child.disconnect();
        await once(child, 'exit');
      },
      async keep() {
        const child = start(WAITING);
        await once(child, 'message');
        return async () => {
          child.kill();
          await once(child, 'exit');
        };
      },
    };
  },
};
