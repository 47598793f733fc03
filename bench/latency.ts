/** From a request to its reply: alone, and beside pairs that talk for half of the time and for all of it. */

import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { courier, done, killed } from './courier.ts';
import { erlang } from './erlang.ts';
import { median } from './measure.ts';
import type { Rows } from './rows.ts';

const BYTES = 16;
const IDLE_REQUESTS = 3_000;
/** Each waits for its turn among those who talk. */
const LOADED_REQUESTS = 1_000;
/** Pairs that talk meanwhile. */
const PAIRS = 8;
const LOADS = [
  [0, 'request and reply'],
  [50, `request and reply beside ${PAIRS} pairs that talk half of the time`],
  [100, `request and reply beside ${PAIRS} pairs that talk`],
] as const;
const PLACES = [
  ['within a worker', 1],
  ['across workers', 2],
] as const;

/** Microseconds of requests, one after another. */
async function ask(
  kernel: Kernel,
  module: LoadedModule,
  echo: Agent,
  count: number,
): Promise<number[]> {
  const asker = await courier(kernel, module, 'ask', echo.pid, count, BYTES);
  await done(asker);
  const micros = Buffer.from(asker.stdout)
    .toString()
    .trim()
    .split(' ')
    .map((nanoseconds) => Number(nanoseconds) / 1000);
  if (micros.length !== count) throw new Error(`${micros.length} of ${count} requests are told`);
  return micros;
}

/** Pairs of which each talks for so many percent of the time. */
async function talking(kernel: Kernel, module: LoadedModule, share: number): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const sink = await courier(kernel, module, 'sink', 0, BYTES);
    agents.push(sink, await courier(kernel, module, 'talk', sink.pid, share, BYTES));
  }
  return agents;
}

/** Adds a row for each load and place. */
export async function latencyRows(rows: Rows, file: string): Promise<void> {
  const beside = erlang(['requests', IDLE_REQUESTS, BYTES]);
  for (const [share, title] of LOADS) {
    for (const [place, workers] of PLACES) {
      await using kernel = await openKernel({ workers });
      const module = await kernel.load(file);
      const echo = await courier(kernel, module, 'echo');
      await ask(kernel, module, echo, IDLE_REQUESTS);
      const talkers = share === 0 ? [] : await talking(kernel, module, share);
      const micros = await ask(kernel, module, echo, share === 0 ? IDLE_REQUESTS : LOADED_REQUESTS);
      await killed([...talkers, echo]);
      const compared = share === 0 && beside !== null;
      rows.add(`${title}: ${place}`, micros, 'µs', {
        p99: true,
        plot: title,
        ...(compared ? { ratio: median(micros) / median(beside), against: 'Erlang' } : {}),
      });
    }
    if (share === 0 && beside !== null) {
      rows.add(`${title}: Erlang`, beside, 'µs', { p99: true, plot: title });
    }
  }
}
