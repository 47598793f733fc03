/**
 * Goal: handlers that compilers of others make do real work here: a web application in JavaScript, by
 * StarlingMonkey, and a program in C against the bare ABI, also beside jco's own server.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HttpService, LoadedModule } from '../../src/index.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { titled } from '../support/skipped.ts';
import { componentOfC, componentOfScript, whyNoC } from './build.ts';

const at = (path: string): string => `http://app.test${path}`;

let world: TestKernel;
beforeAll(async () => {
  world = await testKernel();
});
afterAll(() => world.kernel.close());

describe('a web application in JavaScript', { timeout: 120_000 }, () => {
  let module: LoadedModule;
  let service: HttpService;
  beforeAll(async () => {
    module = await world.kernel.load(await componentOfScript(new URL('app.js', import.meta.url)));
    service = world.kernel.serve({ module, timeoutMs: 60_000 });
  }, 180_000);
  afterAll(() => service?.close());
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    service.handle(new Request(at(path), init));

  test('reads its request, and answers', async () => {
    const response = await ask('/json?a=1&b=2', { method: 'PUT', headers: { 'x-mine': 'yes' } });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      method: 'PUT',
      query: [
        ['a', '1'],
        ['b', '2'],
      ],
      mine: 'yes',
    });
    expect((await ask('/nowhere')).status).toBe(404);
  });

  test('works on a body, and streams one', async () => {
    const body = 'nobody trusts this module, and this module trusts nobody '.repeat(2_000);
    const response = await ask('/words', { method: 'POST', body });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-words')).toBe('counted');
    expect(await response.json()).toMatchObject({ nobody: 4_000, trusts: 4_000, and: 2_000 });
    expect(await (await ask('/stream')).text()).toBe('5\n4\n3\n2\n1\n');
  });

  test('sees nothing of other requests, and tells nobody what it has thrown', async () => {
    expect(await (await ask('/count')).text()).toBe('1');
    expect(await (await ask('/count')).text()).toBe('1');
    const thrown = await ask('/throw');
    expect(thrown.status).toBe(500);
    expect(await thrown.text().catch(() => '')).not.toContain('secret');
  });

  test('fetches what it is granted, and nothing without', async () => {
    const server = createHttpServer((request, response) =>
      response.end(`you asked ${request.url}`),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const path = `/fetch?url=${encodeURIComponent(`http://127.0.0.1:${port}/a?b`)}`;
    await using granted = world.kernel.serve({
      module,
      timeoutMs: 60_000,
      grants: { network: [`127.0.0.1:${port}`] },
    });
    const fetched = await granted.handle(new Request(at(path)));
    expect(await fetched.json()).toEqual({ status: 200, text: 'you asked /a?b' });
    const refused = await ask(path);
    expect(refused.status).toBe(500);
    await refused.body?.cancel();
    server.close();
  });
});

/** jco's own server for a component, on a port of the system's choice, in a process of its own. */
async function serveByJco(file: string): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  const jco = fileURLToPath(
    new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url),
  );
  const child = spawn(process.execPath, [jco, 'serve', file, '--port', String(port)], {
    stdio: 'ignore',
  });
  const url = `http://localhost:${port}/`;
  const exited = once(child, 'exit');
  await vi.waitFor(async () => expect((await fetch(url)).status).toBe(201), {
    timeout: 60_000,
    interval: 200,
  });
  return {
    url,
    stop: () => {
      child.kill('SIGKILL');
      return exited;
    },
  };
}

const WHY_NO_C = whyNoC();

describe.skipIf(WHY_NO_C !== null)(titled('a handler in C', WHY_NO_C), { timeout: 120_000 }, () => {
  let component: Uint8Array;
  let module: LoadedModule;
  beforeAll(async () => {
    component = await componentOfC(new URL('sha256.c', import.meta.url), 'handler');
    module = await world.kernel.load(component);
  }, 120_000);

  const BODIES = ['', 'abc', 'x'.repeat(55), 'x'.repeat(56), 'y'.repeat(1_000_003)];
  const sum = (body: string): string => createHash('sha256').update(body).digest('hex');

  test.each([0, 2])(
    'answers with the sum of each body, with %i instances kept',
    async (keepWarm) => {
      await using service = world.kernel.serve({ module, keepWarm });
      for (const body of BODIES) {
        const response = await service.handle(new Request(at('/'), { method: 'POST', body }));
        expect([response.status, await response.text()]).toEqual([201, sum(body)]);
      }
    },
  );

  test('answers as it does on jco’s own server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-jco-'));
    const file = join(folder, 'sha256.wasm');
    writeFileSync(file, component);
    const other = await serveByJco(file);
    await using service = world.kernel.serve({ module });
    try {
      for (const body of BODIES) {
        const theirs = await fetch(other.url, { method: 'POST', body });
        const ours = await service.handle(new Request(at('/'), { method: 'POST', body }));
        const type = 'content-type';
        expect([ours.status, ours.headers.get(type), await ours.text()]).toEqual([
          theirs.status,
          theirs.headers.get(type),
          await theirs.text(),
        ]);
      }
    } finally {
      await other.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
