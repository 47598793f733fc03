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

/** Headers that can be sent. What is wrong with a value is said without it: it may be a secret. */
function readHeaders(given: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    try {
      headers.set(name, value);
    } catch {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot anchor the audit chain with the header ${JSON.stringify(name)} as no request can have it: write a name and a value as HTTP has them.`,
        { header: name },
      );
    }
  }
  headers.set('content-type', 'text/plain; charset=utf-8');
  return headers;
}

/**
 * Posts each checkpoint as `text/plain; charset=utf-8`. It is kept when the server answers 200 to 299;
 * redirects are not followed.
 *
 * @throws {RingfenceError} `RF_USAGE` for what is no address of HTTP, or has a password in it, and for a header
 *   that can't be sent
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
  const sent = readHeaders(headers);
  return {
    // The whole address may hold a secret.
    name: target.origin,
    async put(note) {
      const response = await fetch(target, {
        method: 'POST',
        headers: sent,
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
