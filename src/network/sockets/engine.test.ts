/** Goal: the limits of sockets are those that are set. Method: the engine, with real peers on loopback. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { heldOf } from '../../../test/support/network/client.ts';
import { NETWORK_LIMITS_DEFAULT, type SocketLimits } from '../settings.ts';
import { SocketEngine } from './engine.ts';
import type { Awaited, SocketAnswer, SocketOperationName, SocketRequest } from './request.ts';

const KEEP_ALIVE = { enabled: false, idle: 7_200, interval: 75, count: 9 } as const;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) {
    close();
  }
});

/** An agent with these grants, and what was counted of it. */
function agent(grants: string[], limits: Partial<SocketLimits> = {}) {
  const counted = { descriptors: 0, bytes: 0, out: 0, in: 0, denied: [] as string[] };
  const looked: string[] = [];
  const engine = new SocketEngine(
    {
      grants: heldOf(grants),
      takeDescriptor() {
        counted.descriptors += 1;
        return true;
      },
      giveDescriptor() {
        counted.descriptors -= 1;
      },
      hold(bytes) {
        counted.bytes += bytes;
        return true;
      },
      release(bytes) {
        counted.bytes -= bytes;
      },
      transferred(bytesOut, bytesIn) {
        counted.out += bytesOut;
        counted.in += bytesIn;
      },
      denied: (operation) => counted.denied.push(operation),
    },
    {
      limits: { ...NETWORK_LIMITS_DEFAULT, ...limits },
      resolver: {
        async resolve(name) {
          looked.push(name);
          return { addresses: ['127.0.0.1'] };
        },
      },
    },
  );
  closing.push(() => engine.close());
  const perform = <Name extends SocketOperationName>(
    request: SocketRequest<Name>,
  ): Promise<SocketAnswer<Name>> => settled(engine.perform(request));
  const connect = (port: number): Promise<SocketAnswer<'connect'>> =>
    perform<'connect'>({
      op: 'connect',
      family: 'ipv4',
      bound: null,
      remote: { address: '127.0.0.1', port },
      keepAlive: KEEP_ALIVE,
    });
  return { engine, counted, looked, perform, connect };
}

const soon = (expectation: () => unknown) => vi.waitFor(expectation, { timeout: 30_000 });

async function settled<Value>(answer: Value | Awaited<Value>): Promise<Value> {
  if (!(answer instanceof Object && 'onSettled' in answer)) {
    return answer;
  }
  await new Promise<void>((resolve) => answer.onSettled(resolve));
  return (answer.outcome as { val: Value }).val;
}

async function serve(connected: (socket: Socket) => void = () => {}): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => {}));
    connected(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  return (server.address() as AddressInfo).port;
}

const handleOf = (answer: SocketAnswer<'connect'>): number => {
  if (answer.tag === 'err') {
    throw new Error(answer.val);
  }
  return answer.val.handle;
};

/** A server that is stopped before it accepts anybody: what does not fit in its backlog waits. */
const STOPPED = `
  const server = require('node:net').createServer((socket) => socket.resume());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    process.send(server.address().port);
  });
`;

describe('a connection', () => {
  test('that nobody answers is given up when its time has passed, and leaves nothing', async () => {
    const child = spawn(process.execPath, ['-e', STOPPED], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    closing.push(() => child.kill('SIGKILL'));
    const [port] = (await once(child, 'message')) as [number];
    child.kill('SIGSTOP');
    const { connect, counted, perform } = agent(['127.0.0.1'], { socketConnectMs: 500 });
    const made: number[] = [];
    let last = await connect(port);
    while (last.tag === 'ok' && made.length < 16) {
      made.push(handleOf(last));
      last = await connect(port);
    }
    expect(last).toEqual({ tag: 'err', val: 'timeout' });
    for (const handle of made) {
      await perform({ op: 'close', handle });
    }
    await soon(() => expect([counted.descriptors, counted.bytes]).toEqual([0, 0]));
    child.kill('SIGCONT');
    await soon(async () => expect(await connect(port)).toMatchObject({ tag: 'ok' }));
  }, 60_000);

  test('that is dropped sends what was written for as long as is set', {
    timeout: 60_000,
  }, async () => {
    const bytes = new Uint8Array(64 * 1024 * 1024);
    for (const socketLingerMs of [1, 60_000]) {
      let taken = 0;
      const sockets: Socket[] = [];
      const port = await serve((socket) => sockets.push(socket.pause()));
      const { connect, perform, engine, counted } = agent(['127.0.0.1'], { socketLingerMs });
      const handle = handleOf(await connect(port));
      // The peer takes nothing, and this is more than the systems of both keep.
      engine.perform<'write'>({ op: 'write', handle, bytes });
      expect(counted.out).toBe(bytes.length);
      await perform({ op: 'close', handle });
      if (socketLingerMs === 1) {
        await soon(() => expect(counted.descriptors).toBe(0));
      } else {
        expect(counted.descriptors).toBe(1);
      }
      const [socket] = sockets;
      socket?.on('data', (piece) => {
        taken += piece.length;
      });
      socket?.resume();
      await soon(() => expect(socket?.readableEnded || socket?.destroyed).toBe(true));
      if (socketLingerMs === 1) {
        expect(taken).toBeLessThan(bytes.length);
      } else {
        expect(taken).toBe(bytes.length);
      }
    }
  });

  test('counts what it sends and what its agent is given', async () => {
    const port = await serve((socket) => socket.pipe(socket));
    const { connect, perform, counted } = agent(['127.0.0.1']);
    const handle = handleOf(await connect(port));
    await perform<'write'>({ op: 'write', handle, bytes: new Uint8Array(10) });
    expect(await perform<'read'>({ op: 'read', handle, length: 4 })).toMatchObject({ tag: 'ok' });
    expect([counted.out, counted.in]).toEqual([10, 4]);
  });
});

test('no more sockets are open than are set', async () => {
  const port = await serve();
  const { connect, perform, counted } = agent(['127.0.0.1'], { socketsPerAgent: 3 });
  const handles = [];
  for (let made = 0; made < 3; made += 1) {
    handles.push(handleOf(await connect(port)));
  }
  expect(await connect(port)).toEqual({ tag: 'err', val: 'new-socket-limit' });
  await perform({ op: 'close', handle: handles[0] as number });
  await soon(() => expect(counted.descriptors).toBe(2));
  expect(await connect(port)).toMatchObject({ tag: 'ok' });
});

test('no more names are looked up than are set, beside those at once', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { perform, looked } = agent(['*.test loopback'], { lookupsPerSecond: 2 });
    const look = (): Promise<SocketAnswer<'resolve'>> =>
      perform<'resolve'>({ op: 'resolve', name: 'a.test' });
    while ((await look()).tag === 'ok') {
      expect(looked.length).toBeLessThanOrEqual(64);
    }
    expect(looked).toHaveLength(64);
    vi.advanceTimersByTime(1_000);
    const outcomes = [await look(), await look(), await look()].map(({ tag }) => tag);
    expect(outcomes).toEqual(['ok', 'ok', 'err']);
  } finally {
    vi.useRealTimers();
  }
});
