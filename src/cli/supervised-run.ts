/** A run whose policy has it started again: by a supervisor, until that ends or somebody stops it. */

import {
  type AgentChild,
  type Kernel,
  type Report,
  type RestartType,
  RingfenceError,
  type SupervisorEnd,
  type SupervisorHandle,
} from '../index.ts';
import type { Environment } from './environment.ts';
import { explain } from './explain.ts';
import type { Interruption } from './interruption.ts';
import { printableLine } from './printable.ts';
import { StalledReaders } from './readers.ts';
import { printLine } from './say.ts';

/** What is run again, and where. */
export interface SupervisedRun {
  readonly kernel: Kernel;
  readonly child: Omit<AgentChild, 'restart' | 'significant' | 'shutdownMs'>;
  readonly restart: Exclude<RestartType, 'temporary'>;
  readonly environment: Environment;
  readonly interruption: Interruption;
}

/** The report of the last agent, and why no other came after it. */
export interface SupervisedEnd {
  readonly report: Report;
  readonly reason: SupervisorEnd['reason'];
}

/**
 * Runs it until it ends for good. Says of each agent how it has ended, and that another is started.
 *
 * @throws {RingfenceError} why the first can't be started
 */
export async function runSupervised(run: SupervisedRun): Promise<SupervisedEnd> {
  const { kernel, child, restart, environment } = run;
  const over = new AbortController();
  const told = tellRestarts(run, over.signal);
  let last: Report | null = null;
  const supervisor = await kernel
    .supervise({
      // Who has ended normally ends the run, where it is not started again for that.
      autoShutdown: restart === 'transient' ? 'any_significant' : 'never',
      children: [{ ...child, restart, significant: restart === 'transient', shutdownMs: 0 }],
      onExit: (_, report) => {
        last = report;
        for (const line of explain(report)) {
          printLine(environment.stderr, line);
        }
      },
    })
    .catch((error: unknown) => {
      over.abort();
      throw error instanceof RingfenceError && error.code === 'RF_CHILD_START'
        ? error.cause
        : error;
    });
  const { reason } = await untilEnded(supervisor, run);
  over.abort();
  await told;
  if (last === null) {
    throw new RingfenceError('RF_INTERNAL', 'The run has ended without a report.');
  }
  return { report: last, reason };
}

/** Says each time that an agent is started after the first. */
async function tellRestarts(
  { kernel, child, environment }: SupervisedRun,
  signal: AbortSignal,
): Promise<void> {
  let starts = 0;
  for await (const { from, parentPid } of kernel.watch({ signal })) {
    if (from === null && parentPid === 0) {
      if (starts > 0) {
        const name = printableLine(child.agentId ?? child.id);
        printLine(environment.stderr, `ringfence: ${name} is started again (restart ${starts})`);
      }
      starts += 1;
    }
  }
}

/** Waits for its end, and sees to it that neither a signal nor a stalled reader is in the way. */
async function untilEnded(
  supervisor: SupervisorHandle,
  { kernel, environment, interruption }: SupervisedRun,
): Promise<SupervisorEnd> {
  const readers = new StalledReaders(environment, () => kernel.list().length === 0);
  const stop = (): void => {
    for (const { pid } of supervisor.children()) {
      if (pid !== null) {
        kernel.kill(pid, interruption.message);
      }
    }
    void supervisor.close();
    readers.giveUpAfter(0);
  };
  interruption.signal.addEventListener('abort', stop, { once: true });
  if (interruption.signal.aborted) {
    stop();
  }
  try {
    return await supervisor.ended;
  } finally {
    interruption.signal.removeEventListener('abort', stop);
    readers.clear();
  }
}
