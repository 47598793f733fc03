/** `--audit-anchor`: where checkpoints are kept outside, and the token of an endpoint that wants one. */

import type { Option } from 'commander';
import { type Anchor, fileAnchor, gitAnchor, httpAnchor } from '../index.ts';
import { collect, option, usage } from './option.ts';
import { quoted } from './printable.ts';

/** A place that was named: an anchor, or an address, which may be sent a token. */
export type AnchorPlace = Anchor | URL;

/** Characters of a token: a header's value has some KiB at most, whoever serves it. */
const TOKEN_CHARACTERS_MAX = 4096;

/** What may stand behind `Bearer` (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Reads where checkpoints are kept outside.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
function readAnchor(value: string): AnchorPlace {
  const [, kind, where = ''] = /^(file|git|git\+push):(.+)$/s.exec(value) ?? [];
  switch (kind) {
    case 'file':
      return fileAnchor(where);
    case 'git':
      return gitAnchor(where);
    case 'git+push':
      return gitAnchor(where, { push: true });
    case undefined:
  }
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw usage(
      `Cannot use --audit-anchor ${quoted(value)}: write file:PATH, git:REPOSITORY, git+push:REPOSITORY or an address of https.`,
    );
  }
  // What is wrong with an address is said now, and not when it is first used.
  httpAnchor(url);
  return url;
}

/** The options. */
export function anchorOptions(group: string): Option[] {
  return [
    option(
      '--audit-anchor',
      ' WHERE',
      'keep its head outside: file:PATH, git:REPOSITORY, git+push:REPOSITORY or an address of https (repeatable)',
      group,
    ).argParser(collect(readAnchor)),
    option(
      '--audit-anchor-token-env',
      ' NAME',
      'the token that is sent to that address, from an environment variable',
      group,
    ),
  ];
}

/** The name of the variable is not told: who has mistaken the option has written the token there. */
const refusal = (why: string) => usage(`Cannot use --audit-anchor-token-env: ${why}.`);

/** Whether what is sent to an address is read by nobody on the way. */
const isUnread = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

/** Why the token goes to none of these places; null: it goes to the one address among them. */
function whyNotSent(addresses: readonly URL[]): string | null {
  const [address] = addresses;
  if (address === undefined) {
    return 'there is no address that it is sent to; name one by --audit-anchor';
  }
  if (addresses.length > 1) {
    return 'there are several addresses, and a token is for one; name one, or use the library (httpAnchor)';
  }
  return isUnread(address) ? null : 'others could read it on its way; write an address of https';
}

/** A token that can be sent; what is wrong with one says nothing of it. */
function readToken(name: string, variables: Readonly<Record<string, string | undefined>>): string {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (value === undefined || value === '') {
    throw refusal('no such variable is set; write the name of one, never the token itself');
  }
  if (value.length > TOKEN_CHARACTERS_MAX || !TOKEN.test(value)) {
    throw refusal(
      `what the variable holds is no bearer token: at most ${TOKEN_CHARACTERS_MAX} of the characters of base64 and - . _ ~`,
    );
  }
  return value;
}

/**
 * The anchors at the places that were named.
 *
 * @param tokenVariable the variable that has the token; undefined: none is sent
 * @throws {RingfenceError} `RF_USAGE`; its message holds no token
 */
export function anchorsAt(
  places: readonly AnchorPlace[],
  tokenVariable: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Anchor[] {
  let headers: Record<string, string> = {};
  if (tokenVariable !== undefined) {
    const why = whyNotSent(places.filter((place) => place instanceof URL));
    if (why !== null) {
      throw refusal(why);
    }
    headers = { authorization: `Bearer ${readToken(tokenVariable, variables)}` };
  }
  return places.map((place) => (place instanceof URL ? httpAnchor(place, { headers }) : place));
}
