/**
 * The fence of a file of hostile tests: one kernel with one worker, so that whatever a guest does it
 * does beside its neighbours. After each test the neighbour answers, a new agent runs, the operator
 * was warned of nothing, and nothing that any guest or report has said speaks of the host.
 */

import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import {
  type Agent,
  type KernelOptions,
  type LoadedModule,
  type LogLine,
  type Report,
  RingfenceError,
  type SpawnOptions,
} from '../../../src/index.ts';
import { type TestKernel, testKernel } from '../../support/kernel.ts';
import { agentOf, type GuestText } from './guest-text.ts';

/** Waits for messages for ever, and logs a line for each. */
const NEIGHBOUR = `(module
  (import "ringfence:agent/ipc@0.1.0" "receive" (func $receive (param i32 i64 i32 i32 i64 i32)))
  (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "still here")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "run") (result i32)
    (loop $again
      (call $receive
        (i32.const 0) (i64.const 0) (i32.const 0) ;; any
        (i32.const 0) (i64.const 0) ;; for ever
        (i32.const 16))
      (call $log (i32.const 2) (i32.const 64) (i32.const 10))
      (br $again))
    (unreachable)))`;

/** The first folder on the way to this program, wherever it is installed. */
const INSTALLED = process.cwd().split('/')[1] || 'home';

/** What no guest may be told, and no report may say: places and stacks of the host. */
export const HOST_WORDS = new RegExp(
  [
    'node_modules|node:|file://|\\.[cm]?[tj]s\\b|[A-Z]:\\\\',
    `/(?:home|root|tmp|usr|proc|var|etc|${INSTALLED})/`,
    '\\bat [\\w.<>]+ \\(|\\n\\s*at ',
  ].join('|'),
);

/** How far the attackers are kept apart: by default they share a thread with their neighbour. */
const ISOLATION = (process.env.RINGFENCE_TEST_ISOLATION ?? 'shared') as 'shared';

/** How an agent exits that ends by itself, and one that traps. */
export const NORMAL = { code: 0, reason: 'normal', message: null } as const;
export const TRAPPED = { code: -3, reason: 'trap' } as const;

/** The fuel that endless acts are given, and use up. */
export const FUEL = 1_000_000;

/** The agent used up exactly what it was given. */
export function expectOutOfFuel({ report }: Ran): void {
  expect(report.exit).toMatchObject({ code: -1, reason: 'fuel' });
  expect(report.usage.fuel).toBe(FUEL);
}

/** One run, from its spawn to its report. */
export interface Ran {
  readonly report: Report;
  /** What it logged. */
  readonly said: readonly string[];
  readonly agent: Agent;
}

/** The kernel under attack. */
export class Fence {
  readonly #host: TestKernel;
  readonly neighbour: Agent;
  readonly #neighbourModule: LoadedModule;
  readonly #reports: Report[] = [];
  #linesSeen = 0;

  private constructor(host: TestKernel, neighbour: Agent, module: LoadedModule) {
    this.#host = host;
    this.neighbour = neighbour;
    this.#neighbourModule = module;
  }

  static async open(options: KernelOptions = {}): Promise<Fence> {
    const host = await testKernel({ workers: 1, ...options });
    const module = await host.kernel.load(await agentOf(NEIGHBOUR));
    const neighbour = await host.kernel.spawn({
      module,
      agentId: 'neighbour',
      grants: { ipc: 'all' },
    });
    return new Fence(host, neighbour, module);
  }

  get kernel(): TestKernel['kernel'] {
    return this.#host.kernel;
  }
  get lines(): readonly LogLine[] {
    return this.#host.lines;
  }
  get warnings(): string[] {
    return this.#host.warnings;
  }

  load(component: Uint8Array): Promise<LoadedModule> {
    return this.kernel.load(component);
  }

  /** What an agent has logged so far. */
  saidBy(agent: Agent): string[] {
    return this.lines.filter(({ pid }) => pid === agent.pid).map(({ message }) => message);
  }

  /** Spawns an agent. Ten seconds are plenty, so that a failed test ends as one. */
  spawn(module: LoadedModule, options: ActOptions = {}): Promise<Agent> {
    const limits = { wallTimeMs: 10_000, ...options.limits };
    return this.kernel.spawn({ module, isolation: ISOLATION, ...options, limits });
  }

  /** Runs an agent to its report. */
  async run(module: LoadedModule, options: ActOptions = {}): Promise<Ran> {
    return this.ended(await this.spawn(module, options));
  }

  /** Waits for an agent's report. */
  async ended(agent: Agent): Promise<Ran> {
    const report = await agent.exited;
    this.#reports.push(report);
    return { report, said: this.saidBy(agent), agent };
  }

  /** Why a module is not run; fails where it is loaded. */
  async refusal(component: Uint8Array): Promise<RingfenceError> {
    try {
      await this.load(component);
    } catch (error) {
      if (error instanceof RingfenceError) {
        expect(error.message).toMatch(/^[^\n]+\.$/);
        expect(error.message).not.toMatch(HOST_WORDS);
        return error;
      }
      throw error;
    }
    throw new Error('The module was loaded.');
  }

  /** The neighbour answers, a new agent runs, and nobody has said anything that he should not. */
  async everybodyIsWell(): Promise<void> {
    const before = this.saidBy(this.neighbour).length;
    await this.neighbour.send('are you there?');
    const newcomer = await this.kernel.spawn({
      module: this.#neighbourModule,
      grants: { ipc: 'all' },
    });
    await newcomer.send('and you?');
    await until(() => this.saidBy(this.neighbour).length > before);
    await until(() => this.saidBy(newcomer).length > 0);
    newcomer.kill();
    expect((await newcomer.exited).exit.reason).toBe('killed');
    expect(this.neighbour.state).toBe('running');
    expect(this.warnings).toEqual([]);
    this.nothingSaysWhereWeAre();
  }

  /** Looks through what guests were told and reports say since the last time. */
  nothingSaysWhereWeAre(): void {
    for (const { exit, denied } of this.#reports.splice(0)) {
      expect(JSON.stringify({ exit, denied })).not.toMatch(HOST_WORDS);
    }
    for (const { message } of this.lines.slice(this.#linesSeen)) {
      expect(message).not.toMatch(HOST_WORDS);
    }
    this.#linesSeen = this.lines.length;
  }

  async close(): Promise<void> {
    await this.kernel.close();
  }
}

/** A fence for all tests of a file, looked after between them. */
export function useFence(options: KernelOptions = {}): () => Fence {
  let fence: Fence | null = null;
  beforeAll(async () => {
    fence = await Fence.open(options);
  });
  afterEach(() => fence?.everybodyIsWell());
  afterAll(() => fence?.close());
  return () => {
    if (fence === null) {
      throw new Error('The fence is opened before the first test.');
    }
    return fence;
  };
}

/** How an act is run. */
export type ActOptions = Omit<SpawnOptions, 'module'>;

/** The acts of one guest. */
export interface Acts {
  /** Does one, to its report. */
  (act: string, options?: ActOptions): Promise<Ran>;
  /** Begins one. */
  start(act: string, options?: ActOptions): Promise<Agent>;
}

/** Acts of a guest, which is made and loaded once, when all of them are written. */
export function actsOf(fence: () => Fence, guest: GuestText): Acts {
  let module: LoadedModule | null = null;
  beforeAll(async () => {
    module = await fence().load(await guest.component());
  });
  const start = (act: string, { arguments: more = [], ...options }: ActOptions = {}) => {
    if (module === null) {
      throw new Error('The guest is loaded before the first test.');
    }
    return fence().spawn(module, { ...options, arguments: [guest.number(act), ...more] });
  };
  return Object.assign(
    async (act: string, options?: ActOptions) => fence().ended(await start(act, options)),
    { start },
  );
}

/** Resolves when something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
