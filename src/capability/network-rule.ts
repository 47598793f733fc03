/** Reads rules of the network: a text such as `https://api.example.org/v1 GET`, or an object. */

import { addressClass } from './address.ts';
import {
  ADDRESS_CLASSES,
  type AddressClass,
  NETWORK_SCHEMES,
  type NetworkRule,
  type NetworkScheme,
  type ReachableClass,
} from './grant.ts';
import { ANY_HOST, addressOfHost, canonicalHost, isLocalName } from './host.ts';
import { isUnderPath } from './network-path.ts';
import { DEFAULT_PORTS, usualClass, usualSchemes } from './network-words.ts';

/** A rule as it is written as an object. */
export interface NetworkRuleInput {
  readonly host: string;
  readonly ports?: readonly number[] | undefined;
  readonly schemes?: readonly NetworkScheme[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly path?: string | undefined;
  readonly addresses?: readonly AddressClass[] | undefined;
  readonly listen?: boolean | undefined;
  /** Secrets, by their names, that the host adds to each request as a header. */
  readonly secrets?: readonly { readonly name: string; readonly header: string }[] | undefined;
}

/** A rule that was read, or what is wrong with what was written. */
export type ReadRule =
  | { readonly rule: NetworkRule }
  | { readonly problem: string; readonly field?: keyof NetworkRuleInput };

/** Characters of a path prefix. */
export const PATH_CHARACTERS_MAX = 1_024;
/** RFC 9110's token, in upper case: methods are compared as they are written. */
const METHOD = /^[A-Z][A-Z0-9_-]{0,31}$/;

/** The name of a secret, and the header that it is. */
const SECRET_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const SECRET_HEADER = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** What is wrong with the secrets of a rule; null: nothing. */
function whyNoSecrets(
  { secrets = [] }: NetworkRuleInput,
  host: string,
  schemes: readonly NetworkScheme[],
): string | null {
  if (secrets.length === 0) {
    return null;
  }
  if (!secrets.every(({ name, header }) => SECRET_NAME.test(name) && SECRET_HEADER.test(header))) {
    return 'a secret has a name of letters, digits, _ . -, and a header in lower case';
  }
  const isHere = isLocalName(host) || addressClass(addressOfHost(host) ?? '') === 'loopback';
  const isSafe = schemes.every((scheme) => scheme === 'https' || (scheme === 'http' && isHere));
  return host === ANY_HOST || !isSafe
    ? 'a secret is for a named host and https, or for this machine: write https://HOST'
    : null;
}

const WRITE_A_HOST =
  'write HOST or HOST:PORT, such as example.org:443, *.example.org or https://example.org/v1';

/** A name of a host as people register it: what else the URL standard lets through is no host. */
const HOST_NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;

function hostOf(text: string): { host: string } | { problem: string } {
  if (text === ANY_HOST) {
    return { host: ANY_HOST };
  }
  const name = text.startsWith('*.') ? text.slice(2) : text;
  const host = canonicalHost(name);
  if (host === null || name.endsWith('.')) {
    return { problem: WRITE_A_HOST };
  }
  const address = addressOfHost(host);
  if (name !== text) {
    return address === null && HOST_NAME.test(host)
      ? { host: `*.${host}` }
      : { problem: 'write a name of a host after *., such as *.example.org' };
  }
  if (address === null) {
    return HOST_NAME.test(host) ? { host } : { problem: WRITE_A_HOST };
  }
  // Forms of an address that are read differently by others are no way to say what is granted.
  return !name.startsWith('[') && name !== address
    ? { problem: `it would be the address ${address}: write it as that` }
    : { host };
}

/** The classes of addresses of a rule, with what was written of them. */
function addressesOf(
  host: string,
  listen: boolean,
  written: readonly AddressClass[] | undefined,
): { addresses: ReadonlySet<ReachableClass> } | { problem: string } {
  const address = addressOfHost(host);
  if (address === null && !isLocalName(host)) {
    return { addresses: new Set(written ?? [usualClass(listen)]) };
  }
  const own: ReachableClass | null =
    address === null
      ? 'loopback'
      : listen && (address === '0.0.0.0' || address === '::')
        ? 'unspecified'
        : addressClass(address);
  if (own === null) {
    return { problem: `${host} is no address of a host: nobody is reached there` };
  }
  return written !== undefined && !(written as readonly ReachableClass[]).includes(own)
    ? { problem: `${host} is ${own}: leave addresses out` }
    : { addresses: new Set([own]) };
}

/** Reads a rule that was written as an object of the right types. */
function ruleOfObject(given: NetworkRuleInput): ReadRule {
  const { path = '/', listen = false } = given;
  const read = hostOf(given.host);
  if ('problem' in read) {
    return { problem: read.problem, field: 'host' };
  }
  const { host } = read;
  const hasSecrets = given.secrets !== undefined && given.secrets.length > 0;
  const isOfRequests = given.methods !== undefined || path !== '/' || hasSecrets;
  const usual = usualSchemes(listen, isOfRequests);
  const schemes = given.schemes ?? usual;
  if (schemes.some((scheme) => !usual.includes(scheme))) {
    return listen
      ? { problem: 'listening is of tcp and udp', field: 'schemes' }
      : { problem: 'methods and a path are of http and https only', field: 'schemes' };
  }
  if (listen && isOfRequests) {
    return { problem: 'what is listened at has no methods and no path', field: 'listen' };
  }
  if (listen && host !== ANY_HOST && host !== 'localhost' && addressOfHost(host) === null) {
    return { problem: 'listening is at an address of this machine, or localhost', field: 'host' };
  }
  const noSecrets = whyNoSecrets(given, host, schemes);
  if (noSecrets !== null) {
    return { problem: noSecrets, field: 'secrets' };
  }
  const wrong = given.methods?.find((method) => !METHOD.test(method));
  if (wrong !== undefined) {
    return { problem: 'write methods in upper case, such as GET', field: 'methods' };
  }
  const url = URL.parse(`http://a${path}`);
  if (!path.startsWith('/') || url?.pathname !== path || !isUnderPath(path, path)) {
    return {
      problem: 'write an absolute path without . and .., as it stands in a URL',
      field: 'path',
    };
  }
  const allowed = addressesOf(host, listen, given.addresses);
  if ('problem' in allowed) {
    return { problem: allowed.problem, field: 'addresses' };
  }
  return {
    rule: {
      host,
      ports: given.ports === undefined ? 'all' : new Set(given.ports),
      schemes: new Set(schemes),
      methods: given.methods === undefined ? 'all' : new Set(given.methods),
      path,
      addresses: allowed.addresses,
      secrets: new Set(given.secrets?.map(({ name, header }) => `${name}:${header}`)),
      listen,
    },
  };
}

/** The rule of `*`: each public host. */
export const anyPublicHost = (): NetworkRule => ({
  host: ANY_HOST,
  ports: 'all',
  schemes: new Set(NETWORK_SCHEMES),
  methods: 'all',
  path: '/',
  addresses: new Set(['public']),
  secrets: new Set(),
  listen: false,
});

/** `scheme://`, a host (an IPv6 address in brackets), `:port` and a path. */
const TARGET = /^(?:(https?|tcp|udp):\/\/)?(\[[^\]/]*\]|[^[\]:/]+)(?::([0-9]{1,5}))?(\/.*)?$/i;

const isClass = (word: string): word is AddressClass =>
  (ADDRESS_CLASSES as readonly string[]).includes(word);
const isScheme = (word: string): word is NetworkScheme =>
  (NETWORK_SCHEMES as readonly string[]).includes(word);

/** `secret:NAME:header` */
const SECRET_WORD = /^secret:([^:]+):([^:]+)$/;

/** Reads a rule that was written as a text: where to, then words that say more, with spaces between. */
function ruleOfText(text: string): ReadRule {
  const [target = '', ...words] = text.split(' ');
  const [, written, host = '', digits, path] = TARGET.exec(target) ?? [];
  const scheme = written?.toLowerCase() as NetworkScheme | undefined;
  const port = digits === undefined ? scheme && DEFAULT_PORTS[scheme] : Number(digits);
  if (host === '' || (port !== undefined && (port < 1 || port > 65_535))) {
    return { problem: WRITE_A_HOST };
  }
  const unknown = words.find(
    (word) =>
      !isClass(word) &&
      !isScheme(word) &&
      !METHOD.test(word) &&
      !SECRET_WORD.test(word) &&
      word !== 'listen',
  );
  if (unknown !== undefined) {
    return {
      problem: `after the host write methods such as GET, ${[...NETWORK_SCHEMES, ...ADDRESS_CLASSES].join(', ')}, listen, or secret:NAME:header`,
    };
  }
  const schemes = [...(scheme === undefined ? [] : [scheme]), ...words.filter(isScheme)];
  const methods = words.filter((word) => METHOD.test(word));
  const addresses = words.filter(isClass);
  const secrets = words.flatMap((word) => {
    const [, name = '', header = ''] = SECRET_WORD.exec(word) ?? [];
    return name === '' ? [] : [{ name, header }];
  });
  return ruleOfObject({
    host,
    path,
    listen: words.includes('listen'),
    ports: port === undefined ? undefined : [port],
    schemes: schemes.length === 0 ? undefined : schemes,
    methods: methods.length === 0 ? undefined : methods,
    addresses: addresses.length === 0 ? undefined : addresses,
    secrets: secrets.length === 0 ? undefined : secrets,
  });
}

/** Reads a rule, however it is written. */
export const readRule = (given: string | NetworkRuleInput): ReadRule =>
  typeof given === 'string' ? ruleOfText(given) : ruleOfObject(given);

/**
 * What is wrong with a text that should be a rule of the network; null: nothing.
 *
 * @example
 * ```ts
 * whyNoNetworkRule('example.org:443'); // null
 * ```
 */
export function whyNoNetworkRule(text: string): string | null {
  const read = ruleOfText(text);
  return 'problem' in read ? read.problem : null;
}
