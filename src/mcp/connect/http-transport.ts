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

/** Ends the answers that servers leave open although what was asked has been answered. */
class OpenAnswers {
  readonly #open = new Map<unknown, AbortController>();

  /** `fetch` for the transport. */
  readonly fetch = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const body = typeof init.body === 'string' ? init.body : '{}';
    this.end(cancelledBy(body));
    const id = idOf(body);
    if (id === undefined) {
      return boundedFetch(url, init);
    }
    const ended = new AbortController();
    this.#open.set(id, ended);
    const signals = init.signal ? [init.signal, ended.signal] : [ended.signal];
    let isOk = false;
    try {
      const response = await boundedFetch(url, { ...init, signal: AbortSignal.any(signals) });
      isOk = response.ok;
      return response;
    } finally {
      if (!isOk) {
        this.#open.delete(id);
      }
    }
  };

  /** A request is answered, or nobody waits for its answer. */
  end(id: unknown): void {
    this.#open.get(id)?.abort();
    this.#open.delete(id);
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
  const answers = new OpenAnswers();
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: answers.fetch,
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
            setImmediate(() => answers.end(message.id));
          }
        });
    },
  });
  return transport as Transport;
}
