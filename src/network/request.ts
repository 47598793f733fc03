/** What a request is made of, read by the URL standard and checked before anything is done for it. */

import { canonicalHost } from '../capability/host.ts';
import type { NetworkTarget } from '../capability/network.ts';
import { areTooManyFields, type Field } from '../http/exchange.ts';
import { declaredLength } from '../http/length.ts';
import { HOST_FIELDS, isFieldName, isMethod, plainName } from '../http/syntax.ts';
import type { NetworkFailure, SendHead } from './exchange.ts';

/** What most servers take at least: nginx and Apache take 8 KiB of a request's first line. */
const URL_CHARACTERS_MAX = 16 * 1024;
/** No control character but the tab, and nothing that is more than a byte. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Methods that are answered by what was sent, secrets included, or that make a connection another one. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Fields that are the client's to write: beside those that all hosts write, what undici does by itself. */
const FORBIDDEN_FIELDS: ReadonlySet<string> = new Set([...HOST_FIELDS, 'expect', 'trailer']);

/**
 * Fields by which a server that heeds them makes another request of the one that was checked: of another
 * method, another path, or another host. Frameworks do so that were written to be behind a proxy.
 */
const OVERRIDING_FIELDS: ReadonlySet<string> = new Set([
  'forwarded',
  'x-envoy-original-dst-host',
  'x-envoy-original-path',
  'x-forwarded-host',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-uri',
  'x-host',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-uri',
  'x-rewrite-url',
]);

/**
 * Fields that name something else on the server, to be written to or read from: WebDAV's (RFC 4918, sections
 * 9.8 and 9.9), and those by which stores of objects copy.
 */
const OTHER_PATH_FIELDS: ReadonlySet<string> = new Set([
  'destination',
  'x-amz-copy-source',
  'x-amz-rename-source',
  'x-cos-copy-source',
  'x-goog-copy-source',
  'x-ms-copy-source',
  'x-ms-rename-source',
  'x-oss-copy-source',
]);

/** Whether a field is not the agent's to write. */
function isForbiddenField(name: string): boolean {
  const plain = plainName(name);
  return (
    FORBIDDEN_FIELDS.has(plain) ||
    OVERRIDING_FIELDS.has(plain) ||
    // Its length is said once, where everybody looks.
    (plain === 'content-length' && name.includes('_'))
  );
}

/** What goes to one server only: not on where a redirect leads to another. */
const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set(['authorization', 'cookie']);
/** What says something of a body that is no longer sent. */
const BODY_FIELD = /^content-|^last-modified$/;

/** A request that can be sent, if a grant reaches its target. */
export interface ReadRequest {
  readonly method: string;
  readonly url: URL;
  readonly target: NetworkTarget;
  readonly fields: readonly Field[];
}

type Read = { readonly request: ReadRequest } | { readonly failure: NetworkFailure };

const fail = (failure: NetworkFailure): Read => ({ failure });

/** What is wrong with fields; null: nothing. */
function whyNoFields(fields: readonly Field[]): NetworkFailure | null {
  if (areTooManyFields(fields)) {
    return { tag: 'HTTP-request-header-section-size', val: undefined };
  }
  const isRight = fields.every(
    ([name, value]) => isFieldName(name) && FIELD_VALUE.test(value) && !isForbiddenField(name),
  );
  return isRight ? null : { tag: 'HTTP-request-denied' };
}

/** The URL of a scheme, an authority and a path; null: it is none, or names a user. */
function urlOf(scheme: string, authority: string, pathWithQuery: string): URL | null {
  const [, name = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?$/.exec(authority) ?? [];
  const host = canonicalHost(name);
  const path =
    pathWithQuery === '' || pathWithQuery.startsWith('?') ? `/${pathWithQuery}` : pathWithQuery;
  if (host === null || !path.startsWith('/') || path.length > URL_CHARACTERS_MAX) {
    return null;
  }
  const port = digits === undefined || digits === '' ? '' : `:${digits}`;
  const url = URL.parse(`${scheme}://${host}${port}${path}`);
  return url === null || url.port === '0' || url.hash !== '' ? null : url;
}

/**
 * What a grant is asked about. A request that names another path in a field may reach any: only a grant of
 * the whole host reaches it.
 */
function targetOf(method: string, url: URL, fields: readonly Field[]): NetworkTarget {
  const namesAnother = fields.some(([name]) => OTHER_PATH_FIELDS.has(plainName(name)));
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    // Of a URL that `urlOf` or a redirect has made: it has a host.
    host: canonicalHost(url.hostname) ?? '',
    port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
    method,
    path: namesAnother ? '/' : url.pathname,
    listen: false,
  };
}

/** Reads what is to be sent. */
export function readRequest(head: SendHead): Read {
  const { method, fields } = head;
  if (!isMethod(method)) {
    return fail({ tag: 'HTTP-request-method-invalid' });
  }
  if (FORBIDDEN_METHODS.has(method.toUpperCase())) {
    return fail({ tag: 'HTTP-request-denied' });
  }
  const url = urlOf(head.scheme, head.authority, head.pathWithQuery);
  if (url === null || (head.scheme !== 'http' && head.scheme !== 'https')) {
    return fail({ tag: 'HTTP-request-URI-invalid' });
  }
  const wrong = whyNoFields(fields);
  if (wrong !== null) {
    return fail(wrong);
  }
  const declared = declaredLength(fields);
  if (declared === undefined || (!head.hasBody && declared !== null && declared > 0)) {
    return fail({ tag: 'HTTP-request-body-size', val: undefined });
  }
  return { request: { method, url, target: targetOf(method, url, fields), fields } };
}

/** Statuses that lead elsewhere (RFC 9110, section 15.4), if they say where. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a response leads, as the next request; null: nowhere. */
export type Redirect =
  | { readonly request: ReadRequest; readonly keepsBody: boolean }
  | { readonly failure: NetworkFailure; readonly denied: boolean };

/** The request that a redirect asks for. It keeps no credentials where it leads to another server. */
export function redirected(
  from: ReadRequest,
  status: number,
  fields: readonly Field[],
): Redirect | null {
  const location = fields.find(([name]) => name.toLowerCase() === 'location')?.[1];
  if (!REDIRECTS.has(status) || location === undefined) {
    return null;
  }
  const denied = (tag: 'HTTP-request-denied'): Redirect => ({ failure: { tag }, denied: true });
  const url = location.length > URL_CHARACTERS_MAX ? null : URL.parse(location, from.url);
  if (url === null) {
    return { failure: { tag: 'HTTP-protocol-error' }, denied: false };
  }
  const isDowngrade = from.url.protocol === 'https:' && url.protocol !== 'https:';
  if (isDowngrade || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') {
    return denied('HTTP-request-denied');
  }
  if (canonicalHost(url.hostname) === null || url.port === '0') {
    return { failure: { tag: 'HTTP-protocol-error' }, denied: false };
  }
  url.hash = '';
  // As browsers do: what was posted is fetched from where 301 and 302 lead.
  const becomesGet =
    (status === 303 && from.method !== 'HEAD') ||
    ((status === 301 || status === 302) && from.method === 'POST');
  const method = becomesGet ? 'GET' : from.method;
  const isElsewhere = url.origin !== from.url.origin;
  const kept = from.fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return (
      !(isElsewhere && CREDENTIAL_FIELDS.has(lower)) && !(becomesGet && BODY_FIELD.test(lower))
    );
  });
  return {
    keepsBody: !becomesGet,
    request: {
      method,
      url,
      target: targetOf(method, url, kept),
      fields: kept,
    },
  };
}
