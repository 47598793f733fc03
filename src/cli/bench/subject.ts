/** What is measured: a module that is loaded, with what it may, and how one run of it is made. */

import { basename } from 'node:path';
import type { Agent, Decision, Kernel, LoadedModule, Report } from '../../index.ts';
import { agentIdOf } from '../module-name.ts';
import { FirstInstructions } from './first-instructions.ts';
import type { BenchInvocation } from './invocation.ts';
import type { ReplayedInput } from './replayed-input.ts';

/** How one run went. */
export interface Ran {
  /** From the call of spawn on, in milliseconds; null: it came to no first instruction. */
  readonly firstMs: number | null;
  readonly exitMs: number;
  readonly report: Report;
  /** It was ended here, as its time was over. */
  readonly cut: boolean;
  /** Bytes that it has written to standard output. */
  readonly outputBytes: number;
}

/** What a run is ended by. */
export interface RunUntil {
  readonly deadlineMs: number;
  /** Whether it is ended at its first instruction. @default false */
  readonly firstOnly?: boolean;
}

/** What each of its agents is spawned with, but its streams. */
export function spawnOptionsOf(
  { module, decision }: { readonly module: LoadedModule; readonly decision: Decision },
  { modulePath, guestArguments }: BenchInvocation,
) {
  const { grants, limits, isolation, features, environment, config } = decision;
  return {
    module,
    agentId: agentIdOf(modulePath),
    arguments: [basename(modulePath), ...guestArguments],
    environment,
    config,
    grants,
    limits,
    isolation,
    features,
  };
}

/** A module in a kernel. */
export class Subject {
  readonly kernel: Kernel;
  readonly module: LoadedModule;
  readonly decision: Decision;
  readonly #invocation: BenchInvocation;
  readonly #input: ReplayedInput;
  readonly #first: FirstInstructions;

  constructor(
    kernel: Kernel,
    loaded: { readonly module: LoadedModule; readonly decision: Decision },
    invocation: BenchInvocation,
    input: ReplayedInput,
  ) {
    this.kernel = kernel;
    this.module = loaded.module;
    this.decision = loaded.decision;
    this.#invocation = invocation;
    this.#input = input;
    this.#first = new FirstInstructions(kernel);
  }

  /** Runs it once, from its spawn to its end. */
  async run({ deadlineMs, firstOnly = false }: RunUntil): Promise<Ran> {
    let outputBytes = 0;
    const startedAt = performance.now();
    const agent = await this.kernel.spawn({
      ...spawnOptionsOf(this, this.#invocation),
      stdin: this.#input.chunks(),
      stdout: (chunk) => {
        outputBytes += chunk.length;
      },
      stderr: () => {},
    });
    let cut = false;
    const end = () => {
      cut = true;
      agent.kill('its time to be measured is over');
    };
    const timer = setTimeout(end, deadlineMs);
    const firstAt = await this.#first.of(agent.pid);
    if (firstOnly) {
      end();
    }
    const { report, at } = await ended(agent);
    clearTimeout(timer);
    return {
      firstMs: firstAt === null ? null : firstAt - startedAt,
      exitMs: at - startedAt,
      report,
      cut: cut && report.exit.reason === 'killed',
      outputBytes,
    };
  }

  async close(): Promise<void> {
    await this.#first.close();
  }
}

async function ended(agent: Agent): Promise<{ readonly report: Report; readonly at: number }> {
  const report = await agent.exited;
  return { report, at: performance.now() };
}
