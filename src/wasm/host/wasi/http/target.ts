/** What a guest's request is for: as it is sent, and as grants are asked about it. */

import { canonicalHost } from '../../../../capability/host.ts';
import type { NetworkTarget } from '../../../../capability/network.ts';
import type { Method, Scheme } from '../../generated/wasi-http-types.ts';

/** The parts of a request that say what it is for. */
export interface Addressed {
  readonly method: Method;
  readonly scheme: Scheme | undefined;
  readonly authority: string | undefined;
  readonly pathWithQuery: string | undefined;
}

/** The line of a request. */
export interface RequestLine {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly pathWithQuery: string;
}

const PORTS = { http: 80, https: 443 } as const;

/** The line of a request; null: it names no host, or a scheme that is not HTTP's. */
export function lineOf({
  method,
  scheme,
  authority,
  pathWithQuery,
}: Addressed): RequestLine | null {
  if (authority === undefined || authority === '' || scheme?.tag === 'other') {
    return null;
  }
  const path = pathWithQuery ?? '';
  return {
    method: method.tag === 'other' ? method.val : method.tag.toUpperCase(),
    // As wasmtime has it: a request that names no scheme is a safe one.
    scheme: scheme?.tag === 'HTTP' ? 'http' : 'https',
    authority,
    pathWithQuery: path === '' || path.startsWith('?') ? `/${path}` : path,
  };
}

/** What grants are asked about a line; null: it leads nowhere. */
export function targetOf({
  method,
  scheme,
  authority,
  pathWithQuery,
}: RequestLine): NetworkTarget | null {
  const path = pathWithQuery === '*' ? '/' : pathWithQuery;
  const url = URL.parse(`${scheme}://${authority}${path}`);
  const host = url === null ? null : canonicalHost(url.hostname);
  if (url === null || host === null) {
    return null;
  }
  const port = url.port === '' ? PORTS[scheme] : Number(url.port);
  return { scheme, host, port, method, path: url.pathname, listen: false };
}
