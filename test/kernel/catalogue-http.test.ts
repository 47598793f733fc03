/**
 * Goal: http.fetch goes where the grant of the network reaches, over redirects too, and nowhere else; what
 * comes back is bounded. Method: a guest that calls what the test tells it, and real servers on the loopback.
 */

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { GrantsInput, Isolation, LoadedModule } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { startHttp } from '../support/network/servers.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let module: LoadedModule;
beforeAll(async () => {
  host = await testKernel({ catalogue: { tools: ['http.fetch'] } });
  module = await host.kernel.load(guest('puppet'));
});
afterAll(() => host.kernel.close());

async function puppet(network: GrantsInput['network'], isolation: Isolation = 'shared') {
  const grants = { tools: ['http.fetch'], ...(network === undefined ? {} : { network }) };
  const made = await spawnPuppet(host.kernel, module, { grants, isolation });
  onTestFinished(async () => {
    await made.end();
  });
  return made;
}

// biome-ignore lint/suspicious/noExplicitAny: what an answer is is what the tests say
async function fetch(by: Puppet, args: object): Promise<any> {
  const line = (await by.tell(`tool http.fetch ${JSON.stringify(args)}`)).replace('tool ', '');
  return line.startsWith('ok ') ? JSON.parse(line.slice(3)) : line.replace(/^err /, '');
}

const echo = () =>
  startHttp((request, response) => {
    const { method, url, headers } = request;
    response.setHeader('x-seen', `${method} ${url} ${headers['x-own'] ?? ''}`);
    request.pipe(response);
  });

describe.each<Isolation>(['shared', 'process'])('%s', (isolation) => {
  test('a request goes to its server and comes back', async () => {
    const port = await echo();
    const agent = await puppet([`127.0.0.1:${port}`], isolation);
    const url = `http://127.0.0.1:${port}/a?b=c#d`;
    const answer = await fetch(agent, {
      url,
      method: 'POST',
      headers: { 'x-own': 'v' },
      body: 'ü',
    });
    expect(answer).toMatchObject({ status: 200, body: 'ü', truncated: false });
    expect(answer.headers).toContainEqual(['x-seen', 'POST /a?b=c v']);
    const bytes = { url, method: 'POST', body: '/wA=', bodyEncoding: 'base64', encoding: 'base64' };
    expect(await fetch(agent, bytes)).toMatchObject({ body: '/wA=' });
  });

  test('it goes nowhere else, and that is counted', async () => {
    const port = await echo();
    const agent = await puppet([`http://127.0.0.1:${port}/public GET`], isolation);
    const at = `http://127.0.0.1:${port}`;
    expect(await fetch(agent, { url: `${at}/public/x` })).toMatchObject({ status: 200 });
    for (const ask of [
      { url: `${at}/private` },
      { url: `${at}/public/../private` },
      { url: `${at}/public`, method: 'DELETE' },
      { url: `http://127.0.0.1:${port + 1}/public` },
      { url: 'http://169.254.169.254/latest/meta-data' },
      { url: `http://[::ffff:127.0.0.1]:${port}/private` },
    ]) {
      expect(await fetch(agent, ask), JSON.stringify(ask)).toMatch(/^denied /);
    }
    agent.say('end');
    const { denied } = await agent.agent.exited;
    expect(denied).toEqual([{ capability: 'can_network', operation: 'http.fetch', count: 6 }]);
  });

  test('without a grant of the network there is none', async () => {
    const port = await echo();
    const agent = await puppet(undefined, isolation);
    expect(await fetch(agent, { url: `http://127.0.0.1:${port}/` })).toMatch(
      /^denied .*can_network/,
    );
  });
});

test('a redirect is followed where that is granted, and told where not', async () => {
  const inside = await startHttp((_, response) => response.end('inside'));
  const outside = await startHttp((request, response) => {
    const to = request.url === '/in' ? inside : outside;
    response.writeHead(302, { location: `http://127.0.0.1:${to}/${to === inside ? '' : 'end'}` });
    response.end('moved');
  });
  const agent = await puppet([`127.0.0.1:${outside}`]);
  expect(await fetch(agent, { url: `http://127.0.0.1:${outside}/in` })).toMatch(/^denied /);
  expect(
    await fetch(agent, { url: `http://127.0.0.1:${outside}/in`, redirect: 'manual' }),
  ).toMatchObject({ status: 302, body: 'moved' });
  const wide = await puppet([`127.0.0.1:${outside}`, `127.0.0.1:${inside}`]);
  expect(await fetch(wide, { url: `http://127.0.0.1:${outside}/in` })).toMatchObject({
    status: 200,
    body: 'inside',
    url: `http://127.0.0.1:${inside}/`,
  });
  expect(await fetch(wide, { url: `http://127.0.0.1:${outside}/circle` })).toMatch(/^unavailable /);
});

test.each<Isolation>(['shared', 'process'])(
  '%s: a response that tells a secret back is cut and counted, and so are its bytes',
  async (isolation) => {
    const secret = await testKernel({
      catalogue: { tools: ['http.fetch'] },
      secrets: { API: 'Bearer 0123456789abcdef' },
    });
    onTestFinished(async () => {
      await secret.kernel.close();
    });
    const port = await startHttp((request, response) => {
      const { authorization = '' } = request.headers;
      response.end(request.url === '/echo' ? `${'x'.repeat(1_000)}${authorization}` : 'fine');
    });
    const at = `http://127.0.0.1:${port}`;
    const agent = await spawnPuppet(secret.kernel, await secret.kernel.load(guest('puppet')), {
      grants: { tools: ['http.fetch'], network: [`${at} secret:API:authorization`] },
      isolation,
    });
    expect(await fetch(agent, { url: `${at}/echo` })).toMatch(/^unavailable /);
    expect(await fetch(agent, { url: `${at}/` })).toMatchObject({ body: 'fine' });
    agent.say('end');
    const { denied, usage } = await agent.agent.exited;
    expect(denied).toEqual([
      { capability: 'can_network', operation: 'http.secret-echo', count: 1 },
    ]);
    expect(usage.network_requests).toBe(2);
  },
);

test('what has come of a response is counted, also where the rest never does', async () => {
  const port = await startHttp((_, response) => {
    response.writeHead(200, { 'content-length': '2000' });
    response.write('x'.repeat(1_000), () => setTimeout(() => response.destroy(), 200));
  });
  const agent = await puppet([`127.0.0.1:${port}`]);
  expect(await fetch(agent, { url: `http://127.0.0.1:${port}/` })).toMatch(/^unavailable /);
  agent.say('end');
  const { usage } = await agent.agent.exited;
  expect(usage.network_bytes_in).toBe(1_000);
});

test('of a body without end there is as much as may be, and the server is let go', async () => {
  const closed = Promise.withResolvers<void>();
  const port = await startHttp((_, response) => {
    response.on('close', () => closed.resolve());
    const write = (): void => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', write);
    write();
  });
  const agent = await puppet([`127.0.0.1:${port}`]);
  const answer = await fetch(agent, { url: `http://127.0.0.1:${port}/`, maxBytes: 1_000 });
  expect(answer).toMatchObject({ status: 200, body: 'x'.repeat(1_000), truncated: true });
  await closed.promise;
});

test.each(['tools', 'network'])(
  'a server that never answers is let go with the grant of %s',
  async (kind) => {
    const asked = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const port = await startHttp((request) => {
      void once(request.socket, 'close').then(() => closed.resolve());
      asked.resolve();
    });
    const agent = await puppet([`127.0.0.1:${port}`]);
    agent.say(`tool http.fetch {"url":"http://127.0.0.1:${port}/"}`);
    await asked.promise;
    const gone = agent.agent.grants().find((grant) => grant.kind === kind);
    await host.kernel.revoke(gone?.id ?? 0);
    expect(await agent.answer()).toMatch(/^tool err denied/);
    await closed.promise;
  },
);

test.each([
  ['http://user@127.0.0.1/', /^invalid arguments\/url/],
  ['http://127.0.0.1@evil.example/', /^invalid arguments\/url/],
  ['file:///etc/passwd', /^invalid arguments\/url/],
  ['ftp://127.0.0.1/', /^invalid arguments\/url/],
  ['127.0.0.1', /^invalid arguments\/url/],
  ['', /^invalid arguments\/url/],
])('%j is no URL of HTTP', async (url, why) => {
  const agent = await puppet(['127.0.0.1']);
  expect(await fetch(agent, { url })).toMatch(why);
});

test.each([
  { host: 'elsewhere' },
  { connection: 'close' },
  { 'transfer-encoding': 'chunked' },
  { 'x-split': 'a\r\nx-other: b' },
  { 'not a name': 'x' },
])('a header that is the client’s, or none, is refused: %j', async (headers) => {
  const port = await echo();
  const agent = await puppet([`127.0.0.1:${port}`]);
  const url = `http://127.0.0.1:${port}/`;
  expect(await fetch(agent, { url, headers })).toMatch(/^denied /);
  expect(await fetch(agent, { url, headers: { 'x-fine': 'x' } })).toMatchObject({ status: 200 });
});

test('connections are kept from call to call, and gone with their agent', async () => {
  const connections = new Set<object>();
  const closed = Promise.withResolvers<void>();
  const port = await startHttp((request, response) => {
    if (!connections.has(request.socket)) {
      connections.add(request.socket);
      request.socket.on('close', () => closed.resolve());
    }
    response.end('ok');
  });
  const url = `http://127.0.0.1:${port}/`;
  const agent = await puppet([`127.0.0.1:${port}`]);
  expect(await fetch(agent, { url })).toMatchObject({ body: 'ok' });
  expect(await fetch(agent, { url })).toMatchObject({ body: 'ok' });
  expect(connections.size).toBe(1);
  const other = await puppet([`127.0.0.1:${port}`]);
  expect(await fetch(other, { url })).toMatchObject({ body: 'ok' });
  expect(connections.size).toBe(2);
  await agent.end();
  await closed.promise;
});
