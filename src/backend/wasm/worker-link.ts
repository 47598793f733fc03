/** One worker thread, from the kernel's side: what is said to it and taken from it over its port. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { Mail } from '../../ipc/message.ts';
import { NETWORK_SETTINGS_DEFAULT, type NetworkSettings } from '../../network/settings.ts';
import { TurnoverMap } from '../../turnover-map.ts';
import type { Attention } from '../../wasm/worker/attention.ts';
import type { BusyPlace } from '../../wasm/worker/busy-threads.ts';
import type {
  FromWorker,
  ToWorker,
  TracedHostCall,
  TracedHostCalls,
  WorkerStart,
} from '../../wasm/worker/protocol.ts';
import type { QuietAgents } from '../../wasm/worker/quiet.ts';
import { logLineBytes } from '../../wasm/worker/streams.ts';
import type { TimeMoment } from '../../wasm/worker/virtual-time.ts';
import type { BackendAgent, BackendEvents, BackendStart, CallOutcome } from '../backend.ts';
import { endOfLost, type LostWorker } from '../lost.ts';
import type { WasmModule } from './module.ts';
import type { Routed, Routes } from './routes.ts';
import { type AgentThread, RunningAgent } from './running-agent.ts';

/** Where the code of a thread is. */
export const WORKER_FILE = new URL(
  `../../wasm/worker/task.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
).href;

/** What a thread is started with. */
export interface WorkerLinkOptions {
  readonly sliceFuel: number;
  readonly blocks: SharedArrayBuffer;
  /** @default as the network's own defaults are */
  readonly network?: NetworkSettings;
  onWarning(text: string): void;
  /** Where the virtual time stands that agents live in. @default they live in the machine's */
  time?(): TimeMoment | null;
  /** One of so many host calls is told of. @default none is */
  readonly traceEvery?: number | null | undefined;
  onHostCalls?(calls: readonly TracedHostCall[]): void;
  /** A thread is gone, other than in order. Must not throw. */
  onWorkerLost?(lost: LostWorker): void;
}

type Consumed = Extract<ToWorker, { kind: 'consumed' }>;

let lastId = 0;

const nextId = (): number => {
  lastId += 1;
  return lastId;
};

/** What threads that many agents share have in common. */
export interface SharedLink {
  readonly routes: Routes;
  /** Of this side, for all of them. */
  readonly attention: Attention;
  readonly busy: BusyPlace;
}

/** What is answered as soon as an agent has done a little. */
const isAnswered = ({ kind }: ToWorker): boolean =>
  kind === 'start' || kind === 'deliver' || kind === 'exchange';

/** A thread that runs agents, until it is closed or dies. */
export class WorkerLink implements AgentThread, Routed {
  readonly id = nextId();
  readonly agents = new TurnoverMap<number, RunningAgent>();
  readonly #pool: Piscina;
  readonly #onWarning: (text: string) => void;
  readonly #port: MessagePort;
  readonly #known = new Set<string>();
  readonly #deliveries = new Map<number, (outcome: CallOutcome<number>) => void>();
  readonly #outbox: ToWorker[] = [];
  /** Ports that go with what is in the outbox. */
  readonly #transfer: MessagePort[] = [];
  /** Null: it has one agent, and a thread of its own. */
  readonly #shared: SharedLink | null;
  readonly #onHostCalls: (calls: readonly TracedHostCall[]) => void;
  readonly #onLost: (agents: number) => void;
  #nextDelivery = 1;
  /** Null: it has answered the last time it was asked. */
  #pong: PromiseWithResolvers<void> | null = null;
  /** Null: it has told the last time it was asked. */
  #quiet: PromiseWithResolvers<QuietAgents | null> | null = null;
  readonly #ready = Promise.withResolvers<boolean>();
  #ends = 0;
  readonly #terminated = new WeakSet<object>();
  #gone = false;
  #closing = false;
  /** Resolves with true once it takes agents, with false when it ended before. */
  readonly ready: Promise<boolean> = this.#ready.promise;
  /** Resolves when its task has ended, for whatever reason. */
  readonly ended: Promise<void>;

  /** Takes the thread of a pool of one, for as long as it lives; `shared`: absent where it has one agent. */
  constructor(pool: Piscina, options: WorkerLinkOptions, shared: SharedLink | null = null) {
    this.#shared = shared;
    this.#pool = pool;
    this.#onWarning = (text) => options.onWarning(text);
    this.#onHostCalls = (calls) => options.onHostCalls?.(calls);
    const isolation = shared === null ? 'thread' : 'shared';
    this.#onLost = (agents) => options.onWorkerLost?.({ isolation, agents });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (messages: (FromWorker | TracedHostCalls)[]) => {
      shared?.attention.came();
      for (const message of messages) {
        this.#take(message);
      }
    });
    const start: WorkerStart = {
      port: port2,
      blocks: options.blocks,
      sliceFuel: options.sliceFuel,
      network: options.network ?? NETWORK_SETTINGS_DEFAULT,
      time: options.time?.() ?? null,
      traceEvery: options.traceEvery ?? null,
      busy: shared?.busy ?? null,
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

  has(pid: number): boolean {
    return this.agents.has(pid);
  }

  /** Whether its thread is gone: it takes no more agents. */
  get gone(): boolean {
    return this.#gone;
  }

  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    if (!this.#known.has(module.digest)) {
      const { digest, plan } = module;
      this.post({ kind: 'module', digest, plan, modules: [...module.compiled] });
      this.#known.add(digest);
    }
    const agent = new RunningAgent(start, events, this);
    this.agents.set(start.pid, agent);
    const { block, moduleDigest: _digest, isolation: _isolation, ...rest } = start;
    this.post({ kind: 'start', agent: { ...rest, slot: block.slot, digest: module.digest } });
    if (this.agents.size === 1) {
      // Its thread has nothing else to do: this one begins while the rest is done here.
      this.#flush();
    }
    return agent;
  }

  /** Commands are batched: those of one turn go together, whoever gave them in it. */
  post(message: ToWorker, transfer: readonly MessagePort[] = []): void {
    this.#outbox.push(message);
    this.#transfer.push(...transfer);
    if (this.#outbox.length === 1) {
      // After all microtasks that are due: each caller that was waiting gives its commands in one of them.
      process.nextTick(this.#flush);
    }
  }

  readonly #flush = (): void => {
    if (this.#outbox.length === 0) {
      return;
    }
    const messages = this.#outbox.splice(0);
    this.#port.postMessage(messages, this.#transfer.splice(0));
    if (messages.some(isAnswered)) {
      this.#shared?.attention.wait();
    }
  };

  deliver(
    to: number,
    delivery: Mail,
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>> {
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

  /** How many agents have ended on it. */
  get ends(): number {
    return this.#ends;
  }

  terminate(): void {
    for (const thread of this.#pool.threads) {
      if (this.#terminated.has(thread)) continue;
      this.#terminated.add(thread);
      void thread.terminate();
    }
  }

  /** Resolves when its event loop has had a turn after the call; never where its thread is gone. */
  answers(): Promise<void> {
    if (this.#pong === null) {
      this.#pong = Promise.withResolvers();
      this.post({ kind: 'ping' });
    }
    return this.#pong.promise;
  }

  /** Resolves when all of its agents wait, in virtual time; with null when its thread is gone. */
  quiet(): Promise<QuietAgents | null> {
    if (this.#gone) {
      return Promise.resolve(null);
    }
    if (this.#quiet === null) {
      this.#quiet = Promise.withResolvers();
      this.post({ kind: 'ask-quiet' });
    }
    return this.#quiet.promise;
  }

  /** Lets its pool go, and its thread with it. */
  async destroy(): Promise<void> {
    try {
      await this.#pool.destroy();
    } catch (error) {
      this.#onWarning(`a thread could not be ended in order: ${String(error)}`);
    }
  }

  /** Ends it when its agents have ended. */
  close(): void {
    this.#closing = true;
    this.post({ kind: 'close' });
  }

  /** What was taken of one stream in a row is told once: of lines there may be a thousand in a turn. */
  #consumed(pid: number, stream: Consumed['stream'], bytes: number): void {
    const last = this.#outbox.at(-1);
    if (last?.kind === 'consumed' && last.pid === pid && last.stream === stream) {
      this.#outbox[this.#outbox.length - 1] = { ...last, bytes: last.bytes + bytes };
    } else {
      this.post({ kind: 'consumed', pid, stream, bytes });
    }
  }

  #lost(message: string): void {
    this.#ready.resolve(false);
    this.#gone = true;
    this.#quiet?.resolve(null);
    this.#shared?.routes.remove(this);
    this.#port.close();
    if (!this.#closing || this.agents.size > 0) {
      this.#onLost(this.agents.size);
    }
    for (const agent of this.agents.values()) {
      this.agents.delete(agent.start.pid);
      agent.exited(endOfLost(agent.start.block, message));
    }
    for (const [id, resolve] of [...this.#deliveries]) {
      this.#deliveries.delete(id);
      resolve({ tag: 'err', error: 'closed', message: 'the receiver has ended' });
    }
  }

  #take(message: FromWorker | TracedHostCalls): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve(true);
        return;
      case 'pong':
        this.#pong?.resolve();
        this.#pong = null;
        return;
      case 'quiet':
        this.#quiet?.resolve(message);
        this.#quiet = null;
        return;
      case 'warning':
        this.#onWarning(message.text);
        return;
      case 'traced':
        this.#onHostCalls(message.calls);
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
    const { events, operations } = agent;
    const { pid } = message;
    switch (message.kind) {
      case 'running':
        events.running();
        return;
      case 'exited':
        this.agents.delete(pid);
        this.#ends += 1;
        agent.exited({
          ...message.end,
          undelivered: message.undelivered,
          lost: 0,
          findings: message.findings,
        });
        return;
      case 'near-limit':
        events.counted();
        return;
      case 'denied':
        events.denied(message.capability, message.operation, message.count);
        return;
      case 'log':
        events.log(message.level, message.message);
        this.#consumed(pid, 'log', logLineBytes(message.message));
        return;
      case 'output': {
        const { bytes, stream } = message;
        void events
          .output(stream, bytes)
          .then((taken) =>
            taken === 'taken'
              ? this.#consumed(pid, stream, bytes.length)
              : this.post({ kind: 'output-closed', pid, stream }),
          );
        return;
      }
      case 'host-calls':
        void events
          .hostCalls(message.calls)
          .then(() => this.post({ kind: 'calls-taken', pid, calls: message.calls.length }));
        return;
      case 'recorded':
        events.recorded(message.bytes);
        return;
      case 'kept':
        events.kept(message.end);
        return;
      case 'exchange':
        events.exchange(message.say);
        return;
      case 'pull-input':
        void events.input().then((bytes) => this.post({ kind: 'input', pid, bytes }));
        return;
      case 'send':
        operations.begin(message.id, async (signal) => {
          const outcome = await events.send(message, signal);
          if (outcome.tag === 'ok' && message.to.tag === 'process') {
            // Before the sender goes on: what it sends next takes the way.
            this.#shared?.routes.show(this, message.to.pid);
          }
          return outcome;
        });
        return;
      case 'ask':
        operations.begin(message.id, () => events.ask(message.question));
        return;
      case 'tool':
        operations.begin(message.id, (signal) =>
          events.callTool(message.name, message.arguments, signal),
        );
        return;
      case 'spawn':
        operations.begin(message.id, () => events.spawn(message.request));
        return;
      case 'request-grant':
        operations.begin(message.id, () => events.requestGrant(message.grant, message.reason));
        return;
      case 'unanswered':
        events.unanswered(message.asker, message.correlation);
        return;
      case 'abandon':
        operations.abandon(message.id);
        return;
    }
  }
}
