/**
 * A process that starts agents which wait, wakes and ends them, and says what memory it took at each point.
 * It is started with --expose-gc.
 */

import {
  type Agent,
  type Kernel,
  type LoadedModule,
  openKernel,
  RingfenceError,
} from '../src/index.ts';
import { courier, done } from './courier.ts';
import { proportionalBytes } from './peers/memory.ts';

/** Its standard output, as JSON: bytes beyond what the process had with a kernel and no agent. */
export interface Memory {
  /** Agents, and what all of them take. */
  readonly grown: readonly (readonly [agents: number, bytes: number])[];
  /** As many as there were at the end, and why no more. */
  readonly most: { readonly agents: number; readonly bytes: number; readonly because: string };
  /** Half a minute after all had ended. */
  readonly ended: number;
  /** After the kernel was closed. */
  readonly closed: number;
}

/** Measured at these; then at every so many. */
export const COUNTS = [1_000, 5_000, 10_000] as const;
const STEP = 2_000;
const AT_A_TIME = 64;
const ENOUGH_BYTES = 2 ** 30;
const SETTLED_MS = 1_000;
/** V8 gives back what a heap doesn't need any more some 20 s after the heap has been let alone. */
const GIVEN_BACK_MS = 30_000;
/** The most that a kernel may have: docs/limits.md, "How many agents". */
const CAPACITY = 12_000;
/** So many have started and ended before: code is compiled, tables have their size. */
const WARM = 1_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function settledBytes(ms: number = SETTLED_MS): Promise<number> {
  await sleep(ms);
  globalThis.gc?.();
  const bytes = proportionalBytes(process.pid);
  if (bytes === null) throw new Error('this system does not tell the memory of a process');
  return bytes;
}

/** Starts until there are so many, and waits until all run. Answers why there are fewer, or nothing. */
async function fill(
  agents: Agent[],
  count: number,
  spawn: () => Promise<Agent>,
): Promise<string | null> {
  while (agents.length < count) {
    const lanes = Math.min(AT_A_TIME, count - agents.length);
    const asked = await Promise.allSettled(Array.from({ length: lanes }, spawn));
    agents.push(...asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])));
    const refused = asked.find((each) => each.status === 'rejected');
    if (refused === undefined) continue;
    if (!(refused.reason instanceof RingfenceError)) throw refused.reason;
    return refused.reason.code;
  }
  while (agents.some(({ state }) => state !== 'running')) await sleep(50);
  return null;
}

async function wakeAndEnd(agents: readonly Agent[]): Promise<void> {
  await Promise.all(agents.map((agent) => agent.send('go')));
  await Promise.all(agents.map(done));
}

async function measured(
  kernel: Kernel,
  module: LoadedModule,
  words: readonly string[],
): Promise<Memory> {
  const spawn = (): Promise<Agent> => courier(kernel, module, ...words);
  const warm: Agent[] = [];
  await fill(warm, WARM, spawn);
  await wakeAndEnd(warm);
  const before = await settledBytes();
  const agents: Agent[] = [];
  const grown: [number, number][] = [];
  let because: string | null = null;
  let bytes = 0;
  for (let next: number = COUNTS[0]; because === null; ) {
    because = await fill(agents, next, spawn);
    bytes = (await settledBytes()) - before;
    if (because === null && bytes >= ENOUGH_BYTES) because = '1 GiB is taken';
    if (COUNTS.some((count) => count === agents.length)) grown.push([agents.length, bytes]);
    next = COUNTS.find((count) => count > agents.length) ?? agents.length + STEP;
  }
  const most = { agents: agents.length, bytes, because };
  await wakeAndEnd(agents);
  agents.length = 0;
  const ended = (await settledBytes(GIVEN_BACK_MS)) - before;
  await kernel.close();
  return { grown, most, ended, closed: (await settledBytes()) - before };
}

async function run([file = '', ...words]: readonly string[]): Promise<Memory> {
  const kernel = await openKernel({ capacity: CAPACITY });
  return measured(kernel, await kernel.load(file), words);
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(process.argv.slice(2))));
}
