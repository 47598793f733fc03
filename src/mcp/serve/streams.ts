/** An MCP server on a pair of streams, such as the process's own: one client, from its first line to its last. */

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { readAhead } from './read-ahead.ts';
import { type ServerParts, serverOf } from './server.ts';

/** Bytes of one message of the client's: as many as the SDK's own default. */
const MESSAGE_BYTES_MAX = 10 * 1024 * 1024;

/** Bytes of answers that may wait for a client to read them before no other call is started. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/**
 * How far a client is read ahead that has yet to read answers. Who first writes a whole message, and then reads, is
 * not held up.
 */
const AHEAD = { lines: 1_000, bytes: MESSAGE_BYTES_MAX };

/** A server that runs. */
export interface Serving {
  /** Resolves when the client is gone, or the server was closed. */
  readonly closed: Promise<void>;
  /** Ends it: calls under way are cancelled. */
  close(): Promise<void>;
}

/** Serves whoever is on the other side of the streams. */
export function serveStreams(
  parts: ServerParts,
  { input, output }: { readonly input: Readable; readonly output: Writable },
): Serving {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const gone = new AbortController();
  const room = async (): Promise<void> => {
    while (output.writableLength > UNREAD_BYTES_MAX && !output.destroyed) {
      await once(output, 'drain', { signal: gone.signal });
    }
  };
  // Each answer that waits listens: as many as lines are read ahead.
  output.setMaxListeners(0);
  const { read, stop } = readAhead(input, output, AHEAD);
  const transport = new StdioServerTransport(read, output, { maxBufferSize: MESSAGE_BYTES_MAX });
  const handle = serveStdio(() => serverOf({ ...parts, room }), {
    transport,
    onerror: (error) => parts.failed(error),
  });
  const { onclose } = transport;
  transport.onclose = () => {
    onclose?.();
    gone.abort();
    stop();
    resolve();
  };
  return { closed, close: () => handle.close() };
}
