/** How soon an agent ends that is told to: by its timeout, and 200 endless loops by force. */

import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, openKernel } from '../src/index.ts';
import { median, type Part, type Row, statsOf } from './measure.ts';

const TIMEOUT_MS = 1_000;
const LOOPS = 200;
const ROUNDS = 5;

export const ends: Part = {
  name: 'ends',
  what: 'how late an endless loop ends after its timeout, and 200 of them after a kill',
  async run() {
    const { files } = await buildGuests({ only: ['endless-loop', 'hello'] });
    await using kernel = await openKernel();
    const endless = await kernel.load(files.get('endless-loop') ?? '');
    const hello = await kernel.load(files.get('hello') ?? '');
    const timeouts: number[] = [];
    const kills: number[] = [];
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = performance.now();
      const agent = await kernel.spawn({ module: endless, limits: { wallTimeMs: TIMEOUT_MS } });
      await agent.exited;
      timeouts.push(performance.now() - started);

      const loops: Agent[] = [];
      for (let count = 0; count < LOOPS; count += 1) {
        loops.push(await kernel.spawn({ module: endless }));
      }
      while (loops.some((loop) => loop.slices() === 0)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const before = loops.map((loop) => loop.slices());
      await (await kernel.spawn({ module: hello })).exited;
      rounds.push(Math.max(...loops.map((loop, index) => loop.slices() - (before[index] ?? 0))));
      const killed = performance.now();
      for (const loop of loops) {
        loop.kill();
      }
      await Promise.all(loops.map((loop) => loop.exited));
      kills.push(performance.now() - killed);
    }
    const rows: Row[] = [
      {
        part: 'ends',
        name: `endless loop, timeout ${TIMEOUT_MS} ms`,
        value: `${median(timeouts).toFixed(0)} ms, at most ${Math.max(...timeouts).toFixed(0)} ms`,
        ratio: median(timeouts) / TIMEOUT_MS,
        against: 'its timeout',
        stats: statsOf(timeouts, 'ms'),
      },
      {
        part: 'ends',
        name: `hello beside ${LOOPS} endless loops`,
        value: `${Math.max(...rounds)} rounds of slices at most`,
        ratio: null,
        against: '',
        stats: statsOf(rounds, 'rounds of slices'),
      },
      {
        part: 'ends',
        name: `killing ${LOOPS} endless loops`,
        value: `${median(kills).toFixed(1)} ms, at most ${Math.max(...kills).toFixed(1)} ms`,
        ratio: null,
        against: '',
        stats: statsOf(kills, 'ms'),
      },
    ];
    return rows;
  },
};
