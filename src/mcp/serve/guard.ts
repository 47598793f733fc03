/** Who may talk to an MCP server over HTTP: looked at before anything of a request is read. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { validateHostHeader } from '@modelcontextprotocol/server';

/** Where requests are answered. */
export const MCP_PATH = '/mcp';

/** Why a request is not answered, for the client. */
export interface Refusal {
  readonly status: 401 | 403 | 404 | 503;
  readonly message: string;
}

/** What is asked of a request. */
export interface Guarding {
  /** Names that a client may have reached the server by, without port; `[::1]` in brackets. */
  readonly hosts: readonly string[];
  /** Web pages that may talk to it, such as `https://example.org`. */
  readonly origins: readonly string[];
  /** What stands behind `Bearer`; null: nothing has to. */
  readonly token: string | null;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compared by digests, so that how long it takes tells nothing. */
function hasToken(header: string | undefined, token: string): boolean {
  const [, given] = /^bearer +(\S+) *$/i.exec(header ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/**
 * Why a request is refused; null: it may be answered. A web page that had its own name resolve to this
 * machine (DNS rebinding) comes with that name as Host, and every page with its Origin.
 */
export function refusalOf(
  { url, headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  { hosts, origins, token }: Guarding,
): Refusal | null {
  if (!validateHostHeader(headers.host, [...hosts]).ok) {
    return { status: 403, message: 'The Host of the request is none of this server.' };
  }
  if (headers.origin !== undefined && !origins.includes(headers.origin)) {
    return { status: 403, message: 'Web pages of this Origin may not talk to this server.' };
  }
  if (token !== null && !hasToken(headers.authorization, token)) {
    return { status: 401, message: 'The request has not the token of this server.' };
  }
  if (url?.replace(/\?.*$/, '') !== MCP_PATH) {
    return { status: 404, message: `There is nothing here: the server answers at ${MCP_PATH}.` };
  }
  return null;
}
