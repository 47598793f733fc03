/** The thread that writes a chain: SQLite is synchronous, and nobody else's turn waits for a disk. */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { FromThread, ThreadSettings, ToThread } from './protocol.ts';
import { ChainWriter, plainError } from './writer.ts';

const port = parentPort;
if (port === null) {
  throw new Error('This file is started as a thread.');
}
const settings = workerData as ThreadSettings;
const committed = new Int32Array(settings.committed);
const say = (message: FromThread): void => port.postMessage(message);

/** Batches that are taken at a time: they become one commit. */
const BATCHES_MAX = 1000;

try {
  const writer = new ChainWriter(
    settings,
    {
      done(id, written) {
        Atomics.store(committed, 0, id);
        Atomics.notify(committed, 0);
        say({ tag: 'done', id, written });
      },
      refused: (id, error) => say({ tag: 'refused', id, error }),
      failing: (error) => say({ tag: 'failing', error }),
    },
    Date.now,
  );
  say({ tag: 'open', chain: writer.chain, size: writer.size, key: writer.key });
  port.on('message', (first: ToThread) => {
    const asked = [first];
    while (asked.length < BATCHES_MAX) {
      const next = receiveMessageOnPort(port) as { message: ToThread } | undefined;
      if (next === undefined) {
        break;
      }
      asked.push(next.message);
    }
    writer.take(asked);
    if (asked.at(-1)?.tag === 'close') {
      writer.close();
      port.close();
    }
  });
} catch (error) {
  say({ tag: 'failed-to-open', error: plainError(error) });
}
