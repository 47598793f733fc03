/** The client of HTTP as a test uses it: one agent with these grants, one request after another. */

import { HeldGrants } from '../../../src/capability/held.ts';
import { parseGrants } from '../../../src/capability/input.ts';
import type { NetworkRuleInput } from '../../../src/capability/network-rule.ts';
import type { Field } from '../../../src/http/exchange.ts';
import { accessOf } from '../../../src/network/agent-requests.ts';
import { HttpClient, type RequestBody } from '../../../src/network/http-client.ts';
import {
  NETWORK_SETTINGS_DEFAULT,
  type NetworkLimits,
  type NetworkSettings,
} from '../../../src/network/settings.ts';

export interface ClientOptions extends Partial<Omit<NetworkSettings, 'limits'>> {
  readonly limits?: Partial<NetworkLimits>;
}

/** Revocations of the grants of a test. */
export class Revocations {
  state = 0;
  readonly #revoked = new Set<number>();
  isGrantRevoked(index: number): boolean {
    return this.#revoked.has(index);
  }
  revoke(index: number): void {
    this.#revoked.add(index);
    this.state += 1;
  }
}

export const heldOf = (
  network: readonly (string | NetworkRuleInput)[],
  revocations = new Revocations(),
): HeldGrants =>
  new HeldGrants(
    revocations,
    parseGrants({ network: [...network] })
      .filter(({ kind }) => kind === 'network')
      .map(({ kind, scope }, index) => ({
        id: index + 1,
        kind,
        index,
        scope,
        expiresAtMs: Number.POSITIVE_INFINITY,
      })),
  );

export const settingsOf = ({ limits, ...rest }: ClientOptions = {}): NetworkSettings => ({
  ...NETWORK_SETTINGS_DEFAULT,
  ...rest,
  limits: { ...NETWORK_SETTINGS_DEFAULT.limits, ...limits },
});

export interface Asking {
  readonly method?: string;
  readonly fields?: readonly Field[];
  readonly body?: RequestBody | string;
  readonly redirect?: 'manual' | 'follow';
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
  readonly connectTimeoutMs?: number;
  readonly firstByteTimeoutMs?: number;
  readonly betweenBytesTimeoutMs?: number;
}

/** What came of a request, read to its end: its failure is a tag, wherever it happened. */
export interface Answered {
  readonly status?: number;
  readonly fields?: readonly Field[];
  readonly text?: string;
  readonly bytes?: number;
  readonly trailers?: readonly Field[];
  readonly url?: string;
  readonly failed?: string;
  readonly denied?: boolean;
}

/** One agent with a client of its own. */
export class TestClient {
  readonly client: HttpClient;
  readonly held: HeldGrants;
  readonly connections;
  #underWay = 0;
  readonly #room = {
    take: (): boolean => {
      const fits = this.#underWay < this.client.settings.limits.requests;
      this.#underWay += fits ? 1 : 0;
      return fits;
    },
    give: (): void => {
      this.#underWay -= 1;
    },
  };

  constructor(network: readonly (string | NetworkRuleInput)[], options: ClientOptions = {}) {
    this.client = new HttpClient(settingsOf(options));
    this.held = heldOf(network);
    this.connections = this.client.connections();
  }

  send(text: string, asking: Asking = {}) {
    const [, scheme = '', authority = '', pathWithQuery = ''] =
      /^([a-z]+):\/\/([^/?]*)(.*)$/s.exec(text) ?? [];
    const { body } = asking;
    return this.client.send({
      head: {
        method: asking.method ?? 'GET',
        scheme: scheme as 'http',
        authority,
        pathWithQuery,
        fields: asking.fields ?? [],
        hasBody: body !== undefined,
        connectTimeoutMs: asking.connectTimeoutMs ?? null,
        firstByteTimeoutMs: asking.firstByteTimeoutMs ?? null,
        betweenBytesTimeoutMs: asking.betweenBytesTimeoutMs ?? null,
      },
      body: body === undefined ? null : typeof body === 'string' ? Buffer.from(body) : body,
      redirect: asking.redirect ?? 'manual',
      access: accessOf(this.held),
      traceparent: asking.traceparent ?? null,
      connections: this.connections,
      room: this.#room,
      signal: asking.signal ?? new AbortController().signal,
    });
  }

  /** Sends it, and reads the response to its end. */
  async get(text: string, asking: Asking = {}): Promise<Answered> {
    const outcome = await this.send(text, asking);
    if ('failure' in outcome) {
      return { failed: outcome.failure.tag, denied: outcome.denied };
    }
    const { status, fields, url } = outcome.response;
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = await outcome.response.next();
      if ('bytes' in piece) {
        pieces.push(piece.bytes);
        continue;
      }
      const whole = Buffer.concat(pieces);
      const got = { status, fields, url, text: whole.toString('latin1'), bytes: whole.length };
      return 'trailers' in piece
        ? { ...got, trailers: piece.trailers }
        : { ...got, failed: piece.failure.tag, denied: false };
    }
  }

  close(): void {
    void this.connections.then((connections) => connections.destroy());
  }
}
