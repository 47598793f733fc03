/** Agents of one module, one after another in a worker of this thread, whose port is in the test's hands. */

import type { HeldGrant } from '../../../src/capability/held.ts';
import { parseGrants } from '../../../src/capability/input.ts';
import { COMMAND, ControlBlocks } from '../../../src/resource/control-blocks.ts';
import { type LimitsInput, parseLimits } from '../../../src/resource/limits.ts';
import type { PreparedModule } from '../../../src/wasm/component/prepare/prepare.ts';
import type { Outcome } from '../../../src/wasm/host/agent.ts';
import { HOST } from '../../../src/wasm/host/index.ts';
import { openAgentFiles } from '../../../src/wasm/worker/files.ts';
import { MemoryPool } from '../../../src/wasm/worker/memory-pool.ts';
import type { AgentEnd, FromWorker } from '../../../src/wasm/worker/protocol.ts';
import { KeptSeats } from '../../../src/wasm/worker/seats.ts';
import { Worker } from '../../../src/wasm/worker/worker.ts';
import { until } from './fence.ts';

/** How instances and memories are used again. */
export const REUSE = {
  nothing: () => ({ seats: new KeptSeats(0), memories: new MemoryPool(0) }),
  memories: () => ({ seats: new KeptSeats(0), memories: new MemoryPool() }),
  instances: () => ({ seats: new KeptSeats(), memories: new MemoryPool() }),
} as const;

/** How a life is begun. */
export interface LifeOptions {
  readonly arguments?: readonly string[];
  readonly environment?: readonly (readonly [string, string])[];
  readonly grants?: Parameters<typeof parseGrants>[0];
  readonly limits?: LimitsInput;
}

/** One life, as far as it has come. */
export interface Life {
  readonly pid: number;
  readonly said: string[];
  readonly written: Uint8Array[];
  /** Calls of tools that were not answered by themselves. */
  readonly calls: number[];
  end: AgentEnd | null;
  /** Units and bytes; final once it has ended. */
  fuel: number;
  memoryBytes: number;
}

/** The worker, and who lives or has lived in it. */
export class Lives {
  readonly seats: KeptSeats;
  readonly memories: MemoryPool;
  readonly #worker: Worker;
  readonly #digest: string;
  readonly #blocks = new ControlBlocks(8);
  readonly #kill = new Map<number, () => void>();
  readonly #lives = new Map<number, Life>();
  readonly #endings = new Map<number, () => void>();
  readonly warnings: string[] = [];

  constructor(module: PreparedModule, reuse: keyof typeof REUSE) {
    const { seats, memories } = REUSE[reuse]();
    this.seats = seats;
    this.memories = memories;
    this.#worker = new Worker({
      port: {
        on: () => {},
        postMessage: (messages) => {
          for (const message of messages) this.#take(message);
        },
        close: () => {},
      },
      blocks: this.#blocks.memory,
      sliceFuel: 1_000_000,
      host: HOST,
      seats,
      memories,
      openFiles: (agent, mounts) => openAgentFiles(agent, mounts),
    });
    const { digest, plan, compiled } = module;
    this.#worker.take({ kind: 'module', digest, plan, modules: [...compiled] });
    this.#digest = digest;
  }

  #take(message: FromWorker): void {
    if (message.kind === 'warning') this.warnings.push(message.text);
    const life = 'pid' in message ? this.#lives.get(message.pid) : undefined;
    if (life === undefined) return;
    if (message.kind === 'log') life.said.push(message.message);
    else if (message.kind === 'output') life.written.push(message.bytes);
    else if (message.kind === 'tool') life.calls.push(message.id);
    else if (message.kind === 'exited') {
      life.end = message.end;
      this.#endings.get(message.pid)?.();
    }
  }

  begin(options: LifeOptions = {}): Life {
    const block = this.#blocks.take();
    const pid = this.#lives.size + 1;
    const life: Life = {
      pid,
      said: [],
      written: [],
      calls: [],
      end: null,
      fuel: 0,
      memoryBytes: 0,
    };
    this.#lives.set(pid, life);
    this.#endings.set(pid, () => {
      const { fuel, memoryBytes } = block.read();
      Object.assign(life, { fuel, memoryBytes });
      this.#blocks.release(block);
    });
    const grants = parseGrants(options.grants ?? {}).map(
      ({ kind, scope }, index): HeldGrant => ({
        id: pid * 1000 + index,
        kind,
        index,
        scope,
        expiresAtMs: Number.POSITIVE_INFINITY,
      }),
    );
    this.#worker.take({
      kind: 'start',
      agent: {
        pid,
        parentPid: 0,
        agentId: `life ${pid}`,
        slot: block.slot,
        digest: this.#digest,
        grants,
        mounts: [],
        limits: parseLimits(options.limits ?? {}),
        arguments: options.arguments ?? [],
        environment: options.environment ?? [],
        config: [],
        terminal: { stdin: false, stdout: false, stderr: false },
        spawnedAtMs: performance.timeOrigin + performance.now(),
        diagnosis: null,
        keep: null,
        traceparent: null,
      },
    });
    this.#kill.set(pid, () => {
      block.request(COMMAND.kill);
      this.#worker.take({ kind: 'command', pid, message: 'it was killed' });
    });
    return life;
  }

  kill({ pid }: Life): void {
    this.#kill.get(pid)?.();
  }

  /** Settles a call that a life has made, however late. */
  settle({ pid }: Life, id: number, outcome: Outcome<string>): void {
    this.#worker.take({ kind: 'settled', pid, id, outcome });
  }

  /** A whole life. */
  async live(options: LifeOptions = {}): Promise<Life> {
    const life = this.begin(options);
    await until(() => life.end !== null);
    return life;
  }
}
