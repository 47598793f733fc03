/** What it costs a host call that its answer is kept for a replay, beside the same call that nobody keeps. */

import { buildGuests } from '../scripts/build-guests.ts';
import { openKernel } from '../src/index.ts';
import { type Row, statsOf, timeAsync } from './measure.ts';
import { valuesInTurns } from './rounds.ts';

const ROUNDS = 6;

/** Calls in one run of the guest. */
const COUNTS = { clock: 50_000, write: 5_000 } as const;

const SHOWN: Readonly<Record<keyof typeof COUNTS, string>> = {
  clock: 'a clock, a number',
  write: '4 KiB written',
};

/** Microseconds that stand for one call. */
const each = (ms: number, count: number): string => `${((ms / count) * 1000).toFixed(2)} µs`;

/** A row for each kind of call: whole runs of a guest that does nothing else. */
export async function keptRows(): Promise<Row[]> {
  const { files } = await buildGuests({ only: ['host-calls'] });
  await using kernel = await openKernel({ workers: 1 });
  const module = await kernel.load(files.get('host-calls') ?? '');
  const run = async (name: string, count: number, record: boolean): Promise<void> => {
    const agent = await kernel.spawn({
      module,
      record,
      arguments: ['host-calls', name, String(count)],
      grants: { files: [{ memory: true, guest: '/', modes: ['read', 'write', 'create'] }] },
    });
    const { exit } = await agent.exited;
    if (exit.reason !== 'normal') {
      throw new Error(`${name} ended with ${exit.reason}: ${exit.message}`);
    }
  };
  const rows: Row[] = [];
  for (const name of Object.keys(COUNTS) as (keyof typeof COUNTS)[]) {
    const count = COUNTS[name];
    const [plainMs = [], keptMs = []] = await valuesInTurns(ROUNDS, [
      () => timeAsync(() => run(name, count, false)),
      () => timeAsync(() => run(name, count, true)),
    ]);
    const [plain, kept] = [Math.min(...plainMs), Math.min(...keptMs)];
    rows.push({
      part: 'audit',
      name: `host call, kept: ${SHOWN[name]}`,
      value: each(kept, count),
      ratio: kept / plain,
      against: `not kept: ${each(plain, count)}`,
      stats: statsOf(
        keptMs.map((ms) => (ms / count) * 1000),
        'µs',
      ),
    });
  }
  return rows;
}
