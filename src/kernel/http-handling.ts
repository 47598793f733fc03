/** One HTTP request that is served: from its head until its client has all that it will get. */

import { areTooManyFields, type Field, type RequestHead } from '../http/exchange.ts';
import type { ExchangeFailure, OpenExchange } from '../http/open-exchange.ts';
import type { Process } from '../supervisor/process.ts';
import {
  CLIENT_LEFT,
  FIELDS_TOO_LARGE,
  type Problem,
  problemOf,
  REQUEST_TOO_LARGE,
  RESPONSE_TOO_LARGE,
  TIMED_OUT,
} from './http-problems.ts';
import type { ServedRequest, ServeSettings } from './serve-options.ts';

/** How long an instance that is kept has for coming to an end, when its client has left. */
const LEFT_GRACE_MS = 1_000;

/** Who has sent a request, and takes the response. */
export interface Client {
  /** The next piece of the request's body is wanted. */
  pull(): void;
  head(status: number, fields: readonly Field[]): void;
  /** `taken` is called once, when there is room for more. */
  bytes(bytes: Uint8Array, taken: () => void): void;
  end(trailers: readonly Field[]): void;
  /** There is no response, or no whole one. Answers whether it was told so, by a status. */
  failed(problem: Problem): boolean;
}

/** What a client says of its request. */
export interface Conversation {
  /** After `pull`: a piece of the body, at most 64 KiB. */
  bytes(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  /** The body will not be whole. */
  broken(): void;
  /** It does not wait for the response any more. */
  left(): void;
}

/** What a request that is being handled needs of its service. */
export interface HandlingParts {
  /** The client has all that it will get. */
  over(): void;
  kill(pid: number, message: string): void;
  /** An instance has handled its request, and can be given another. */
  free(process: Process): void;
}

/** One request. */
export class Handling implements Conversation {
  readonly #head: RequestHead;
  readonly #client: Client;
  readonly #settings: ServeSettings;
  readonly #parts: HandlingParts;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #process: Process | null = null;
  #exchange: OpenExchange | null = null;
  #grace: NodeJS.Timeout | null = null;
  #status: number | null = null;
  #problem: string | null = null;
  #received = 0;
  #sent = 0;
  #over = false;

  constructor(head: RequestHead, client: Client, settings: ServeSettings, parts: HandlingParts) {
    this.#head = head;
    this.#client = client;
    this.#settings = settings;
    this.#parts = parts;
    this.#timer = setTimeout(() => this.abandon(TIMED_OUT), settings.timeoutMs);
  }

  /** Hands it to an instance. */
  start(process: Process, isLast: boolean): void {
    this.#process = process;
    if (this.#over) {
      this.#parts.kill(process.pid, CLIENT_LEFT);
      return;
    }
    this.#exchange = process.exchanges.open(this.#head, isLast, {
      pull: () => this.#client.pull(),
      head: (status, fields) => {
        this.#status = status;
        this.#client.head(status, fields);
      },
      bytes: (bytes) => this.#respond(bytes),
      end: (trailers) => {
        this.#client.end(trailers);
        this.#finish(null);
      },
      failed: (failure) => this.#failed(failure),
      done: () => this.#done(process),
    });
  }

  /** What is told of it when it is over. */
  served(): ServedRequest {
    return {
      method: this.#head.method,
      path: this.#head.pathWithQuery,
      status: this.#status,
      bytes: this.#sent,
      durationMs: performance.now() - this.#startedAtMs,
      pid: this.#process?.pid ?? null,
      problem: this.#problem,
    };
  }

  /** It has no response, or none any more. */
  refuse(problem: Problem): void {
    if (!this.#over) {
      if (this.#client.failed(problem)) {
        this.#status = problem.status;
        this.#sent = 0;
      }
      this.#finish(problem.words);
    }
  }

  /** The same; whoever handles it is ended. */
  abandon(problem: Problem): void {
    this.refuse(problem);
    this.#end(problem.words);
  }

  #end(words: string): void {
    this.#exchange?.gone();
    if (this.#process !== null && this.#process.state !== 'exited') {
      this.#parts.kill(this.#process.pid, words);
    }
  }

  #finish(problem: string | null): void {
    if (!this.#over) {
      this.#over = true;
      this.#problem = problem;
      clearTimeout(this.#timer);
      this.#parts.over();
    }
  }

  // ── what the client says ────────────────────────────────────────────────────────────────────────

  bytes(bytes: Uint8Array): void {
    this.#received += bytes.length;
    if (this.#received > this.#settings.maxRequestBytes) {
      this.#tooLarge(REQUEST_TOO_LARGE);
    } else {
      this.#exchange?.bytes(bytes);
    }
  }

  end(trailers: readonly Field[]): void {
    if (areTooManyFields(trailers)) {
      this.#tooLarge(FIELDS_TOO_LARGE);
    } else {
      this.#exchange?.end(trailers);
    }
  }

  #tooLarge(problem: Problem): void {
    if (!this.#over) {
      this.refuse(problem);
      this.#letGo(problem.words);
    }
  }

  broken(): void {
    this.#exchange?.broken();
  }

  left(): void {
    if (this.#over) {
      return;
    }
    this.#finish(CLIENT_LEFT);
    this.#letGo(CLIENT_LEFT);
  }

  /** The instance has nobody to answer, for what the client has done. */
  #letGo(words: string): void {
    if (this.#settings.keepWarm === 0) {
      this.#end(words);
    } else {
      // Ended at once it would be lost to the next request, whenever a client likes.
      this.#exchange?.gone();
      this.#grace = setTimeout(() => this.#end(words), LEFT_GRACE_MS).unref();
    }
  }

  // ── what the module answers ─────────────────────────────────────────────────────────────────────

  #respond(bytes: Uint8Array): void {
    if (this.#sent + bytes.length > this.#settings.maxResponseBytes) {
      this.abandon(RESPONSE_TOO_LARGE);
      return;
    }
    this.#sent += bytes.length;
    this.#client.bytes(bytes, () => this.#exchange?.taken(bytes.length));
  }

  #failed(failure: ExchangeFailure): void {
    this.refuse(problemOf(failure));
    if (failure.why === 'invalid') {
      this.#end('it answered with what is no response');
    }
  }

  #done(process: Process): void {
    if (this.#grace !== null) {
      clearTimeout(this.#grace);
      this.#grace = null;
    }
    this.#parts.free(process);
  }
}
