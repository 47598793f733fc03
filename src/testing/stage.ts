/** Kernels for tests: each has one test at a time, and is used again by the next. */

import {
  type ElevationAnswer,
  type ElevationRequest,
  type Kernel,
  type LogLine,
  openKernel,
  type ProgramMessage,
  RingfenceError,
  type VirtualClock,
} from '../index.ts';

/** Agents that one test may have at a time. */
const AGENTS_MAX = 256;

/** Tests that run at the same time. Each has a kernel, and one that forgets to dispose of its agent keeps that. */
const STAGES_MAX = 32;

/** A kernel that nobody has used for so long is closed: the program of the tests can end. */
const IDLE_MS = 500;

/** What a test hears of its kernel. */
export interface Audience {
  onMessage(message: ProgramMessage): void;
  onLog(line: LogLine): void;
  onWarning(text: string): void;
  onElevation(request: ElevationRequest): ElevationAnswer | Promise<ElevationAnswer>;
}

/** A kernel with a virtual clock that one test has for itself. */
export class Stage {
  readonly kernel: Kernel;
  readonly clock: VirtualClock;
  readonly #leave: (last: () => void, reusable: boolean) => Promise<void>;
  #left: Promise<void> | null = null;
  #reusable = true;

  constructor(kernel: Kernel, leave: (last: () => void, reusable: boolean) => Promise<void>) {
    if (kernel.clock === null) {
      throw new Error('a stage is set in a kernel that lives in the machine’s time');
    }
    this.kernel = kernel;
    this.clock = kernel.clock;
    this.#leave = leave;
  }

  /** The kernel gets what the next test must not find: a module's name, a service. It is closed, then, and not lent on. */
  spoil(): void {
    this.#reusable = false;
  }

  /** Ends all agents on it, does what is `last`, and gives it back. Calling it again changes nothing. */
  leave(last: () => void = () => {}): Promise<void> {
    this.#left ??= this.#leave(last, this.#reusable);
    return this.#left;
  }
}

interface Owned {
  readonly kernel: Kernel;
  audience: Audience | null;
  closing: NodeJS.Timeout | null;
}

/** The kernels of a program's tests. */
export class Stages {
  readonly #free: Owned[] = [];
  readonly #max: number;
  #lent = 0;

  constructor(max: number = STAGES_MAX) {
    this.#max = max;
  }

  /** Sets a stage for a test: `atMs` is when its time begins, in milliseconds since 1970. */
  async enter(audience: Audience, atMs: number | undefined): Promise<Stage> {
    if (this.#lent >= this.#max) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot test the agent as ${this.#max} others have not been disposed of: write 'await using agent = await testAgent(…)'.`,
      );
    }
    this.#lent += 1;
    const owned = await this.#take();
    if (owned.closing !== null) clearTimeout(owned.closing);
    owned.closing = null;
    owned.audience = audience;
    const stage = new Stage(owned.kernel, (last, reusable) => this.#leave(owned, last, reusable));
    try {
      stage.clock.begin(atMs);
    } catch (error) {
      await stage.leave();
      throw error;
    }
    return stage;
  }

  async #take(): Promise<Owned> {
    try {
      return this.#free.pop() ?? (await open());
    } catch (error) {
      this.#lent -= 1;
      throw error;
    }
  }

  async #leave(owned: Owned, last: () => void, reusable: boolean): Promise<void> {
    const { kernel } = owned;
    await endAgents(kernel);
    this.#lent -= 1;
    owned.audience = null;
    last();
    if (!reusable) {
      await kernel.close();
      return;
    }
    this.#free.push(owned);
    owned.closing = setTimeout(() => {
      this.#free.splice(this.#free.indexOf(owned), 1);
      void kernel.close();
    }, IDLE_MS);
  }
}

/** Who ends may have spawned somebody in the meantime. */
async function endAgents(kernel: Kernel): Promise<void> {
  for (let rows = kernel.list(); rows.length > 0; rows = kernel.list()) {
    await Promise.all(
      rows.map(({ pid }) => {
        const agent = kernel.agent(pid);
        agent.kill('its test is over');
        return agent.exited;
      }),
    );
  }
}

async function open(): Promise<Owned> {
  const listening = (): Audience => {
    if (owned.audience === null) {
      throw new RingfenceError('RF_CLOSED', 'The test that the agent was spawned in is over.');
    }
    return owned.audience;
  };
  const kernel = await openKernel({
    clock: 'virtual',
    // One thread: what agents do has one order.
    workers: 1,
    capacity: AGENTS_MAX,
    onMessage: (message) => listening().onMessage(message),
    onLog: (line) => owned.audience?.onLog(line),
    onWarning: (text) => owned.audience?.onWarning(text),
    onElevation: (request) => listening().onElevation(request),
  });
  const owned: Owned = { kernel, audience: null, closing: null };
  return owned;
}
