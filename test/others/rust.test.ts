/**
 * Goal: programs in Rust do real work here, and only what they are granted. Method: a program of the
 * standard library against its native twin; a client and a handler of HTTP against real servers.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpService, LoadedModule } from '../../src/index.ts';
import type { Report } from '../../src/supervisor/report.ts';
import { Pair } from '../programs/pair.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { titled, WHY_NO_MOUNTS } from '../support/skipped.ts';
import { componentOfRust, nativeOfRust, WHY_NO_RUST } from './rust/build.ts';

let world: TestKernel;
/** Answers what it was asked; `/redirect` leads away, `/broken` breaks off. */
let server: Server;
let authority: string;
beforeAll(async () => {
  world = await testKernel();
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
      return;
    }
    response.writeHead(request.url === '/teapot' ? 418 : 200, { 'content-type': 'text/x-said' });
    response.end(`${request.method} ${request.url} ${request.headers['x-mine']} ${body.length}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await world?.kernel.close();
});

const WHY_NO_TWINS = WHY_NO_RUST ?? WHY_NO_MOUNTS;

describe.skipIf(WHY_NO_TWINS !== null)(
  titled('a program in Rust', WHY_NO_TWINS),
  { timeout: 120_000 },
  () => {
    let folder: string;
    let pair: Pair;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'ringfence-rust-'));
      const native = join(folder, 'access');
      nativeOfRust('access', native);
      pair = await Pair.of(
        world,
        { name: 'access', native },
        await componentOfRust('access', 'command'),
      );
    }, 120_000);
    afterAll(() => {
      pair?.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    test('reads folders and files, computes and writes as it does natively', async () => {
      const lines = Array.from({ length: 20_000 }, (_, n) => {
        const method = n % 3 === 0 ? 'POST' : 'GET';
        return `${(n * 7919) % 1_000}.${n % 10} ${n % 97 === 0 ? 503 : 200} ${method} /p${n % 11}?q=${n}`;
      });
      pair.put('logs/a.log', lines.slice(0, 12_345).join('\n'));
      pair.put('logs/b.log', lines.slice(12_345).join('\n'));
      pair.put('logs/notes.txt', 'these are no requests');
      const { guest, native } = await pair.run(['logs']);
      expect(guest).toEqual(native);
      expect(guest.stdout.split('\n')).toHaveLength(1 + 22 + 1);
      expect(pair.trees().guest).toEqual(pair.trees().native);
      expect(pair.trees().guest).toHaveProperty('logs/summary.csv');
    });

    test('ends with its code, and says what it says natively', async () => {
      pair.put('bad/a.log', '12.5 200 GET /\nwhat?\n');
      const { guest, native } = await pair.run(['bad']);
      expect(guest).toEqual(native);
      expect([guest.code, guest.stderr]).toEqual([1, 'access: a.log:2: "what?" is no request\n']);
    });

    test('finds nothing where nothing is granted', async () => {
      pair.put('logs/a.log', '1 200 GET /\n');
      const { outcome } = await pair.runGuest(['logs'], { files: [] });
      expect(outcome.code).toBe(1);
      expect(outcome.stdout).toBe('');
    });
  },
);

describe.skipIf(WHY_NO_RUST !== null)(
  titled('a client of HTTP in Rust', WHY_NO_RUST),
  { timeout: 120_000 },
  () => {
    let module: LoadedModule;
    beforeAll(async () => {
      module = await world.kernel.load(await componentOfRust('fetch', 'command'));
    }, 120_000);

    async function run(words: string[], network: string[], stdin: Uint8Array | string = '') {
      const agent = await world.kernel.spawn({
        module,
        arguments: ['fetch', ...words],
        grants: { network },
        stdin,
      });
      const report: Report = await agent.exited;
      const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
      return { report, stdout: text(agent.stdout), stderr: text(agent.stderr) };
    }

    test('sends a method, fields and a body, and reads the answer', async () => {
      const body = new Uint8Array(300_000);
      const sent = await run(['PUT', authority, '/a?b', 'x-mine=yes'], [authority], body);
      expect([sent.stdout, sent.stderr]).toEqual(['PUT /a?b yes 300000\n', '200 text/x-said\n']);
      expect(sent.report).toMatchObject({
        exit: { code: 0 },
        denied: [],
        usage: { network_requests: 1 },
      });
      expect((await run(['GET', authority, '/teapot'], [authority])).stderr).toMatch(/^418 /);
    });

    test('is told what is denied, and what has failed, by name', async () => {
      const refused = await run(['GET', authority, '/'], ['127.0.0.1:1']);
      expect(refused.stderr).toBe('fetch: HTTP-request-denied\n');
      expect(refused.report).toMatchObject({ exit: { code: 1 }, usage: { network_requests: 0 } });
      expect(refused.report.denied).toEqual([
        { capability: 'can_network', operation: 'http.handle', count: 1 },
      ]);
      const nobody = await run(['GET', '127.0.0.1:1', '/'], ['127.0.0.1:1']);
      expect(nobody.stderr).toBe('fetch: connection-refused\n');
      const broken = await run(['GET', authority, '/broken'], [authority]);
      expect([broken.stdout, broken.report.exit.code]).toEqual(['half', 1]);
    });
  },
);

describe.skipIf(WHY_NO_RUST !== null)(
  titled('a handler of HTTP requests in Rust', WHY_NO_RUST),
  { timeout: 120_000 },
  () => {
    let module: LoadedModule;
    let granted: HttpService;
    let bare: HttpService;
    beforeAll(async () => {
      module = await world.kernel.load(await componentOfRust('gateway', 'handler'));
      granted = world.kernel.serve({ module, keepWarm: 2, grants: { network: [authority] } });
      bare = world.kernel.serve({ module });
    }, 120_000);
    afterAll(async () => {
      await granted?.close();
      await bare?.close();
    });
    const request = (path: string, init?: RequestInit): Request =>
      new Request(`http://app.test${path}`, init);

    test('works on a body, as often as it is asked', async () => {
      const body = 'Nobody trusts this module,\nand this module trusts nobody: été.\n'.repeat(
        3_000,
      );
      for (const service of [granted, granted, granted, bare]) {
        const response = await service.handle(request('/count', { method: 'POST', body }));
        expect([response.status, await response.text()]).toEqual([
          200,
          '6000 module\n6000 nobody\n6000 this\n6000 trusts\n3000 and\n3000 été\n',
        ]);
      }
      const other = await granted.handle(request('/other'));
      expect([other.status, await other.text()]).toEqual([404, 'not found\n']);
    });

    test('asks another server, whose answer it passes on', async () => {
      const put = request(`/relay/${authority}/x?y`, { method: 'PUT', body: 'z'.repeat(70_000) });
      const response = await granted.handle(put);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/x-said']);
      expect(await response.text()).toBe('PUT /x?y undefined 70000\n');
      const broken = await granted.handle(request(`/relay/${authority}/broken`));
      await expect(broken.text()).rejects.toThrow();
    });

    test('asks nobody without a grant', async () => {
      const response = await bare.handle(request(`/relay/${authority}/x`));
      expect([response.status, await response.text()]).toEqual([502, 'HTTP-request-denied\n']);
    });
  },
);
