import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Authority, makeAuthority } from '../../test/support/network/certificates.ts';
import { type ClientOptions, TestClient } from '../../test/support/network/client.ts';
import { WHY_NO_IPV6 } from '../../test/support/network/ipv6.ts';
import { type DnsAnswer, startNameServer } from '../../test/support/network/name-server.ts';
import { sendHead } from '../../test/support/network/send-head.ts';
import {
  startHttp,
  startHttp2,
  startHttps,
  startRaw,
  startTcp,
} from '../../test/support/network/servers.ts';
import { titled } from '../../test/support/skipped.ts';
import type { NetworkRuleInput } from '../capability/network-rule.ts';

const clients: TestClient[] = [];
const client = (network: readonly (string | NetworkRuleInput)[], options?: ClientOptions) => {
  const made = new TestClient(network, options);
  clients.push(made);
  return made;
};
afterEach(() => {
  for (const each of clients.splice(0)) {
    each.close();
  }
});

async function nameServer(answer: (name: string, times: number) => DnsAnswer) {
  const server = await startNameServer(answer);
  onTestFinished(() => server.close());
  return server;
}

/** What comes of a body; the sender may give it up. */
async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of request) {
      text += chunk;
    }
  } catch {
    text += '…';
  }
  return text;
}

/** Tells the request back. */
const echo = (): Promise<number> =>
  startHttp(async (request, response) => {
    const body = await textOf(request);
    response.setHeader('x-method', request.method ?? '');
    response.end(JSON.stringify({ url: request.url, headers: request.headers, body }));
  });

describe('a request that is granted', () => {
  test('goes to its server and comes back, with its fields and body', async () => {
    const port = await echo();
    const got = await client(['127.0.0.1']).get(`http://127.0.0.1:${port}/a/../b?c=d`, {
      method: 'POST',
      fields: [
        ['X-Some', 'thing\xe4'],
        ['x-some', 'else'],
      ],
      body: 'hello',
    });
    expect(got.status).toBe(200);
    expect(got.fields).toContainEqual(['x-method', 'POST']);
    const told = JSON.parse(Buffer.from(got.text ?? '', 'latin1').toString('utf8'));
    expect(told).toMatchObject({ url: '/b?c=d', body: 'hello' });
    expect(told.headers).toEqual({
      host: `127.0.0.1:${port}`,
      connection: 'keep-alive',
      'content-length': '5',
      'x-some': 'thing\xe4, else',
    });
  });

  test('goes by a name, in whatever way it is written', async () => {
    const port = await echo();
    const sender = client(['localhost', '127.0.0.1']);
    for (const host of ['localhost', 'LOCALHOST', '0x7f.1', '[::ffff:127.0.0.1]']) {
      expect(await sender.get(`http://${host}:${port}/`)).toMatchObject({ status: 200 });
    }
  });

  test.skipIf(WHY_NO_IPV6 !== null)(titled('goes over IPv6', WHY_NO_IPV6), async () => {
    const six = await startHttp((_, response) => response.end('six'), '::1');
    expect(await client(['[::1]']).get(`http://[::1]:${six}/`)).toMatchObject({ text: 'six' });
  });

  test('streams both ways, and neither side is ahead by more than a window', async () => {
    const size = 4 * 1024 * 1024;
    const port = await startHttp((request, response) => request.pipe(response));
    let written = 0;
    async function* body() {
      while (written < size) {
        written += 32 * 1024;
        yield Buffer.alloc(32 * 1024, 'x');
      }
    }
    const sender = client(['127.0.0.1']);
    const outcome = await sender.send(`http://127.0.0.1:${port}/`, { method: 'PUT', body: body() });
    const response = 'response' in outcome ? outcome.response : null;
    let read = 0;
    let ahead = 0;
    for (;;) {
      const piece = (await response?.next()) ?? { trailers: [] };
      if (!('bytes' in piece)) {
        expect(piece).toEqual({ trailers: [] });
        break;
      }
      expect(piece.bytes.length).toBeLessThanOrEqual(64 * 1024);
      read += piece.bytes.length;
      ahead = Math.max(ahead, written - read);
    }
    expect(read).toBe(size);
    // What the system's buffers hold, not the whole.
    expect(ahead).toBeLessThan(size);
  });

  test('has trailers, no body at all, or no response to a HEAD', async () => {
    const port = await startHttp((request, response) => {
      if (request.method === 'HEAD' || request.url === '/none') {
        response.writeHead(request.method === 'HEAD' ? 200 : 204, { 'x-a': '1' }).end();
        return;
      }
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('part');
      response.addTrailers({ 'x-sum': '7' });
      response.end();
    });
    const sender = client(['127.0.0.1']);
    const at = `http://127.0.0.1:${port}`;
    expect(await sender.get(at)).toMatchObject({ text: 'part', trailers: [['x-sum', '7']] });
    expect(await sender.get(`${at}/none`)).toMatchObject({ status: 204, bytes: 0, trailers: [] });
    expect(await sender.get(at, { method: 'HEAD' })).toMatchObject({ status: 200, bytes: 0 });
  });

  test('keeps its connection for the next one of the same agent, and for no other', async () => {
    const sockets = new Set<Socket>();
    const port = await startHttp((request, response) => {
      sockets.add(request.socket);
      response.end('ok');
    });
    const one = client(['127.0.0.1']);
    await one.get(`http://127.0.0.1:${port}/`);
    // The pool hears a moment later that it is free.
    await new Promise(setImmediate);
    await one.get(`http://127.0.0.1:${port}/`);
    expect(sockets.size).toBe(1);
    await client(['127.0.0.1']).get(`http://127.0.0.1:${port}/`);
    expect(sockets.size).toBe(2);
  });

  test('asks no proxy, whatever the environment says', async () => {
    const port = await echo();
    const proxied = await startTcp((socket) => socket.destroy());
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']) {
      const before = process.env[name];
      process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxied}`;
      onTestFinished(() => {
        if (before === undefined) {
          delete process.env[name];
        } else {
          process.env[name] = before;
        }
      });
    }
    expect(await client(['127.0.0.1']).get(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 200,
    });
  });
});

describe('39: what no grant reaches is denied, and nobody hears of it', () => {
  const cases: [string, string[], string, string?][] = [
    ['another host', ['a.org'], 'http://b.org/'],
    ['a host above', ['*.a.org'], 'http://a.org/'],
    ['another port', ['127.0.0.1:1'], 'http://127.0.0.1:2/'],
    ['another scheme', ['http://127.0.0.1:2'], 'https://127.0.0.1:2/'],
    ['another method', ['127.0.0.1 GET'], 'http://127.0.0.1:2/', 'POST'],
    ['a method in lower case', ['127.0.0.1 GET'], 'http://127.0.0.1:2/', 'get'],
    ['another path', ['127.0.0.1/v1'], 'http://127.0.0.1:2/v2'],
    ['a path that goes up', ['127.0.0.1/v1'], 'http://127.0.0.1:2/v1/../v2'],
    ['a path that may go up', ['127.0.0.1/v1'], 'http://127.0.0.1:2/v1/..%2fv2'],
    ['a method that is answered by what was sent', ['127.0.0.1'], 'http://127.0.0.1:2/', 'TRACE'],
    ['a method that opens a tunnel', ['127.0.0.1'], 'http://127.0.0.1:2/', 'CONNECT'],
    ['loopback by all hosts', ['*'], 'http://127.0.0.1:2/'],
  ];
  test.each(cases)('%s', async (_, network, url, method = 'GET') => {
    const server = await nameServer(() => ['127.0.0.1']);
    const sender = client(network, { nameServers: [server.address] });
    const got = await sender.get(url, { method });
    expect(got.denied).toBe(true);
    expect(['HTTP-request-denied', 'destination-IP-prohibited']).toContain(got.failed);
    expect(server.asked).toEqual([]);
  });

  test('a user before the host, and other hosts in disguise', async () => {
    const sender = client(['*', '* loopback']);
    for (const authority of ['good@127.0.0.1', '127.0.0.1@b', 'a:b@127.0.0.1', '127.0.0.1%40b']) {
      expect(await sender.get(`http://${authority}/`)).toMatchObject({
        failed: 'HTTP-request-URI-invalid',
      });
    }
  });

  test.each([
    ['host', 'b.org'],
    ['Connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['expect', '100-continue'],
    ['proxy-authorization', 'x'],
    ['Transfer_Encoding', 'chunked'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['x_http_method_override', 'DELETE'],
    ['X-Original-URL', '/admin'],
    ['x-rewrite-url', '/admin'],
    ['X-Forwarded-Host', 'b.org'],
    ['X-Envoy-Original-Dst-Host', '127.0.0.1:1'],
    ['X-Envoy-Original-Path', '/admin'],
    ['Content_Length', '0'],
    ['x-a', 'b\r\nx-c: d'],
    ['x-a\r\nx-b', 'c'],
    ['x-a', 'b\0'],
    ['x-a', '\u0123'],
    ['', 'x'],
  ])('the field %j: %j is not the agent’s to write', async (name, value) => {
    const port = await echo();
    const sender = client(['127.0.0.1']);
    const at = `http://127.0.0.1:${port}/`;
    expect(await sender.get(at, { fields: [[name, value]] })).toEqual({
      failed: 'HTTP-request-denied',
      denied: true,
    });
    expect(await sender.get(at, { fields: [['x-a', 'b']] })).toMatchObject({ status: 200 });
  });

  test.each([
    ['Destination', 'http://a.org/v2/x'],
    ['x-ms-copy-source', 'https://a.org/v2/x'],
    ['X_Amz_Copy_Source', '/v2/x'],
  ])(
    'the field %j leads out of a path, so only who may reach them all may write it',
    async (name, value) => {
      const port = await echo();
      const at = `http://127.0.0.1:${port}/v1/x`;
      const options = { method: 'PUT', body: '', fields: [[name, value]] } as const;
      const beneath = client([`http://127.0.0.1:${port}/v1`]);
      expect(await beneath.get(at, options)).toEqual({
        failed: 'HTTP-request-denied',
        denied: true,
      });
      expect(await beneath.get(at, { ...options, fields: [] })).toMatchObject({ status: 200 });
      const anywhere = client([`http://127.0.0.1:${port}`]);
      expect(await anywhere.get(at, options)).toMatchObject({ status: 200 });
    },
  );

  test('more fields than a head may have', async () => {
    const port = await echo();
    const sender = client(['127.0.0.1']);
    const fields = (count: number) =>
      Array.from({ length: count }, (_, index) => [`x-${index}`, 'v'] as const);
    const at = `http://127.0.0.1:${port}/`;
    expect(await sender.get(at, { fields: fields(1_025) })).toMatchObject({
      failed: 'HTTP-request-header-section-size',
    });
    expect(await sender.get(at, { fields: fields(100) })).toMatchObject({ status: 200 });
  });
});

describe('39: what a name leads to is checked', () => {
  test('a grant that goes while the client is loaded lets no request out', async () => {
    let requests = 0;
    const port = await startHttp((_, response) => {
      requests += 1;
      response.end();
    });
    const at = `http://127.0.0.1:${port}/`;
    for (const isRevoked of [true, false]) {
      const sender = client(['127.0.0.1']);
      const [grant] = sender.held.of.network;
      const made = await sender.connections;
      const loading = Promise.withResolvers<typeof made>();
      const { client: sends } = sender;
      const outcome = sends.send({
        head: sendHead(port),
        body: null,
        redirect: 'manual',
        access: { grants: () => (grant?.revoked === true || !grant ? [] : [grant]) },
        traceparent: null,
        connections: loading.promise,
        room: { take: () => true, give: () => {} },
        signal: new AbortController().signal,
      });
      await new Promise(setImmediate);
      if (isRevoked && grant) {
        grant.revoked = true;
      }
      loading.resolve(made);
      expect('failure' in (await outcome)).toBe(isRevoked);
      expect(requests).toBe(isRevoked ? 0 : 1);
    }
    expect(await client(['127.0.0.1']).get(at)).toMatchObject({ status: 200 });
  });

  test('a name is asked for, and its address is connected to', async () => {
    const port = await echo();
    const server = await nameServer(() => ['127.0.0.1']);
    const sender = client(['inside.test loopback'], { nameServers: [server.address] });
    const got = await sender.get(`http://inside.test:${port}/`);
    expect(JSON.parse(got.text ?? '').headers.host).toBe(`inside.test:${port}`);
    expect(new Set(server.asked)).toEqual(new Set(['inside.test A', 'inside.test AAAA']));
  });

  test.each([
    ['loopback', ['127.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['private', ['10.0.0.1']],
    ['unspecified', ['0.0.0.0']],
    ['IPv6 loopback', ['::1']],
    ['IPv4-mapped', ['::ffff:7f00:1']],
    ['NAT64', ['64:ff9b::7f00:1']],
    ['6to4', ['2002:7f00:1::1']],
    ['a public one beside it', ['93.184.215.14', '127.0.0.1']],
  ])('%s addresses are refused to whom public ones are granted', async (_, addresses) => {
    const server = await nameServer(() => addresses);
    const sender = client(['inside.test'], { nameServers: [server.address] });
    expect(await sender.get('http://inside.test:1/')).toEqual({
      failed: 'destination-IP-prohibited',
      denied: true,
    });
  });

  test('a name that leads inside the second time is refused the second time', async () => {
    const port = await echo();
    // Another part of the loopback stands for the outside: addresses of both are asked for each time.
    const server = await nameServer((_, times) => (times === 0 ? ['127.0.0.1'] : ['10.0.0.1']));
    const sender = client(['rebind.test loopback'], { nameServers: [server.address] });
    const at = `http://rebind.test:${port}/`;
    expect(await sender.get(at)).toMatchObject({ status: 200 });
    expect(await sender.get(at)).toMatchObject({ failed: 'destination-IP-prohibited' });
  });

  test('what was checked is what is connected to: nobody asks again in between', async () => {
    const port = await echo();
    const server = await nameServer((_, times) => (times === 0 ? ['127.0.0.1'] : ['127.0.0.2']));
    const sender = client(['once.test loopback'], { nameServers: [server.address] });
    expect(await sender.get(`http://once.test:${port}/`)).toMatchObject({ status: 200 });
    expect(server.asked.filter((asked) => asked.endsWith(' A'))).toEqual(['once.test A']);
  });

  test('a name that leads elsewhere each time serves requests at the same time, too', async () => {
    const port = await startHttp((_, response) => response.end('here'), '0.0.0.0');
    const server = await nameServer((_, times) => [`127.0.0.${times + 1}`]);
    const sender = client(['turning.test loopback'], { nameServers: [server.address] });
    const at = `http://turning.test:${port}/`;
    const got = await Promise.all(Array.from({ length: 8 }, () => sender.get(at)));
    expect(got.map(({ text, failed }) => text ?? failed)).toEqual(got.map(() => 'here'));
  });

  test('names that do not exist, servers that fail or are silent', async () => {
    const answers: Record<string, DnsAnswer> = {
      'none.test': 'NXDOMAIN',
      'empty.test': [],
      'broken.test': 'SERVFAIL',
      'silent.test': 'silence',
    };
    const server = await nameServer((name) => answers[name] ?? ['127.0.0.1']);
    const sender = client(['*.test'], {
      nameServers: [server.address],
      limits: { lookupMs: 300 },
    });
    expect(await sender.get('http://none.test/')).toMatchObject({
      failed: 'destination-not-found',
    });
    expect(await sender.get('http://empty.test/')).toMatchObject({
      failed: 'destination-not-found',
    });
    expect(await sender.get('http://broken.test/')).toMatchObject({ failed: 'DNS-error' });
    expect(await sender.get('http://silent.test/')).toMatchObject({ failed: 'DNS-timeout' });
  });

  test('the system’s own resolver can be asked instead', async () => {
    const sender = client(['*'], { resolver: 'system' });
    expect(await sender.get('http://does-not-exist.invalid/')).toMatchObject({ denied: false });
  });
});

describe('redirects', () => {
  /** Two servers that redirect as their paths say: `/to?STATUS LOCATION`. */
  async function redirecting() {
    const seen: { url: string; method: string; headers: IncomingMessage['headers'] }[] = [];
    const port = await startHttp(async (request, response) => {
      const { url = '', method = '', headers } = request;
      const body = await textOf(request);
      seen.push({ url, method, headers });
      const [, status, location] = /^\/to\?(\d+)%20(.*)$/.exec(url) ?? [];
      if (status === undefined) {
        response.end(`${method} ${body}`);
      } else {
        response.writeHead(Number(status), { location: decodeURIComponent(location ?? '') }).end();
      }
    });
    return { seen, port };
  }
  const to = (port: number, status: number, location: string) =>
    `http://127.0.0.1:${port}/to?${status} ${encodeURIComponent(location)}`;

  test('are answered as they are, or followed where that is asked for', async () => {
    const { port } = await redirecting();
    const sender = client(['127.0.0.1']);
    const at = to(port, 302, '/there');
    expect(await sender.get(at)).toMatchObject({ status: 302 });
    expect(await sender.get(at, { redirect: 'follow' })).toMatchObject({
      status: 200,
      text: 'GET ',
      url: `http://127.0.0.1:${port}/there`,
    });
  });

  test('39: are checked again: to a denied host, port or path they lead nowhere', async () => {
    const { port, seen } = await redirecting();
    const other = await redirecting();
    const sender = client([`127.0.0.1:${port}/to`, `127.0.0.1:${port}/there`]);
    const places = [
      `http://127.0.0.1:${other.port}/`,
      `http://localhost:${port}/there`,
      `http://169.254.169.254/`,
      '/elsewhere',
      `http://good@127.0.0.1:${port}/there`,
      'file:///etc/passwd',
    ];
    for (const place of places) {
      expect(await sender.get(to(port, 302, place), { redirect: 'follow' })).toEqual({
        failed: 'HTTP-request-denied',
        denied: true,
      });
    }
    expect(await sender.get(to(port, 302, '/there'), { redirect: 'follow' })).toMatchObject({
      status: 200,
    });
    expect(other.seen).toEqual([]);
    expect(seen.filter(({ url }) => !url.startsWith('/to'))).toHaveLength(1);
  });

  test('carry no credentials to another server', async () => {
    const { port, seen } = await redirecting();
    const other = await redirecting();
    const sender = client(['127.0.0.1']);
    const fields = [
      ['Authorization', 'Bearer x'],
      ['cookie', 'a=b'],
      ['x-kept', 'y'],
    ] as const;
    await sender.get(to(port, 307, '/there'), { fields, redirect: 'follow' });
    expect(seen[1]?.headers).toMatchObject({ authorization: 'Bearer x', cookie: 'a=b' });
    await sender.get(to(port, 307, `http://127.0.0.1:${other.port}/`), {
      fields,
      redirect: 'follow',
    });
    expect(other.seen[0]?.headers).toMatchObject({ 'x-kept': 'y' });
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization');
    expect(other.seen[0]?.headers).not.toHaveProperty('cookie');
  });

  test.each([
    [301, 'GET ', 'GET'],
    [302, 'GET ', 'GET'],
    [303, 'GET ', 'GET'],
    [307, 'POST hello', 'POST'],
    [308, 'POST hello', 'POST'],
  ])('of %i a post becomes %j', async (status, text, method) => {
    const { port, seen } = await redirecting();
    const got = await client(['127.0.0.1']).get(to(port, status, '/there'), {
      method: 'POST',
      body: 'hello',
      redirect: 'follow',
    });
    expect(got.text).toBe(text);
    expect(seen[1]?.method).toBe(method);
  });

  test('in circles, or without end, are a loop', async () => {
    const port = await startHttp((request, response) => {
      const step = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 0);
      const location = request.url?.startsWith('/circle')
        ? `/circle${(step + 1) % 3}`
        : `/${step + 1}`;
      response.writeHead(302, { location }).end();
    });
    const sender = client(['127.0.0.1']);
    for (const path of ['/circle0', '/1']) {
      expect(
        await sender.get(`http://127.0.0.1:${port}${path}`, { redirect: 'follow' }),
      ).toMatchObject({ failed: 'loop-detected' });
    }
  });
});

describe('servers that lie, stall and flood', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const raw = async (answer: string, then?: (socket: Socket) => void, options?: ClientOptions) =>
    client(['127.0.0.1'], options).get(`http://127.0.0.1:${await startRaw(answer, then)}/`);
  const end = (socket: Socket) => socket.end();

  test.each<[string, string, ((socket: Socket) => void) | undefined, string]>([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n', end, 'HTTP-protocol-error'],
    ['nothing at all', '', end, 'connection-terminated'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: y', end, 'connection-terminated'],
    [
      '10^5 fields',
      `${head}${'x: y\r\n'.repeat(100_000)}\r\n`,
      end,
      'HTTP-response-header-section-size',
    ],
    [
      '1,500 fields',
      `${head}${'x:\r\n'.repeat(1_500)}\r\n`,
      end,
      'HTTP-response-header-section-size',
    ],
    [
      'one long field',
      `${head}x: ${'y'.repeat(200_000)}\r\n\r\n`,
      end,
      'HTTP-response-header-section-size',
    ],
    [
      'fewer bytes than it said',
      `${head}content-length: 10\r\n\r\nhalf`,
      end,
      'HTTP-response-incomplete',
    ],
    [
      'half a chunk',
      `${head}transfer-encoding: chunked\r\n\r\na\r\nhalf`,
      end,
      'HTTP-response-incomplete',
    ],
    [
      'two lengths',
      `${head}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
      end,
      'HTTP-response-incomplete',
    ],
    [
      'a length and chunks',
      `${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      end,
      'HTTP-response-incomplete',
    ],
    [
      'a chunk of no size',
      `${head}transfer-encoding: chunked\r\n\r\nxyz\r\n`,
      end,
      'HTTP-protocol-error',
    ],
    [
      'an upgrade nobody wanted',
      'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
      undefined,
      'connection-terminated',
    ],
    [
      'a reset in its body',
      `${head}content-length: 9\r\n\r\nhalf`,
      (socket) => setImmediate(() => socket.resetAndDestroy()),
      'HTTP-response-incomplete',
    ],
  ])('%s', async (_, answer, then, failed) => {
    const got = await raw(answer, then);
    expect(got.failed).toBe(failed);
    expect(JSON.stringify(got)).not.toMatch(/undici|UND_ERR|errno|node:|\/work/);
  });

  test('sends more than it said: what is behind is nobody’s', async () => {
    expect(
      await raw(`${head}content-length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\n\r\nmore`),
    ).toMatchObject({
      status: 200,
      text: 'four',
    });
  });

  test('sends a body, or fields, or trailers, or interim responses without end', async () => {
    const flood = (text: string) => (socket: Socket) => {
      const go = () => {
        while (socket.writable && socket.write(text.repeat(100))) {
          // Until its buffer is full.
        }
      };
      socket.on('drain', go);
      go();
    };
    const limits = { responseBodyBytes: 1024 * 1024, totalMs: 20_000 };
    const body = await raw(`${head}\r\n`, flood('x'.repeat(1_000)), { limits });
    expect(body.failed).toBe('HTTP-response-body-size');
    const fields = await raw(head, flood('x: y\r\n'));
    expect(fields.failed).toBe('HTTP-response-header-section-size');
    const chunked = `${head}transfer-encoding: chunked\r\n\r\n0\r\n`;
    const trailers = await raw(chunked, flood('x: y\r\n'));
    expect(trailers.failed).toMatch(/^HTTP-response-(header|trailer)-section-size$/);
    const interim = await raw('', flood('HTTP/1.1 103 Early\r\n\r\n'), {
      limits: { totalMs: 500 },
    });
    expect(interim.failed).toMatch(/^(HTTP|connection)-/);
  });

  test('stalls before its first byte, in its head and in its body', async () => {
    const limits = { firstByteMs: 200, betweenBytesMs: 200 };
    expect((await raw('', undefined, { limits })).failed).toBe('HTTP-response-timeout');
    expect((await raw(`${head}x: y\r\n`, undefined, { limits })).failed).toBe(
      'HTTP-response-timeout',
    );
    const body = await raw(`${head}content-length: 9\r\n\r\nhalf`, undefined, { limits });
    expect(body).toMatchObject({ text: 'half', failed: 'connection-read-timeout' });
    const dripping = await raw(
      `${head}content-length: 99999\r\n\r\n`,
      (socket) => {
        const timer = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(timer));
      },
      { limits: { totalMs: 400 } },
    );
    expect(dripping.failed).toBe('HTTP-response-timeout');
  });

  test('takes no connection', async () => {
    const port = await startTcp(() => {});
    const sender = client(['127.0.0.1', '10.255.255.1']);
    const closed = await startTcp(() => {});
    expect(closed).not.toBe(port);
    // Nobody listens at the port of a server that is gone: 1 is nobody's on a loopback.
    expect(await sender.get('http://127.0.0.1:1/')).toMatchObject({ failed: 'connection-refused' });
  });

  test('takes nothing of a body', async () => {
    const port = await startTcp((socket) => socket.pause());
    async function* endless() {
      for (;;) {
        yield Buffer.alloc(64 * 1024);
      }
    }
    const sender = client(['127.0.0.1'], { limits: { firstByteMs: 300 } });
    expect(
      await sender.get(`http://127.0.0.1:${port}/`, { method: 'POST', body: endless() }),
    ).toMatchObject({ failed: 'HTTP-response-timeout' });
  });
});

describe('limits of a request', () => {
  test('its body is no longer than it may be, and as long as it says', async () => {
    const port = await echo();
    const sender = client(['127.0.0.1'], { limits: { requestBodyBytes: 100 } });
    const at = `http://127.0.0.1:${port}/`;
    async function* pieces(count: number) {
      for (let index = 0; index < count; index += 1) {
        yield Buffer.alloc(10, 'x');
      }
    }
    expect(await sender.get(at, { method: 'POST', body: pieces(11) })).toMatchObject({
      failed: 'HTTP-request-body-size',
    });
    for (const length of ['5', '50', '5, 5', '-1', '1e3']) {
      expect(
        await sender.get(at, {
          method: 'POST',
          body: pieces(2),
          fields: [['content-length', length]],
        }),
      ).toMatchObject({ failed: 'HTTP-request-body-size' });
    }
    expect(
      await sender.get(at, { method: 'POST', body: pieces(2), fields: [['content-length', '20']] }),
    ).toMatchObject({ status: 200 });
  });

  test('a request that is given up is gone for its server, too', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { promise: there, resolve: arrived } = Promise.withResolvers<void>();
    const port = await startHttp((request) => {
      request.socket.on('close', () => resolve());
      arrived();
    });
    const stop = new AbortController();
    const got = client(['127.0.0.1']).get(`http://127.0.0.1:${port}/`, { signal: stop.signal });
    await there;
    stop.abort();
    expect(await got).toMatchObject({ failed: 'connection-terminated' });
    await closed;
  });

  test('no more are under way than there is room for; each gives its place back', async () => {
    const waiting: (() => void)[] = [];
    const port = await startHttp((_, response) => {
      waiting.push(() => response.end('ok'));
      waiting[1]?.();
    });
    const sender = client(['127.0.0.1'], { limits: { requests: 2 } });
    const at = `http://127.0.0.1:${port}/`;
    const first = sender.get(at);
    expect(await sender.get(at)).toMatchObject({ status: 200 });
    const second = sender.get(at);
    expect(await sender.get(at)).toMatchObject({ failed: 'connection-limit-reached' });
    while (waiting.length < 3) {
      await new Promise(setImmediate);
    }
    for (const answer of waiting) {
      answer();
    }
    expect([await first, await second]).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await sender.get('http://b.org/')).toMatchObject({ failed: 'HTTP-request-denied' });
  });
});

describe('TLS', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await makeAuthority();
  });
  const answering = (response: { end(text: string): unknown }) => response.end('secure');

  test('by an authority that is trusted, for the name that was asked', async () => {
    const certificate = await authority.issue(['secure.test', '127.0.0.1']);
    const port = await startHttps(certificate, (_, response) => answering(response));
    const server = await nameServer(() => ['127.0.0.1']);
    const options = { ca: [authority.ca], nameServers: [server.address] };
    const sender = client(['*.test loopback', '127.0.0.1'], options);
    expect(await sender.get(`https://secure.test:${port}/`)).toMatchObject({ text: 'secure' });
    expect(await sender.get(`https://127.0.0.1:${port}/`)).toMatchObject({ text: 'secure' });
    expect(await sender.get(`https://other.test:${port}/`)).toMatchObject({
      failed: 'TLS-certificate-error',
    });
  });

  test('not by one that nobody knows, and not by a certificate of the past', async () => {
    const stranger = await makeAuthority('Stranger');
    const handler = (_: unknown, response: { end(text: string): unknown }) => answering(response);
    const strange = await startHttps(await stranger.issue(['127.0.0.1']), handler);
    const past = await startHttps(await authority.issue(['127.0.0.1'], { expired: true }), handler);
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    onTestFinished(() => {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    });
    const sender = client(['127.0.0.1'], { ca: [authority.ca] });
    for (const port of [strange, past]) {
      expect(await sender.get(`https://127.0.0.1:${port}/`)).toMatchObject({
        failed: 'TLS-certificate-error',
      });
    }
    const plain = await echo();
    expect((await sender.get(`https://127.0.0.1:${plain}/`)).failed).toMatch(/^(TLS|connection)-/);
  });

  test('a redirect does not lead out of it', async () => {
    const plain = await echo();
    const certificate = await authority.issue(['127.0.0.1']);
    const port = await startHttps(certificate, (request, response) => {
      if (request.url === '/there') {
        response.end('there');
        return;
      }
      const location = request.url === '/plain' ? `http://127.0.0.1:${plain}/` : '/there';
      response.writeHead(302, { location }).end();
    });
    const sender = client(['127.0.0.1'], { ca: [authority.ca] });
    expect(await sender.get(`https://127.0.0.1:${port}/`, { redirect: 'follow' })).toMatchObject({
      text: 'there',
    });
    expect(await sender.get(`https://127.0.0.1:${port}/plain`, { redirect: 'follow' })).toEqual({
      failed: 'HTTP-request-denied',
      denied: true,
    });
  });

  test('HTTP/2, where the server offers it', async () => {
    const certificate = await authority.issue(['127.0.0.1']);
    const port = await startHttp2(certificate, async (request, response) => {
      response.setHeader('x-version', request.httpVersion);
      response.end(`${request.method} ${await textOf(request)}`);
    });
    const sender = client(['127.0.0.1'], { ca: [authority.ca] });
    const at = `https://127.0.0.1:${port}/`;
    const got = await sender.get(at, { method: 'POST', body: 'hello' });
    expect(got).toMatchObject({ status: 200, text: 'POST hello' });
    expect(got.fields).toContainEqual(['x-version', '2.0']);
    expect(await sender.get(at)).toMatchObject({ status: 200 });
  });

  test('HTTP/2 with a large body, limits and a server that goes away', async () => {
    const certificate = await authority.issue(['127.0.0.1']);
    const port = await startHttp2(certificate, (request, response) => {
      if (request.url === '/gone') {
        response.writeHead(200, { 'content-length': '8' });
        response.write('half');
        setImmediate(() => request.socket.destroy());
        return;
      }
      response.end(Buffer.alloc(3 * 1024 * 1024, 'x'));
    });
    const options = { ca: [authority.ca], limits: { betweenBytesMs: 5_000 } };
    const sender = client(['127.0.0.1'], options);
    const at = `https://127.0.0.1:${port}`;
    expect(await sender.get(`${at}/`)).toMatchObject({ status: 200, bytes: 3 * 1024 * 1024 });
    expect((await sender.get(`${at}/gone`)).failed).toBe('HTTP-response-incomplete');
    const small = client(['127.0.0.1'], { ...options, limits: { responseBodyBytes: 1_000 } });
    expect((await small.get(`${at}/`)).failed).toBe('HTTP-response-body-size');
  });
});
