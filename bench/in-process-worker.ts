/** A worker on this thread, without the kernel around it: what starting an agent costs by itself. */

import type { HeldGrant } from '../src/capability/held.ts';
import { parseGrants } from '../src/capability/input.ts';
import { type ControlBlock, ControlBlocks } from '../src/resource/control-blocks.ts';
import { parseLimits } from '../src/resource/limits.ts';
import type { PreparedModule } from '../src/wasm/component/prepare/prepare.ts';
import { SyncQueue } from '../src/wasm/host/files/sync-queue.ts';
import { HOST } from '../src/wasm/host/index.ts';
import { openAgentFiles } from '../src/wasm/worker/files.ts';
import { MemoryPool } from '../src/wasm/worker/memory-pool.ts';
import type { FromWorker, ToWorker } from '../src/wasm/worker/protocol.ts';
import { KeptSeats } from '../src/wasm/worker/seats.ts';
import { Worker, type WorkerPort } from '../src/wasm/worker/worker.ts';

const DIGEST = 'bench';

/** Agents that are started at a time. */
export const BATCH = 64;

/** Starts agents of one module in batches, and waits for their ends. */
export class InProcessWorker {
  readonly #blocks: ControlBlocks;
  readonly #grants: readonly HeldGrant[];
  readonly #limits = parseLimits({});
  readonly #ended = new Map<number, () => void>();
  #command: (messages: ToWorker[]) => void = () => {};
  #nextPid = 1;

  /** `batch`: agents at a time; `reuse`: whether instances are used again; `pool`: memories. */
  constructor(
    module: Pick<PreparedModule, 'plan' | 'compiled'>,
    batch: number,
    reuse: boolean,
    pool = true,
  ) {
    Error.stackTraceLimit = 0;
    this.#blocks = new ControlBlocks(batch);
    this.#grants = parseGrants({}).map(
      ({ kind, scope }, index): HeldGrant => ({
        id: index,
        kind,
        index,
        scope,
        expiresAtMs: Number.POSITIVE_INFINITY,
      }),
    );
    const port: WorkerPort = {
      on: (_, listener) => {
        this.#command = listener;
      },
      postMessage: (messages) => this.#take(messages),
      close: () => {},
    };
    const syncs = new SyncQueue();
    const worker = new Worker({
      port,
      blocks: this.#blocks.memory,
      sliceFuel: 100_000_000,
      host: HOST,
      ...(reuse ? {} : { seats: new KeptSeats(0) }),
      ...(pool ? {} : { memories: new MemoryPool(0) }),
      openFiles: (agent, mounts) => openAgentFiles(agent, mounts, syncs),
    });
    void worker.run();
    const { plan, compiled } = module;
    this.#command([{ kind: 'module', digest: DIGEST, plan, modules: [...compiled] }]);
  }

  #take(messages: FromWorker[]): void {
    const answers: ToWorker[] = [];
    for (const message of messages) {
      if (message.kind === 'exited') {
        if (message.end.reason !== 'normal') {
          throw new Error(`it ended with ${message.end.reason}: ${message.end.message}`);
        }
        this.#ended.get(message.pid)?.();
        this.#ended.delete(message.pid);
      } else if (message.kind === 'output') {
        const { pid, stream, bytes } = message;
        answers.push({ kind: 'consumed', pid, stream, bytes: bytes.length });
      }
    }
    if (answers.length > 0) this.#command(answers);
  }

  /** Starts so many at once; resolves when all have ended. */
  async run(count: number): Promise<void> {
    const taken: ControlBlock[] = [];
    const ends: Promise<void>[] = [];
    const starts: ToWorker[] = [];
    for (let index = 0; index < count; index += 1) {
      const block = this.#blocks.take();
      const pid = this.#nextPid;
      this.#nextPid += 1;
      taken.push(block);
      ends.push(new Promise((resolve) => this.#ended.set(pid, resolve)));
      const agent = {
        pid,
        parentPid: 0,
        agentId: 'bench',
        slot: block.slot,
        digest: DIGEST,
        grants: this.#grants,
        mounts: [],
        limits: this.#limits,
        arguments: ['bench'],
        environment: [],
        config: [],
        terminal: { stdin: false, stdout: false, stderr: false },
        spawnedAtMs: Date.now(),
        diagnosis: null,
        keep: null,
        traceparent: null,
      };
      starts.push({ kind: 'start', agent });
    }
    this.#command(starts);
    await Promise.all(ends);
    for (const block of taken) this.#blocks.release(block);
  }
}
