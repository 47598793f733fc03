/** A client in the program itself: a `Request` of the web's, answered by a `Response`. */

import { BODY_WINDOW_BYTES, type Field, type RequestHead } from '../http/exchange.ts';
import type { Client, Conversation } from './http-handling.ts';
import type { Problem } from './http-problems.ts';

/** Statuses whose responses have no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

function headOf(request: Request): RequestHead {
  const { protocol, host, pathname, search } = new URL(request.url);
  return {
    method: request.method,
    scheme: protocol === 'https:' ? 'https' : 'http',
    authority: host,
    pathWithQuery: `${pathname}${search}`,
    fields: [...request.headers],
    hasBody: request.body !== null,
  };
}

/** One request of the program's. */
class FetchClient implements Client {
  readonly response: Promise<Response>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #resolve: (response: Response) => void;
  conversation: Conversation | null = null;
  /** What was read of the request, and is too much for one piece. */
  #left: Uint8Array | null = null;
  #body: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** Who waits for the response's reader. */
  #taken: (() => void)[] = [];
  #hasHead = false;

  constructor(request: Request) {
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reader = request.body?.getReader() ?? null;
  }

  pull(): void {
    void this.#read().catch(() => this.conversation?.broken());
  }

  async #read(): Promise<void> {
    let bytes = this.#left;
    if (bytes === null) {
      const read = await this.#reader?.read();
      if (read?.value === undefined) {
        this.conversation?.end([]);
        return;
      }
      bytes = read.value;
    }
    this.#left = bytes.length > BODY_WINDOW_BYTES ? bytes.subarray(BODY_WINDOW_BYTES) : null;
    this.conversation?.bytes(bytes.slice(0, BODY_WINDOW_BYTES));
  }

  head(status: number, fields: readonly Field[]): void {
    this.#hasHead = true;
    const headers = new Headers(fields as [string, string][]);
    if (BODILESS.has(status)) {
      this.#resolve(new Response(null, { status, headers }));
      return;
    }
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => {
          for (const taken of this.#taken.splice(0)) {
            taken();
          }
        },
        cancel: () => {
          this.#body = null;
          this.conversation?.left();
        },
      },
      { highWaterMark: 1 },
    );
    this.#resolve(new Response(body, { status, headers }));
  }

  bytes(bytes: Uint8Array, taken: () => void): void {
    if (this.#body === null) {
      return;
    }
    this.#body.enqueue(bytes);
    if ((this.#body.desiredSize ?? 0) > 0) {
      taken();
    } else {
      this.#taken.push(taken);
    }
  }

  end(_trailers: readonly Field[]): void {
    this.#body?.close();
    this.#body = null;
    this.#stopReading();
  }

  failed({ status, sentence }: Problem): boolean {
    if (this.#hasHead) {
      this.#body?.error(new TypeError('The response was broken off.'));
      this.#body = null;
    } else {
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      this.#resolve(new Response(`${sentence}\n`, { status, headers }));
    }
    this.#stopReading();
    return !this.#hasHead;
  }

  #stopReading(): void {
    void this.#reader?.cancel().catch(() => {});
  }
}

/** Has a request handled; rejects with the reason of its `signal` where that is aborted first. */
export async function handleByFetch(
  request: Request,
  begin: (head: RequestHead, client: Client) => Conversation,
): Promise<Response> {
  request.signal.throwIfAborted();
  const client = new FetchClient(request);
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    client.conversation?.left();
    aborted.reject(request.signal.reason);
  };
  request.signal.addEventListener('abort', abort, { once: true });
  client.conversation = begin(headOf(request), client);
  return await Promise.race([client.response, aborted.promise]);
}
