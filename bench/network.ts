/** What requests cost that modules handle, and that agents send, beside Node and undici in the same run. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildGuests } from '../scripts/build-guests.ts';
import { openKernel } from '../src/index.ts';
import { median, type Part, quantile, type Row, statsOf } from './measure.ts';
import { callingOut } from './network-out.ts';

const CONNECTIONS = 32;
const ROUNDS = 5;
/** How long one round of one server takes. */
const ROUND_MS = 1_500;

const CLIENT = fileURLToPath(new URL('./network-client.ts', import.meta.url));

interface Served {
  readonly name: string;
  readonly listener: RequestListener;
}

/** Milliseconds that each request took of one round. */
async function askInOtherProcess(url: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLIENT, url, String(CONNECTIONS), String(ROUND_MS)],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as number[];
}

async function measure({ listener }: Served): Promise<number[]> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await askInOtherProcess(`http://127.0.0.1:${port}/bench`);
  } finally {
    server.close();
  }
}

/** All servers in turns, and what each has done in its middle round. */
async function inTurns(servers: readonly Served[]): Promise<Row[]> {
  const rates = servers.map((): number[] => []);
  const latest = servers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < servers.length; turn += 1) {
      const index = (round + turn) % servers.length;
      const took = await measure(servers[index]!);
      rates[index]?.push(took.length / (ROUND_MS / 1_000));
      latest[index]?.push(quantile(took, 0.99));
    }
  }
  const best = median(rates[0] ?? []);
  return servers.map(({ name }, index) => {
    const rate = median(rates[index] ?? []);
    return {
      part: 'network',
      name,
      value: `${rate.toFixed(0)}/s, p99 ${median(latest[index] ?? []).toFixed(1)} ms`,
      ratio: index === 0 ? null : best / rate,
      against: index === 0 ? '' : (servers[0]?.name ?? ''),
      stats: statsOf(rates[index] ?? [], 'a second', 'more'),
      plot: 'in',
    };
  });
}

export const network: Part = {
  name: 'network',
  what: 'requests that modules handle and agents send, beside Node’s own server and undici',
  async run() {
    const { files } = await buildGuests({ only: ['web-hello', 'caller'] });
    await using kernel = await openKernel();
    const module = await kernel.load(files.get('web-hello') ?? '');
    const limits = { fuel: 1_000_000_000, cpuTimeMs: 0 };
    await using fresh = kernel.serve({ module, limits });
    await using kept = kernel.serve({ module, limits, keepWarm: CONNECTIONS });
    const served = await inTurns([
      {
        name: "in: Node's own server",
        listener: (request, response) => {
          const text = `Hello from ${request.url}\n`;
          response.writeHead(200, {
            'content-type': 'text/plain; charset=utf-8',
            'content-length': Buffer.byteLength(text),
          });
          response.end(text);
        },
      },
      { name: 'in: a module, an instance a request', listener: fresh.listener },
      { name: 'in: a module, instances kept', listener: kept.listener },
    ]);
    const caller = await kernel.load(files.get('caller') ?? '');
    return [...served, ...(await callingOut(kernel, caller))];
  },
};
