/** Looking names up for an agent: so many at a time, and so many a second. */

import type { NetworkFailure } from '../exchange.ts';
import type { Resolver } from '../resolver.ts';
import { LOOKUPS_BURST, LOOKUPS_UNDER_WAY_MAX } from './caps.ts';
import type { SocketErrorCode } from './request.ts';

/** How a lookup came out. */
export type Looked =
  | { readonly tag: 'ok'; readonly val: readonly string[] }
  | { readonly tag: 'err'; readonly val: SocketErrorCode };

/** What servers say that may say something else another time. */
const TEMPORARY_RCODES: ReadonlySet<string | undefined> = new Set(['SERVFAIL', undefined]);

function codeOfFailure(failure: NetworkFailure): SocketErrorCode {
  switch (failure.tag) {
    case 'destination-not-found':
      return 'name-unresolvable';
    case 'DNS-timeout':
      return 'temporary-resolver-failure';
    case 'DNS-error':
      return TEMPORARY_RCODES.has(failure.val.rcode)
        ? 'temporary-resolver-failure'
        : 'permanent-resolver-failure';
    default:
      return 'permanent-resolver-failure';
  }
}

/** The lookups of one agent. */
export class Lookups {
  readonly #resolver: Resolver;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #ended = new AbortController();
  #underWay = 0;
  #left = LOOKUPS_BURST;
  #countedAtMs: number;

  /** `now` is in milliseconds and never goes back. */
  constructor(resolver: Resolver, perSecond: number, now: () => number) {
    this.#resolver = resolver;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#countedAtMs = now();
  }

  /** Null: it may begin none just now. */
  begin(name: string): Promise<Looked> | null {
    const nowMs = this.#now();
    const gained = ((nowMs - this.#countedAtMs) * this.#perSecond) / 1_000;
    this.#countedAtMs = nowMs;
    this.#left = Math.min(LOOKUPS_BURST, this.#left + gained);
    if (this.#underWay >= LOOKUPS_UNDER_WAY_MAX || this.#left < 1) {
      return null;
    }
    this.#left -= 1;
    this.#underWay += 1;
    return this.#find(name);
  }

  /** Nobody waits for any of them. */
  close(): void {
    this.#ended.abort();
  }

  async #find(name: string): Promise<Looked> {
    try {
      const resolved = await this.#resolver.resolve(name, this.#ended.signal);
      return 'failure' in resolved
        ? { tag: 'err', val: codeOfFailure(resolved.failure) }
        : { tag: 'ok', val: resolved.addresses };
    } finally {
      this.#underWay -= 1;
    }
  }
}
