/** This program and a process of node:child_process, by its channel: https://nodejs.org/api/child_process.html */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { requireBytes, type Talk } from './talk.ts';

const PROCESS = fileURLToPath(new URL('process.ts', import.meta.url));
/** Messages that are on their way at a time, so that the queue does not take all memory. */
const WINDOW = 64;

/** What the process is told before messages arrive. */
export interface Order {
  readonly messages: number;
  /** Whether it sends them back, or the count of their bytes after the last. */
  readonly echo: boolean;
}

export async function processesTalk(): Promise<Talk> {
  const name = 'child_process';
  const child = fork(PROCESS, [], { serialization: 'advanced', execArgv: ['--no-warnings'] });
  const heard = async (): Promise<unknown> => (await once(child, 'message'))[0];
  const said = (message: Order | Uint8Array): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.send(message, (error) => (error === null ? resolve() : reject(error)));
    return promise;
  };
  return {
    name,
    async send(messages, bytes) {
      const body = new Uint8Array(bytes);
      const startedAt = performance.now();
      const arrived = heard();
      await said({ messages, echo: false });
      for (let message = 1; message <= messages; message += 1) {
        const sent = said(body);
        if (message % WINDOW === 0) await sent;
      }
      requireBytes(name, await arrived, messages * bytes);
      return performance.now() - startedAt;
    },
    async ask(messages, bytes) {
      const body = new Uint8Array(bytes);
      await said({ messages, echo: true });
      const times: number[] = [];
      for (let message = 0; message < messages; message += 1) {
        const startedAt = performance.now();
        const answer = heard();
        child.send(body);
        const { length } = (await answer) as Uint8Array;
        times.push((performance.now() - startedAt) * 1000);
        requireBytes(name, length, bytes);
      }
      return times;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}
