/** The SDK's transport to a server over HTTP: what it answers is bounded, and it leads nowhere else. */

import { StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
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

/** A transport to a server over HTTP. */
export function httpTransport({ url, headers }: HttpAddress): Transport {
  return new StreamableHTTPClientTransport(url, {
    fetch: boundedFetch,
    requestInit: { headers: { ...headers } },
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
  }) as Transport;
}
