/** A worker: takes starts, commands and deliveries over a port, and runs its agents until that says close. */

import type { ElevationOutcome } from '../../capability/elevation.ts';
import type { WordedGrant } from '../../capability/words.ts';
import { type Address, type Body, type Mail, mailOf, type Payload } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { FromNetwork } from '../../network/exchange.ts';
import { NO_SOCKETS, type SocketHost } from '../../network/sockets/host.ts';
import type { KeepStart } from '../../recording/kept.ts';
import { ControlViews } from '../../resource/control-blocks.ts';
import type { Limits } from '../../resource/limits.ts';
import { TurnoverMap } from '../../turnover-map.ts';
import type { Operation } from '../host/agent.ts';
import type { FileHost } from '../host/files/host.ts';
import type { SpawnRequest } from '../host/generated/ringfence-agent-process.ts';
import type { HostFunctions } from '../host/index.ts';
import { WorkerAgent } from './agent.ts';
import { Attention } from './attention.ts';
import { type BusyPlace, BusyThreads } from './busy-threads.ts';
import { type AgentTime, MACHINE_TIME } from './clocks.ts';
import type { Unanswered } from './correspondence.ts';
import { failedInside } from './ends.ts';
import { type Heap, HeapAccount } from './heap-account.ts';
import { type PreparedInstance, prepareInstance, runInstance } from './instance.ts';
import { recordedCalls } from './keeping/recorded-calls.ts';
import { replayedCalls } from './keeping/replayed-calls.ts';
import { closedOutcome, deliver, PendingOperation, settled } from './mail.ts';
import { MemoryPool } from './memory-pool.ts';
import { observedCalls } from './observing/observed-calls.ts';
import type { FileOwner, NetworkOwner, Resident, WorkerParts } from './parts.ts';
import { Peers } from './peers.ts';
import type { AgentStart, FromWorker, Mount, ToWorker } from './protocol.ts';
import { Quiet } from './quiet.ts';
import { Scheduler } from './scheduler.ts';
import { KeptSeats, type SeatStore } from './seats.ts';
import { type NetworkLink, noNetwork } from './sent-requests.ts';
import type { SocketAgent } from './sockets.ts';
import { Speed } from './speed.ts';
import { makeTrap } from './trap.ts';
import { type TimeMoment, VirtualTime } from './virtual-time.ts';

/** What a worker talks to the kernel over: a message port, or what stands for one in a process. */
export interface WorkerPort {
  on(event: 'message', listener: (messages: ToWorker[]) => void): unknown;
  postMessage(messages: FromWorker[]): void;
  close(): void;
}

/** What a worker is made of. */
export interface WorkerOptions {
  readonly port: WorkerPort;
  /** The control blocks of all agents. */
  readonly blocks: SharedArrayBuffer;
  /** Fuel between two scheduling points. */
  readonly sliceFuel: number;
  /** What its agents' imports are bound to. */
  readonly host: HostFunctions;
  /** The heap, where it is that of one agent alone; others' modules may use none. @default none */
  readonly heap?: Heap;
  /** Where the virtual time of its agents stands. @default they live in the machine's */
  readonly time?: TimeMoment | null;
  /** Where it says when it is busy. @default nowhere, and it sleeps as soon as it has nothing to do */
  readonly busy?: BusyPlace | null;
  /** Where it keeps instances that may be used again. @default as many as a worker keeps */
  readonly seats?: KeptSeats;
  /** Where it keeps memories that may be used again. @default as many as a worker keeps */
  readonly memories?: MemoryPool;
  /** The directories that are mounted for an agent. */
  openFiles(agent: FileOwner, mounts: readonly Mount[]): FileHost;
  /** Who performs the requests of an agent. @default nobody: each fails */
  openNetwork?(agent: NetworkOwner, hear: (say: FromNetwork) => void): NetworkLink;
  /** What performs an agent's requests on sockets. @default nothing: there are none */
  openSockets?(agent: SocketAgent): SocketHost;
}

/** Messages that go at the latest when there are so many: others run on what they say. */
const OUTBOX_MESSAGES_MAX = 32;

/** What short agents say, each of them: nobody waits for it as for an answer, or for a kill to be done. */
const canWait = (message: FromWorker): boolean =>
  message.kind === 'running' ||
  message.kind === 'exchange' ||
  (message.kind === 'exited' && message.end.reason === 'normal');

/** The functions that an agent is bound to whose calls are recorded, or answered out of a recording. */
function keptCalls(host: HostFunctions, keep: KeepStart | null): HostFunctions {
  switch (keep?.mode) {
    case 'record':
      return recordedCalls(host);
    case 'replay':
      return replayedCalls(host);
    default:
      return host;
  }
}

/** Runs the agents of one thread, or the one of a process. */
export class Worker implements WorkerParts {
  readonly scheduler = new Scheduler();
  readonly blocks: ControlViews;
  readonly sliceFuel: number;
  readonly time: AgentTime;
  readonly trap = makeTrap();
  readonly host: HostFunctions;
  readonly #port: WorkerPort;
  readonly #openFiles: WorkerOptions['openFiles'];
  readonly #openNetwork: NonNullable<WorkerOptions['openNetwork']>;
  readonly #openSockets: (agent: SocketAgent) => SocketHost;
  readonly #agents = new TurnoverMap<number, WorkerAgent>();
  readonly #modules = new Map<string, PreparedInstance>();
  /** The same modules bound to other functions than the host's, by those and their digest. */
  readonly #others = new Map<string, PreparedInstance>();
  /** Null: its agents live in the machine's time. */
  readonly #quiet: Quiet | null;
  readonly #seats: SeatStore;
  readonly #heap: Heap | null;
  readonly #speeds = new Map<string, Speed>();
  readonly #operations = new Map<number, PendingOperation<never>>();
  readonly #deliveries = new Map<number, Operation<number>>();
  readonly #outbox: FromWorker[] = [];
  readonly #peers = new Peers({
    deliver: (to, mail, waitMs) => this.#deliverTo(to, mail, waitMs),
    unanswered: ({ asker, correlation }) =>
      this.#agents.get(asker)?.signal({ tag: 'unanswered', correlation }),
    lost: (isThere) => {
      for (const agent of this.#agents.values()) {
        agent.lost(isThere);
      }
    },
  });
  #nextOperation = 1;

  constructor(options: WorkerOptions) {
    this.#port = options.port;
    this.#openFiles = (agent, mounts) => options.openFiles(agent, mounts);
    this.#openNetwork = (agent, hear) => options.openNetwork?.(agent, hear) ?? noNetwork(hear);
    this.#openSockets = (agent) => options.openSockets?.(agent) ?? NO_SOCKETS;
    this.blocks = new ControlViews(options.blocks);
    this.sliceFuel = options.sliceFuel;
    const time = options.time ? new VirtualTime(options.time) : null;
    this.time = time ?? MACHINE_TIME;
    this.#quiet =
      time &&
      new Quiet({
        time,
        scheduler: this.scheduler,
        agents: () => this.#agents.values(),
        tell: (quiet) => this.post({ kind: 'quiet', ...quiet }),
      });
    const attention = options.busy ? this.#attentionAmong(options.busy) : null;
    this.scheduler.onIdle = () => {
      // Nobody else's end goes with what was said last.
      this.#flush();
      this.#quiet?.idle();
      attention?.wait();
    };
    this.host = options.host;
    this.#heap = options.heap ?? null;
    this.#seats = {
      furnished: options.seats ?? new KeptSeats(),
      bare: new KeptSeats(),
      memories: options.memories ?? new MemoryPool(),
    };
  }

  /** Awake between two agents where the next comes soon. */
  #attentionAmong(busy: BusyPlace): Attention {
    const { place } = busy;
    const threads = BusyThreads.at(busy);
    const attention = new Attention({
      isCoreFree: () => threads.isCoreFree(place),
      onSleep: () => threads.set(place, false),
    });
    this.scheduler.onBusy = () => {
      attention.came();
      threads.set(place, true);
    };
    return attention;
  }

  /** Messages are batched: those of one turn go together. Bound, for agents hand it on. */
  readonly post = (message: FromWorker): void => {
    const waiting = this.#outbox.push(message);
    if (waiting >= OUTBOX_MESSAGES_MAX) {
      this.#flush();
    } else if (!canWait(message)) {
      // Before whoever is next runs: that may take a slice.
      queueMicrotask(this.#flush);
    } else if (waiting === 1) {
      // Agents run in microtasks, one after another: only after those is a turn over.
      process.nextTick(this.#flush);
    }
  };

  readonly #flush = (): void => {
    if (this.#outbox.length > 0) {
      this.#port.postMessage(this.#outbox.splice(0));
    }
  };

  heapFor(digest: string, { memoryBytes }: Limits): HeapAccount | null {
    if (this.#modules.get(digest)?.plan.features.gc !== true) {
      return null;
    }
    if (this.#heap === null) {
      throw new Error('a module with a heap is started where others have theirs');
    }
    return new HeapAccount(this.#heap, memoryBytes);
  }

  speedOf(digest: string): Speed {
    return this.#speeds.get(digest) ?? new Speed();
  }

  report(error: unknown): void {
    this.post({ kind: 'warning', text: `a host function of ringfence failed: ${String(error)}` });
  }

  ended(agent: Resident): void {
    this.#agents.delete(agent.pid);
  }

  openFiles(agent: FileOwner, mounts: readonly Mount[]): FileHost {
    return this.#openFiles(agent, mounts);
  }

  openNetwork(agent: NetworkOwner, hear: (say: FromNetwork) => void): NetworkLink {
    return this.#openNetwork(agent, hear);
  }

  openSockets(agent: SocketAgent): SocketHost {
    return this.#openSockets(agent);
  }

  send(
    from: Resident,
    to: Address,
    body: Body,
    payload: Payload,
    waitMs: number | null,
  ): Operation<number> {
    const { pid } = from;
    const isRouted = body.tag === 'reply' && body.routed === true;
    if (to.tag === 'process' && !isRouted) {
      const receiver = this.#agents.get(to.pid);
      const mail = mailOf(body, pid, null, payload);
      if (receiver !== undefined && !receiver.ended) {
        return deliver(receiver, mail, waitMs, this.time);
      }
      const sent = this.#peers.send(to.pid, mail, waitMs);
      if (sent !== null) {
        return sent;
      }
    }
    return this.#ask(from, (id) => ({ kind: 'send', pid, id, to, body, payload, waitMs }));
  }

  ask(from: Resident, question: Question): Operation<Answer> {
    return this.#ask(from, (id) => ({ kind: 'ask', pid: from.pid, id, question }));
  }

  unanswered({ pid }: Resident, waiting: Unanswered): void {
    const { asker, correlation } = waiting;
    const agent = this.#agents.get(asker);
    if (agent !== undefined) {
      agent.signal({ tag: 'unanswered', correlation });
    } else if (!this.#peers.unanswered(waiting)) {
      this.post({ kind: 'unanswered', pid, asker, correlation });
    }
  }

  callTool(from: Resident, name: string, argumentsJson: string): Operation<string> {
    return this.#ask(from, (id) => ({
      kind: 'tool',
      pid: from.pid,
      id,
      name,
      arguments: argumentsJson,
    }));
  }

  spawn(from: Resident, request: SpawnRequest): Operation<number> {
    return this.#ask(from, (id) => ({ kind: 'spawn', pid: from.pid, id, request }));
  }

  requestGrant(from: Resident, grant: WordedGrant, reason: string): Operation<ElevationOutcome> {
    return this.#ask(from, (id) => ({ kind: 'request-grant', pid: from.pid, id, grant, reason }));
  }

  #ask<Value>(from: Resident, message: (id: number) => FromWorker): Operation<Value> {
    const id = this.#nextOperation;
    this.#nextOperation += 1;
    const operation = new PendingOperation<Value>(() => {
      if (this.#operations.delete(id)) {
        this.post({ kind: 'abandon', pid: from.pid, id });
      }
    });
    this.#operations.set(id, operation as PendingOperation<never>);
    this.post(message(id));
    return operation;
  }

  /** Takes batches of commands until one says close. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#port.on('message', (messages: ToWorker[]) => {
        for (const message of messages) {
          if (message.kind === 'close') {
            this.#peers.close();
            this.#port.close();
            resolve();
          } else {
            this.take(message);
          }
        }
      });
      this.post({ kind: 'ready' });
    });
  }

  /** Calls `wake` once, when an agent has taken a message out of its mailbox, or has ended. */
  onRoom(pid: number, wake: () => void): void {
    this.#agents.get(pid)?.mailbox.onRoom(wake);
  }

  /** Does what the kernel says. */
  take(message: ToWorker): void {
    switch (message.kind) {
      case 'module':
        this.#modules.set(
          message.digest,
          prepareInstance(message.plan, message.modules, this.host, this.#seats),
        );
        this.#speeds.set(message.digest, new Speed());
        return;
      case 'start':
        this.#start(message.agent);
        return;
      case 'command':
        this.#agents.get(message.pid)?.commanded(message.message);
        return;
      case 'resumed':
        this.#agents.get(message.pid)?.resumed();
        return;
      case 'grant':
        this.#agents.get(message.pid)?.granted(message.grant);
        return;
      case 'revoked':
        this.#agents.get(message.pid)?.revoked();
        return;
      case 'deliver':
        this.#deliver(message.id, message.to, message.delivery, message.waitMs);
        return;
      case 'peer':
        this.#peers.add(message.worker, message.port);
        return;
      case 'peer-gone':
        this.#peers.gone(message.worker);
        return;
      case 'route':
        this.#peers.route(message.pid, message.worker);
        return;
      case 'signal':
        this.#agents.get(message.pid)?.signal(message.signal);
        return;
      case 'abandon-delivery':
        this.#deliveries.get(message.id)?.abandon();
        this.#deliveries.delete(message.id);
        return;
      case 'settled': {
        const operation = this.#operations.get(message.id);
        this.#operations.delete(message.id);
        operation?.settle(message.outcome as never);
        return;
      }
      case 'input':
        this.#agents.get(message.pid)?.stdin.arrived(message.bytes);
        return;
      case 'consumed':
        this.#agents.get(message.pid)?.[message.stream].consumed(message.bytes);
        return;
      case 'calls-taken':
        this.#agents.get(message.pid)?.trace?.consumed(message.calls);
        return;
      case 'output-closed':
        this.#agents.get(message.pid)?.[message.stream].close();
        return;
      case 'exchange':
        this.#agents.get(message.pid)?.requests.take(message.say);
        return;
      case 'network':
        this.#agents.get(message.pid)?.network.hear(message.say);
        return;
      case 'ask-quiet':
        this.#quiet?.ask();
        return;
      case 'move-time':
        this.#quiet?.moveTo(message.moment);
        return;
      case 'ping':
        this.post({ kind: 'pong' });
        return;
      case 'close':
        return;
    }
  }

  /** A module, bound to what an agent of it calls. */
  #prepared({ digest, keep, diagnosis }: AgentStart): PreparedInstance {
    const plain = this.#modules.get(digest);
    if (plain === undefined) {
      throw new Error(`the module ${digest} did not reach this worker before its first agent`);
    }
    const isObserved = diagnosis !== null && (diagnosis.trace || diagnosis.lastCalls > 0);
    if (keep === null && !isObserved) {
      return plain;
    }
    const key = `${keep?.mode ?? 'run'} ${isObserved} ${digest}`;
    let prepared = this.#others.get(key);
    if (prepared === undefined) {
      const host = keptCalls(this.host, keep);
      const bound = isObserved ? observedCalls(host) : host;
      prepared = prepareInstance(plain.plan, plain.modules, bound, this.#seats);
      this.#others.set(key, prepared);
    }
    return prepared;
  }

  #start(start: AgentStart): void {
    const prepared = this.#prepared(start);
    let agent: WorkerAgent;
    try {
      agent = new WorkerAgent(start, this, (self) => runInstance(self, prepared, this));
    } catch (error) {
      // One whose mounts can't be opened is no reason for the others of this thread to end.
      this.report(error);
      const end = failedInside('ringfence failed to start the agent');
      this.post({ kind: 'exited', pid: start.pid, end, undelivered: [], findings: null });
      return;
    }
    this.#agents.set(start.pid, agent);
    this.scheduler.wake(agent);
  }

  #deliverTo(to: number, mail: Mail, waitMs: number | null): Operation<number> {
    const receiver = this.#agents.get(to);
    return receiver === undefined || receiver.ended
      ? settled(closedOutcome(to))
      : deliver(receiver, mail, waitMs, this.time);
  }

  #deliver(id: number, to: number, delivery: Mail, waitMs: number | null): void {
    const operation = this.#deliverTo(to, delivery, waitMs);
    if (operation.outcome !== null) {
      this.post({ kind: 'delivered', id, outcome: operation.outcome });
      return;
    }
    this.#deliveries.set(id, operation);
    operation.onSettled(() => {
      this.#deliveries.delete(id);
      if (operation.outcome !== null) {
        this.post({ kind: 'delivered', id, outcome: operation.outcome });
      }
    });
  }
}
