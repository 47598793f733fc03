/** node:child_process, a process a life, under Node's permission model. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

const source = (script: string): string =>
  `const now = () => performance.now(); process.send(${script});`;
const WAITING = `process.on('message', () => {}); process.send(1);`;

function start(code: string): ChildProcess {
  return spawn(process.execPath, ['--permission', '-e', code], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {},
  });
}

export const subject: SubjectModule = {
  fences: { ...NO_FENCES, endsLoops: true, capabilities: true },
  packageName: null,
  kept: 10,
  lives: 10,
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
