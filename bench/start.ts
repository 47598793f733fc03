/** From start to exit: agents of a small module, one after another and many at a time. */

import { buildGuests } from '../scripts/build-guests.ts';
import { type Isolation, openKernel } from '../src/index.ts';
import { median, type Part, quantile, type Row } from './measure.ts';

const ONE_BY_ONE = 2_000;
const AT_A_TIME = 64;
const MANY = 10_000;
/** Agents in a thread or a process of their own: each loads our code anew. */
const OF_THEIR_OWN = 20;

function plainStarts(): number {
  // The same number of instantiations of a trivial module: what V8 alone takes.
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1]);
  const module = new WebAssembly.Module(bytes);
  const times: number[] = [];
  for (let count = 0; count < ONE_BY_ONE; count += 1) {
    const started = performance.now();
    new WebAssembly.Instance(module);
    times.push(performance.now() - started);
  }
  return median(times);
}

export const start: Part = {
  name: 'start',
  what: 'spawn to report of `hello`, warm',
  async run() {
    const { files } = await buildGuests({ only: ['hello'] });
    const file = files.get('hello');
    if (file === undefined) {
      throw new Error('hello was not built');
    }
    await using kernel = await openKernel();
    const module = await kernel.load(file);
    const once = async (isolation: Isolation = 'shared'): Promise<void> => {
      const agent = await kernel.spawn({ module, isolation });
      const { exit } = await agent.exited;
      if (exit.reason !== 'normal') {
        throw new Error(`hello ended with ${exit.reason}: ${exit.message}`);
      }
    };
    for (let count = 0; count < 200; count += 1) {
      await once();
    }
    const times: number[] = [];
    for (let count = 0; count < ONE_BY_ONE; count += 1) {
      const started = performance.now();
      await once();
      times.push(performance.now() - started);
    }
    const residentBefore = process.memoryUsage.rss();
    const started = performance.now();
    let left = MANY;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await once();
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
    const perSecond = MANY / ((performance.now() - started) / 1000);
    const grown = process.memoryUsage.rss() - residentBefore;
    const ofTheirOwn: Row[] = [];
    for (const isolation of ['thread', 'process'] as const) {
      const own: number[] = [];
      for (let count = 0; count < OF_THEIR_OWN; count += 1) {
        const startedAt = performance.now();
        await once(isolation);
        own.push(performance.now() - startedAt);
      }
      ofTheirOwn.push({
        part: 'start',
        name: `isolation ${isolation}, one by one, p50`,
        value: `${median(own).toFixed(0)} ms`,
        ratio: median(own) / median(times),
        against: 'isolation shared, one by one',
      });
    }
    const v8 = plainStarts();
    const microseconds = (ms: number): string => `${(ms * 1000).toFixed(0)} µs`;
    const rows: Row[] = [
      {
        part: 'start',
        name: 'one by one, p50',
        value: microseconds(median(times)),
        ratio: median(times) / v8,
        against: 'a bare WebAssembly.Instance with a memory',
      },
      {
        part: 'start',
        name: 'one by one, p99',
        value: microseconds(quantile(times, 0.99)),
        ratio: null,
        against: '',
      },
      {
        part: 'start',
        name: `${MANY}, ${AT_A_TIME} at a time`,
        value: `${perSecond.toFixed(0)}/s, ${(grown / 1e6).toFixed(0)} MB grown`,
        ratio: perSecond * (median(times) / 1000),
        against: 'one by one',
      },
      ...ofTheirOwn,
    ];
    return rows;
  },
};
