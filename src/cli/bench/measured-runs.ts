/** What is told of a module's runs, or of the requests that it handles. */

import type { HttpService } from '../../index.ts';
import type { PlainKernel } from '../../plain/index.ts';
import type { Environment } from '../environment.ts';
import type { Interruption } from '../interruption.ts';
import type { PermittedModule } from '../load.ts';
import type { ProgressLine } from '../progress.ts';
import type { BenchInvocation } from './invocation.ts';
import { type Comparing, measurePlain } from './plain.ts';
import { ReplayedInput } from './replayed-input.ts';
import { ask, FAILED_STATUS, measureRequests } from './requests.ts';
import { fuelOf, measureRate, measureStarts, type Probed, probe, type Started } from './runs.ts';
import { Subject, spawnOptionsOf } from './subject.ts';
import type { Told } from './told.ts';

/** Which part of the time each measurement has. */
const SHARE = { probe: 0.25, start: 0.15, rate: 0.1, plain: 0.3 } as const;

/** What is at hand. */
export interface Measuring {
  readonly invocation: BenchInvocation;
  readonly environment: Environment;
  readonly interruption: Interruption;
  readonly progress: ProgressLine;
}

/** A run that ends otherwise than normally, where nobody has said that this is what is to be measured. */
export class FailingRun extends Error {}

/** Of runs, or of requests. */
export type RunsTold = Pick<Told, 'run' | 'start' | 'fuel' | 'plain'>;

/**
 * Measures what is asked for of a module that is loaded.
 *
 * @throws {FailingRun}
 */
export async function measureRuns(
  measuring: Measuring,
  plainKernel: PlainKernel,
  permitted: PermittedModule,
): Promise<RunsTold> {
  const { environment, invocation, interruption } = measuring;
  const input = new ReplayedInput(() =>
    environment.stdin.isTerminal ? noInput() : environment.stdin.chunks(() => {}),
  );
  const subject = new Subject(plainKernel.kernel, permitted, invocation, input);
  const leave = leaving(interruption.signal);
  try {
    const work =
      permitted.module.world === 'wasi:http'
        ? tellRequests(measuring, subject)
        : tellRuns(measuring, subject, { ...plainKernel, permitted, invocation, input });
    // A run may take its time: a signal does not wait for it, and the kernel that is closed ends it.
    work.catch(() => {});
    return await Promise.race([work, leave.aborted]);
  } finally {
    leave.forget();
    await subject.close();
  }
}

/** In place of a terminal, where nobody would write the same for each run. */
async function* noInput(): AsyncGenerator<Uint8Array> {}

function leaving(signal: AbortSignal): { readonly aborted: Promise<never>; forget(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const listener = () => reject(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return { aborted: promise, forget: () => signal.removeEventListener('abort', listener) };
}

const budget = ({ invocation }: Measuring, ...shares: (keyof typeof SHARE)[]): number =>
  shares.reduce((sum, share) => sum + invocation.seconds * 1_000 * SHARE[share], 0);

const most = ({ invocation }: Measuring): number => invocation.rounds ?? Number.POSITIVE_INFINITY;

function failing({ invocation }: Measuring, how: string): FailingRun {
  return new FailingRun(
    `Cannot measure '${invocation.modulePath}' as ${how}: give it what it needs, as 'ringfence run' would, or write --allow-failure.`,
  );
}

function requireSuccess(measuring: Measuring, exit: Probed['ran']['report']['exit'] | null): void {
  if (exit !== null && exit.reason !== 'normal' && !measuring.invocation.allowFailure) {
    const why = exit.message === null ? '' : ` (${exit.message})`;
    throw failing(measuring, `a run of it ended as ${exit.reason}${why}`);
  }
}

async function tellRuns(
  measuring: Measuring,
  subject: Subject,
  comparing: Omit<Comparing, 'first'>,
): Promise<RunsTold> {
  const { interruption, progress } = measuring;
  const { input } = comparing;
  const { parts } = measuring.invocation;
  progress.update('one run');
  const probed = await probe(subject, budget(measuring, 'probe'));
  input.requireWhole();
  requireSuccess(measuring, probed.ran.cut ? null : probed.ran.report.exit);
  const rounds = { most: most(measuring), signal: interruption.signal };
  progress.update('its starts');
  const starts = await measureStarts(subject, probed, {
    ...rounds,
    budgetMs: budget(measuring, 'start'),
  });
  requireSuccess(measuring, starts.odd?.exit ?? null);
  return {
    run: runOf(probed, input),
    start: parts.has('start') ? await startTold(measuring, subject, probed, starts) : null,
    fuel: parts.has('fuel') ? fuelTold(probed, starts) : null,
    plain: parts.has('plain') ? await plainTold(measuring, probed, comparing) : null,
  };
}

async function plainTold(
  measuring: Measuring,
  { kind, ran }: Probed,
  comparing: Omit<Comparing, 'first'>,
): Promise<Told['plain']> {
  if (kind !== 'ends') {
    return { unmeasured: 'it does not end within its time' };
  }
  measuring.progress.update('the same without metering');
  return await measurePlain(
    { ...comparing, first: ran },
    {
      budgetMs: budget(measuring, 'plain'),
      most: most(measuring),
      signal: measuring.interruption.signal,
    },
  );
}

async function startTold(
  measuring: Measuring,
  subject: Subject,
  { kind, ran }: Probed,
  { firstInstruction, exit }: Started,
): Promise<Told['start']> {
  const times = { first_instruction_ms: firstInstruction, exit_ms: exit };
  if (kind !== 'ends') {
    return { ...times, sustained: { unmeasured: 'it does not end within its time' } };
  }
  measuring.progress.update('how many a second');
  const { perSecond, runs, atATime, odd } = await measureRate(subject, exit?.median ?? ran.exitMs, {
    budgetMs: budget(measuring, 'rate'),
    most: most(measuring),
    signal: measuring.interruption.signal,
  });
  requireSuccess(measuring, odd?.exit ?? null);
  return { ...times, sustained: { per_second: perSecond, runs, at_a_time: atATime } };
}

function runOf({ kind, ran }: Probed, input: ReplayedInput): NonNullable<Told['run']> {
  const { reason, code } = ran.report.exit;
  return {
    kind,
    exit: ran.cut ? null : { reason, code },
    status: null,
    wall_ms: ran.exitMs,
    input_bytes: input.bytes,
    output_bytes: ran.outputBytes,
  };
}

function fuelTold({ kind, ran }: Probed, { reports }: Started): Told['fuel'] {
  if (kind === 'waits') {
    return { unmeasured: 'it waits, and does not come to an end' };
  }
  const all = [ran.report, ...reports];
  const { min, max, perSecond } = fuelOf(all);
  return { least: min, most: max, same: min === max, runs: all.length, per_second: perSecond };
}

async function tellRequests(measuring: Measuring, subject: Subject): Promise<RunsTold> {
  const service = subject.kernel.serve({
    ...spawnOptionsOf(subject, measuring.invocation),
    stdout: () => {},
    stderr: () => {},
    timeoutMs: budget(measuring, 'probe'),
  });
  return await tellRequestsTo(service, measuring).finally(() => service.close());
}

async function tellRequestsTo(service: HttpService, measuring: Measuring): Promise<RunsTold> {
  const { invocation, interruption, progress } = measuring;
  const { parts, allowFailure } = invocation;
  progress.update('one request');
  const { ms, status, bytes } = await ask(service);
  if (status >= FAILED_STATUS && !allowFailure) {
    throw failing(measuring, `it answers a request for / with status ${status}`);
  }
  progress.update('its requests');
  const requests = await measureRequests(service, {
    budgetMs: budget(measuring, 'start', 'rate'),
    most: most(measuring),
    signal: interruption.signal,
  });
  if (requests.failed !== null && !allowFailure) {
    throw failing(measuring, `it has answered a request for / with status ${requests.failed}`);
  }
  const { perSecond, runs, atATime } = requests;
  return {
    run: {
      kind: 'serves',
      exit: null,
      status,
      wall_ms: ms,
      input_bytes: 0,
      output_bytes: bytes,
    },
    start: parts.has('start')
      ? {
          first_instruction_ms: null,
          exit_ms: requests.each,
          sustained: { per_second: perSecond, runs, at_a_time: atATime },
        }
      : null,
    fuel: parts.has('fuel') ? { unmeasured: 'it is that of a request, and differs with it' } : null,
    plain: parts.has('plain')
      ? { unmeasured: 'each request would have a process of its own, and is too short beside that' }
      : null,
  };
}
