/**
 * Goal: what agents learn of the world, of each other and of time is replayed, though nothing of it is there
 * any more. Method: guests in a test's hands use files, clocks, random numbers, mail, timers, children and
 * connections to a real server; then all of it is gone, and their recordings are replayed.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent, Isolation, LoadedModule } from '../../src/index.ts';
import { componentOfC, whyNoC } from '../others/build.ts';
import { componentOfRust, WHY_NO_RUST } from '../others/rust/build.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';
import { titled, WHY_NO_MOUNTS } from '../support/skipped.ts';

const WHY_NO_C = whyNoC();

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

/** Replays what an agent did that has ended. */
async function expectReplayed(agent: Agent, module: LoadedModule): Promise<readonly string[]> {
  const report = await agent.exited;
  const recording = (await agent.recording)!;
  const replayed = await host.kernel.replay(recording, { module });
  expect(replayed.difference).toBeNull();
  expect(replayed).toMatchObject({
    identical: true,
    calls: recording.header.calls,
    fuel: report.usage.fuel,
    exit: report.exit,
  });
  return [...recording.trace()].map(({ function: name }) => name);
}

const ISOLATIONS: readonly Isolation[] = ['shared', 'process'];

describe.each(ISOLATIONS)('recorded with isolation %s', { timeout: 120_000 }, (isolation) => {
  test('mail, timers, time, random numbers and what was denied', async () => {
    const module = await host.kernel.load(guest('puppet'));
    const puppet = await spawnPuppet(host.kernel, module, {
      record: true,
      isolation,
      grants: { ipc: 'all' },
    });
    const other = await spawnPuppet(host.kernel, module, { grants: { ipc: 'all' } });
    expect(await puppet.tell('clock')).toMatch(/^clock ok/);
    expect(await puppet.tell('random')).toMatch(/^random ok/);
    expect(await puppet.tell('receive 20')).toMatch(/^receive err timeout/);
    expect(await puppet.tell('after 10 ring')).toMatch(/^after ok/);
    expect(await puppet.tell('receive 60000')).toContain('ring');
    expect(await puppet.tell(`send ${other.agent.pid} hello`)).toMatch(/^send ok/);
    expect(await other.tell('receive 60000')).toContain('hello');
    expect(await other.tell(`send ${puppet.agent.pid} welcome`)).toMatch(/^send ok/);
    expect(await puppet.tell('receive 60000')).toContain('welcome');
    expect(await puppet.tell('tool nothing {}')).toMatch(/^tool err/);
    await other.end();
    await puppet.end();
    const called = await expectReplayed(puppet.agent, module);
    expect(called).toContain('ringfence:agent/ipc#receive');
    expect(called).toContain('ringfence:agent/timers#after');
  });

  test('one that is killed while it waits', async () => {
    const module = await host.kernel.load(guest('puppet'));
    const puppet = await spawnPuppet(host.kernel, module, {
      record: true,
      isolation,
      grants: { ipc: 'all' },
    });
    expect(await puppet.tell('clock')).toMatch(/^clock ok/);
    puppet.say('receive 600000');
    puppet.agent.kill('enough');
    await expectReplayed(puppet.agent, module);
  });

  test('a connection to a server', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const module = await host.kernel.load(guest('socket-puppet'));
    const puppet = await spawnPuppet(host.kernel, module, {
      record: true,
      isolation,
      grants: { network: [`127.0.0.1:${port}`] },
    });
    for (const [line, answer] of [
      ['tcp a ipv4', 'tcp ok'],
      [`connect a 127.0.0.1 ${port}`, 'connect ok'],
      ['write a hello', 'write ok'],
      ['read a', 'read ok hello'],
      ['close a', 'close ok'],
    ] as const) {
      expect(await puppet.tell(line)).toBe(answer);
    }
    await puppet.end();
    server.close();
    const called = await expectReplayed(puppet.agent, module);
    expect(called).toContain('wasi:sockets/tcp#[method]tcp-socket.finish-connect');
  });
});

describe.skipIf(WHY_NO_MOUNTS !== null)(
  titled('with files', WHY_NO_MOUNTS),
  { timeout: 120_000 },
  () => {
    test.each(ISOLATIONS)('that are gone when it is replayed: isolation %s', async (isolation) => {
      const folder = mkdtempSync(join(tmpdir(), 'ringfence-replay-'));
      writeFileSync(join(folder, 'there'), 'this is read');
      const module = await host.kernel.load(guest('puppet'));
      const puppet = await spawnPuppet(host.kernel, module, {
        record: true,
        isolation,
        grants: {
          files: [{ host: folder, guest: '/', modes: ['read', 'write', 'create'] }],
        },
      });
      expect(await puppet.tell('open a there')).toMatch(/^open ok/);
      expect(await puppet.tell('read a')).toContain('this is read');
      expect(await puppet.tell('mkdir new')).toMatch(/^mkdir ok/);
      expect(await puppet.tell('open b nowhere')).toMatch(/^open err/);
      await puppet.end();
      rmSync(folder, { recursive: true });
      const called = await expectReplayed(puppet.agent, module);
      expect(called).toContain('wasi:filesystem/types#[method]descriptor.open-at');
    });
  },
);

describe.skipIf(WHY_NO_RUST !== null)(
  titled('a client of HTTP in Rust', WHY_NO_RUST),
  { timeout: 120_000 },
  () => {
    test('has its answers again when its server is gone', async () => {
      const module = await host.kernel.load(await componentOfRust('fetch', 'command'));
      const server = createHttpServer((_, response) => response.end('said once')).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
      const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const agent = await host.kernel.spawn({
        module,
        record: true,
        arguments: ['fetch', 'GET', authority, '/'],
        grants: { network: [authority] },
      });
      await agent.exited;
      expect(Buffer.from(agent.stdout).toString()).toBe('said once');
      server.closeAllConnections();
      server.close();
      const called = await expectReplayed(agent, module);
      expect(called).toContain('wasi:http/outgoing-handler#handle');
    });
  },
);

describe.skipIf(WHY_NO_C !== null)(titled('a client in C', WHY_NO_C), { timeout: 120_000 }, () => {
  test('hears its server again when that is gone', async () => {
    const netcat = new URL('../others/netcat.c', import.meta.url);
    const module = await host.kernel.load(await componentOfC(netcat, 'command'));
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const said = 'nobody trusts this module\n'.repeat(10_000);
    const output: Uint8Array[] = [];
    const agent = await host.kernel.spawn({
      module,
      record: true,
      arguments: ['netcat', '127.0.0.1', String(port)],
      grants: { network: [`127.0.0.1:${port} tcp`] },
      stdin: said,
      stdout: (chunk) => void output.push(Buffer.from(chunk)),
    });
    await agent.exited;
    expect(Buffer.concat(output).toString()).toBe(said);
    server.close();
    await expectReplayed(agent, module);
  });
});
