/**
 * Goal: a guest with a grant sends HTTP requests to a real server and gets what it answers, streaming both
 * ways, whatever isolates it; without, with a server that misbehaves, or with nobody who waits, it gets a
 * typed error, and no connection stays.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HttpService, Isolation, LoadedModule } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let world: TestKernel;
let module: LoadedModule;
let server: Server;
let authority: string;
const sockets = new Set<Socket>();
beforeAll(async () => {
  world = await testKernel();
  module = await world.kernel.load(guest('http-puppet'));
  server = createServer((request, response) => {
    switch (request.url) {
      case '/hello':
        response.writeHead(201, { 'x-from': 'server' }).end('hello');
        return;
      case '/echo':
        request.pipe(response);
        return;
      case '/half':
        response.writeHead(200, { 'content-length': 10 }).write('half');
        setTimeout(() => response.destroy(), 20);
        return;
      case '/redirect':
        response.writeHead(302, { location: '/hello' }).end();
        return;
      // '/silent': nothing is ever answered.
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await world.kernel.close();
  server.closeAllConnections();
  server.close();
});

const url = (path: string): string => `http://example.test/${path}`;
const ask = async (service: HttpService, path: string, init?: RequestInit): Promise<string> => {
  const response = await service.handle(new Request(url(path), init));
  return `${response.status} ${await response.text()}`;
};
const nothingIsOpen = (): Promise<void> =>
  vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 20_000 });

const ISOLATIONS: readonly Isolation[] = ['shared', 'thread', 'process'];

describe.each(ISOLATIONS)('with isolation %s', (isolation) => {
  const serve = (network: string[] = ['127.0.0.1']): HttpService =>
    world.kernel.serve({ module, isolation, grants: { network } });

  test('what is granted is sent, and answered', async () => {
    await using service = serve();
    expect(await ask(service, `get/${authority}/hello`)).toBe('201 hello');
    expect(await ask(service, `get/${authority}/redirect`)).toBe('302 ');
  });

  test('bodies stream both ways', async () => {
    await using service = serve();
    const body = 'x'.repeat(500_000);
    const init = { method: 'POST', body };
    expect(await ask(service, `post/${authority}/echo`, init)).toBe(`200 ${body}`);
  });

  test('what is not granted is denied', async () => {
    await using service = serve(['127.0.0.1:1']);
    expect(await ask(service, `get/${authority}/hello`)).toBe('200 HTTP-request-denied');
    await using none = serve([]);
    expect(await ask(none, `get/${authority}/hello`)).toBe('200 HTTP-request-denied');
  });

  test('a server that is not there, breaks off, or stays silent is a typed error', async () => {
    await using service = serve();
    expect(await ask(service, 'get/127.0.0.1:1/hello')).toBe('200 connection-refused');
    expect(await ask(service, `get/${authority}/half`)).toMatch(/^200 half<(HTTP|connection)-.*>$/);
    expect(await ask(service, `impatient/${authority}/silent`)).toMatch(
      /^200 (HTTP-response-timeout|connection-read-timeout)$/,
    );
  });

  test('nobody who waits, no connection', async () => {
    await nothingIsOpen();
    await using service = serve();
    expect(await ask(service, `give-up/${authority}/silent`)).toBe('200 given up');
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = service.handle(new Request(url(`get/${authority}/silent`), { signal }));
    await vi.waitFor(() => expect(sockets.size).toBeGreaterThan(0), { timeout: 20_000 });
    controller.abort();
    await waiting.catch(() => {});
    await nothingIsOpen();
  });
});

test('what is under way counts for one kernel, whatever isolates who sends it, and is given back', async () => {
  const { kernel } = await testKernel({ network: { limits: { requests: 2 } }, workers: 2 });
  const puppet = await kernel.load(guest('http-puppet'));
  const waiting: (() => void)[] = [];
  const slow = createServer((_, response) => {
    waiting.push(() => response.end('ok'));
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const at = `127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const services = ISOLATIONS.map((isolation) =>
    kernel.serve({ module: puppet, isolation, grants: { network: ['127.0.0.1'] } }),
  );
  const [shared, thread, own] = services as [HttpService, HttpService, HttpService];
  const arrived = (count: number): Promise<void> =>
    vi.waitFor(() => expect(waiting).toHaveLength(count), { timeout: 60_000 });

  const first = ask(shared, `get/${at}/`);
  const second = ask(own, `get/${at}/`);
  await arrived(2);
  for (const service of services) {
    expect(await ask(service, `get/${at}/`)).toBe('200 connection-limit-reached');
  }
  for (const answer of waiting) {
    answer();
  }
  expect([await first, await second]).toEqual(['200 ok', '200 ok']);

  // Who is ended with a request under way gives its place back, too.
  const [third, fourth] = [ask(thread, `get/${at}/`), ask(own, `get/${at}/`)];
  await arrived(4);
  const live = kernel.list().map(({ pid }) => kernel.agent(pid));
  for (const agent of live) {
    agent.kill();
  }
  await Promise.all([...live.map(({ exited }) => exited), third, fourth]);
  const again = [ask(own, `get/${at}/`), ask(shared, `get/${at}/`)];
  await arrived(6);
  waiting[4]?.();
  waiting[5]?.();
  expect(await Promise.all(again)).toEqual(['200 ok', '200 ok']);
  await kernel.close();
  slow.closeAllConnections();
  slow.close();
});
