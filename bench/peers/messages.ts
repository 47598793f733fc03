/** Messages from one to another and back: agents, and Node's own threads and processes. */

import { type Row, statsOf } from '../measure.ts';
import { rowsOf } from './rows.ts';
import type { Guests } from './subject.ts';
import { agentsTalk } from './talk/agents.ts';
import { processesTalk } from './talk/processes.ts';
import type { Talk } from './talk/talk.ts';
import { threadsTalk } from './talk/threads.ts';

const ROUNDS = 5;
/** How many of so many bytes are sent in a round. */
const SIZES = [
  { bytes: 16, title: '16 B', messages: 10_000 },
  { bytes: 1_024, title: '1 KiB', messages: 10_000 },
  { bytes: 65_536, title: '64 KiB', messages: 1_000 },
] as const;
const REQUESTS = 3_000;
const BASE = 'ringfence, across workers';

/** What was measured of one. */
interface Measured {
  readonly name: string;
  /** Messages a second. */
  readonly rates: number[];
  /** Microseconds of each request. */
  readonly times: number[];
}

/** Rows of messages a second and of requests, by their size. */
export async function messageRows(guests: Guests): Promise<Row[]> {
  await using closing = new AsyncDisposableStack();
  const talks: Talk[] = [];
  for (const open of [
    () => agentsTalk('ringfence, within a worker', guests, 1),
    () => agentsTalk(BASE, guests, 2),
    threadsTalk,
    processesTalk,
  ]) {
    talks.push(closing.use(await open()));
  }
  const rows: Row[] = [];
  for (const { bytes, title, messages } of SIZES) {
    const all = talks.map(({ name }): Measured => ({ name, rates: [], times: [] }));
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (let turn = 0; turn < talks.length; turn += 1) {
        const index = (round + turn) % talks.length;
        const ms = await talks[index]!.send(messages, bytes);
        const times = await talks[index]!.ask(REQUESTS / ROUNDS, bytes);
        if (round > 0) {
          all[index]!.rates.push((messages / ms) * 1000);
          all[index]!.times.push(...times);
        }
      }
    }
    rows.push(
      ...rowsOf(
        `messages of ${title}`,
        all,
        ({ rates }) => statsOf(rates, 'a second', 'more'),
        BASE,
      ),
      ...rowsOf(`request of ${title}`, all, ({ times }) => statsOf(times, 'µs'), BASE),
    );
  }
  return rows;
}
