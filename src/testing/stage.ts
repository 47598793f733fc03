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
  readonly #leave: () => Promise<void>;

  constructor(kernel: Kernel, leave: () => Promise<void>) {
    if (kernel.clock === null) {
      throw new Error('a stage is set in a kernel that lives in the machine’s time');
    }
    this.kernel = kernel;
    this.clock = kernel.clock;
    this.#leave = leave;
  }

  /** Ends all agents on it, and gives it back. */
  async leave(): Promise<void> {
    await this.#leave();
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

  /** Sets a stage for a test: `atMs` is when its time begins, in milliseconds since 1970. */
  async enter(audience: Audience, atMs: number | undefined): Promise<Stage> {
    const owned = this.#free.pop() ?? (await open());
    if (owned.closing !== null) clearTimeout(owned.closing);
    owned.closing = null;
    owned.audience = audience;
    const stage = new Stage(owned.kernel, () => this.#leave(owned));
    try {
      stage.clock.begin(atMs);
    } catch (error) {
      await stage.leave();
      throw error;
    }
    return stage;
  }

  async #leave(owned: Owned): Promise<void> {
    if (owned.audience === null) return;
    const { kernel } = owned;
    await endAgents(kernel);
    owned.audience = null;
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
