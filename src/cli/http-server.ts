/** The HTTP server of `ringfence serve`: Node's, with a bound on all that a client can hold open. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpService, RingfenceError, TIMER_MS_MAX } from '../index.ts';
import type { Address } from './serve-options.ts';

/** How long a client may take for a request's head. */
const HEAD_MS = 10_000;
/** How often connections are looked at that take too long. */
const LOOK_MS = 1_000;
/**
 * How much longer than a request a connection may do nothing: then its client takes nothing of a response that
 * is whole already, which would hold it for ever.
 */
const IDLE_MS = 5_000;
/** How long a connection waits for its next request. */
const KEEP_ALIVE_MS = 5_000;
/** Bytes of a request's line and fields, beyond which it is refused with 431. */
const HEAD_BYTES = 32 * 1024;
/** Fields that are looked at; one more than what is taken, so that too many are seen to be. */
const FIELDS_MAX = 1_025;
/** Connections that may be open, beyond those whose requests are handled. */
const SPARE_CONNECTIONS = 1_024;

/** A server that listens. */
export interface Listening {
  /** Where it can be reached: with the port that was free, where any was asked for. */
  readonly url: string;
  /** Takes no more connections, and closes those that wait for a request. */
  stopListening(): void;
  /** Closes all that is left. */
  close(): void;
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there: choose another port, or :0 for any that is free',
  EACCES: 'that is not permitted: choose a port from 1024 on',
  EADDRNOTAVAIL: 'no such address is this machine’s: choose one that is',
  ENOTFOUND: 'there is no such name: write an address',
  EAI_AGAIN: 'the name can not be looked up: write an address',
};

const shown = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Listens, and hands requests to a service.
 *
 * @throws {RingfenceError} `RF_USAGE` where it can't listen there
 */
export async function listen(
  service: HttpService,
  address: Address,
  limits: { readonly timeoutMs: number; readonly maxConcurrent: number },
): Promise<Listening> {
  const server: Server = createServer(
    {
      maxHeaderSize: HEAD_BYTES,
      headersTimeout: Math.min(HEAD_MS, limits.timeoutMs),
      requestTimeout: limits.timeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: LOOK_MS,
    },
    service.listener,
  );
  server.maxHeadersCount = FIELDS_MAX;
  server.timeout = Math.min(limits.timeoutMs + IDLE_MS, TIMER_MS_MAX);
  server.maxConnections = limits.maxConcurrent + SPARE_CONNECTIONS;
  server.listen({ host: address.host, port: address.port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot listen on ${shown(address)}: ${WHY[code] ?? `the system says ${code}`} (--addr).`,
      { address: shown(address), reason: code },
    );
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${shown({ ...address, port })}/`,
    stopListening: () => {
      server.close();
      server.closeIdleConnections();
    },
    close: () => server.closeAllConnections(),
  };
}
