/**
 * What metering costs a module: its runs beside runs of the same component that counts nothing, in turns, each in
 * a process of its own with the same host functions, walls, limits and time.
 */

import type { Kernel, LoadedModule } from '../../index.ts';
import type { PermittedModule } from '../load.ts';
import type { BenchInvocation } from './invocation.ts';
import type { ReplayedInput } from './replayed-input.ts';
import type { Rounds } from './runs.ts';
import { type Spread, spreadOf } from './spread.ts';
import { type Ran, Subject } from './subject.ts';
import type { Told, Unmeasured } from './told.ts';

/** CPU time of a run below which nothing is said: what V8 does beside the module is too much of it. */
const RUN_MS_MIN = 20;
/** Runs of each side, where nothing else bounds them. */
const ROUNDS_MAX = 50;
/** How much longer than the metered runs one without metering may take: its process may start late. */
const LATE_MS = 10_000;
const LATE_FACTOR = 4;

/** What is compared. */
export interface Comparing {
  readonly kernel: Kernel;
  loadPlain(module: LoadedModule, signal: AbortSignal): Promise<LoadedModule>;
  readonly permitted: PermittedModule;
  readonly invocation: BenchInvocation;
  readonly input: ReplayedInput;
  /** The run by which it is known that it ends, and as what. */
  readonly first: Ran;
}

/** Compares them. */
export async function measurePlain(
  { kernel, loadPlain, permitted, invocation, input, first }: Comparing,
  rounds: Rounds,
): Promise<Told['plain']> {
  const { resourceLimits } = await kernel.processWalls();
  if (!resourceLimits) {
    return {
      unmeasured:
        'nothing bounds the memory of a run without metering here, as there is no prlimit: install util-linux',
    };
  }
  const { module, decision } = permitted;
  const alone = { ...decision, isolation: 'process' } as const;
  const plain = await loadPlain(module, rounds.signal);
  const sides = [module, plain].map(
    (each) => new Subject(kernel, { module: each, decision: alone }, invocation, input),
  );
  try {
    return await compare(sides, first, rounds);
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

async function compare(
  sides: readonly Subject[],
  first: Ran,
  { budgetMs, most, signal }: Rounds,
): Promise<Told['plain']> {
  const times: readonly number[][] = sides.map(() => []);
  const deadlineMs = LATE_MS + first.exitMs * LATE_FACTOR;
  const until = performance.now() + budgetMs;
  for (let round = 0; round < Math.min(most, ROUNDS_MAX); round += 1) {
    for (let turn = 0; turn < sides.length; turn += 1) {
      signal.throwIfAborted();
      const side = (round + turn) % sides.length;
      const ran = await sides[side]!.run({ deadlineMs });
      const other = differenceOf(ran, first, side === 0 ? 'in a process' : 'without metering');
      if (other !== null) {
        return other;
      }
      times[side]!.push(ran.report.usage.cpu_time_ms);
    }
    if (performance.now() >= until) {
      break;
    }
  }
  return toldOf(spreadOf(times[0]!)!, spreadOf(times[1]!)!);
}

/** What it did otherwise than the first run, so that there is nothing to compare; null: nothing. */
function differenceOf(
  { report, cut, outputBytes }: Ran,
  first: Ran,
  how: string,
): Unmeasured | null {
  if (cut) {
    return { unmeasured: `${how} it did not end in time, and was ended` };
  }
  const { reason, message } = report.exit;
  if (reason !== first.report.exit.reason) {
    const why = message === null ? '' : ` (${message})`;
    return { unmeasured: `${how} it ended as ${reason}${why}` };
  }
  return outputBytes === first.outputBytes
    ? null
    : { unmeasured: `${how} it wrote ${outputBytes} bytes, and ${first.outputBytes} before` };
}

function toldOf(metered: Spread, plain: Spread): Told['plain'] {
  if (plain.min < RUN_MS_MIN) {
    return {
      unmeasured: `a run without metering takes ${plain.min.toFixed(1)} ms of CPU time, which is too short to compare: give it more to do`,
    };
  }
  return {
    metered_cpu_ms: metered,
    plain_cpu_ms: plain,
    ratio_least: metered.min / plain.min,
    ratio_median: metered.median / plain.median,
  };
}
