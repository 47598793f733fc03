/**
 * Goal: a program that another's compiler made does real work with `wasi:sockets`, and only what it is
 * granted. Method: netcat in C, against real servers, in each isolation.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModule } from '../../src/index.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { titled } from '../support/skipped.ts';
import { componentOfC, whyNoC } from './build.ts';

const WHY_NO_C = whyNoC();
const BYTES = Buffer.from('Nobody trusts this module, and it trusts nobody.\n'.repeat(20_000));

describe.skipIf(WHY_NO_C !== null)(titled('netcat in C', WHY_NO_C), { timeout: 60_000 }, () => {
  let world: TestKernel;
  let module: LoadedModule;
  const servers: Server[] = [];
  beforeAll(async () => {
    world = await testKernel();
    module = await world.kernel.load(
      await componentOfC(new URL('netcat.c', import.meta.url), 'command'),
    );
  }, 120_000);
  afterAll(async () => {
    for (const server of servers) {
      server.close();
    }
    await world?.kernel.close();
  });

  /** The port of a server that does this with each connection. */
  async function serving(connected: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      connected(socket);
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function netcat(
    words: readonly [host: string, port: number],
    network: string[],
    isolation: 'shared' | 'thread' | 'process' = 'shared',
  ) {
    const output: Uint8Array[] = [];
    const agent = await world.kernel.spawn({
      module,
      arguments: ['netcat', words[0], String(words[1])],
      grants: { network },
      stdin: BYTES,
      stdout: (chunk) => void output.push(Buffer.from(chunk)),
      isolation,
    });
    const { exit, denied, usage } = await agent.exited;
    const stderr = Buffer.from(agent.stderr).toString();
    return { code: exit.code, stdout: Buffer.concat(output), stderr, denied, usage };
  }

  test.each(['shared', 'thread', 'process'] as const)(
    'talks both ways at once, and each ends in its time: %s',
    async (isolation) => {
      const port = await serving((socket) => socket.pipe(socket));
      const talk = await netcat(['127.0.0.1', port], [`127.0.0.1:${port} tcp`], isolation);
      expect([talk.code, talk.stderr, talk.denied]).toEqual([0, '', []]);
      expect(talk.stdout.equals(BYTES)).toBe(true);
      expect(talk.usage.network_bytes_out).toBe(BYTES.length);
      expect(talk.usage.network_bytes_in).toBe(BYTES.length);
    },
  );

  test('hears a server that answers when all has come', async () => {
    const port = await serving((socket) => {
      let heard = 0;
      socket.on('data', (bytes) => {
        heard += bytes.length;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
    });
    const talk = await netcat(['localhost', port], [`localhost:${port} tcp`]);
    expect([talk.code, talk.stdout.toString()]).toEqual([0, `heard ${BYTES.length}`]);
  });

  test('is told that a server has broken off, or is not there', async () => {
    const port = await serving((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const cut = await netcat(['127.0.0.1', port], [`127.0.0.1:${port} tcp`]);
    expect([cut.code, cut.stderr]).toEqual([1, 'conversation: broken off\n']);
    const none = await netcat(['127.0.0.1', 1], ['127.0.0.1:1 tcp']);
    expect([none.code, none.stderr]).toEqual([1, 'connect: connection-refused\n']);
  });

  test('reaches nothing that is not granted', async () => {
    const connected: string[] = [];
    const port = await serving((socket) => connected.push('somebody') && socket.destroy());
    const other = await netcat(['127.0.0.1', port], [`127.0.0.1:${port + 1} tcp`]);
    expect([other.code, other.stderr]).toEqual([1, 'connect: access-denied\n']);
    expect(other.denied).toEqual([
      { capability: 'can_network', operation: 'sockets.tcp-socket.start-connect', count: 1 },
    ]);
    const name = await netcat(['localhost', port], [`db.example:${port} tcp`]);
    expect([name.code, name.stderr]).toEqual([1, 'lookup: access-denied\n']);
    expect(connected).toEqual([]);
  });
});
