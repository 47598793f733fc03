/** The exchanges of one agent, on the program's side: nothing that the agent says is believed unchecked. */

import {
  BODY_WINDOW_BYTES,
  type Field,
  type FromExchange,
  type RequestHead,
  type ToExchange,
} from './exchange.ts';
import { declaredLength } from './length.ts';

/** Why there is no response, or no whole one. */
export type ExchangeFailure =
  /** It has answered by an error of wasi:http, of this name. */
  | { readonly why: 'refused'; readonly error: string }
  /** Its handler has returned without a response, or before that was whole. */
  | { readonly why: 'unfinished' }
  /** What it has answered is no response. */
  | { readonly why: 'invalid' }
  /** The agent has ended, for this reason. */
  | { readonly why: 'ended'; readonly reason: string };

/** What is heard of an exchange. */
export interface ExchangeEvents {
  /** The agent waits for more of the request's body. */
  pull(): void;
  head(status: number, fields: readonly Field[]): void;
  /** A piece of the response's body: say {@link OpenExchange.taken} once it was taken over. */
  bytes(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  /** Nothing more comes. */
  failed(failure: ExchangeFailure): void;
  /** The agent is free for another request, also where nobody waits for this one any more. */
  done(): void;
}

/** Statuses whose responses have no body, whatever their fields say (RFC 9110, sections 15.3.5, 15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** One request that an agent was handed. */
export class OpenExchange {
  readonly id: number;
  readonly #method: string;
  readonly #events: ExchangeEvents;
  readonly #say: (say: ToExchange) => void;
  /** Bytes of the body that are to come; null: it is not known how many. */
  #left: number | null = null;
  #underWay = 0;
  #hasHead = false;
  #hasBody = true;
  #over = false;
  #pulling = false;

  constructor(id: number, method: string, events: ExchangeEvents, say: (say: ToExchange) => void) {
    this.id = id;
    this.#method = method;
    this.#events = events;
    this.#say = say;
  }

  // ── what the program says ───────────────────────────────────────────────────────────────────────

  /** The next piece of the request's body, after `pull`: at most {@link BODY_WINDOW_BYTES}. */
  bytes(bytes: Uint8Array): void {
    this.#pulling = false;
    this.#say({ step: 'bytes', id: this.id, bytes });
  }

  end(trailers: readonly Field[]): void {
    this.#say({ step: 'end', id: this.id, trailers });
  }

  /** The request's body will not be whole. */
  broken(): void {
    this.#say({ step: 'broken', id: this.id });
  }

  /** So many bytes of the response were taken over. */
  taken(bytes: number): void {
    this.#underWay -= bytes;
    if (!this.#over) {
      this.#say({ step: 'taken', id: this.id, bytes });
    }
  }

  /** Nobody waits for the response any more. */
  gone(): void {
    if (!this.#over) {
      this.#over = true;
      this.#say({ step: 'gone', id: this.id });
    }
  }

  // ── what the agent says ─────────────────────────────────────────────────────────────────────────

  take(say: FromExchange): void {
    if (say.step === 'done') {
      this.fail({ why: 'unfinished' });
      this.#events.done();
    } else if (!this.#over) {
      this.#take(say);
    }
  }

  #take(say: Exclude<FromExchange, { step: 'done' }>): void {
    switch (say.step) {
      case 'pull':
        // One at a time, however often it is asked.
        if (!this.#pulling) {
          this.#pulling = true;
          this.#events.pull();
        }
        return;
      case 'head':
        this.#takeHead(say.status, say.fields);
        return;
      case 'bytes':
        this.#takeBytes(say.bytes);
        return;
      case 'end':
        if (!this.#hasHead || (this.#left ?? 0) !== 0) {
          this.fail({ why: 'invalid' });
        } else {
          this.#over = true;
          this.#events.end(say.trailers);
        }
        return;
      case 'refused':
        this.fail({ why: 'refused', error: say.error });
        return;
      case 'broken':
        this.fail({ why: 'unfinished' });
        return;
    }
  }

  #takeHead(status: number, fields: readonly Field[]): void {
    const length = declaredLength(fields);
    if (this.#hasHead || length === undefined) {
      this.fail({ why: 'invalid' });
      return;
    }
    this.#hasHead = true;
    this.#hasBody = this.#method !== 'HEAD' && !BODILESS.has(status);
    this.#left = this.#hasBody ? length : null;
    this.#events.head(status, fields);
  }

  #takeBytes(bytes: Uint8Array): void {
    if (this.#left !== null) {
      this.#left -= bytes.length;
    }
    this.#underWay += bytes.length;
    if (!this.#hasHead || (this.#left ?? 0) < 0 || this.#underWay > BODY_WINDOW_BYTES) {
      this.fail({ why: 'invalid' });
    } else if (this.#hasBody) {
      this.#events.bytes(bytes);
    } else {
      // What no client would read is dropped here.
      this.taken(bytes.length);
    }
  }

  /** Nothing comes any more of what has not come yet. */
  fail(failure: ExchangeFailure): void {
    if (!this.#over) {
      this.#over = true;
      if (failure.why !== 'ended') {
        this.#say({ step: 'gone', id: this.id });
      }
      this.#events.failed(failure);
    }
  }
}

/** All exchanges of one agent; it has one at a time. */
export class Exchanges {
  readonly #say: (say: ToExchange) => void;
  readonly #open = new Map<number, OpenExchange>();
  #lastId = 0;

  /** `say` reaches the agent; nothing happens where that has ended. */
  constructor(say: (say: ToExchange) => void) {
    this.#say = say;
  }

  /** Hands a request to the agent. `isLast`: it ends when it has handled it. */
  open(head: RequestHead, isLast: boolean, events: ExchangeEvents): OpenExchange {
    this.#lastId += 1;
    const id = this.#lastId;
    const exchange = new OpenExchange(id, head.method, events, this.#say);
    this.#open.set(id, exchange);
    this.#say({ step: 'request', id, head, isLast });
    return exchange;
  }

  /** There will be no other request: the agent ends. */
  last(): void {
    this.#say({ step: 'last' });
  }

  take(say: FromExchange): void {
    const exchange = this.#open.get(say.id);
    if (say.step === 'done') {
      this.#open.delete(say.id);
    }
    exchange?.take(say);
  }

  /** The agent has ended. */
  closed(reason: string): void {
    for (const exchange of this.#open.values()) {
      exchange.fail({ why: 'ended', reason });
    }
    this.#open.clear();
  }
}
