/** An MCP server over HTTP (the protocol's streamable HTTP): each request is answered by itself. */

import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { RingfenceError } from '../../errors.ts';
import { type Guarding, MCP_PATH, type Refusal, refusalOf } from './guard.ts';
import { type ServerParts, serverOf } from './server.ts';
import type { Serving } from './streams.ts';

/** Connections at a time, each of which can hold one answer that is not read. */
const CONNECTIONS_MAX = 128;
/** Bytes of a request: the SDK's own default. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of all requests that are being read or answered. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** How long a client may take for its headers, and for its whole request. */
const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 60_000;
/** Nothing here ever changes, so nobody has to be told of it for long. */
const SUBSCRIPTIONS_MAX = 16;

/** Where a server listens, and to whom. */
export interface HttpPlace extends Guarding {
  readonly host: string;
  /** 0: whichever is free. */
  readonly port: number;
}

/** Bytes of a request's body: as many as it has said, or the most where it has not. */
function bodyBytes({ headers }: IncomingMessage): number {
  const declared = headers['content-length'];
  const isChunked = headers['transfer-encoding'] !== undefined;
  return declared === undefined ? (isChunked ? REQUEST_BYTES_MAX : 0) : Number(declared);
}

/** A server that listens. */
export interface HttpServing extends Serving {
  readonly url: string;
}

/** The names that mean this machine and nothing else. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** It is no fault of the client's, and not for long. */
const BUSY: Refusal = {
  status: 503,
  message: 'busy: as many bytes of requests are held as may be; ask again later',
};

function answerRefusal(response: ServerResponse, { status, message }: Refusal): void {
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null });
  response.writeHead(status, {
    'content-type': 'application/json',
    // What is left of its body is not read.
    connection: 'close',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  });
  response.end(body);
}

/**
 * Listens.
 *
 * @throws {RingfenceError} `RF_USAGE` where it can't
 */
export async function serveHttp(parts: ServerParts, place: HttpPlace): Promise<HttpServing> {
  const failed = (error: unknown): void => parts.failed(error);
  const handler = createMcpHandler(() => serverOf(parts), {
    onerror: failed,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    maxSubscriptions: SUBSCRIPTIONS_MAX,
  });
  const answer = toNodeHandler(handler, { onerror: failed, maxRequestBodySize: REQUEST_BYTES_MAX });
  let heldBytes = 0;
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, requestTimeout: REQUEST_MS_MAX },
    (request, response) => {
      // One that is too large is refused by its declared length, and nothing of it is held.
      const bytes = Math.min(bodyBytes(request), REQUEST_BYTES_MAX);
      const refusal =
        refusalOf(request, place) ?? (heldBytes + bytes > HELD_BYTES_MAX ? BUSY : null);
      if (refusal !== null) {
        answerRefusal(response, refusal);
        return;
      }
      heldBytes += bytes;
      response.once('close', () => {
        heldBytes -= bytes;
      });
      // Its type knows no property that is there and undefined.
      answer(request as Parameters<typeof answer>[0], response).catch(failed);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, place);
  server.on('error', failed);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.on('close', resolve);
  const { port } = server.address() as AddressInfo;
  const host = isIP(place.host) === 6 ? `[${place.host}]` : place.host;
  return {
    url: `http://${host}:${port}${MCP_PATH}`,
    closed,
    async close() {
      server.close();
      await handler.close();
      // Their requests are cancelled by it.
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listening(server: HttpServer, { host, port }: HttpPlace): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot listen on ${host} at port ${port} (${code}): choose another address or port.`,
      { host, port },
      { cause: error },
    );
  }
}
