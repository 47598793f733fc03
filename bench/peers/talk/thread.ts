/** One of two threads that talk. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Order } from './threads.ts';

const port = workerData as MessagePort;

/** Says that it listens, and then the bytes of so many messages when they have arrived. */
function taken(messages: number, each: (body: Uint8Array) => void): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let left = messages;
  let bytes = 0;
  port.on('message', function take(body: Uint8Array) {
    bytes += body.length;
    left -= 1;
    each(body);
    if (left > 0) return;
    port.off('message', take);
    resolve(bytes);
  });
  parentPort?.postMessage('listening');
  return promise;
}

/** Microseconds of each. */
function asked(messages: number, body: Uint8Array): Promise<number[]> {
  const { promise, resolve } = Promise.withResolvers<number[]>();
  const times: number[] = [];
  let startedAt = performance.now();
  port.on('message', function take() {
    times.push((performance.now() - startedAt) * 1000);
    if (times.length === messages) {
      port.off('message', take);
      resolve(times);
      return;
    }
    startedAt = performance.now();
    port.postMessage(body);
  });
  port.postMessage(body);
  return promise;
}

async function done(order: Order): Promise<unknown> {
  if (order.kind === 'take') return await taken(order.messages, () => {});
  if (order.kind === 'echo') return await taken(order.messages, (body) => port.postMessage(body));
  const body = new Uint8Array(order.bytes);
  if (order.kind === 'send') {
    for (let message = 0; message < order.messages; message += 1) port.postMessage(body);
    return order.messages;
  }
  return await asked(order.messages, body);
}

parentPort?.on('message', (order: Order) => {
  void done(order).then((answer) => parentPort?.postMessage(answer));
});
