/** What it costs agents to call out: a request beside plain undici, many that wait, a tool. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { request } from 'undici';
import type { Kernel, LoadedModule } from '../src/index.ts';
import { median, quantile, type Row, statsOf } from './measure.ts';

const CALLERS = 32;
const CALLS = 100;
const ROUNDS = 5;
const WAITING = 1_000;
const IDLE_MS = 2_000;

/** A server in a thread of its own: what it takes of the processor is nobody's time but its own. */
const SERVER = `
const { createServer } = require('node:http');
const { parentPort } = require('node:worker_threads');
const server = createServer((request, response) => response.end('hello'));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** How often an agent has called, and how long each call took, in milliseconds. */
async function callsOf(
  kernel: Kernel,
  module: LoadedModule,
  callers: number,
  call: readonly string[],
): Promise<{ took: number[]; elapsedMs: number }> {
  const startedAt = performance.now();
  const agents = await Promise.all(
    Array.from({ length: callers }, () =>
      kernel.spawn({
        module,
        arguments: ['caller', ...call, String(CALLS)],
        grants: { network: ['127.0.0.1'], clocks: 'exact' },
        limits: { toolCalls: 0, cpuTimeMs: 0 },
      }),
    ),
  );
  const reports = await Promise.all(agents.map(({ exited }) => exited));
  const failed = reports.find(({ exit }) => exit.reason !== 'normal');
  if (failed !== undefined) {
    throw new Error(`a caller ended by ${failed.exit.reason}: ${failed.exit.message}`);
  }
  const took = agents.flatMap(({ stdout }) =>
    Buffer.from(stdout)
      .toString()
      .trim()
      .split('\n')
      .map((text) => Number(text) / 1e6),
  );
  return { took, elapsedMs: performance.now() - startedAt };
}

async function callsOfUndici(url: string): Promise<{ took: number[]; elapsedMs: number }> {
  const startedAt = performance.now();
  const took: number[] = [];
  const caller = async (): Promise<void> => {
    for (let call = 0; call < CALLS; call += 1) {
      const startedAt = performance.now();
      const { body } = await request(url);
      await body.text();
      took.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return { took, elapsedMs: performance.now() - startedAt };
}

async function requests(kernel: Kernel, module: LoadedModule): Promise<Row[]> {
  const server = new Worker(SERVER, { eval: true });
  const [port] = (await once(server, 'message')) as [number];
  const authority = `127.0.0.1:${port}`;
  const rates: [number[], number[]] = [[], []];
  const latest: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { took, elapsedMs } =
        index === 0
          ? await callsOfUndici(`http://${authority}/`)
          : await callsOf(kernel, module, CALLERS, ['get', `${authority}/`]);
      rates[index].push(took.length / (elapsedMs / 1_000));
      latest[index].push(quantile(took, 0.99));
    }
  }
  await server.terminate();
  const names = ['out: plain undici', `out: ${CALLERS} agents`] as const;
  return names.map((name, index) => ({
    part: 'network',
    name,
    value: `${median(rates[index] ?? []).toFixed(0)}/s, p99 ${median(latest[index] ?? []).toFixed(1)} ms`,
    ratio: index === 0 ? null : median(rates[0]) / median(rates[1]),
    against: index === 0 ? '' : names[0],
    stats: statsOf(rates[index] ?? [], 'a second', 'more'),
    plot: 'out',
  }));
}

/** Agents that wait for a server that never answers. */
async function waiting(kernel: Kernel, module: LoadedModule): Promise<Row[]> {
  const server = createServer(() => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let connected = 0;
  const all = Promise.withResolvers<void>();
  server.on('connection', () => {
    connected += 1;
    if (connected === WAITING) {
      all.resolve();
    }
  });
  const { port } = server.address() as AddressInfo;
  const before = process.memoryUsage().rss;
  const agents = await Promise.all(
    Array.from({ length: WAITING }, () =>
      kernel.spawn({
        module,
        arguments: ['caller', 'get', `127.0.0.1:${port}/`, '1'],
        grants: { network: ['127.0.0.1'] },
      }),
    ),
  );
  await all.promise;
  await later(500);
  const bytes = (process.memoryUsage().rss - before) / WAITING;
  const idle = process.cpuUsage();
  await later(IDLE_MS);
  const { user, system } = process.cpuUsage(idle);
  const percent = (user + system) / 10 / IDLE_MS;
  for (const agent of agents) {
    agent.kill();
  }
  await Promise.all(agents.map(({ exited }) => exited));
  server.close();
  server.closeAllConnections();
  const name = `${WAITING} agents that wait for a server`;
  return [
    {
      part: 'network',
      name,
      value: `${(bytes / 1024).toFixed(0)} KiB each, both ends of the connection with it`,
      ratio: null,
      against: '',
      stats: statsOf([bytes / 1024], 'KiB'),
    },
    {
      part: 'network',
      name: `${name}, idle`,
      value: `${percent.toFixed(2)} % of a core`,
      ratio: null,
      against: '',
      stats: statsOf([percent], '% of a core'),
    },
  ];
}

/** All rows of what agents call. */
export async function callingOut(kernel: Kernel, module: LoadedModule): Promise<Row[]> {
  return [...(await requests(kernel, module)), ...(await waiting(kernel, module))];
}
