/**
 * The connections of one agent. Each was made to an address that was checked, for its own requests: no
 * other agent has its answers, whatever a server makes of what it was sent.
 */

import type { LookupFunction, Socket } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { canonicalAddress } from '../capability/host.ts';
import { FIELDS_BYTES_MAX } from '../http/exchange.ts';
import { FailedTransfer } from './failure.ts';
import type { Allowed } from './guard.ts';
import { KEEP_ALIVE_MS, type NetworkSettings, ORIGINS_KEPT_MAX } from './settings.ts';

/** How long an address is tried before the next one is, in milliseconds: Node's default (RFC 8305). */
const ATTEMPT_MS = 250;

/** Connections to one server, all at addresses of the same classes. */
interface Kept {
  readonly pool: Pool;
  /** Where the next connection goes: what was checked last. */
  addresses: readonly string[];
}

/** Answers what was checked, whatever name is asked. */
function lookupOf(kept: Kept): LookupFunction {
  return (_name, { all }, answer) => {
    const found = kept.addresses.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    const [first] = found;
    if (all === true) {
      answer(null, found);
    } else {
      answer(null, first?.address ?? '', first?.family);
    }
  };
}

/**
 * Connections by the server, and by the classes of addresses at which the grant reaches it: a request
 * that may go to public addresses only has none that was made for one that may go inside.
 */
export class Connections {
  readonly #settings: NetworkSettings;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
  }

  /** A connection to the server of a URL, at one of the addresses. */
  to(url: URL, host: string, { addresses, classes }: Allowed): Dispatcher {
    const key = `${url.protocol} ${host} ${url.port} ${classes}`;
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const kept = known ?? this.#open(url, host, addresses);
    kept.addresses = addresses;
    this.#kept.set(key, kept);
    for (const [oldest, { pool }] of this.#kept) {
      if (this.#kept.size <= ORIGINS_KEPT_MAX) {
        break;
      }
      this.#kept.delete(oldest);
      // What is under way on them comes to its end.
      void pool.close();
    }
    return kept.pool;
  }

  /** Ends all of them, and what is under way. */
  destroy(): void {
    for (const { pool } of this.#kept.values()) {
      void pool.destroy();
    }
    this.#kept.clear();
  }

  #open(url: URL, host: string, addresses: readonly string[]): Kept {
    const { ca, http2, limits } = this.#settings;
    const holder: { kept?: Kept } = {};
    const connect = buildConnector({
      timeout: limits.connectMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
      allowH2: http2,
      // Whatever the environment says.
      rejectUnauthorized: true,
      ...(ca === null ? {} : { ca: [...ca] }),
      lookup: (name, options, answer) => lookupOf(holder.kept as Kept)(name, options, answer),
    } as buildConnector.BuildOptions);
    const pool = new Pool(`${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}`, {
      connections: limits.requestsPerAgent,
      pipelining: 1,
      allowH2: http2,
      maxHeaderSize: FIELDS_BYTES_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // Times are measured by the transfer.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => {
        // The next request may have been checked meanwhile, and its name lead elsewhere by then.
        const { addresses: checked } = holder.kept as Kept;
        connect(options, (...[error, socket]: Parameters<typeof callback>) => {
          const { addresses: now } = holder.kept as Kept;
          if (error === null && !isAt(socket, checked) && !isAt(socket, now)) {
            socket.destroy();
            callback(new FailedTransfer({ tag: 'destination-IP-prohibited' }), null);
          } else if (error === null) {
            callback(null, socket);
          } else {
            callback(error, null);
          }
        });
      },
    });
    holder.kept = { pool, addresses };
    return holder.kept;
  }
}

/** Whether a connection was made to an address that was checked, and to no other. */
function isAt(socket: Socket, addresses: readonly string[]): boolean {
  const { remoteAddress } = socket;
  // A server that has hung up already has none: there is nobody to send anything to.
  return remoteAddress === undefined || addresses.includes(canonicalAddress(remoteAddress) ?? '');
}
