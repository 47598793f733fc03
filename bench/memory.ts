/** Memory of agents that wait: of each, how many fit into 1 GiB, and what comes back when they have ended. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { courierFile } from './courier.ts';
import { median, type Part } from './measure.ts';
import { COUNTS, type Memory } from './memory-child.ts';
import { Rows } from './rows.ts';

const CHILD = fileURLToPath(new URL('memory-child.ts', import.meta.url));
const ROUNDS = 2;
const KIB = 1024;
const MIB = 1024 * KIB;

/** What they wait in, and the courier's words for it. */
const WAITS = [
  ['in receive', ['wait']],
  ['in receive with a timeout', ['wait', '3600000']],
] as const;

/** In a process of its own, whose memory is nobody else's. */
function measured(file: string, words: readonly string[]): Memory {
  const said = execFileSync(process.execPath, ['--expose-gc', CHILD, file, ...words], {
    encoding: 'utf8',
  });
  return JSON.parse(said) as Memory;
}

function addRows(rows: Rows, wait: string, all: readonly Memory[]): void {
  const at = (count: number): number[] =>
    all.flatMap(({ grown }) =>
      grown.filter(([agents]) => agents === count).map(([, bytes]) => bytes),
    );
  const counts = COUNTS.filter((count) => at(count).length > 0);
  for (const count of counts) {
    const each = at(count).map((bytes) => bytes / count / KIB);
    const name = `an agent ${wait}, of ${count.toLocaleString('en')}`;
    rows.add(name, each, 'KiB', { plot: 'memory of an agent' });
  }
  const points = counts.map((count) => [count, median(at(count)) / MIB] as const);
  rows.grows(`memory by agents ${wait}`, points, 'MiB');
  const [first] = all;
  rows.add(
    `agents ${wait} in 1 GiB`,
    all.map(({ most }) => most.agents),
    'agents',
    {
      better: 'more',
      note: `${Math.round((first?.most.bytes ?? 0) / MIB)} MiB, then: ${first?.most.because}`,
    },
  );
  const kept = (left: (memory: Memory) => number): number[] =>
    all.map((memory) => left(memory) / MIB);
  const note = 'more than before they started';
  rows.add(
    `half a minute after agents ${wait} have ended`,
    kept(({ ended }) => ended),
    'MiB',
    { note },
  );
  rows.add(
    `after the kernel of agents ${wait} is closed`,
    kept(({ closed }) => closed),
    'MiB',
    { note },
  );
}

export const memory: Part = {
  name: 'memory',
  what: 'memory of agents that wait, how many fit into 1 GiB, what comes back',
  async run() {
    const file = await courierFile();
    const rows = new Rows('memory');
    const all = WAITS.map((): Memory[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, [, words]] of WAITS.entries()) all[index]?.push(measured(file, words));
    }
    for (const [index, [wait]] of WAITS.entries()) addRows(rows, wait, all[index] ?? []);
    return rows.all;
  },
};
