/** An anchor behind an HTTP endpoint: a witness, or any server that keeps what it is sent. */

import type { Anchor } from './anchor.ts';

/** How long a server may take. */
const TIMEOUT_MS = 10_000;

/** How to reach the server. */
export interface HttpAnchorOptions {
  /** Sent with each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Posts each checkpoint as `text/plain; charset=utf-8`. It is kept when the server answers 200 to 299;
 * redirects are not followed.
 */
export function httpAnchor(url: string | URL, { headers = {} }: HttpAnchorOptions = {}): Anchor {
  const target = new URL(url);
  return {
    // The whole address may hold a secret.
    name: target.origin,
    async put(note) {
      const response = await fetch(target, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
        body: note,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (!response.ok) {
        throw new Error(`the server answered ${response.status}`);
      }
    },
  };
}
