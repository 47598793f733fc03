/** The SDK's transport to a server over HTTP: what it answers is bounded, and it leads nowhere else. */

import {
  type JSONRPCMessage,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { FloodGauge } from './flood.ts';
import { LINE_BYTES_MAX } from './incoming.ts';

/** Where a server is. */
export interface HttpAddress {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** What came was too large. */
export class TooLargeError extends Error {
  constructor() {
    super('its answer is too large');
    this.name = 'TooLargeError';
  }
}

/** Requests that a server has not answered; more are refused until it has, or they are given up. */
const ASKED_MAX = 128;
/** Messages that it has not even taken, such as that a request is cancelled; and how long it has for one. */
const TOLD_MAX = 128;
const TOLD_MS_MAX = 10_000;

/** As much is open to the server as may be. */
export class TooManyOpenError extends Error {
  constructor() {
    super('it has as many requests open as may be');
    this.name = 'TooManyOpenError';
  }
}

/** Hands bytes on, up to the most that an answer may have. */
function bounded(): TransformStream<Uint8Array, Uint8Array> {
  let left = LINE_BYTES_MAX;
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.length;
      if (left < 0) {
        controller.error(new TooLargeError());
      } else {
        controller.enqueue(chunk);
      }
    },
  });
}

/**
 * `fetch` for the transport. What a server may send by itself (the answer of a GET) is not asked for: nothing
 * of it is of use here, and it has no end.
 */
async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  if ((init?.method ?? 'GET') === 'GET') {
    return new Response(null, { status: 405 });
  }
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (response.body === null) {
    return response;
  }
  const { status, statusText, headers } = response;
  if (status >= 300 && status < 400) {
    await response.body.cancel();
    return new Response(null, { status: 502, statusText: 'redirected' });
  }
  return new Response(response.body.pipeThrough(bounded()), { status, statusText, headers });
}

/**
 * What is open to a server: as much as may be, and no answer that a server leaves open although what was asked has
 * been answered.
 */
class OpenRequests {
  readonly #asked = new Map<unknown, AbortController>();
  #told = 0;

  /** `fetch` for the transport. */
  readonly fetch = (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const body = typeof init.body === 'string' ? init.body : '{}';
    this.end(cancelledBy(body));
    const id = idOf(body);
    return id === undefined ? this.#tell(url, init) : this.#ask(id, url, init);
  };

  /** A request is answered, or nobody waits for its answer. */
  end(id: unknown): void {
    this.#asked.get(id)?.abort();
    this.#asked.delete(id);
  }

  async #ask(id: unknown, url: string | URL, init: RequestInit): Promise<Response> {
    if (this.#asked.size >= ASKED_MAX) {
      throw new TooManyOpenError();
    }
    const ended = new AbortController();
    this.#asked.set(id, ended);
    const { signal: given } = init;
    // Whoever gives a request up says so by this signal alone, in the newest revision.
    given?.addEventListener('abort', () => this.end(id), { once: true, signal: ended.signal });
    const signal = given ? AbortSignal.any([given, ended.signal]) : ended.signal;
    let isOk = false;
    try {
      const response = await boundedFetch(url, { ...init, signal });
      isOk = response.ok;
      return response;
    } finally {
      if (!isOk) {
        this.end(id);
      }
    }
  }

  /** Sends what has no answer: a notification, or an answer of ours. */
  async #tell(url: string | URL, init: RequestInit): Promise<Response> {
    if (this.#told >= TOLD_MAX) {
      throw new TooManyOpenError();
    }
    this.#told += 1;
    const late = AbortSignal.timeout(TOLD_MS_MAX);
    const signal = init.signal ? AbortSignal.any([init.signal, late]) : late;
    try {
      return await boundedFetch(url, { ...init, signal });
    } finally {
      this.#told -= 1;
    }
  }
}

/** What a request is called; undefined: a message that is none. */
function idOf(body: string): unknown {
  const { id, method } = JSON.parse(body) as { id?: unknown; method?: unknown };
  return method === undefined ? undefined : id;
}

/** The request that a message cancels; undefined: none. */
function cancelledBy(body: string): unknown {
  const { method, params } = JSON.parse(body) as {
    method?: unknown;
    params?: { requestId?: unknown };
  };
  return method === 'notifications/cancelled' ? params?.requestId : undefined;
}

type Listener = (message: JSONRPCMessage) => void;

/** A transport to a server over HTTP. */
export function httpTransport({ url, headers }: HttpAddress): Transport {
  const open = new OpenRequests();
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: open.fetch,
    requestInit: { headers: { ...headers } },
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
  });
  const gauge = new FloodGauge(() => performance.now());
  let isGivenUp = false;
  /** False: it is too much. */
  const isTaken = (message: JSONRPCMessage): boolean => {
    if (!isGivenUp && 'method' in message && !gauge.count()) {
      isGivenUp = true;
      void transport.close().catch(() => {});
    }
    return !isGivenUp;
  };
  // Each request of the server's would be answered by one of ours: a flood of them would come back as one.
  let listener: Listener | undefined;
  let last: JSONRPCMessage | undefined;
  Object.defineProperty(transport, 'onmessage', {
    get: () => listener,
    set(next: Listener | undefined) {
      listener =
        next &&
        ((message) => {
          // Who listens may hand it on to who listened before.
          if (message === last || isTaken(message)) {
            last = message;
            next(message);
          }
          if (!('method' in message)) {
            setImmediate(() => open.end(message.id));
          }
        });
    },
  });
  return transport as Transport;
}
