/**
 * Goal: sockets reach what the grants say and nothing else, by WASI's states, within bounds, the same in
 * each isolation; and real peers can do what they want. Method: a guest that does what the test tells
 * it, and real servers and clients on the loopback interface.
 */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseGrants } from '../../src/capability/input.ts';
import type { GrantsInput, Isolation, LoadedModule } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { WHY_NO_IPV6 } from '../support/network/ipv6.ts';
import {
  type DnsAnswer,
  type NameServer,
  startNameServer,
} from '../support/network/name-server.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';
import { titled } from '../support/skipped.ts';

const NAMES: ReadonlyMap<string, DnsAnswer> = new Map<string, DnsAnswer>([
  ['db.test', ['127.0.0.1', '10.0.0.5', '169.254.169.254']],
  ['inside.test', ['169.254.169.254', '::1', '10.0.0.5']],
  ['silent.test', 'silence'],
  ['broken.test', 'SERVFAIL'],
]);
let names: NameServer;
let host: TestKernel;
let module: LoadedModule;
const puppets: Puppet[] = [];
const closing: (() => void)[] = [];

beforeAll(async () => {
  names = await startNameServer((name) => NAMES.get(name) ?? 'NXDOMAIN');
  host = await testKernel({ network: { resolver: 'dns', nameServers: [names.address] } });
  module = await host.kernel.load(guest('socket-puppet'));
});
afterAll(async () => {
  await host.kernel.close();
  await names.close();
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
  for (const close of closing.splice(0)) {
    close();
  }
});

/** A real server; `serve` is called for each connection. */
async function server(
  serve: (socket: Socket) => void,
  address = '127.0.0.1',
): Promise<{ port: number; server: Server }> {
  const listening = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    serve(socket);
  });
  listening.listen(0, address);
  await once(listening, 'listening');
  closing.push(() => listening.close());
  return { port: (listening.address() as AddressInfo).port, server: listening };
}

async function udpPeer(
  heard: (socket: UdpSocket, bytes: Buffer, from: { address: string; port: number }) => void,
  address = '127.0.0.1',
): Promise<{ port: number; socket: UdpSocket }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (bytes, from) => heard(socket, bytes, from));
  socket.on('error', () => {});
  socket.bind(0, address);
  await once(socket, 'listening');
  closing.push(() => socket.close());
  return { port: socket.address().port, socket };
}

const echo = (socket: Socket): void => {
  socket.pipe(socket);
};

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  async function puppet(network: GrantsInput['network']): Promise<Puppet> {
    const made = await spawnPuppet(host.kernel, module, { isolation, grants: { network } });
    puppets.push(made);
    return made;
  }

  async function tell(agent: Puppet, ...lines: string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const line of lines) {
      answers.push(await agent.tell(line));
    }
    return answers;
  }

  const denied = async (agent: Puppet): Promise<unknown> => {
    agent.say('end');
    return (await agent.agent.exited).denied;
  };

  describe('TCP', () => {
    test('connects, writes, reads and sees the end', async () => {
      const { port } = await server(echo);
      const agent = await puppet([`127.0.0.1:${port}`]);
      expect(
        await tell(
          agent,
          'tcp a ipv4',
          `connect a 127.0.0.1 ${port}`,
          'write a hello',
          'read a',
          'remote a',
          'shutdown a send',
          'count a',
          'close a',
        ),
      ).toEqual([
        'tcp ok',
        'connect ok',
        'write ok',
        'read ok hello',
        `remote ok 127.0.0.1 ${port}`,
        'shutdown ok',
        'count ok 0 closed',
        'close ok',
      ]);
    });

    test('reaches no port, address or class that is not granted, and counts it', async () => {
      const { port } = await server(echo);
      const other = await server(echo);
      const agent = await puppet([`127.0.0.1:${port}`]);
      expect(
        await tell(
          agent,
          'tcp a ipv4',
          `connect a 127.0.0.1 ${other.port}`,
          `connect a 127.0.0.2 ${port}`,
          `connect a 169.254.169.254 80`,
          `connect a 10.0.0.1 ${port}`,
          'tcp b ipv6',
          `connect b ::1 ${port}`,
          `scan 127.0.0.1 1 20`,
          `connect a 127.0.0.1 ${port}`,
        ),
      ).toEqual([
        'tcp ok',
        ...new Array(4).fill('connect err access-denied'),
        'tcp ok',
        'connect err access-denied',
        'scan ok access-denied=20',
        'connect ok',
      ]);
      expect(await denied(agent)).toEqual([
        { capability: 'can_network', operation: 'sockets.tcp-socket.start-connect', count: 25 },
      ]);
    });

    test('of all hosts are the public ones only', async () => {
      const { port } = await server(echo);
      const agent = await puppet('all');
      expect(await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`)).toEqual([
        'tcp ok',
        'connect err access-denied',
      ]);
    });

    test('without a grant there is no socket, with one of another scheme no connection', async () => {
      const { port } = await server(echo);
      expect(await (await puppet(null)).tell('tcp a ipv4')).toBe('tcp err access-denied');
      const agent = await puppet([{ host: '127.0.0.1', ports: [port], schemes: ['http', 'udp'] }]);
      expect(await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`)).toEqual([
        'tcp ok',
        'connect err access-denied',
      ]);
    });

    test('a server that refuses, resets or closes is told by its code', async () => {
      const { port } = await server((socket) => {
        socket.once('data', (bytes) => {
          if (String(bytes) === 'reset') {
            socket.resetAndDestroy();
          } else {
            socket.end('bye');
          }
        });
      });
      const gone = await server(echo);
      gone.server.close();
      await once(gone.server, 'close');
      const agent = await puppet(['127.0.0.1']);
      expect(
        await tell(
          agent,
          'tcp a ipv4',
          `connect a 127.0.0.1 ${gone.port}`,
          `connect a 127.0.0.1 ${port}`,
          'tcp b ipv4',
          `connect b 127.0.0.1 ${port}`,
          'write b reset',
          'read b',
          'read b',
          'tcp c ipv4',
          `connect c 127.0.0.1 ${port}`,
          'write c close',
          'read c',
          'read c',
          'write c still',
        ),
      ).toEqual([
        'tcp ok',
        'connect err connection-refused',
        'connect err invalid-state',
        'tcp ok',
        'connect ok',
        // What was written may be known to be lost already.
        expect.stringMatching(/^write (ok|err .* failed: connection-reset)$/),
        'read err the connection behind the stream failed: connection-reset',
        'read err closed',
        'tcp ok',
        'connect ok',
        'write ok',
        'read ok bye',
        'read err closed',
        'write ok',
      ]);
    });

    test('a peer that takes nothing makes the agent wait, and the agent that peer', async () => {
      const stalled = Promise.withResolvers<Socket>();
      const { port } = await server((socket) => stalled.resolve(socket.pause()));
      const agent = await puppet([`127.0.0.1:${port}`]);
      await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`);
      const filled = Number((await agent.tell('fill a')).split(' ')[2]);
      expect(filled).toBeGreaterThan(0);
      const peer = await stalled.promise;
      // Nobody reads there: what the system does not take waits here, and it is bounded.
      agent.say('pour a 8000000');
      let taken = 0;
      const all = Promise.withResolvers<void>();
      peer.resume().on('data', (bytes) => {
        taken += bytes.length;
        if (taken === filled + 8_000_000) {
          all.resolve();
        }
      });
      expect(await agent.answer()).toBe('pour ok');
      await all.promise;
      // The other way round: the agent reads nothing, so the peer can't go on.
      peer.write(Buffer.alloc(32_000_000));
      peer.end();
      expect(await agent.tell('local a')).toMatch(/^local ok 127\.0\.0\.1 \d+$/);
      expect(peer.writableLength).toBeGreaterThan(0);
      expect(await agent.tell('count a')).toBe('count ok 32000000 closed');
    });

    test.each(['nothing', 'its grant', 'the agent'])(
      'a connection that was dropped goes on sending, but not when %s has ended',
      async (ended) => {
        const stalled = Promise.withResolvers<Socket>();
        const { port } = await server((socket) => stalled.resolve(socket.pause()));
        const agent = await puppet([`127.0.0.1:${port}`]);
        await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`);
        const peer = await stalled.promise;
        // The system's buffers grow as they fill, and a process is answered later: not before nothing more
        // is taken for a while, some is left to us.
        let filled = 0;
        for (let idle = 0; idle < 10; ) {
          const more = Number((await agent.tell('fill a')).split(' ')[2]);
          filled += more;
          idle = more === 0 ? idle + 1 : 0;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        expect(await agent.tell('close a')).toBe('close ok');
        if (ended === 'its grant') {
          const [grant] = agent.agent.grants().filter(({ kind }) => kind === 'network');
          await host.kernel.revoke(grant?.id ?? 0);
          expect(await agent.tell('tcp b ipv4')).toBe('tcp err access-denied');
        } else if (ended === 'the agent') {
          await agent.end();
        }
        let taken = 0;
        const over = new Promise<void>((resolve) => {
          peer.once('end', resolve).once('close', () => resolve());
        });
        peer.resume().on('data', (bytes) => {
          taken += bytes.length;
        });
        await over;
        if (ended === 'nothing') {
          expect(taken).toBe(filled);
        } else {
          expect(taken).toBeLessThan(filled);
        }
      },
      // A process is asked for each piece that it writes.
      180_000,
    );

    test('listens where it is granted to, and serves real clients', async () => {
      const agent = await puppet([{ host: '127.0.0.1', listen: true }]);
      const bound = await tell(
        agent,
        'tcp s ipv4',
        'bind s 127.0.0.1 0',
        'set s backlog 2',
        'listen s',
      );
      const port = Number(bound[1]?.split(' ')[3]);
      expect(bound).toEqual(['tcp ok', `bind ok 127.0.0.1 ${port}`, 'set ok', 'listen ok']);
      expect(await agent.tell('try-accept s x')).toBe('try-accept err would-block');
      const client = connect(port, '127.0.0.1');
      expect(await agent.tell('accept s c')).toBe('accept ok');
      client.write('ping');
      expect(await tell(agent, 'read c', 'write c pong', 'remote c')).toEqual([
        'read ok ping',
        'write ok',
        `remote ok 127.0.0.1 ${client.localPort}`,
      ]);
      const [answer] = (await once(client, 'data')) as [Buffer];
      expect(String(answer)).toBe('pong');
      client.end();
      expect(await tell(agent, 'count c', 'close c')).toEqual(['count ok 0 closed', 'close ok']);
      client.destroy();
    });

    test('listens nowhere else', async () => {
      const agent = await puppet(['127.0.0.1', { host: '127.0.0.1', ports: [80], listen: true }]);
      expect(
        await tell(
          agent,
          'tcp s ipv4',
          'bind s 127.0.0.1 0',
          'bind s 0.0.0.0 80',
          'bind s 127.0.0.2 80',
          'start-listen s',
          'udp u ipv4',
          'bind u 0.0.0.0 80',
          'bind u 127.0.0.1 5353',
        ),
      ).toEqual([
        'tcp ok',
        'bind err access-denied',
        'bind err access-denied',
        'bind err access-denied',
        'start-listen err invalid-state',
        'udp ok',
        'bind err access-denied',
        'bind err access-denied',
      ]);
    });

    test('a client that has hung up is one that was there, or none; the next one is served', async () => {
      const agent = await puppet([{ host: '127.0.0.1', listen: true }]);
      const [, bound] = await tell(agent, 'tcp s ipv4', 'bind s 127.0.0.1 0', 'listen s');
      const port = Number(bound?.split(' ')[3]);
      const first = connect(port, '127.0.0.1');
      await once(first, 'connect');
      const gone = `remote ok 127.0.0.1 ${first.localPort}`;
      first.resetAndDestroy();
      await once(first, 'close');
      const second = connect(port, '127.0.0.1');
      second.on('error', () => {});
      closing.push(() => second.destroy());
      await once(second, 'connect');
      let [accepted, remote] = await tell(agent, 'accept s c', 'remote c');
      if (remote === gone) {
        [accepted, remote] = await tell(agent, 'accept s d', 'remote d');
      }
      expect([accepted, remote]).toEqual(['accept ok', `remote ok 127.0.0.1 ${second.localPort}`]);
    });

    test('more clients than its backlog are reset', async () => {
      const agent = await puppet([{ host: '127.0.0.1', listen: true }]);
      const [, bound] = await tell(
        agent,
        'tcp s ipv4',
        'bind s 127.0.0.1 0',
        'set s backlog 2',
        'listen s',
      );
      const port = Number(bound?.split(' ')[3]);
      const clients = Array.from({ length: 12 }, () => {
        const client = connect(port, '127.0.0.1');
        closing.push(() => client.destroy());
        return new Promise<string>((resolve) => {
          client.on('error', () => resolve('reset'));
          client.on('data', () => resolve('served'));
        });
      });
      const served: string[] = [];
      for (const name of ['c', 'd']) {
        served.push(...(await tell(agent, `accept s ${name}`, `write ${name} hello`)));
      }
      expect(served).toEqual(['accept ok', 'write ok', 'accept ok', 'write ok']);
      const reset = clients.map(async (client) => expect(await client).toBe('reset'));
      await Promise.any(reset);
    });

    test.skipIf(WHY_NO_IPV6 !== null)(
      titled('IPv6, of which no socket is of IPv4 too', WHY_NO_IPV6),
      async () => {
        const { port } = await server(echo, '::1');
        const agent = await puppet([`[::1]:${port}`, '127.0.0.1']);
        expect(
          await tell(
            agent,
            'tcp a ipv6',
            `connect a 127.0.0.1 ${port}`,
            `connect a 0:0:0:0:0:ffff:7f00:1 ${port}`,
            `connect a fe80:0:0:0:0:0:0:1%2 ${port}`,
            `connect a ff02:0:0:0:0:0:0:1 ${port}`,
            `connect a ::1 ${port}`,
            'write a six',
            'read a',
            'remote a',
          ),
        ).toEqual([
          'tcp ok',
          'connect err invalid-argument',
          'connect err invalid-argument',
          'connect err not-supported',
          'connect err invalid-argument',
          'connect ok',
          'write ok',
          'read ok six',
          `remote ok 0:0:0:0:0:0:0:1 ${port}`,
        ]);
      },
    );

    test('each call in a wrong state, and each value that is none, is told', async () => {
      const { port } = await server(echo);
      const agent = await puppet(['127.0.0.1', { host: '127.0.0.1', listen: true }]);
      expect(
        await tell(
          agent,
          'tcp a ipv4',
          'finish-bind a',
          'finish-connect a',
          'finish-listen a',
          'start-listen a',
          'try-accept a x',
          'shutdown a both',
          'local a',
          'remote a',
          'connect a 127.0.0.1 0',
          'connect a 0.0.0.0 80',
          'connect a 224.0.0.1 80',
          'connect a 255.255.255.255 80',
          `start-connect a 127.0.0.1 ${port}`,
          `start-connect a 127.0.0.1 ${port}`,
          'start-bind a 127.0.0.1 0',
          'start-listen a',
        ),
      ).toEqual([
        'tcp ok',
        'finish-bind err not-in-progress',
        'finish-connect err not-in-progress',
        'finish-listen err not-in-progress',
        'start-listen err invalid-state',
        'try-accept err invalid-state',
        'shutdown err invalid-state',
        'local err invalid-state',
        'remote err invalid-state',
        'connect err invalid-argument',
        'connect err invalid-argument',
        'connect err invalid-argument',
        'connect err invalid-argument',
        'start-connect ok',
        'start-connect err concurrency-conflict',
        'start-bind err concurrency-conflict',
        'start-listen err concurrency-conflict',
      ]);
      expect(
        await tell(
          agent,
          'tcp b ipv4',
          'bind b 127.0.0.1 0',
          'start-bind b 127.0.0.1 0',
          'listen b',
          'start-listen b',
          'set b backlog 3',
          `start-connect b 127.0.0.1 ${port}`,
          'get b listening',
        ),
      ).toEqual([
        'tcp ok',
        expect.stringMatching(/^bind ok 127\.0\.0\.1 [1-9]/),
        'start-bind err invalid-state',
        'listen ok',
        'start-listen err invalid-state',
        'set err not-supported',
        'start-connect err invalid-state',
        'get ok true',
      ]);
    });

    test('options are checked, and are what they were set to', async () => {
      const { port } = await server(echo);
      const agent = await puppet(['127.0.0.1']);
      await agent.tell('tcp a ipv4');
      const zeros = [
        'backlog',
        'idle',
        'interval',
        'count',
        'hops',
        'receive-buffer',
        'send-buffer',
      ];
      for (const name of zeros) {
        expect(await agent.tell(`set a ${name} 0`)).toBe('set err invalid-argument');
      }
      const half = 1_500_000_000;
      expect(
        await tell(
          agent,
          `set a idle ${half}`,
          'get a idle',
          'set a count 1000',
          'get a count',
          'set a hops 3',
          'set a hops 64',
          'set a receive-buffer 1',
          'get a receive-buffer',
          'set a keep-alive 1',
          `connect a 127.0.0.1 ${port}`,
          'set a interval 2000000000',
          'get a interval',
          'get a keep-alive',
        ),
      ).toEqual([
        'set ok',
        'get ok 2000000000',
        'set ok',
        'get ok 127',
        'set err not-supported',
        'set ok',
        'set ok',
        'get ok 98304',
        'set ok',
        'connect ok',
        'set ok',
        'get ok 2000000000',
        'get ok true',
      ]);
    });

    test('an address that was bound before is where it connects from', async () => {
      const from = Promise.withResolvers<number | undefined>();
      const { port } = await server((socket) => from.resolve(socket.remotePort));
      const agent = await puppet(['127.0.0.1', { host: '127.0.0.1', listen: true }]);
      const [, bound, connected] = await tell(
        agent,
        'tcp a ipv4',
        'bind a 127.0.0.1 0',
        `connect a 127.0.0.1 ${port}`,
      );
      expect(connected).toBe('connect ok');
      expect(`bind ok 127.0.0.1 ${await from.promise}`).toBe(bound);
    });

    test('no more sockets than it may have; what was closed makes room', async () => {
      const { port } = await server(echo);
      const agent = await puppet([`127.0.0.1:${port}`]);
      // 16 MiB that the host holds for it, 160 KiB a connection.
      const counted = await agent.tell(`many 127.0.0.1 ${port} 120`);
      expect(counted).toMatch(/^many ok connected=10[012] new-socket-limit=\d+$/);
      expect(await tell(agent, 'tcp z ipv4', `connect z 127.0.0.1 ${port}`)).toEqual([
        'tcp ok',
        'connect err new-socket-limit',
      ]);
      expect(
        await tell(
          agent,
          'close many0',
          'close many1',
          'tcp y ipv4',
          `connect y 127.0.0.1 ${port}`,
        ),
      ).toEqual(['close ok', 'close ok', 'tcp ok', 'connect ok']);
    });

    test('ten thousand connections one after another leave nothing open', async () => {
      const { port } = await server((socket) => {
        socket.on('end', () => socket.end());
      });
      const agent = await puppet([`127.0.0.1:${port}`]);
      const rounds = isolation === 'shared' ? 10 : 1;
      for (let round = 0; round < rounds; round += 1) {
        expect(await agent.tell(`again 127.0.0.1 ${port} 1000`)).toBe('again ok connected=1000');
      }
      expect(await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`)).toEqual([
        'tcp ok',
        'connect ok',
      ]);
    });

    test('a grant that is revoked ends its connections and listeners, and no others', async () => {
      const ended = Promise.withResolvers<void>();
      const { port } = await server((socket) => {
        socket.on('close', () => ended.resolve());
      });
      const agent = await puppet([
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', schemes: ['tcp'], listen: true },
      ]);
      const [, , , bound] = await tell(
        agent,
        'tcp a ipv4',
        `connect a 127.0.0.1 ${port}`,
        'tcp s ipv4',
        'bind s 127.0.0.1 0',
        'listen s',
      );
      agent.say('read a');
      for (const grant of agent.agent.grants()) {
        if (grant.kind === 'network') {
          await host.kernel.revoke(grant.id);
        }
      }
      expect(await agent.answer()).toBe(
        'read err the connection behind the stream failed: access-denied',
      );
      await ended.promise;
      const late = connect(Number(bound?.split(' ')[3]), '127.0.0.1');
      const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNREFUSED');
      expect(await agent.tell('tcp b ipv4')).toBe('tcp err access-denied');
    });

    test('a grant that expires ends its connections, whether the agent does something or not', async () => {
      const ended = Promise.withResolvers<void>();
      const { port } = await server((socket) => {
        socket.on('close', () => ended.resolve());
      });
      const agent = await puppet(null);
      // It runs: from here on nothing takes long.
      expect(await agent.tell('tcp a ipv4')).toBe('tcp err access-denied');
      const expiresAtMs = Date.now() + 5_000;
      const wanted = parseGrants({ network: [`127.0.0.1:${port}`], clocks: false, random: false });
      host.kernel.grant(
        agent.agent.pid,
        wanted.map((grant) => ({ ...grant, expiresAtMs })),
      );
      expect(await tell(agent, 'tcp a ipv4', `connect a 127.0.0.1 ${port}`)).toEqual([
        'tcp ok',
        'connect ok',
      ]);
      await ended.promise;
      expect(await agent.tell('read a')).toBe(
        'read err the connection behind the stream failed: access-denied',
      );
    });

    test('its end ends them all', async () => {
      const ended = Promise.withResolvers<void>();
      const { port } = await server((socket) => {
        socket.on('close', () => ended.resolve());
      });
      const agent = await puppet(['127.0.0.1', { host: '127.0.0.1', listen: true }]);
      const [, , , bound] = await tell(
        agent,
        'tcp a ipv4',
        `connect a 127.0.0.1 ${port}`,
        'tcp s ipv4',
        'bind s 127.0.0.1 0',
        'listen s',
      );
      agent.agent.kill();
      await agent.agent.exited;
      await ended.promise;
      const late = connect(Number(bound?.split(' ')[3]), '127.0.0.1');
      const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNREFUSED');
    });
  });

  describe('UDP', () => {
    test('asks where it may, and hears nobody else', async () => {
      const { port } = await udpPeer((socket, bytes, from) =>
        socket.send(`re:${bytes}`, from.port, from.address),
      );
      const stranger = await udpPeer(() => {});
      const agent = await puppet([{ host: '127.0.0.1', ports: [port], schemes: ['udp'] }]);
      const bound = await tell(agent, 'udp u ipv4', 'bind u 127.0.0.1 0', 'stream u');
      expect(bound).toEqual(['udp ok', expect.stringMatching(/^bind ok 127/), 'stream ok']);
      const own = Number(bound[1]?.split(' ')[3]);
      await new Promise<void>((resolve) => {
        stranger.socket.send('evil', own, '127.0.0.1', () => resolve());
      });
      expect(
        await tell(
          agent,
          `send u hi 127.0.0.1 ${stranger.port}`,
          `send u hi 127.0.0.1 ${port}`,
          'receive u',
          'try-receive u',
        ),
      ).toEqual([
        'send err access-denied',
        'send ok 1',
        `receive ok 5 re:hi 127.0.0.1 ${port}`,
        'receive ok',
      ]);
      expect(await denied(agent)).toEqual([
        {
          capability: 'can_network',
          operation: 'sockets.outgoing-datagram-stream.send',
          count: 1,
        },
      ]);
    });

    test('connected, it talks to one alone; connected anew, its earlier streams are of no use', async () => {
      const { port } = await udpPeer((socket, bytes, from) =>
        socket.send(bytes, from.port, from.address),
      );
      const other = await udpPeer(() => {});
      const agent = await puppet(['127.0.0.1']);
      expect(
        await tell(
          agent,
          'udp u ipv4',
          'stream u',
          'bind u 0.0.0.0 0',
          `stream u 127.0.0.1 ${port}`,
          `remote u`,
          `send u no 127.0.0.1 ${other.port}`,
          'send u yes',
          'receive u',
          'stream u',
          'remote u',
          'send u nobody',
          `send u ok 127.0.0.1 ${port}`,
          'receive u',
        ),
      ).toEqual([
        'udp ok',
        'stream err invalid-state',
        expect.stringMatching(/^bind ok 0\.0\.0\.0/),
        'stream ok',
        `remote ok 127.0.0.1 ${port}`,
        'send err invalid-argument',
        'send ok 1',
        `receive ok 3 yes 127.0.0.1 ${port}`,
        'stream ok',
        'remote err invalid-state',
        'send err invalid-argument',
        'send ok 1',
        `receive ok 2 ok 127.0.0.1 ${port}`,
      ]);
    });

    test('a listener answers whom it has heard, and nobody else', async () => {
      const client = await udpPeer(() => {});
      const stranger = await udpPeer(() => {});
      const agent = await puppet([{ host: '127.0.0.1', schemes: ['udp'], listen: true }]);
      const [, bound] = await tell(agent, 'udp u ipv4', 'bind u 127.0.0.1 0', 'stream u');
      const own = Number(bound?.split(' ')[3]);
      client.socket.send('question', own, '127.0.0.1');
      expect(await agent.tell('receive u')).toBe(`receive ok 8 question 127.0.0.1 ${client.port}`);
      const answer = once(client.socket, 'message');
      expect(
        await tell(
          agent,
          `send u no 127.0.0.1 ${stranger.port}`,
          `send u answer 127.0.0.1 ${client.port}`,
        ),
      ).toEqual(['send err access-denied', 'send ok 1']);
      expect(String((await answer)[0])).toBe('answer');
    });

    test('a flood fills a bounded queue, and what is left is received', async () => {
      const agent = await puppet([{ host: '127.0.0.1', schemes: ['udp'], listen: true }]);
      const [, bound] = await tell(agent, 'udp u ipv4', 'bind u 127.0.0.1 0', 'stream u');
      const own = Number(bound?.split(' ')[3]);
      const { socket } = await udpPeer(() => {});
      for (let round = 0; round < 40; round += 1) {
        await Promise.all(
          Array.from(
            { length: 50 },
            () =>
              new Promise<void>((resolve) => {
                socket.send(Buffer.alloc(1_000), own, '127.0.0.1', () => resolve());
              }),
          ),
        );
      }
      expect(await agent.tell('receive u')).toMatch(/^receive ok 1000 /);
      let received = 1;
      while ((await agent.tell('try-receive u')) !== 'receive ok') {
        received += 1;
      }
      // 64 KiB that wait, and what was handed on before.
      expect(received).toBeLessThanOrEqual(2 * 64);
    });

    test('a datagram that is too large, and one more than was permitted', async () => {
      const { port } = await udpPeer(() => {});
      const agent = await puppet(['127.0.0.1']);
      await tell(agent, 'udp u ipv4', 'bind u 127.0.0.1 0', 'stream u');
      expect(
        await tell(
          agent,
          `send u %65508 127.0.0.1 ${port}`,
          `send u %1000 127.0.0.1 ${port} 64`,
          `send u %1000 127.0.0.1 ${port} 65`,
        ),
      ).toEqual([
        'send err datagram-too-large',
        'send ok 64',
        'ended: trap a send of 65 datagrams, where check-send had permitted 64',
      ]);
    });

    test.skipIf(WHY_NO_IPV6 !== null)(titled('IPv6', WHY_NO_IPV6), async () => {
      const { port } = await udpPeer(
        (socket, bytes, from) => socket.send(bytes, from.port, from.address),
        '::1',
      );
      const agent = await puppet([`[::1]:${port}`]);
      expect(
        await tell(
          agent,
          'udp u ipv6',
          'set u hops 0',
          'set u hops 3',
          'bind u ::1 0',
          'set u hops 9',
          'stream u',
          `send u six 127.0.0.1 ${port}`,
          `send u six ::1 ${port}`,
          'receive u',
        ),
      ).toEqual([
        'udp ok',
        'set err invalid-argument',
        'set ok',
        expect.stringMatching(/^bind ok 0:0:0:0:0:0:0:1 [1-9]/),
        'set ok',
        'stream ok',
        'send err invalid-argument',
        'send ok 1',
        `receive ok 3 six 0:0:0:0:0:0:0:1 ${port}`,
      ]);
    });
  });

  describe('names', () => {
    test('a rule by name reaches what the agent was told of it, and nothing before', async () => {
      const { port } = await server(echo);
      const agent = await puppet([
        { host: 'db.test', ports: [port], schemes: ['tcp'], addresses: ['loopback'] },
      ]);
      expect(
        await tell(
          agent,
          'tcp a ipv4',
          `connect a 127.0.0.1 ${port}`,
          'resolve DB.test.',
          `connect a 127.0.0.2 ${port}`,
          `connect a 10.0.0.5 ${port}`,
          `connect a 127.0.0.1 ${port + 1}`,
          `connect a 127.0.0.1 ${port}`,
        ),
      ).toEqual([
        'tcp ok',
        'connect err access-denied',
        // Of three addresses one is of a class that is granted: nobody is told the others.
        'resolve ok 127.0.0.1',
        ...new Array(3).fill('connect err access-denied'),
        'connect ok',
      ]);
    });

    test('a public name that leads to the inside leads nowhere', async () => {
      const agent = await puppet(['*.test', 'localhost']);
      expect(
        await tell(
          agent,
          'resolve inside.test',
          'tcp a ipv4',
          'connect a 10.0.0.5 80',
          'resolve missing.test',
          'resolve broken.test',
          'resolve localhost',
        ),
      ).toEqual([
        'resolve err name-unresolvable',
        'tcp ok',
        'connect err access-denied',
        'resolve err name-unresolvable',
        'resolve err temporary-resolver-failure',
        'resolve ok 127.0.0.1 0:0:0:0:0:0:0:1',
      ]);
    });

    test('so many lookups at a time, and names that no rule reaches are asked of nobody', async () => {
      const agent = await puppet([{ host: 'silent.test', schemes: ['tcp'] }]);
      const begun = await agent.tell('resolve-many silent.test 40');
      // In a process of its own the refusals come later: there all have begun.
      expect(begun).toBe(`resolve-many ok ${isolation === 'process' ? 40 : 4}`);
      const before = names.asked.length;
      expect(await tell(agent, 'resolve secret-to-tell.db.test', 'resolve silent.test')).toEqual([
        'resolve err access-denied',
        'resolve err temporary-resolver-failure',
      ]);
      expect(names.asked.slice(before).filter((name) => name.startsWith('secret'))).toEqual([]);
    });

    test('localhost, where it is granted, leads to what it is granted for', async () => {
      const { port } = await server(echo);
      const agent = await puppet([`localhost:${port}`]);
      expect(
        await tell(
          agent,
          'resolve localhost',
          'resolve example.org',
          'resolve 127.0.0.1',
          'resolve http://x',
          'tcp a ipv4',
          `connect a 127.0.0.1 ${port}`,
        ),
      ).toEqual([
        'resolve ok 127.0.0.1 0:0:0:0:0:0:0:1',
        'resolve err access-denied',
        'resolve ok 127.0.0.1',
        'resolve err invalid-argument',
        'tcp ok',
        'connect ok',
      ]);
    });
  });
});
