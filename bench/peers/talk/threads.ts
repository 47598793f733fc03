/** Two threads of node:worker_threads and a channel between them: https://nodejs.org/api/worker_threads.html */

import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { requireBytes, type Talk } from './talk.ts';

const THREAD = new URL('thread.ts', import.meta.url);

/** What a thread is told to do. */
export type Order =
  | { readonly kind: 'send'; readonly messages: number; readonly bytes: number }
  | { readonly kind: 'take'; readonly messages: number }
  | { readonly kind: 'echo'; readonly messages: number }
  | { readonly kind: 'ask'; readonly messages: number; readonly bytes: number };

export async function threadsTalk(): Promise<Talk> {
  const name = 'worker_threads';
  const { port1, port2 } = new MessageChannel();
  const open = (port: typeof port1): Worker =>
    new Worker(THREAD, { workerData: port, transferList: [port] });
  const [first, second] = [open(port1), open(port2)];
  const told = async (worker: Worker, order: Order): Promise<unknown> => {
    const answer = once(worker, 'message');
    worker.postMessage(order);
    return (await answer)[0];
  };
  /** Tells the second to take, and waits until it listens; what is answered is when it has. */
  const taking = async (order: Order): Promise<{ end: Promise<unknown[]> }> => {
    await told(second, order);
    return { end: once(second, 'message') };
  };
  return {
    name,
    async send(messages, bytes) {
      const startedAt = performance.now();
      const { end } = await taking({ kind: 'take', messages });
      await told(first, { kind: 'send', messages, bytes });
      const [arrived] = await end;
      requireBytes(name, arrived, messages * bytes);
      return performance.now() - startedAt;
    },
    async ask(messages, bytes) {
      const { end } = await taking({ kind: 'echo', messages });
      const times = (await told(first, { kind: 'ask', messages, bytes })) as number[];
      const [arrived] = await end;
      requireBytes(name, arrived, messages * bytes);
      return times;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([first.terminate(), second.terminate()]);
    },
  };
}
