/** An anchor behind an HTTP endpoint: a witness, or any server that keeps what it is sent. */

import { RingfenceError } from '../../errors.ts';
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
 *
 * @throws {RingfenceError} `RF_USAGE` for what is no address of HTTP, or has a password in it
 */
export function httpAnchor(url: string | URL, { headers = {} }: HttpAnchorOptions = {}): Anchor {
  const target = URL.parse(String(url));
  if (target === null || !/^https?:$/.test(target.protocol) || target.username + target.password) {
    // It is not shown: a password may be in it.
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot anchor the audit chain at this address: write http or https, and put a name and password into the header authorization.',
    );
  }
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
