/** Sends requests: the grant, the name's addresses, the connection, the response; and again over redirects. */

import type { Dispatcher } from 'undici';
import type { HeldGrant } from '../capability/held.ts';
import type { Field } from '../http/exchange.ts';
import { plainName } from '../http/syntax.ts';
import type { Connections } from './connections.ts';
import type { NetworkFailure, SendHead } from './exchange.ts';
import { type NetworkAccess, NetworkGuard } from './guard.ts';
import { type ReadRequest, readRequest, redirected } from './request.ts';
import { openResolver } from './resolver.ts';
import { Secrets } from './secrets.ts';
import { type NetworkSettings, REDIRECTS_MAX } from './settings.ts';
import { type Piece, Transfer, type TransferTimes } from './transfer.ts';

/** The body of a request: bytes that can be sent twice, or pieces as they come. */
export type RequestBody = Uint8Array | AsyncIterable<Uint8Array>;

/** Where an agent's requests are counted while they are under way: against all of its kernel's. */
export interface RequestRoom {
  /** One more is under way; false: there is no room. */
  take(): boolean;
  /** One is over. */
  give(): void;
}

/** What is to be sent, for whom. */
export interface Sending {
  readonly head: SendHead;
  readonly body: RequestBody | null;
  /** Whether redirects are followed: at most {@link REDIRECTS_MAX}. */
  readonly redirect: 'manual' | 'follow';
  readonly access: NetworkAccess;
  /** What servers that may know are told of the agent's span; null: nothing. */
  readonly traceparent: string | null;
  readonly room: RequestRoom;
  /** The connections of the agent. */
  readonly connections: Promise<Connections>;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Hears by which grant it goes out, just before it does; of each redirect again. */
  readonly granted?: (grant: HeldGrant<'network'>) => void;
}

/** A response, its body to be asked for piece by piece; whoever does not want the rest says `cancel`. */
export interface HttpResponse {
  readonly status: number;
  readonly fields: readonly Field[];
  /** Where it came from, redirects followed. */
  readonly url: string;
  /** The grant that it came by: when that is no longer in force, nothing more of it may be given out. */
  readonly grant: HeldGrant<'network'>;
  next(): Promise<Piece>;
  cancel(): void;
  /** Resolves when nothing of it is under way any more. */
  readonly over: Promise<void>;
}

/** What became of a request; `denied`: by what was granted. */
export type HttpOutcome =
  | { readonly response: HttpResponse }
  | { readonly failure: NetworkFailure; readonly denied: boolean };

const failed = (failure: NetworkFailure): HttpOutcome => ({ failure, denied: false });

/** Counts the bytes of a body as they go, and gives up where they are more than may be. */
async function* counted(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  transfer: Transfer,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const piece of body) {
    sent += piece.length;
    if (sent > bytesMax) {
      transfer.fail({ tag: 'HTTP-request-body-size', val: undefined });
      return;
    }
    yield piece;
    transfer.bodyTaken();
  }
}

/** The client of one thread: its agents share the resolver, and nothing else. */
export class HttpClient {
  readonly settings: NetworkSettings;
  readonly guard: NetworkGuard;
  readonly #secrets: Secrets;

  constructor(settings: NetworkSettings) {
    this.settings = settings;
    this.#secrets = new Secrets(settings.secrets);
    this.guard = new NetworkGuard(openResolver(settings));
  }

  /** Connections for an agent's own use. What they are made with is loaded when one is first wanted. */
  async connections(): Promise<Connections> {
    const { Connections } = await import('./connections.ts');
    return new Connections(this.settings);
  }

  /** Sends a request. It is done when the head of the response is there; never rejects. */
  async send(sending: Sending): Promise<HttpOutcome> {
    const read = readRequest(sending.head);
    if ('failure' in read) {
      return { failure: read.failure, denied: read.failure.tag === 'HTTP-request-denied' };
    }
    if (!sending.room.take()) {
      return failed({ tag: 'connection-limit-reached' });
    }
    const stop = new Stop(sending.signal, this.settings.limits.totalMs, () => sending.room.give());
    try {
      return await this.#follow(sending, read.request, stop);
    } catch {
      // Ours, or of undici: nothing of it is anybody's business outside.
      stop.end();
      return failed({ tag: 'internal-error', val: undefined });
    }
  }

  async #follow(sending: Sending, first: ReadRequest, stop: Stop): Promise<HttpOutcome> {
    const seen = new Set<string>();
    let request = first;
    let { body } = sending;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
      // Where a redirect leads to another server no secret goes, whatever is granted there.
      const isFirst = request.url.origin === first.url.origin;
      const outcome = await this.#once(sending, request, body, stop, isFirst);
      if ('failure' in outcome) {
        return stop.failed(outcome);
      }
      const { response } = outcome;
      const next =
        sending.redirect === 'manual'
          ? null
          : redirected(request, response.status, response.fields);
      if (next === null) {
        void response.over.then(() => stop.end());
        return outcome;
      }
      response.cancel();
      if ('failure' in next) {
        return stop.failed(next);
      }
      seen.add(`${request.method} ${request.url.href}`);
      if (seen.has(`${next.request.method} ${next.request.url.href}`)) {
        break;
      }
      request = next.request;
      if (!next.keepsBody) {
        body = null;
      } else if (body !== null && !(body instanceof Uint8Array)) {
        // What was streamed is gone.
        return stop.failed(failed({ tag: 'HTTP-request-denied' }));
      }
    }
    return stop.failed(failed({ tag: 'loop-detected' }));
  }

  async #once(
    { access, connections, head, granted, traceparent }: Sending,
    request: ReadRequest,
    body: RequestBody | null,
    stop: Stop,
    withSecrets: boolean,
  ): Promise<HttpOutcome> {
    // First: between what the guard says and the request nothing is waited for, so that no grant goes in between.
    const kept = await connections;
    const verdict = await this.guard.check(access, request.target, stop.signal);
    if (stop.signal.aborted) {
      return failed(stop.why);
    }
    if ('failure' in verdict) {
      return verdict;
    }
    const { allowed } = verdict;
    const { limits } = this.settings;
    const added =
      withSecrets && allowed.secrets.size > 0
        ? this.#secrets.addTo(request.fields, allowed.secrets)
        : null;
    if (added === 'missing') {
      return failed({ tag: 'configuration-error' });
    }
    if (added === 'forbidden') {
      return { failure: { tag: 'HTTP-request-denied' }, denied: true };
    }
    const transfer = new Transfer({
      method: request.method,
      times: timesOf(head, limits),
      bytesMax: limits.responseBodyBytes,
      watch: added?.watch ?? null,
    });
    stop.transfer = transfer;
    granted?.(allowed.grant);
    const { url, method, target } = request;
    const isTraced = traceparent !== null && this.settings.traceTo.includes(url.origin);
    const own = added?.fields ?? request.fields;
    const fields = isTraced ? withTraceparent(own, traceparent) : own;
    kept.to(url, target.host, allowed).dispatch(
      {
        path: `${url.pathname}${url.search}`,
        method: method as Dispatcher.HttpMethod,
        headers: fields.flat(),
        body: bodyOf(body, limits.requestBodyBytes, transfer),
      },
      transfer,
    );
    const answered = await transfer.head;
    if ('failure' in answered) {
      return failed(answered.failure);
    }
    return {
      response: {
        ...answered,
        url: url.href,
        grant: allowed.grant,
        over: transfer.over,
        next: () => transfer.next(),
        cancel: () => transfer.fail({ tag: 'connection-terminated' }),
      },
    };
  }
}

/** Fields that say which trace a request belongs to (W3C Trace Context). */
const TRACE_FIELDS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** The agent's own word for its trace is not believed where the host has one. */
const withTraceparent = (fields: readonly Field[], traceparent: string): Field[] => [
  ...fields.filter(([name]) => !TRACE_FIELDS.has(plainName(name))),
  ['traceparent', traceparent],
];

/** No longer than the limits say. */
function timesOf(head: SendHead, limits: TransferTimes): TransferTimes {
  const least = (asked: number | null, most: number): number =>
    asked === null ? most : Math.min(Math.max(0, asked), most);
  return {
    connectMs: least(head.connectTimeoutMs, limits.connectMs),
    firstByteMs: least(head.firstByteTimeoutMs, limits.firstByteMs),
    betweenBytesMs: least(head.betweenBytesTimeoutMs, limits.betweenBytesMs),
  };
}

type DispatchBody = Exclude<Dispatcher.DispatchOptions['body'], undefined>;

function bodyOf(body: RequestBody | null, bytesMax: number, transfer: Transfer): DispatchBody {
  if (body === null) {
    return null;
  }
  // undici takes any async iterable, whatever its types say.
  return body instanceof Uint8Array
    ? body
    : (counted(body, bytesMax, transfer) as unknown as DispatchBody);
}

/** What ends a request, wherever it is: its time is over, or nobody waits for it. */
class Stop {
  transfer: Transfer | null = null;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal;
  readonly #ended: () => void;
  #why: NetworkFailure = { tag: 'connection-terminated' };
  #isOver = false;

  constructor(caller: AbortSignal, totalMs: number, ended: () => void) {
    this.#caller = caller;
    this.#ended = ended;
    this.#timer = setTimeout(() => this.#stop({ tag: 'HTTP-response-timeout' }), totalMs);
    caller.addEventListener('abort', this.#onAbort, { once: true });
    if (caller.aborted) {
      this.#onAbort();
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get why(): NetworkFailure {
    return this.#why;
  }

  readonly #onAbort = (): void => this.#stop({ tag: 'connection-terminated' });

  #stop(why: NetworkFailure): void {
    this.#why = why;
    this.#controller.abort();
    this.transfer?.fail(why);
  }

  failed(outcome: HttpOutcome): HttpOutcome {
    this.end();
    return outcome;
  }

  end(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      clearTimeout(this.#timer);
      this.#caller.removeEventListener('abort', this.#onAbort);
      this.#ended();
    }
  }
}
