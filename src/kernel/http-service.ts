/** Serves a module that handles HTTP requests: which instance gets which request, and for how long. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { areTooManyFields, type RequestHead } from '../http/exchange.ts';
import type { RequestTelemetry } from '../opentelemetry/telemetry.ts';
import type { Process } from '../supervisor/process.ts';
import { type Client, type Conversation, Handling } from './http-handling.ts';
import { NodeClient } from './http-node.ts';
import {
  BUSY,
  CLOSING,
  FIELDS_TOO_LARGE,
  NOT_STARTED,
  type Problem,
  REQUEST_TOO_LARGE,
} from './http-problems.ts';
import { handleByFetch } from './http-web.ts';
import { PacedWarnings } from './paced-warnings.ts';
import type { ServeSettings } from './serve-options.ts';

/** What serving needs of the kernel. */
export interface ServiceParts {
  /** Spawns an instance; at once where it can. */
  spawn(): Process | Promise<Process>;
  kill(pid: number, message: string): void;
  warn(text: string): void;
  /** A request comes in; answers who traces it, null: nobody does. */
  request(head: RequestHead): RequestTelemetry | null;
  /** A request is over, with this status; null: there was no response. */
  over(status: number | null): void;
  /** The service is closed: nothing of it is there any more. */
  closed(): void;
}

/** What becomes of requests; made by {@link Kernel.serve}. */
export class HttpService implements AsyncDisposable {
  readonly #settings: ServeSettings;
  readonly #parts: ServiceParts;
  readonly #open = new Map<Handling, RequestTelemetry | null>();
  readonly #idle: Process[] = [];
  readonly #warnings: PacedWarnings;
  #closing = false;
  #drained: PromiseWithResolvers<void> | null = null;

  constructor(settings: ServeSettings, parts: ServiceParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#warnings = new PacedWarnings((text) => parts.warn(text));
  }

  /** Requests that are being handled. */
  get active(): number {
    return this.#open.size;
  }

  /** Instances that are kept and have nothing to do. */
  get idle(): number {
    return this.#idle.length;
  }

  /**
   * Handles a request, and resolves with the response when its head is there: the module's, or one of
   * 4xx or 5xx with a sentence that says what is wrong. Never rejects, but where the request's `signal` was
   * aborted.
   *
   * @example
   * ```ts
   * const response = await service.handle(new Request('http://localhost/hello'));
   * ```
   */
  handle(request: Request): Promise<Response> {
    return handleByFetch(request, (head, client) => this.begin(head, client));
  }

  /** Handles a request of Node's: `createServer(service.listener)`. */
  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    new NodeClient(request, response).begin((head, client) => this.begin(head, client));
  };

  /** Begins to handle a request. The client hears of it in any case, in the end. */
  begin(head: RequestHead, client: Client): Conversation {
    const handling = new Handling(head, client, this.#settings, {
      over: () => this.#over(handling),
      kill: (pid, message) => this.#parts.kill(pid, message),
      free: (process) => this.#free(process),
    });
    const problem = this.#refusal(head);
    const traced = this.#parts.request(head);
    this.#open.set(handling, traced);
    if (problem !== null) {
      handling.refuse(problem);
      return handling;
    }
    if (traced === null) {
      this.#start(handling);
    } else {
      traced.run(() => this.#start(handling));
    }
    return handling;
  }

  #refusal({ fields }: RequestHead): Problem | null {
    if (this.#closing) {
      return CLOSING;
    }
    if (this.#open.size >= this.#settings.maxConcurrent) {
      return BUSY;
    }
    if (areTooManyFields(fields)) {
      return FIELDS_TOO_LARGE;
    }
    const length = fields.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
    return Number(length ?? 0) > this.#settings.maxRequestBytes ? REQUEST_TOO_LARGE : null;
  }

  #start(handling: Handling): void {
    const isLast = this.#settings.keepWarm === 0;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.state !== 'exited') {
        handling.start(idle, isLast);
        return;
      }
    }
    try {
      const spawned = this.#parts.spawn();
      if (spawned instanceof Promise) {
        spawned.then(
          (process) => handling.start(process, isLast),
          (error: unknown) => this.#notStarted(handling, error),
        );
      } else {
        handling.start(spawned, isLast);
      }
    } catch (error) {
      this.#notStarted(handling, error);
    }
  }

  #notStarted(handling: Handling, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#warnings.tell(`a request could not be handled: ${text}`);
    handling.refuse(NOT_STARTED);
  }

  #free(process: Process): void {
    if (process.state === 'exited' || this.#settings.keepWarm === 0) {
      return;
    }
    const isWorn = process.isNearLimit;
    if (this.#closing || isWorn || this.#idle.length >= this.#settings.keepWarm) {
      process.exchanges.last();
    } else {
      this.#idle.push(process);
    }
  }

  #over(handling: Handling): void {
    const traced = this.#open.get(handling);
    this.#open.delete(handling);
    if (this.#open.size === 0) {
      this.#drained?.resolve();
    }
    const served = handling.served();
    this.#parts.over(served.status);
    if (served.pid !== null) {
      traced?.handledBy(served.pid);
    }
    traced?.ended(served.status);
    try {
      this.#settings.onRequest?.(served);
    } catch (error) {
      this.#warnings.tell(
        `onRequest failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /**
   * Takes no more requests, and waits for those that are being handled; who is not through when the time
   * has passed is ended.
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs = 0 } = options;
    this.#closing = true;
    for (const process of this.#idle.splice(0)) {
      process.exchanges.last();
    }
    if (this.#open.size > 0) {
      this.#drained = Promise.withResolvers();
      const timer = setTimeout(() => {
        for (const handling of [...this.#open.keys()]) {
          handling.abandon(CLOSING);
        }
      }, drainMs);
      await this.#drained.promise;
      clearTimeout(timer);
    }
    this.#warnings.end();
    this.#parts.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
