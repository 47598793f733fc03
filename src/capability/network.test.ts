import { describe, expect, test } from 'vitest';
import { addressClass } from './address.ts';
import type { NetworkScope } from './grant.ts';
import { canonicalAddress, canonicalHost } from './host.ts';
import { parseGrants } from './input.ts';
import { type NetworkTarget, reachedAddresses, reachesTarget } from './network.ts';
import type { NetworkRuleInput } from './network-rule.ts';
import { covers, intersect } from './scope.ts';

const scope = (...network: (string | NetworkRuleInput)[]): NetworkScope => {
  const found = parseGrants({ network }).find(({ kind }) => kind === 'network');
  return (found?.scope ?? { rules: [] }) as NetworkScope;
};

/** A request to a URL, as the client asks for it. */
function request(text: string, method = 'GET'): NetworkTarget {
  const url = new URL(text);
  return {
    scheme: url.protocol.slice(0, -1) as 'http',
    host: canonicalHost(url.hostname) ?? '',
    port: Number(url.port || (url.protocol === 'http:' ? 80 : 443)),
    method,
    path: url.pathname,
    listen: false,
  };
}

const reaches = (of: NetworkScope, ...urls: string[]): boolean[] =>
  urls.map((url) => reachesTarget(of, request(url)));

describe('39: one spelling for a host, however it is written', () => {
  test.each([
    ['EXAMPLE.org', 'example.org'],
    ['example.org.', 'example.org'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['ｅxample.org', 'example.org'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[0:0:0:0:0:0:0:1]', '[::1]'],
    ['[::ffff:127.0.0.1]', '127.0.0.1'],
    ['[::FFFF:7f00:1]', '127.0.0.1'],
  ])('%s is %s', (text, host) => {
    expect(canonicalHost(text)).toBe(host);
  });

  test.each([
    '',
    '.',
    'a..b',
    '.a',
    'a.b..',
    'good@evil',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a:80',
    '[::1]:80',
    '[::1',
    '::1',
    '[fe80::1%25eth0]',
    '%61.org',
    'a b',
    'a\nb',
    '256.1.1.1',
    `${'a'.repeat(63)}.`.repeat(4),
  ])('%j is none', (text) => {
    expect(canonicalHost(text)).toBeNull();
  });
});

describe('39: the class of an address', () => {
  test.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1', 'public'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['100.100.100.200', 'private'],
    ['fd00:ec2::254', 'private'],
    ['127.255.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    // Other addresses in disguise.
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:a9fe:a9fe::1', 'link-local'],
    ['2002:808:808::1', 'public'],
    ['2002:e000:1::', null],
    // Nobody's.
    ['0.0.0.0', null],
    ['0.1.2.3', null],
    ['::', null],
    ['224.0.0.1', null],
    ['ff02::1', null],
    ['255.255.255.255', null],
    ['240.0.0.1', null],
    ['192.0.2.1', null],
    ['198.18.0.1', null],
    ['2001:db8::1', null],
    ['2001::1', null],
    ['::127.0.0.1', null],
    ['::7f00:1', null],
    ['::ffff:0:127.0.0.1', null],
    ['64:ff9b:1::1', null],
    ['fec0::1', null],
    ['4000::1', null],
    ['127.1', null],
    ['0x7f.0.0.1', null],
    ['fe80::1%eth0', null],
    ['localhost', null],
  ])('%s is %s', (address, expected) => {
    expect(addressClass(address)).toBe(expected);
  });

  test('an address has one spelling', () => {
    const spellings = ['::1', '0::0:1', '0000:0:0:0:0:0:0:1'];
    expect(new Set(spellings.map(canonicalAddress))).toEqual(new Set(['::1']));
    expect(canonicalAddress('::127.0.0.1')).toBe('::7f00:1');
  });
});

describe('what a rule reaches', () => {
  test('a host each of its ports, a host with a port this one, a URL what it says', () => {
    const given = scope('a.org', 'b.org:443', 'https://c.org', '[::1]:80');
    expect(reaches(given, 'http://a.org:1', 'https://a.org', 'https://b.org')).toEqual([
      true,
      true,
      true,
    ]);
    expect(reaches(given, 'https://c.org', 'http://[::1]')).toEqual([true, true]);
    expect(
      reaches(given, 'http://b.org', 'http://c.org', 'https://c.org:444', 'http://[::1]:81'),
    ).toEqual([false, false, false, false]);
    expect(reaches(given, 'http://x.a.org', 'http://a.org.evil', 'http://[::2]')).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('hosts under a suffix, at any depth, and not the suffix itself', () => {
    const given = scope('*.a.org');
    expect(reaches(given, 'http://x.a.org', 'http://y.x.a.org.')).toEqual([true, true]);
    expect(reaches(given, 'http://a.org', 'http://xa.org', 'http://a.org.b')).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('39: whatever way the host is written in the URL', () => {
    const given = scope('example.org', '127.0.0.1');
    expect(
      reaches(given, 'http://EXAMPLE.ORG./', 'http://0x7f.1/', 'http://[::ffff:127.0.0.1]/'),
    ).toEqual([true, true, true]);
    expect(
      reaches(given, 'http://good@evil.org/', 'http://example.org@evil.org/', 'http://127.0.0.2/'),
    ).toEqual([false, false, false]);
  });

  test('a path and what is beneath it, by segments; not what a server may read as another', () => {
    const given = scope('https://a.org/v1');
    const at = (path: string) => `https://a.org${path}`;
    const inside = ['/v1', '/v1/', '/v1/x/y', '/v1?q=/../', '/v2/../v1/x', '/v1/x%20y'].map(at);
    inside.push(...['/v1/%C3%BC%e4', '/v1/100%25', '/v1/a;b=c', '/v1/%E2%82%AC'].map(at));
    inside.push(...['/v1/Größe', '/v1/日本語', '/v1/Wait…', '/v1/½', '/v1/%e5%a5%bd'].map(at));
    expect(reaches(given, ...inside)).toEqual(inside.map(() => true));
    const outside = [
      '/',
      '/v10',
      '/v1/../x',
      '/v1/%2e%2e/x',
      '/v1/..%2fx',
      '/v1/..%252Fx',
      '/v1/..%5cx',
      '/v1/..;/x',
      '/v1/..%3b/x',
      '/v1/.%00./x',
      // Escapes that show only when they are decoded once more.
      '/v1/%%32%65%%32%65/x',
      '/v1/%25%32%65%25%32%65/x',
      '/v1/%252e%252e/x',
      '/v1/..%25252525252fx',
      '/v1/%u002e%u002e/x',
      '/v1/%c0%ae%c0%ae/x',
      '/v1/..%c1%9cx',
      '/v1/%e0%80%ae%e0%80%ae/x',
      '/v1/%f0%80%80%ae/x',
      '/v1/100%',
      // What is a slash, a backslash, a dot or a percent sign to who folds characters, by NFKC or a code page.
      '/v1/..／x',
      '/v1/．．/x',
      '/v1/‥/x',
      '/v1/%EF%BC%8E%EF%BC%8E/x',
      '/v1/%25EF%25BC%258E%25EF%25BC%258E/x',
      '/v1/..%e2%88%95x',
      '/v1/..%e2%81%84x',
      '/v1/..＼x',
      '/v1/..%c2%a5x',
      '/v1/..%a5x',
      '/v1/..；/x',
      '/v1/％2e％2e/x',
      '/v1/℀x',
      '/V1',
      '//v1',
    ].map(at);
    expect(reaches(given, ...outside)).toEqual(outside.map(() => false));
    expect(reaches(scope('https://a.org/v1/'), at('/v1'), at('/v1/'))).toEqual([false, true]);
    // Where the whole host is granted, a path is any.
    expect(reaches(scope('a.org'), at('/v1/..%2fx'))).toEqual([true]);
  });

  test('methods as they are written', () => {
    const given = scope({ host: 'a.org', methods: ['GET', 'PURGE'] });
    const methods = ['GET', 'PURGE', 'POST', 'get'];
    expect(
      methods.filter((method) => reachesTarget(given, request('http://a.org', method))),
    ).toEqual(['GET', 'PURGE']);
    expect(reachesTarget(scope('a.org'), request('http://a.org', 'get'))).toBe(true);
  });

  test('public addresses, unless others are named: an address only itself', () => {
    const classes = (given: NetworkScope, host: string) => [
      ...reachedAddresses([given], { ...request('http://a'), host }),
    ];
    expect(classes(scope('*'), 'a.org')).toEqual(['public']);
    expect(classes(scope('*'), '127.0.0.1')).toEqual(['public']);
    expect(classes(scope('a.org'), 'a.org')).toEqual(['public']);
    expect(classes(scope('a.org private'), 'a.org')).toEqual(['private']);
    expect(classes(scope('127.0.0.1'), '127.0.0.1')).toEqual(['loopback']);
    expect(classes(scope('169.254.169.254'), '169.254.169.254')).toEqual(['link-local']);
    expect(classes(scope('localhost'), 'localhost')).toEqual(['loopback']);
    expect(classes(scope('*', '* private'), 'a.org')).toEqual(['public', 'private']);
    expect(classes(scope('b.org'), 'a.org')).toEqual([]);
  });

  test('listening is apart from reaching', () => {
    const target = { ...request('http://127.0.0.1:80'), scheme: 'tcp', method: null, path: null };
    const listening = { ...target, listen: true } as NetworkTarget;
    const both = (given: NetworkScope) =>
      [target as NetworkTarget, listening].map((each) => reachesTarget(given, each));
    expect(both(scope('127.0.0.1'))).toEqual([true, false]);
    expect(both(scope('127.0.0.1 listen'))).toEqual([false, true]);
    expect(both(scope('* listen'))).toEqual([false, true]);
    expect([...reachedAddresses([scope('* listen')], listening)]).toEqual(['loopback']);
    expect([
      ...reachedAddresses([scope('0.0.0.0 listen')], { ...listening, host: '0.0.0.0' }),
    ]).toEqual(['unspecified']);
  });
});

describe('how rules are written', () => {
  test.each<string | NetworkRuleInput>([
    'a.org.',
    '-a',
    'a b',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '010.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '192.0.2.1',
    '[::]',
    'good@evil',
    'https://good@evil',
    'ftp://a',
    'a:0',
    'a:65536',
    'a?q',
    'https://a/v1/../v2',
    'https://a/v1?q',
    'https://a/v1%2f',
    'tcp://a/v1',
    'a udp GET',
    'a get',
    'a everywhere',
    'a  public',
    'a.org listen',
    'a.org secret:T:x-key',
    'http://a.org secret:T:x-key',
    '* https secret:T:x-key',
    'https://a.org secret:T:X-Key',
    'https://a.org secret:T',
    '127.0.0.1 GET listen',
    'http://127.0.0.1 listen',
    '10.0.0.1 loopback',
    'localhost public',
    '*.10.0.0.1',
    '*.',
    '**.a',
    { host: 'a', methods: ['get'] },
    { host: 'a', methods: ['GET\r\nX: y'] },
    { host: 'a', path: 'v1' },
    { host: 'a', schemes: ['tcp'], path: '/v1' },
  ])('%j is refused, in a sentence', (given) => {
    expect(() => scope(given)).toThrow(/^Cannot use the grant 'network\.0.*': .+\.$/);
  });

  test('a rule that names nothing in a list reaches nothing', () => {
    for (const nothing of [{ ports: [] }, { schemes: [] }, { methods: [] }, { addresses: [] }]) {
      expect(parseGrants({ network: [{ host: 'a', ...nothing }] })).toEqual(parseGrants({}));
    }
  });

  test('a text and an object that say the same are the same', () => {
    const same: [string, NetworkRuleInput][] = [
      ['A.org', { host: 'a.org' }],
      ['a.org:80', { host: 'a.org', ports: [80] }],
      [
        'https://a.org/v1 GET',
        { host: 'a.org', ports: [443], schemes: ['https'], methods: ['GET'], path: '/v1' },
      ],
      ['* private udp', { host: '*', addresses: ['private'], schemes: ['udp'] }],
      ['[::1]:53 listen', { host: '[::1]', ports: [53], listen: true }],
      ['bücher.example', { host: 'xn--bcher-kva.example' }],
    ];
    for (const [text, object] of same) {
      expect(scope(text)).toEqual(scope(object));
    }
  });
});

describe('how scopes compare', () => {
  test.each([
    [['a:8080'], ['a']],
    [['x.a', 'y.x.a'], ['*.a']],
    [['a', '8.8.8.8'], ['*']],
    [['https://a/v1/x GET'], ['a/v1']],
    [['https://a'], ['https://a secret:T:x-key']],
    [['https://a/v1 secret:T:x-key'], ['https://a secret:T:x-key']],
    // Several together.
    [[{ host: 'a', ports: [1, 2] }], ['a:1', 'a:2']],
    [['a'], ['a tcp', 'a udp', 'a http', 'a https']],
    [['a public private'], ['a', 'a private']],
    [[], []],
  ])('%j is within %j', (narrow, wide) => {
    expect(covers('network', scope(...wide), scope(...narrow))).toBe(true);
  });

  test.each([
    [['a'], ['a:80']],
    [['a'], ['b']],
    [['*.a'], ['x.a', '*.x.a']],
    [['a'], ['*.a']],
    [['a private'], ['a']],
    [['127.0.0.1'], ['*']],
    [['a'], ['https://a', 'http://a']],
    [['a/v10'], ['a/v1']],
    [['127.0.0.1 listen'], ['127.0.0.1']],
    [['https://a secret:T:x-key'], ['https://a']],
    [['https://a secret:T:x-key'], ['https://a secret:T:x-other']],
    [['https://a secret:T:x-key'], ['https://b secret:T:x-key', 'https://a']],
    [[{ host: 'a', ports: [1, 2] }], ['a:1', 'b:2']],
  ])('%j is not within %j', (narrow, wide) => {
    expect(covers('network', scope(...wide), scope(...narrow))).toBe(false);
    expect(covers('network', scope(...narrow), scope(...narrow))).toBe(true);
  });

  test('what two have in common', () => {
    expect(intersect('network', scope('*.a:80'), scope('x.a', 'y.b'))).toEqual(scope('x.a:80'));
    expect(intersect('network', scope('a'), scope('b'))).toBeNull();
    expect(intersect('network', scope('a GET'), scope('https://a/v1'))).toEqual(
      scope('https://a/v1 GET'),
    );
  });
});
