/** Runs of a module through the kernel: what they are, how long they take to start, and how many a second. */

import { availableParallelism } from 'node:os';
import type { Report } from '../../index.ts';
import type { Spread } from './spread.ts';
import { spreadOf } from './spread.ts';
import type { Ran, Subject } from './subject.ts';

/** Starts before anything is measured: workers have compiled by then what they use of ours. */
const WARM_UP = 3;
/** Runs at a time where it is measured how many are sustained. */
export const AT_A_TIME = 64;
/** How much later than its time a run may end that has ended before: many share the processors. */
const LATE_MS = 60_000;
/** CPU time of a run below which its start is most of it, in milliseconds. */
const COMPUTING_MS_MIN = 2;
/**
 * Slices a millisecond from which on a run that does not end computes: one that has the processor uses up one
 * (docs/fuel.md), and who waits none. Neighbours may leave it a small part of that.
 */
const COMPUTING_SLICES = 0.005;

/** What a module does when it is run. */
export type Kind =
  /** It comes to an end. */
  | 'ends'
  /** It waits for what does not come: a service, or a module that reads what nobody writes. */
  | 'waits'
  /** It computes without an end, as far as the time lets one see. */
  | 'computes';

/** The first run of a module, by which it is known what can be measured. */
export interface Probed {
  readonly kind: Kind;
  readonly ran: Ran;
}

/** Runs it once. */
export async function probe(subject: Subject, deadlineMs: number): Promise<Probed> {
  const ran = await subject.run({ deadlineMs });
  if (!ran.cut) {
    return { kind: 'ends', ran };
  }
  const { slices, wall_time_ms: wallMs } = ran.report.usage;
  return { kind: slices > wallMs * COMPUTING_SLICES ? 'computes' : 'waits', ran };
}

/** How many rounds, and how long. */
export interface Rounds {
  readonly budgetMs: number;
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Runs one after another. */
export interface Started {
  /** Milliseconds from the call of spawn until the program hears that the first instruction runs. */
  readonly firstInstruction: Spread | null;
  /** Milliseconds until its report; null: it does not end. */
  readonly exit: Spread | null;
  readonly reports: readonly Report[];
  /** The first that has ended otherwise than the one before. */
  readonly odd: Report | null;
}

/** Measures starts one by one. Those of what does not end are ended at their first instruction. */
export async function measureStarts(
  subject: Subject,
  { kind, ran }: Probed,
  { budgetMs, most, signal }: Rounds,
): Promise<Started> {
  const firstOnly = kind !== 'ends';
  // It has come to its end before: a run that is late has lost its turn to somebody.
  const deadlineMs = budgetMs + ran.exitMs + LATE_MS;
  const first: number[] = [];
  const exit: number[] = [];
  const reports: Report[] = [];
  let odd: Report | null = null;
  const until = performance.now() + budgetMs;
  for (let round = 0; first.length < most; round += 1) {
    signal.throwIfAborted();
    if (performance.now() >= until && first.length > 0) {
      break;
    }
    const { firstMs, exitMs, report, cut } = await subject.run({ deadlineMs, firstOnly });
    // The first run was one, too: one that is long needs no more.
    if (round < WARM_UP && ran.exitMs < budgetMs / 10) {
      continue;
    }
    if (firstMs === null) {
      odd = report;
      break;
    }
    first.push(firstMs);
    if (firstOnly) {
      continue;
    }
    if (cut || report.exit.reason !== ran.report.exit.reason) {
      odd = report;
      break;
    }
    exit.push(exitMs);
    reports.push(report);
  }
  return { firstInstruction: spreadOf(first), exit: spreadOf(exit), reports, odd };
}

/** How many are sustained. */
export interface Rate {
  readonly perSecond: number;
  readonly runs: number;
  readonly atATime: number;
  /** One that has not ended normally; null: all have. */
  readonly odd: Report | null;
}

/**
 * Runs that end a second, {@link AT_A_TIME} at a time, or as many as end within the time where one takes
 * `exitMs`.
 */
export async function measureRate(
  subject: Subject,
  exitMs: number,
  { budgetMs, most, signal }: Rounds,
): Promise<Rate> {
  const together = Math.floor((budgetMs * availableParallelism()) / exitMs);
  const atATime = Math.max(1, Math.min(AT_A_TIME, together));
  const startedAt = performance.now();
  const until = startedAt + budgetMs;
  let started = 0;
  let runs = 0;
  let odd: Report | null = null;
  const oneByOne = async (): Promise<void> => {
    while (performance.now() < until && started < most && !signal.aborted) {
      started += 1;
      const { report } = await subject.run({ deadlineMs: budgetMs + LATE_MS });
      odd ??= report.exit.reason === 'normal' ? null : report;
      runs += 1;
    }
  };
  await Promise.all(Array.from({ length: atATime }, oneByOne));
  signal.throwIfAborted();
  return { perSecond: (runs * 1_000) / (performance.now() - startedAt), runs, atATime, odd };
}

/** Fuel of runs. */
export interface FuelOfRuns {
  readonly min: number;
  readonly max: number;
  /** Null: its runs are too short to say. */
  readonly perSecond: number | null;
}

/** What runs have used, by the reports of all of them; at least one. */
export function fuelOf(reports: readonly Report[]): FuelOfRuns {
  const fuels = reports.map(({ usage }) => usage.fuel);
  const cpuMs = reports.reduce((sum, { usage }) => sum + usage.cpu_time_ms, 0);
  const all = fuels.reduce((sum, fuel) => sum + fuel, 0);
  return {
    min: Math.min(...fuels),
    max: Math.max(...fuels),
    perSecond: cpuMs / reports.length < COMPUTING_MS_MIN ? null : (all * 1_000) / cpuMs,
  };
}
