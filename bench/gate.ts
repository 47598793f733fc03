/** What the gate's check costs, and what files do behind it; beside preview2-shim under jco and plain Node. */

import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GCProfiler } from 'node:v8';
import { buildGuests } from '../scripts/build-guests.ts';
import type { IpcScope } from '../src/capability/grant.ts';
import { reachesPid } from '../src/capability/scope.ts';
import { hostFunction } from '../src/wasm/host/gate.ts';
import { FakeAgent } from '../test/support/fake-agent.ts';
import { perCall, type Runner, ringfenceRunner, shimRunner } from './call-runners.ts';
import { median, type Part, time } from './measure.ts';
import { Rows } from './rows.ts';

const CHECKS = 5_000_000;
const ROUNDS = 5;
const BYTES = 4096;
const GOAL_NS = 50;

/** Calls of one host function in one run; the shim makes a tenth, as it takes longer. */
const CALLS = 5_000;
/** The guest's words, and what they do. */
const NAMES = {
  open: 'open and close',
  stat: 'stat',
  read: 'read of 4 KiB',
  write: 'write of 4 KiB',
} as const;
type Name = keyof typeof NAMES;

type Call = (call: { agent: FakeAgent }, pid: number) => number;

/** One call through the gate less its work without, and the collections meanwhile. */
function ofCheck(rows: Rows): void {
  const run = (agent: { pid: number }, pid: number): number => agent.pid + pid;
  const gated = hostFunction<(pid: number) => number>({
    operation: 'ipc.send',
    capability: 'ipc',
    permits: (scope: IpcScope, agent, pid) => reachesPid(scope, pid, agent.parentPid),
    run,
  }) as unknown as Call;
  const agent = new FakeAgent({ grants: { ipc: { pids: [1, 2, 3] } } });
  const call = { agent };
  let sum = 0;
  const through = (): void => {
    for (let count = 0; count < CHECKS; count += 1) {
      sum += gated(call, (count & 1) + 1);
    }
  };
  const direct = (): void => {
    for (let count = 0; count < CHECKS; count += 1) {
      sum += run(agent, (count & 1) + 1);
    }
  };
  through();
  direct();
  const profiler = new GCProfiler();
  profiler.start();
  const gatedTimes = Array.from({ length: ROUNDS }, () => time(through));
  const collections = profiler.stop()?.statistics.length ?? 0;
  const plainTimes = Array.from({ length: ROUNDS }, () => time(direct));
  if (sum === 0) {
    throw new Error('nothing was called');
  }
  const plain = Math.min(...plainTimes);
  const each = gatedTimes.map((ms) => ((ms - plain) * 1e6) / CHECKS);
  rows.add('the check of a hit', each, 'ns', {
    ratio: median(each) / GOAL_NS,
    against: `${GOAL_NS} ns, the goal`,
    note: `${collections} collections in ${(CHECKS * ROUNDS).toLocaleString('en')} calls`,
  });
}

/** What plain Node takes for the same system calls. */
function nodeRunner(directory: string): Runner {
  const path = join(directory, 'file');
  const buffer = Buffer.alloc(BYTES);
  const work: Readonly<Record<string, (fd: number) => void>> = {
    open: () => closeSync(openSync(path, 'r')),
    stat: () => void statSync(path),
    read: (fd) => void readSync(fd, buffer, 0, BYTES, 0),
    write: (fd) => void writeSync(fd, buffer, 0, BYTES, 0),
  };
  return async (name, count) => {
    const fd = openSync(path, 'r+');
    try {
      return time(() => {
        for (let index = 0; index < count; index += 1) work[name]?.(fd);
      });
    } finally {
      closeSync(fd);
    }
  };
}

async function ofFiles(rows: Rows, directory: string): Promise<void> {
  const { files } = await buildGuests({ only: ['host-calls'] });
  const file = files.get('host-calls')?.toString() ?? '';
  writeFileSync(join(directory, 'file'), new Uint8Array(BYTES));
  await using ours = await ringfenceRunner(file, directory);
  await using memory = await ringfenceRunner(file, null);
  // What is in memory has no file yet.
  await memory('write', 1);
  const shim = await shimRunner(file, directory, join(directory, '.glue'));
  const node = nodeRunner(directory);
  for (const [name, label] of Object.entries(NAMES) as [Name, string][]) {
    const runners = [ours, shim, node];
    if (name === 'open' || name === 'write') runners.push(memory);
    const subjects = runners.map((run) => [run, run === shim ? CALLS / 10 : CALLS] as const);
    const all = await perCall(ROUNDS, name, subjects);
    const [here = 0, there = 0, native = 0] = all.map((values) => Math.min(...values));
    const ways: readonly (readonly [string, number | null, string])[] = [
      ['ringfence', here / there, 'preview2-shim under jco'],
      ['preview2-shim under jco', there / native, 'plain Node'],
      ['plain Node', null, ''],
      ['ringfence, in memory', Math.min(...(all[3] ?? [])) / here, 'of the host'],
    ];
    all.forEach((values, index) => {
      const [way = '', ratio = null, against = ''] = ways[index] ?? [];
      rows.add(`${label}: ${way}`, values, 'ns', { plot: label, ratio, against });
    });
  }
}

export const gate: Part = {
  name: 'gate',
  what: 'the check of the gate, and files',
  async run() {
    const rows = new Rows('gate');
    ofCheck(rows);
    const directory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    try {
      await ofFiles(rows, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    return rows.all;
  },
};
