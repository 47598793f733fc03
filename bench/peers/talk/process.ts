/** A process that takes messages or sends them back. */

import type { Order } from './processes.ts';

let order: Order = { messages: 0, echo: false };
let left = 0;
let bytes = 0;

process.on('message', (message: Order | Uint8Array) => {
  if (!(message instanceof Uint8Array)) {
    order = message;
    left = message.messages;
    bytes = 0;
    return;
  }
  left -= 1;
  bytes += message.length;
  if (order.echo) process.send?.(message);
  else if (left === 0) process.send?.(bytes);
});
