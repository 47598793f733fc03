/**
 * The wasm backend: a Piscina pool whose threads each run one long task, the scheduler of many agents,
 * and the kernel's end of the ports to them.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { RingfenceError } from '../errors.ts';
import type { Payload } from '../ipc/message.ts';
import { COMMAND } from '../resource/control-blocks.ts';
import type { LinkPlan } from '../wasm/component/plan.ts';
import type { FromWorker, ToWorker, WorkerStart } from '../wasm/worker/protocol.ts';
import { logLineBytes } from '../wasm/worker/streams.ts';
import type {
  Backend,
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  CallOutcome,
} from './backend.ts';

/** A module as the workers get it. */
export interface WasmModule {
  readonly digest: string;
  readonly plan: LinkPlan;
  readonly compiled: readonly WebAssembly.Module[];
}

export interface WasmBackendOptions {
  readonly workers: number;
  readonly sliceFuel: number;
  readonly blocks: SharedArrayBuffer;
  onWarning(text: string): void;
}

/**
 * Memories that all agents of the process may have at a time: at some 16,300 V8 has no addresses left,
 * and ends the thread that asks for one more.
 */
const MEMORIES_MAX = 14_000;

const memoriesOf = (plan: LinkPlan): number =>
  plan.steps.reduce(
    (sum, step) =>
      step.kind === 'instantiate' ? sum + (plan.modules[step.module]?.memories.length ?? 0) : sum,
    0,
  );

/** How long a worker has to end an agent before the worker itself is ended. */
const GRACE_MS = 2_000;

/** How long workers have to end their tasks at a close. */
const CLOSE_MS = 2_000;

const WORKER_FILE = new URL(
  `../wasm/worker/task.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
).href;

/** One agent, from the kernel's side. */
class RunningAgent implements BackendAgent {
  readonly start: BackendStart;
  readonly events: BackendEvents;
  readonly worker: WorkerLink;
  readonly operations = new Map<number, AbortController>();
  #deadline: NodeJS.Timeout | null = null;
  #exited = false;

  constructor(start: BackendStart, events: BackendEvents, worker: WorkerLink) {
    this.start = start;
    this.events = events;
    this.worker = worker;
    if (start.limits.wallTimeMs !== 0) {
      this.#watch(start.spawnedAtMs + start.limits.wallTimeMs);
    }
  }

  command(message: string): void {
    this.worker.post({ kind: 'command', pid: this.start.pid, message });
    this.#watch(performance.timeOrigin + performance.now());
  }

  deliver(
    delivery: { tag: 'message'; sender: number; payload: Payload },
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<null>> {
    return this.worker.deliver(this.start.pid, delivery, waitMs, signal);
  }

  exited(end: BackendEnd): void {
    if (this.#exited) {
      return;
    }
    this.#exited = true;
    if (this.#deadline !== null) {
      clearTimeout(this.#deadline);
    }
    for (const controller of this.operations.values()) {
      controller.abort();
    }
    this.operations.clear();
    this.events.exited(end);
  }

  /** Ends the worker if it has not ended the agent a grace after it should have. */
  #watch(dueAtMs: number): void {
    if (this.#deadline !== null) {
      clearTimeout(this.#deadline);
    }
    const wait = dueAtMs + GRACE_MS - (performance.timeOrigin + performance.now());
    this.#deadline = setTimeout(
      () => {
        if (wait > 0x7fff_ffff) {
          this.#watch(dueAtMs);
        } else {
          // It counts as ended by its timeout, unless it was to be ended before.
          this.start.block.request(COMMAND.timeout);
          this.worker.terminate();
        }
      },
      Math.min(Math.max(0, wait), 0x7fff_ffff),
    ).unref();
  }
}

/** One thread of the pool, from the kernel's side. */
class WorkerLink {
  readonly agents = new Map<number, RunningAgent>();
  readonly #pool: Piscina;
  readonly #onWarning: (text: string) => void;
  readonly #port: MessagePort;
  readonly #known = new Set<string>();
  readonly #deliveries = new Map<number, (outcome: CallOutcome<null>) => void>();
  readonly #outbox: ToWorker[] = [];
  #nextDelivery = 1;
  #threadId: number | null = null;
  readonly #ready = Promise.withResolvers<boolean>();
  #terminateWhenReady = false;
  #gone = false;
  #closing = false;
  /** Resolves with true once it takes agents, with false when it ended before. */
  readonly ready: Promise<boolean> = this.#ready.promise;
  /** Resolves when its task has ended, for whatever reason. */
  readonly ended: Promise<void>;

  constructor(pool: Piscina, options: WasmBackendOptions) {
    this.#pool = pool;
    this.#onWarning = (text) => options.onWarning(text);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (messages: FromWorker[]) => {
      for (const message of messages) {
        this.#take(message);
      }
    });
    const start: WorkerStart = {
      port: port2,
      blocks: options.blocks,
      sliceFuel: options.sliceFuel,
    };
    // Piscina's own type of this list is read off an overload that takes no list.
    this.ended = pool.run(start, { transferList: [port2] as never }).then(
      () => this.#lost('its worker was closed'),
      (error: unknown) => {
        // At a close the pool ends whoever has not ended by himself: a thread that was still starting.
        if (!this.#closing) {
          options.onWarning(`a worker died: ${error instanceof Error ? error.message : 'unknown'}`);
        }
        this.#lost('its worker died: it may be tried again');
      },
    );
  }

  /** Whether its thread is gone: it takes no more agents. */
  get gone(): boolean {
    return this.#gone;
  }

  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    if (!this.#known.has(module.digest)) {
      this.#known.add(module.digest);
      const { digest, plan } = module;
      this.post({ kind: 'module', digest, plan, modules: [...module.compiled] });
    }
    const agent = new RunningAgent(start, events, this);
    this.agents.set(start.pid, agent);
    const { block, moduleDigest, ...rest } = start;
    this.post({ kind: 'start', agent: { ...rest, slot: block.slot, digest: moduleDigest } });
    return agent;
  }

  /** Commands are batched: those of one turn go together. */
  post(message: ToWorker): void {
    this.#outbox.push(message);
    if (this.#outbox.length === 1) {
      queueMicrotask(() => this.#port.postMessage(this.#outbox.splice(0)));
    }
  }

  deliver(
    to: number,
    delivery: { tag: 'message'; sender: number; payload: Payload },
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<null>> {
    const id = this.#nextDelivery;
    this.#nextDelivery += 1;
    this.post({ kind: 'deliver', id, to, delivery, waitMs });
    return new Promise((resolve) => {
      this.#deliveries.set(id, resolve);
      signal?.addEventListener('abort', () => {
        if (this.#deliveries.delete(id)) {
          this.post({ kind: 'abandon-delivery', id });
          resolve({ tag: 'err', error: 'cancelled', message: 'the sender has ended' });
        }
      });
    });
  }

  /** The last resort against a worker that does not answer. */
  terminate(): void {
    const thread = this.#pool.threads.find(({ threadId }) => threadId === this.#threadId);
    if (thread === undefined) {
      this.#terminateWhenReady = true;
    } else {
      void thread.terminate();
    }
  }

  close(): void {
    this.#closing = true;
    this.post({ kind: 'close' });
  }

  #lost(message: string): void {
    this.#ready.resolve(false);
    this.#gone = true;
    this.#port.close();
    for (const agent of [...this.agents.values()]) {
      this.agents.delete(agent.start.pid);
      // An agent that was being ended has its own reason; its worker's end only carried it out.
      const { command } = agent.start.block;
      const end =
        command === COMMAND.kill
          ? ({ reason: 'killed', message: 'it was killed' } as const)
          : command === COMMAND.timeout
            ? ({ reason: 'timeout', message: 'its timeout passed' } as const)
            : ({ reason: 'worker_lost', message } as const);
      agent.exited({ code: -1, undelivered: 0, ...end });
    }
    for (const [id, resolve] of [...this.#deliveries]) {
      this.#deliveries.delete(id);
      resolve({ tag: 'err', error: 'closed', message: 'the receiver has ended' });
    }
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#threadId = message.threadId;
        this.#ready.resolve(true);
        if (this.#terminateWhenReady) {
          this.terminate();
        }
        return;
      case 'warning':
        this.#onWarning(message.text);
        return;
      case 'delivered': {
        const resolve = this.#deliveries.get(message.id);
        this.#deliveries.delete(message.id);
        resolve?.(message.outcome);
        return;
      }
      default: {
        const agent = this.agents.get(message.pid);
        if (agent !== undefined) {
          this.#takeOf(agent, message);
        }
      }
    }
  }

  #takeOf(agent: RunningAgent, message: Extract<FromWorker, { pid: number }>): void {
    const { pid } = message;
    switch (message.kind) {
      case 'running':
        agent.events.running();
        return;
      case 'exited':
        this.agents.delete(pid);
        agent.exited({ ...message.end, undelivered: message.undelivered });
        return;
      case 'denied':
        agent.events.denied(message.capability, message.operation, message.count);
        return;
      case 'log':
        agent.events.log(message.level, message.message);
        this.post({ kind: 'consumed', pid, stream: 'log', bytes: logLineBytes(message.message) });
        return;
      case 'output': {
        const { bytes, stream } = message;
        void agent.events
          .output(stream, bytes)
          .then((taken) =>
            this.post(
              taken === 'taken'
                ? { kind: 'consumed', pid, stream, bytes: bytes.length }
                : { kind: 'output-closed', pid, stream },
            ),
          );
        return;
      }
      case 'pull-input':
        void agent.events.input().then((bytes) => this.post({ kind: 'input', pid, bytes }));
        return;
      case 'send':
        this.#settle(agent, message.id, (signal) =>
          agent.events.send(message.to, message.payload, message.waitMs, signal),
        );
        return;
      case 'tool':
        this.#settle(agent, message.id, (signal) =>
          agent.events.callTool(message.name, message.arguments, signal),
        );
        return;
      case 'abandon':
        agent.operations.get(message.id)?.abort();
        agent.operations.delete(message.id);
        return;
    }
  }

  #settle(
    agent: RunningAgent,
    id: number,
    work: (signal: AbortSignal) => Promise<CallOutcome<string | null>>,
  ): void {
    const controller = new AbortController();
    agent.operations.set(id, controller);
    const failed = (): CallOutcome<null> => ({
      tag: 'err',
      error: 'unavailable',
      message: 'the host failed: its operator knows why',
    });
    void work(controller.signal)
      .catch(failed)
      .then((outcome) => {
        if (agent.operations.delete(id)) {
          this.post({ kind: 'settled', pid: agent.start.pid, id, outcome });
        }
      });
  }
}

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly #options: WasmBackendOptions;
  readonly #pool: Piscina;
  readonly #modules = new Map<string, WasmModule>();
  readonly #workers: WorkerLink[] = [];
  #closed = false;
  /** Memories of the agents that have not exited. */
  #memories = 0;

  constructor(options: WasmBackendOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: WORKER_FILE,
      minThreads: options.workers,
      maxThreads: options.workers,
      concurrentTasksPerWorker: 1,
      // A worker needs nothing of the program's environment and flags.
      env: {},
      execArgv: [],
    });
    this.#pool.on('error', () => {
      // A worker that dies rejects its task too; that is where it is handled.
    });
    for (let index = 0; index < options.workers; index += 1) {
      this.#addWorker(index);
    }
  }

  /** Makes a module known; agents name it by its digest. */
  addModule(module: WasmModule): void {
    this.#modules.set(module.digest, module);
  }

  start(start: BackendStart, events: BackendEvents): BackendAgent {
    const module = this.#modules.get(start.moduleDigest);
    if (module === undefined) {
      throw new Error(`the module ${start.moduleDigest} was not added to the backend`);
    }
    const memories = memoriesOf(module.plan);
    if (this.#memories + memories > MEMORIES_MAX) {
      throw new RingfenceError(
        'RF_PROCESS_TABLE_FULL',
        `Cannot spawn the agent as the agents of this process have ${this.#memories} memories, and ${MEMORIES_MAX} are the most: wait for agents to exit.`,
        { max: MEMORIES_MAX },
      );
    }
    const [worker] = this.#workers
      .filter((candidate) => !candidate.gone)
      .sort((a, b) => a.agents.size - b.agents.size);
    if (worker === undefined) {
      throw new RingfenceError(
        'RF_INTERNAL',
        'Cannot start the agent as no worker thread could be started: see the warnings, and open another kernel.',
      );
    }
    this.#memories += memories;
    return worker.start(start, module, {
      ...events,
      exited: (end) => {
        this.#memories -= memories;
        events.exited(end);
      },
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#workers) {
      worker.close();
    }
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([Promise.all(this.#workers.map(({ ended }) => ended)), late]);
    clearTimeout(timer);
    await this.#pool.destroy();
  }

  /**
   * Resolves when all workers take agents, so that no start waits for a thread.
   *
   * @throws {RingfenceError} `RF_INTERNAL` when a worker can't be started.
   */
  async ready(): Promise<void> {
    const started = await Promise.all(this.#workers.map(({ ready }) => ready));
    if (started.includes(false) && !this.#closed) {
      throw new RingfenceError(
        'RF_INTERNAL',
        'Cannot start a worker thread: see the warnings, and check that the installation is complete.',
      );
    }
  }

  #addWorker(index: number): void {
    const worker = new WorkerLink(this.#pool, this.#options);
    this.#workers[index] = worker;
    void worker.ended.then(async () => {
      // One that died after it had started is replaced; one that can't start would die again.
      if (!this.#closed && (await worker.ready)) {
        this.#addWorker(index);
      }
    });
  }
}
