/** The syntax of what a request is made of, checked where a guest hands it over (RFC 9110, RFC 3986). */

import { HOST_FIELDS } from '../../../../http/syntax.ts';

/** Characters of a request's scheme, authority, and path with query. */
export const SCHEME_LENGTH_MAX = 64;
export const AUTHORITY_LENGTH_MAX = 512;
export const PATH_LENGTH_MAX = 8192;

/** RFC 3986, section 3.1. */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;

/** A registered name or an IPv4 address, or an IPv6 address in brackets; then a port, if any. */
const AUTHORITY =
  /^(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{0,5}))?$/;

/**
 * An absolute path with a query, a query alone, or `*`. More than RFC 3986 has, as guests send JSON
 * unescaped; but nothing that a parser of URLs would give another meaning: no fragment, no backslash,
 * no white space, no control character.
 */
const PATH_WITH_QUERY = /^(?:\*|(?:[/?](?:[!"$&-;=?-[\]-~]|%[0-9A-Fa-f]{2})*)?)$/;

const PORT_MAX = 65_535;

const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(HOST_FIELDS);

/** Whether a header's name, in lower case, is one that guests can't set. */
export function isForbiddenFieldName(lowerCaseName: string): boolean {
  return FORBIDDEN_NAMES.has(lowerCaseName);
}

/** Whether a header's value has no control characters, other than tabs. */
export function isFieldValue(value: Uint8Array): boolean {
  return value.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09);
}

export function isScheme(scheme: string): boolean {
  return scheme.length <= SCHEME_LENGTH_MAX && SCHEME.test(scheme);
}

/** Whether it names a host and nothing else: `user@host` is refused, as RFC 9110 4.2.4 wants. */
export function isAuthority(authority: string): boolean {
  if (authority.length > AUTHORITY_LENGTH_MAX) {
    return false;
  }
  const match = AUTHORITY.exec(authority);
  return match !== null && Number(match[1] ?? 0) <= PORT_MAX;
}

export function isPathWithQuery(path: string): boolean {
  return path.length <= PATH_LENGTH_MAX && PATH_WITH_QUERY.test(path);
}
