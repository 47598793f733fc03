/**
 * Goal: a module that handles HTTP requests gets each of them, answers it by wasi:http's rules, and leaves
 * nothing behind; whatever it does instead, the client gets a whole response, a plain sentence, or none.
 */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HttpService, Isolation, LoadedModule, ServedRequest } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const url = (path: string): string => `http://example.test:8080/${path}`;

let world: TestKernel;
let module: LoadedModule;
beforeAll(async () => {
  world = await testKernel();
  module = await world.kernel.load(guest('http-puppet'));
});
afterAll(() => world.kernel.close());

/** Resolves when nothing of what was served is there any more. */
async function nobodyLeft(): Promise<void> {
  const ends = world.kernel.list().map(({ pid }) => world.kernel.agent(pid).exited);
  await Promise.all(ends);
  expect(world.kernel.list()).toEqual([]);
}

/** Resolves when so many instances wait for a request: their handlers return after their responses. */
const idle = (service: HttpService, count: number): Promise<void> =>
  vi.waitFor(() => expect(service.idle).toBe(count), { timeout: 20_000 });

const get = async (service: HttpService, path: string): Promise<[number, string]> => {
  const response = await service.handle(new Request(url(path)));
  return [response.status, await response.text()];
};

const ISOLATIONS: readonly Isolation[] = ['shared', 'thread', 'process'];

describe.each(ISOLATIONS)('with isolation %s', (isolation) => {
  test('each request has an instance of its own, and both bodies are streams', async () => {
    await using service = world.kernel.serve({ module, isolation });
    expect(await get(service, 'count')).toEqual([200, '1']);
    expect(await get(service, 'count')).toEqual([200, '1']);
    const body = 'x'.repeat(300_000);
    const response = await service.handle(new Request(url('echo'), { method: 'POST', body }));
    expect(await response.text()).toBe(body);
    await nobodyLeft();
  });

  test('what fails half way is broken off, and what fails before has a status', async () => {
    await using service = world.kernel.serve({ module, isolation });
    expect(await get(service, 'trap')).toEqual([500, 'The module failed.\n']);
    expect(await get(service, 'nothing')).toEqual([502, 'The module gave no response.\n']);
    const half = await service.handle(new Request(url('trap-half')));
    expect(half.status).toBe(200);
    await expect(half.text()).rejects.toThrow('broken off');
    expect(await get(service, 'hello')).toEqual([200, 'hello']);
    await nobodyLeft();
  });

  test('instances that are kept handle one request after another', async () => {
    await using service = world.kernel.serve({ module, isolation, keepWarm: 1 });
    expect(await get(service, 'count')).toEqual([200, '1']);
    await idle(service, 1);
    expect(await get(service, 'count')).toEqual([200, '2']);
    await idle(service, 1);
    expect(await get(service, 'trap')).toEqual([500, 'The module failed.\n']);
    expect(await get(service, 'count')).toEqual([200, '1']);
  });
});

describe('a request', () => {
  test('is told with its method, host, path and fields, but for those of the connection', async () => {
    await using service = world.kernel.serve({ module });
    const headers = { 'x-a': '1', connection: 'close', te: 'trailers' };
    const request = new Request(url('request/a?b=c'), { method: 'PUT', headers });
    const text = await (await service.handle(request)).text();
    expect(text).toContain('put HTTP example.test:8080 /request/a?b=c\n');
    expect(text).toContain('x-a: 1\n');
    expect(text).not.toContain('connection');
    expect(text).not.toContain('te:');
  });

  test('has fields that can not be changed, and are cloned to be', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'immutable')).toEqual([200, 'immutable true']);
  });

  test('has one body, and that has one stream', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'once')).toEqual([200, 'true false true false']);
  });

  test('whose body is dropped before its stream ends the agent', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'body-first')).toEqual([500, 'The module failed.\n']);
    expect(await get(service, 'drain')).toEqual([200, '0']);
  });

  test('is broken off where its body fails, and the agent sees that', async () => {
    await using service = world.kernel.serve({ module });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: (controller) => controller.error(new Error('lost')),
    });
    const broken = new Request(url('drain'), { method: 'POST', body, duplex: 'half' });
    expect(await (await service.handle(broken)).text()).toBe('-11');
    const whole = new Request(url('drain'), { method: 'POST', body: 'x'.repeat(10) });
    expect(await (await service.handle(whole)).text()).toBe('10');
  });

  test('larger than what is taken is refused, told or not', async () => {
    await using service = world.kernel.serve({ module, maxRequestBytes: 100_000 });
    const chunks = (count: number): ReadableStream<Uint8Array> => {
      let left = count;
      return new ReadableStream({
        pull: (controller) => {
          if (left === 0) {
            controller.close();
          } else {
            left -= 1;
            controller.enqueue(new Uint8Array(50_000));
          }
        },
      });
    };
    const send = (count: number): Promise<Response> =>
      service.handle(
        new Request(url('drain'), { method: 'POST', body: chunks(count), duplex: 'half' }),
      );
    expect((await send(3)).status).toBe(413);
    expect(await (await send(2)).text()).toBe('100000');
    const headers = { 'content-length': '100001' };
    expect((await service.handle(new Request(url('hello'), { headers }))).status).toBe(413);
    await nobodyLeft();
  });

  test('larger than what is taken costs no instance that is kept', async () => {
    await using service = world.kernel.serve({ module, maxRequestBytes: 100_000, keepWarm: 1 });
    expect(await get(service, 'count')).toEqual([200, '1']);
    await idle(service, 1);
    for (const [chunks, status] of [
      [1, 200],
      [4, 413],
    ] as const) {
      const body = ReadableStream.from(new Array(chunks).fill(new Uint8Array(50_000)));
      const sent = new Request(url('drain'), { method: 'POST', body, duplex: 'half' });
      const response = await service.handle(sent);
      expect(response.status).toBe(status);
      await response.text();
      await idle(service, 1);
    }
    expect(await get(service, 'count')).toEqual([200, '4']);
  });
});

describe('a response', () => {
  test.each([
    ['204', 204, ''],
    ['418', 418, ''],
    ['99', 200, 'no status'],
    ['100', 200, 'no status'],
    ['600', 200, 'no status'],
  ])('of status %s', async (status, expected, text) => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, `status/${status}`)).toEqual([expected, text]);
  });

  test('may have trailers, and reads those of its request', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'trailers/1000')).toEqual([200, 'body']);
    await expect(get(service, 'trailers/1025')).rejects.toThrow('broken off');
    expect(await get(service, 'read-trailers')).toEqual([200, 'none']);
  });

  test('has the length that it declares, or is broken off', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'exact')).toEqual([200, 'exact']);
    await expect(get(service, 'short')).rejects.toThrow('broken off');
    await expect(get(service, 'long')).rejects.toThrow('broken off');
    expect((await get(service, 'sizes'))[0]).toBe(502);
  });

  test('is broken off where its body is dropped, and where its stream is still there', async () => {
    await using service = world.kernel.serve({ module });
    await expect(get(service, 'unfinished')).rejects.toThrow('broken off');
    await expect(get(service, 'stream-alive')).rejects.toThrow('broken off');
    expect(await get(service, 'bytes/100000')).toEqual([200, 'x'.repeat(100_000)]);
  });

  test('has no field that ends its line, none of the connection, and not too many', async () => {
    await using service = world.kernel.serve({ module });
    expect(await get(service, 'field/x-a=b%0D%0Ax-evil:1')).toEqual([200, 'invalid-syntax']);
    expect(await get(service, 'field/x-a%0D%0Ab=c')).toEqual([200, 'invalid-syntax']);
    expect(await get(service, 'field/transfer-encoding=chunked')).toEqual([200, 'forbidden']);
    expect(await get(service, 'fields/1025')).toEqual([500, 'The module failed.\n']);
    const set = await service.handle(new Request(url('field/x-a=b')));
    expect(await set.text()).toBe('set');
    expect(set.headers.get('x-a')).toBe('b');
    expect((await service.handle(new Request(url('fields/1000')))).headers.get('x-999')).toBe('1');
  });

  test('by an error says nothing of what the guest has said', async () => {
    const told: ServedRequest[] = [];
    await using service = world.kernel.serve({ module, onRequest: (each) => told.push(each) });
    const [status, text] = await get(service, 'refuse/secret');
    expect([status, text]).toEqual([502, 'The module answered the request with an error.\n']);
    await get(service, 'refuse/loop');
    expect(told.map(({ problem }) => problem)).toEqual([
      'it answered with internal-error',
      'it answered with loop-detected',
    ]);
  });

  test('can be set once', async () => {
    const told: ServedRequest[] = [];
    await using service = world.kernel.serve({ module, onRequest: (each) => told.push(each) });
    expect(await get(service, 'twice')).toEqual([200, 'first']);
    expect(await get(service, 'hello')).toEqual([200, 'hello']);
    await nobodyLeft();
  });

  test('larger than what is passed on is broken off', async () => {
    await using service = world.kernel.serve({ module, maxResponseBytes: 100_000 });
    await expect(get(service, 'bytes/100001')).rejects.toThrow('broken off');
    expect(await get(service, 'bytes/100000')).toEqual([200, 'x'.repeat(100_000)]);
    await nobodyLeft();
  });
});

test('who is near its limits is kept no longer: no request fails for those before it', async () => {
  const limitless = world.kernel.serve({ module, keepWarm: 1 });
  expect(await get(limitless, 'count')).toEqual([200, '1']);
  await idle(limitless, 1);
  const [first] = world.kernel.list();
  await limitless.close();
  const { usage } = await world.kernel.agent(first?.pid ?? 0).exited;
  await using service = world.kernel.serve({
    module,
    keepWarm: 1,
    limits: { fuel: usage.fuel * 10 },
  });
  const counted: number[] = [];
  for (let request = 0; request < 40; request += 1) {
    const [status, text] = await get(service, 'count');
    expect(status).toBe(200);
    counted.push(Number(text));
  }
  // It was kept for some, and each instance that came to its limit was followed by another.
  expect(Math.max(...counted)).toBeGreaterThan(1);
  expect(counted.filter((count) => count === 1).length).toBeGreaterThan(1);
});

describe('a response that is held over', () => {
  test('reaches nobody when its request is over', async () => {
    await using service = world.kernel.serve({ module, keepWarm: 1 });
    expect(await get(service, 'hold')).toEqual([502, 'The module gave no response.\n']);
    await idle(service, 1);
    expect(await get(service, 'answer-held')).toEqual([200, 'to this one']);
  });

  test('is closed for who still writes to it', async () => {
    await using service = world.kernel.serve({ module, keepWarm: 1 });
    await expect(get(service, 'keep-stream')).rejects.toThrow('broken off');
    await idle(service, 1);
    expect(await get(service, 'use-kept-stream')).toEqual([200, 'closed']);
  });
});

describe('a request that takes too long', () => {
  test.each(['sleep', 'forever'])(
    '(%s) is answered by 504, and its agent is ended',
    async (path) => {
      await using service = world.kernel.serve({ module, timeoutMs: 200 });
      expect(await get(service, path)).toEqual([504, 'The module took too long to respond.\n']);
      await nobodyLeft();
      await using patient = world.kernel.serve({ module });
      expect(await get(patient, 'hello')).toEqual([200, 'hello']);
    },
  );

  test('is broken off where its response has begun', async () => {
    await using service = world.kernel.serve({ module, timeoutMs: 3_000 });
    const response = await service.handle(new Request(url('first-byte')));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('broken off');
    await nobodyLeft();
  });

  test('is answered by 504 too where the limit is the agent’s own', async () => {
    await using service = world.kernel.serve({ module, limits: { wallTimeMs: 100 } });
    expect((await get(service, 'sleep'))[0]).toBe(504);
    await using other = world.kernel.serve({ module, limits: { fuel: 5_000_000 } });
    expect((await get(other, 'forever'))[0]).toBe(500);
    expect(await get(other, 'hello')).toEqual([200, 'hello']);
  });
});

describe('a client that leaves', () => {
  test.each([0, 1])('has its agent ended, with %i kept', async (keepWarm) => {
    await using service = world.kernel.serve({ module, keepWarm });
    const controller = new AbortController();
    const { signal } = controller;
    const response = service.handle(new Request(url('sleep'), { signal }));
    expect(service.active).toBe(1);
    controller.abort(new Error('enough'));
    await expect(response).rejects.toThrow('enough');
    expect(service.active).toBe(0);
    await nobodyLeft();
  });

  test('costs no instance that is kept, if that comes to an end for it', async () => {
    await using service = world.kernel.serve({ module, keepWarm: 1 });
    expect(await get(service, 'count')).toEqual([200, '1']);
    await idle(service, 1);
    const response = await service.handle(new Request(url('bytes/10000000')));
    await response.body?.cancel();
    await idle(service, 1);
    expect(await get(service, 'count')).toEqual([200, '3']);
  });

  test('in the midst of the response has its agent ended', async () => {
    const told: ServedRequest[] = [];
    await using service = world.kernel.serve({ module, onRequest: (each) => told.push(each) });
    const response = await service.handle(new Request(url('first-byte')));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await nobodyLeft();
    expect(told).toMatchObject([{ status: 200, bytes: 1, problem: 'the client has left' }]);
  });
});

describe('many requests at a time', () => {
  test('are handled, 1,000 of them', { timeout: 120_000 }, async () => {
    await using service = world.kernel.serve({ module, maxConcurrent: 1_000, timeoutMs: 120_000 });
    const requests = Array.from({ length: 1_000 }, () => get(service, 'count'));
    const answers = await Promise.all(requests);
    expect(new Set(answers.map(String))).toEqual(new Set(['200,1']));
    await nobodyLeft();
  });

  test('beyond what may be are answered by 503', async () => {
    await using service = world.kernel.serve({ module, maxConcurrent: 2 });
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = [1, 2].map(() => service.handle(new Request(url('sleep'), { signal })));
    expect((await get(service, 'hello'))[0]).toBe(503);
    controller.abort();
    await Promise.allSettled(waiting);
    expect(await get(service, 'hello')).toEqual([200, 'hello']);
  });

  test('no more instances are kept than may be', async () => {
    await using service = world.kernel.serve({ module, keepWarm: 2 });
    await Promise.all(Array.from({ length: 20 }, () => get(service, 'count')));
    await idle(service, 2);
    await vi.waitFor(() => expect(world.kernel.list()).toHaveLength(2));
  });
});

describe('closing', () => {
  test('waits for what is being handled, and takes no more', async () => {
    const service = world.kernel.serve({ module });
    const response = await service.handle(new Request(url('bytes/200000')));
    const closed = service.close({ drainMs: 60_000 });
    expect((await get(service, 'hello'))[0]).toBe(503);
    expect(await response.text()).toHaveLength(200_000);
    await closed;
    await nobodyLeft();
  });

  test('ends what is not through in time', async () => {
    const service = world.kernel.serve({ module });
    const response = service.handle(new Request(url('sleep')));
    await service.close({ drainMs: 50 });
    expect((await response).status).toBe(503);
    await nobodyLeft();
  });
});

describe('what can not be served', () => {
  test('a module that handles no requests, and a handler is not spawned', async () => {
    const hello = await world.kernel.load(guest('hello'));
    expect(() => world.kernel.serve({ module: hello })).toThrow(
      'exports no wasi:http/incoming-handler',
    );
    await expect(world.kernel.spawn({ module })).rejects.toThrow('it handles HTTP requests');
    expect(module.world).toBe('wasi:http');
  });

  test.each([
    [{ keepWarm: -1 }],
    [{ maxConcurrent: 0 }],
    [{ timeoutMs: 0 }],
    [{ stdin: 'x' }],
    [{ limits: { fuel: -1 } }],
  ])('options like %o', (options) => {
    expect(() => world.kernel.serve({ module, ...options } as never)).toThrow('Cannot');
  });
});
