/**
 * Host calls by what crosses: numbers, a record, bytes, texts, a wait, a denial. Beside preview2-shim under
 * jco's glue with jco's default bindings, and of numbers beside V8 alone.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuests } from '../scripts/build-guests.ts';
import { openKernel } from '../src/index.ts';
import { perCall, type Runner, ringfenceRunner, shimRunner } from './call-runners.ts';
import { type Part, time } from './measure.ts';
import { compileKernels } from './metering/kernels.ts';
import { Rows } from './rows.ts';

const ROUNDS = 5;
/** The guest's words, what crosses, and calls in one run. The guest looks at the answers. */
const CALLS = [
  ['clock', 'a number: the monotonic clock', 400_000],
  ['datetime', 'a record: the wall clock', 100_000],
  ['bytes-16', '16 random bytes', 40_000],
  ['bytes-4096', '4 KiB of random bytes', 10_000],
  ['text-16', 'a text of 16 characters', 100_000],
  ['text-4096', 'a text of 4,096 characters', 10_000],
  ['block', 'a pollable that is ready: made, waited for, dropped', 40_000],
  ['denied', 'a socket, denied', 100_000],
] as const;
/** The shim makes so many fewer, as it takes so much longer. */
const FEWER = 40;
/** What the shim's sandbox denies is an exception of its glue: it is another thing. */
const OURS_ONLY: readonly string[] = ['denied'];
/** Calls that are waited for, and how many of them come before the first that counts. */
const SUSPENDED = 3_000;
const SUSPENDED_WARM_UP = 500;

/** V8 alone: a call of a function that answers a number. */
async function floorRunner(): Promise<Runner> {
  const bytes = await compileKernels('../floor.as.ts');
  const host = { answer: () => 1n };
  const { calls } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host }).exports;
  return async (_, count) => {
    let sum = 0n;
    const ms = time(() => {
      sum = (calls as (count: number) => bigint)(count);
    });
    if (sum !== BigInt(count)) throw new Error(`${sum} of ${count} calls were answered`);
    return ms;
  };
}

/** Microseconds of each call of a tool that does nothing: the agent is suspended, and resumed by its answer. */
async function suspendedMicros(file: string): Promise<number[]> {
  await using kernel = await openKernel({ workers: 1 });
  kernel.registerTool({ name: 'nothing', description: 'Does nothing.' }, () => null);
  const agent = await kernel.spawn({
    module: await kernel.load(file),
    arguments: ['caller', 'tool', 'nothing', String(SUSPENDED)],
    grants: { tools: ['nothing'], clocks: 'exact' },
    limits: { toolCalls: 0, cpuTimeMs: 0 },
  });
  const { exit } = await agent.exited;
  if (exit.reason !== 'normal') throw new Error(`ended with ${exit.reason}: ${exit.message}`);
  const times = Buffer.from(agent.stdout).toString().trim().split('\n').map(Number);
  return times.slice(SUSPENDED_WARM_UP).map((nanoseconds) => nanoseconds / 1_000);
}

export const hostcalls: Part = {
  name: 'hostcalls',
  what: 'host calls by what crosses, beside preview2-shim and V8 alone',
  async run() {
    const { files } = await buildGuests({ only: ['host-calls', 'caller'] });
    const file = files.get('host-calls')?.toString() ?? '';
    const directory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
    const rows = new Rows('hostcalls');
    try {
      await using ours = await ringfenceRunner(file, directory);
      const shim = await shimRunner(file, directory, join(directory, '.glue'));
      const floor = await floorRunner();
      for (const [name, crosses, count] of CALLS) {
        const subjects: [Runner, number][] = [[ours, count]];
        if (!OURS_ONLY.includes(name)) subjects.push([shim, count / FEWER]);
        if (name === 'clock') subjects.push([floor, count]);
        const [here = [], there, alone] = await perCall(ROUNDS, name, subjects);
        const beside = there === undefined ? {} : ratioTo(here, there);
        rows.add(`${crosses}: ringfence`, here, 'ns', { plot: crosses, ...beside });
        if (there !== undefined) rows.add(`${crosses}: ${SHIM}`, there, 'ns', { plot: crosses });
        if (alone !== undefined) rows.add(`${crosses}: V8 alone`, alone, 'ns', { plot: crosses });
      }
      const suspended = await suspendedMicros(files.get('caller')?.toString() ?? '');
      rows.add('suspended and resumed: a tool that does nothing', suspended, 'µs', { p99: true });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    return rows.all;
  },
};

const SHIM = 'preview2-shim under jco';

function ratioTo(here: readonly number[], there: readonly number[]) {
  return { ratio: Math.min(...here) / Math.min(...there), against: SHIM };
}
