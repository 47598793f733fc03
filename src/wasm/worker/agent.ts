/**
 * One agent inside its worker: what it may, what it has used, what it waits for, and how it ends.
 *
 * All of its host functions work on this object. It ends exactly once; from then on no host call is
 * performed, and the guest's code traps at its next check.
 */

import type { ElevationOutcome } from '../../capability/elevation.ts';
import { type HeldGrant, HeldGrants } from '../../capability/held.ts';
import type { WordedGrant } from '../../capability/words.ts';
import type { Asker, Conversations } from '../../ipc/conversations.ts';
import type { Mailbox } from '../../ipc/mailbox.ts';
import type { Address, Body, Mail, Payload, Signal } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { SocketHost } from '../../network/sockets/host.ts';
import type { Findings } from '../../process/diagnosis.ts';
import type { KeptEnd } from '../../recording/kept.ts';
import { Alarm } from '../../resource/alarm.ts';
import { COMMAND, ControlBlock } from '../../resource/control-blocks.ts';
import { HostBytes } from '../../resource/host-bytes.ts';
import { LimitMarks, type ResourceKind } from '../../resource/limit-marks.ts';
import type { Limits } from '../../resource/limits.ts';
import type { CanonicalAccess, GuestCall, WAIT } from '../host/abi/binding.ts';
import { HandleTable } from '../host/abi/handles.ts';
import type { Clocks, HostAgent, Operation, RandomSource, Subscribe } from '../host/agent.ts';
import type { FileHost } from '../host/files/host.ts';
import type { SpawnRequest } from '../host/generated/ringfence-agent-process.ts';
import { Correspondence, type Posted } from './correspondence.ts';
import { DenialCounts } from './denial-counts.ts';
import { AgentDiagnosis } from './diagnosis.ts';
import {
  exitedWith,
  failedInside,
  isStackOverflow,
  killed,
  outOfCpuTime,
  outOfFuel,
  outOfHeap,
  STACK_EXHAUSTED,
  timedOut,
  trapped,
} from './ends.ts';
import { type FuelMark, FuelTank, SLICE_MS } from './fuel.ts';
import { HandledRequests } from './handled-requests.ts';
import { HEAP_SLICE_FUEL_MAX, type HeapAccount } from './heap-account.ts';
import { RecordedMemory, ReplayedMemory } from './keeping/memory.ts';
import { Recorder } from './keeping/recorder.ts';
import { Replayer } from './keeping/replayer.ts';
import { MailShare } from './mail-share.ts';
import { MemoryAccount } from './memory-account.ts';
import { CallObserver } from './observing/call-observer.ts';
import { CallTrace } from './observing/call-trace.ts';
import { LastCalls } from './observing/last-calls.ts';
import type { WorkerParts } from './parts.ts';
import type { AgentEnd, AgentStart, StreamName } from './protocol.ts';
import { SeededRandom, SystemRandom } from './random.ts';
import { FIRST_RUN_MS, type Schedulable } from './scheduler.ts';
import { SentRequests } from './sent-requests.ts';
import { PortInput, PortLog, PortOutput } from './streams.ts';
import { Suspension } from './suspension.ts';
import { Timers } from './timers.ts';

/** Fuel for all calls of the guest's `realloc` from within one host call: a base… */
const REALLOC_ALLOWANCE_BASE = 2_000_000;
/** …and so much for each byte that is asked for. */
const REALLOC_ALLOWANCE_PER_BYTE = 8;
/** Bytes that a host function moves between host and guest for one unit of fuel. */
const BYTES_PER_UNIT = 8;

/** After so many host calls, calls of `realloc` or pieces of bytes the time of the run is looked at. */
const CALLS_BETWEEN_LOOKS = 32;
/** Bytes between host and guest that count as one more call. */
const BYTES_A_CALL = 1024;
/** Having used so much of the processor, a slice ends wherever its fuel is. */
const OVERLONG_MS = 2 * SLICE_MS;
/** Bytes that a memory or table grows by that count as one: the system maps and clears them. */
const GROWN_BYTES_A_CALL = 65_536;
/** Time in a host function that counts as one more call. */
const MILLISECONDS_A_CALL = 0.1;

/** What the injected code's `check` answers besides fuel that is there. */
const CHECK = { suspend: 0, stop: -1 } as const;

/** Where reasons end an agent, if not at a place of its own. */
const ENDS_AT: { readonly [Reason in AgentEnd['reason']]?: 'anywhere' | 'limit' } = {
  fuel: 'limit',
  killed: 'anywhere',
  timeout: 'anywhere',
  cpu_time: 'anywhere',
};

/** Which reasons are none of the agent's doing: where it stands when it is ended so is the host's choice. */
const IS_OUTSIDE: { readonly [Reason in AgentEnd['reason']]?: true } = {
  killed: true,
  timeout: true,
  cpu_time: true,
};

/** One agent of a worker: what its host functions work on, and what the scheduler runs. */
export class WorkerAgent implements HostAgent, GuestCall<HostAgent>, Schedulable {
  readonly pid: number;
  readonly parentPid: number;
  readonly agentId: string;
  readonly digest: string;
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  readonly traceparent: string | null;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: AgentStart['terminal'];
  readonly files: FileHost;
  readonly handles: HandleTable;
  readonly fuel: FuelTank;
  readonly memory: MemoryAccount;
  /** Keeps what its host calls answer; null: nobody does. */
  readonly recorder: Recorder | null;
  /** Answers its host calls; null: the host does. */
  readonly replayer: Replayer | null;
  /** Looks at its host calls; null: nobody does. */
  readonly observer: CallObserver | null;
  /** Tells of each of its host calls; null: that was not asked for. */
  readonly trace: CallTrace | null;
  pending: unknown;
  readySinceMs: number | null = null;
  aheadMs = 0;
  aheadAtMs = 0;
  expectedMs = FIRST_RUN_MS;
  waitsUnder: HeldGrant | null = null;

  /** Null: its module makes nothing that the garbage collector would free. */
  readonly #heap: HeapAccount | null;
  /** Null: nothing is to be found out of it. */
  readonly #diagnosis: AgentDiagnosis | null;
  readonly #lastCalls: LastCalls | null;

  readonly #parts: WorkerParts;
  readonly #launch: (agent: WorkerAgent) => Promise<AgentEnd>;
  readonly #deadlineMs: number;
  readonly #suspension: Suspension;
  readonly #marks: LimitMarks;
  // What most agents never use is made when it is first used: a start is a matter of microseconds.
  #stdin: PortInput | null = null;
  #stdout: PortOutput | null = null;
  #stderr: PortOutput | null = null;
  #log: PortLog | null = null;
  #correspondence: Correspondence | null = null;
  #timers: Timers | null = null;
  #sockets: SocketHost | null = null;
  #requests: HandledRequests | null = null;
  #network: SentRequests | null = null;
  #denials: DenialCounts | null = null;
  #operations: Set<Operation<unknown>> | null = null;
  readonly #hostBytes: HostBytes;
  #cpuMicroseconds = 0;
  #fuelTold = 0;
  /** The canonical ABI's `may_leave`: false within `realloc` and post-return. */
  #mayLeave = true;
  /** Within `realloc`: nothing can be suspended, and an allowance holds. */
  #inRealloc = false;
  #callsUntilLook = CALLS_BETWEEN_LOOKS;
  #reallocAllowance = 0;
  #sliceStartedAtMs = 0;
  /** What the run under way had used of the processor when the slice began, in microseconds. */
  #sliceStartedAtUse = 0;
  #longestWaitMs = 0;
  /** When the run under way began, where that was because of an event. */
  #wokeAtMs = Number.NEGATIVE_INFINITY;
  #end: AgentEnd | null = null;
  #launched = false;
  /** Its turn has come while it rested: it is queued again when it is resumed. */
  #passedOver = false;
  #deadline: Alarm | null = null;
  /** One for each grant that expires: as many as grants that an agent can be given. */
  #expiries: Alarm[] | null = null;
  #random: RandomSource | null = null;

  /** `launch` instantiates the module and runs its entry; see instance.ts. */
  constructor(
    start: AgentStart,
    parts: WorkerParts,
    launch: (agent: WorkerAgent) => Promise<AgentEnd>,
  ) {
    this.pid = start.pid;
    this.parentPid = start.parentPid;
    this.agentId = start.agentId;
    this.digest = start.digest;
    this.limits = start.limits;
    this.#hostBytes = new HostBytes(start.limits.hostBytes);
    this.arguments = start.arguments;
    this.environment = start.environment;
    this.config = start.config;
    this.terminal = start.terminal;
    this.#parts = parts;
    this.#launch = launch;
    this.block = new ControlBlock(parts.blocks, start.slot);
    this.grants = new HeldGrants(this.block, start.grants);
    this.files = parts.openFiles(this, start.mounts);
    this.traceparent = start.traceparent;
    this.handles = new HandleTable();
    this.#heap = parts.heapFor(start.digest, start.limits);
    const sliceMax =
      this.#heap === null ? parts.sliceFuel : Math.min(parts.sliceFuel, HEAP_SLICE_FUEL_MAX);
    this.#diagnosis = start.diagnosis === null ? null : new AgentDiagnosis(start.diagnosis);
    const lastCalls = start.diagnosis?.lastCalls ?? 0;
    this.#lastCalls = lastCalls === 0 ? null : new LastCalls(lastCalls);
    this.trace = start.diagnosis?.trace === true ? this.#newTrace() : null;
    const listeners = [this.#lastCalls, this.trace].filter((each) => each !== null);
    this.observer = listeners.length === 0 ? null : new CallObserver(listeners);
    this.recorder = this.#recorderOf(start);
    this.replayer = start.keep?.mode === 'replay' ? new Replayer(start.keep) : null;
    this.fuel = new FuelTank(start.limits.fuel, sliceMax, parts.speedOf(start.digest), {
      pause: this.#diagnosis?.nextLook,
      stopAt: this.replayer?.stopsAtFuel,
    });
    this.memory = this.#memoryWithin(start.limits);
    this.#marks = new LimitMarks(start.limits);
    this.#suspension = new Suspension(this, parts.scheduler);
    this.#deadlineMs =
      start.limits.wallTimeMs === 0
        ? Number.POSITIVE_INFINITY
        : start.spawnedAtMs + start.limits.wallTimeMs;
    // Last, so that no alarm waits for an agent that could not be made.
    for (const grant of start.grants) {
      this.#armExpiry(grant);
    }
    this.#armDeadline();
  }

  #recorderOf({ pid, keep }: AgentStart): Recorder | null {
    if (keep?.mode !== 'record') {
      return null;
    }
    return new Recorder(
      keep,
      (bytes) => this.#parts.post({ kind: 'recorded', pid, bytes }),
      (bytesMax) => this.end(killed(`its recording has reached its limit of ${bytesMax} bytes`)),
    );
  }

  #newTrace(): CallTrace {
    return new CallTrace({
      tell: (calls) => this.#parts.post({ kind: 'host-calls', pid: this.pid, calls }),
      full: () => this.fuel.endSlice(),
      room: () => this.resumed(),
    });
  }

  #memoryWithin({ memoryBytes }: Limits): MemoryAccount {
    const account = [this.block, memoryBytes, this.block.held] as const;
    if (this.recorder !== null) {
      return new RecordedMemory(this.recorder, this.fuel, ...account);
    }
    return this.replayer === null
      ? new MemoryAccount(...account)
      : new ReplayedMemory(this.replayer, this.fuel, ...account);
  }

  get agent(): HostAgent {
    return this;
  }

  get stdin(): PortInput {
    this.#stdin ??= new PortInput(this.pid, this.#parts.post);
    return this.#stdin;
  }
  get stdout(): PortOutput {
    this.#stdout ??= this.#output('stdout');
    return this.#stdout;
  }
  get stderr(): PortOutput {
    this.#stderr ??= this.#output('stderr');
    return this.#stderr;
  }
  #output(stream: StreamName): PortOutput {
    const { recorder } = this;
    const written = recorder && ((bytes: Uint8Array) => recorder.wrote(stream, bytes));
    return new PortOutput(this.pid, stream, this.#parts.post, written);
  }
  get log(): PortLog {
    this.#log ??= new PortLog(this.pid, this.#parts.post);
    return this.#log;
  }
  get correspondence(): Correspondence {
    this.#correspondence ??= new Correspondence(
      new MailShare(this, this.limits.hostBytes, this.block),
    );
    return this.#correspondence;
  }
  get mailbox(): Mailbox {
    return this.correspondence.mailbox;
  }
  get conversations(): Conversations {
    return this.correspondence.conversations;
  }
  /** What it sends. */
  get network(): SentRequests {
    this.#network ??= new SentRequests((hear) => this.#parts.openNetwork(this, hear));
    return this.#network;
  }

  /** What it is to handle, where it handles HTTP requests. */
  get requests(): HandledRequests {
    this.#requests ??= new HandledRequests((say) =>
      this.#parts.post({ kind: 'exchange', pid: this.pid, say }),
    );
    return this.#requests;
  }
  get sockets(): SocketHost {
    this.#sockets ??= this.#parts.openSockets(this);
    return this.#sockets;
  }
  get timers(): Timers {
    this.#timers ??= new Timers(this, this.#parts.time);
    return this.#timers;
  }

  forgot({ pid, correlation }: Asker): void {
    this.#parts.unanswered(this, { asker: pid, correlation });
  }

  /** For who delivers to it. */
  get owner(): this {
    return this;
  }

  post(mail: Mail): Posted {
    return this.correspondence.post(mail);
  }

  /** Agents are gone with their worker: who was asked among them will not reply. */
  lost(isAmong: (pid: number) => boolean): void {
    this.#correspondence?.lost(isAmong);
  }

  signal(signal: Signal): void {
    if (this.#end === null) {
      this.correspondence.signal(signal);
    }
  }

  get ended(): boolean {
    return this.#end !== null;
  }

  /** Whether it does nothing until it hears of something, or the time has come. */
  get isQuiet(): boolean {
    const rests = this.#passedOver || this.#suspension.isParked;
    // Who waits for its trace to be read goes on by itself.
    if (!rests || this.trace?.isFull === true) {
      return false;
    }
    return [...(this.#operations ?? [])].every(({ isHere = false }) => isHere);
  }

  // ── running and stopping ────────────────────────────────────────────────────────────────────────

  /** For the scheduler: starts the agent, or goes on where it stopped. */
  resume(): boolean {
    if (this.#rests && this.#end === null) {
      this.#passedOver = true;
      return false;
    }
    const { runStartedAtMs } = this.#parts.scheduler;
    this.#sliceStartedAtMs = runStartedAtMs;
    this.#sliceStartedAtUse = 0;
    this.#wokeAtMs = runStartedAtMs;
    if (!this.#launched) {
      this.#launched = true;
      queueMicrotask(() => void this.#run());
      return true;
    }
    if (!this.#suspension.isWoken) {
      this.#wokeAtMs = Number.NEGATIVE_INFINITY;
    } else {
      // What is left of its last slice says nothing of this run: one that wakes up often would have to
      // queue behind everybody who computes, each time that this comes to an end.
      this.fuel.renewSlice();
    }
    return this.#suspension.resume();
  }

  /** Whether it may not run: it is suspended, or nobody has taken what was told of its calls. */
  get #rests(): boolean {
    return this.block.isSuspended || this.trace?.isFull === true;
  }

  /** It rested, and may run again: what has come meanwhile is taken up. */
  resumed(): void {
    if (this.#passedOver) {
      this.#passedOver = false;
      this.#parts.scheduler.wake(this);
    }
  }

  addCpuTime(microseconds: number): void {
    this.#cpuMicroseconds += microseconds;
    this.block.setCpuTimeMicroseconds(this.#cpuMicroseconds);
    if (this.#end !== null) {
      // Its end was said: the kernel has looked once more by itself.
      return;
    }
    this.#note('cpu_time', this.#cpuMicroseconds / 1_000);
    this.#tellFuel(this.fuel.used);
    this.memory.notePeak();
  }

  /**
   * What it has used is told wherever it stops: should its thread die, that is what is reported of it. Where it
   * stops at the end of a slice, its count stands in its own code, and what is left here is older.
   */
  #tellFuel(used: number): void {
    if (used > this.#fuelTold) {
      this.#fuelTold = used;
      this.block.setFuel(used);
      this.#note('fuel', used);
    }
  }

  /** So much was counted: the kernel is told once of each kind that is near its limit. */
  #note(kind: ResourceKind, used: number): void {
    if (this.#marks.passes(kind, used)) {
      this.#parts.post({ kind: 'near-limit', pid: this.pid });
    }
  }

  noteDisk(bytes: number): void {
    this.#note('disk', bytes);
  }

  addWait(milliseconds: number): void {
    if (milliseconds > this.#longestWaitMs) {
      this.#longestWaitMs = milliseconds;
      this.block.setLongestWaitMicroseconds(milliseconds * 1000);
    }
  }

  async #run(): Promise<void> {
    let end: AgentEnd;
    if (this.#end === null) {
      this.#parts.post({ kind: 'running', pid: this.pid });
      end = await this.#launch(this);
    } else {
      end = this.#end;
    }
    this.#finish(end);
  }

  /**
   * The injected code's question when its fuel counter, `fuel`, is below zero: answers how much more it
   * has, or whether it is to suspend and ask again, or to stop.
   */
  check(fuel: number): number {
    if (this.#end !== null) {
      return CHECK.stop;
    }
    if (this.#heap?.hasRoom(this.memory.bytes, Math.max(0, -fuel)) === false) {
      this.recorder?.endsOutside();
      this.end(outOfHeap(this.limits));
      return CHECK.stop;
    }
    if (this.#inRealloc) {
      this.end(
        this.fuel.isOverdrawn(fuel)
          ? outOfFuel(this.limits)
          : trapped('cabi_realloc used more fuel than it may'),
      );
      return CHECK.stop;
    }
    if (this.replayer !== null && this.fuel.isAtStop(fuel)) {
      const used = this.fuel.usedAt(fuel);
      if (!this.replayer.hasMoreAt(used)) {
        this.#replayStops(this.replayer, used);
        return CHECK.stop;
      }
      this.fuel.delayStop();
    }
    if (this.#diagnosis !== null) {
      this.#look(this.#diagnosis, fuel);
    }
    if (this.#isOverlong()) {
      this.fuel.cutSlice();
    }
    const granted = this.fuel.take(fuel);
    return granted > 0 ? granted : this.#sliceEnded(fuel);
  }

  /** For a profile: it is looked at each time that it has used so much more. */
  #look(diagnosis: AgentDiagnosis, fuel: number): void {
    const used = this.fuel.usedAt(fuel);
    // Not at it: where a slice ends there it asks, and where none does it goes on.
    if (used > diagnosis.nextLook) {
      diagnosis.look(used);
      this.fuel.pauseAt(diagnosis.nextLook);
    }
  }

  /** What has left its code, where that did not return. */
  trappedBy(error: unknown): void {
    this.#diagnosis?.trapped(error);
  }

  /** The clock also runs while the system has stopped the thread: no agent is made to pay for that. */
  #isOverlong(): boolean {
    if (performance.now() - this.#sliceStartedAtMs < OVERLONG_MS) {
      return false;
    }
    const used = this.#parts.scheduler.runningCpuMicroseconds();
    return used - this.#sliceStartedAtUse >= OVERLONG_MS * 1000;
  }

  #beginSlice(nowMs: number): void {
    this.#sliceStartedAtMs = nowMs;
    this.#sliceStartedAtUse = this.#parts.scheduler.runningCpuMicroseconds();
  }

  #sliceEnded(fuel: number): number {
    this.#tellFuel(this.fuel.usedAt(fuel));
    this.memory.notePeak();
    this.#note('memory', this.memory.peakBytes);
    const nowMs = performance.now();
    this.fuel.adapt(fuel, nowMs - this.#sliceStartedAtMs);
    this.#beginSlice(nowMs);
    if (!this.fuel.openSlice(fuel)) {
      this.end(outOfFuel(this.limits));
      return CHECK.stop;
    }
    this.block.addSlice();
    this.#lookForEnd();
    if (this.#end !== null) {
      return CHECK.stop;
    }
    if (this.#rests) {
      return CHECK.suspend;
    }
    // Who woke up has its millisecond, also where its slices are still too short.
    const goesOn = nowMs - this.#wokeAtMs < SLICE_MS || this.#parts.scheduler.mayContinue();
    return goesOn ? this.fuel.take(fuel) : CHECK.suspend;
  }

  /** The injected code's end of a guest whose call frames take more than they may. */
  exhaustedDepth(): void {
    this.end(STACK_EXHAUSTED);
  }

  /** A point between two instances of its component: asked there as the injected code asks. */
  beforeInstance(): Promise<void> | null {
    this.checkAlive();
    if (this.fuel.left >= 0 && !this.#isOverlong()) {
      return null;
    }
    this.fuel.endSlice();
    return this.#askBetweenInstances();
  }

  #askBetweenInstances(): Promise<void> | null {
    while (this.fuel.left < 0) {
      const answer = this.check(this.fuel.left);
      if (answer === CHECK.stop) {
        this.#parts.trap();
      }
      if (answer === CHECK.suspend) {
        return this.suspend().then(() => this.#askBetweenInstances() ?? undefined);
      }
    }
    return null;
  }

  /** Its module was started before: what that took counts as if it had been done for this one. */
  startedBefore(mark: FuelMark): void {
    this.fuel.beginAt(mark);
    if (this.fuel.isOverdrawn()) {
      this.end(outOfFuel(this.limits));
      this.#parts.trap();
    }
  }

  /** The injected code's suspension at the end of a slice. */
  get suspend(): () => Promise<void> {
    return this.#suspension.suspend;
  }

  /** The trampolines' suspension of a host call that has to wait. */
  get park(): () => Promise<void> | undefined {
    return this.#suspension.park;
  }

  wait(subscribe: Subscribe): typeof WAIT {
    return this.#suspension.wait(subscribe);
  }

  // ── ending ──────────────────────────────────────────────────────────────────────────────────────

  /** Ends the agent, if it has not ended: its code traps at the next check, its waiting is over. */
  end(end: AgentEnd, at: Parameters<FuelTank['end']>[0] = ENDS_AT[end.reason]): void {
    if (this.#end !== null) {
      return;
    }
    if (IS_OUTSIDE[end.reason]) {
      this.recorder?.endsOutside();
    }
    this.#end = end;
    this.fuel.end(at);
    this.#suspension.wake();
    if (this.#passedOver) {
      this.#passedOver = false;
      this.#parts.scheduler.hurry(this);
    }
  }

  /** Its replay is where its run was stopped, or where it should not have come. */
  #replayStops(replayer: Replayer, used: number): void {
    const stop = replayer.stopped(used);
    if ('end' in stop) {
      this.end(stop.end as AgentEnd, 'stop');
    } else {
      this.end(killed(stop.message), 'anywhere');
    }
  }

  /** Ends it as it had ended in this call, or before it: `atStop`. */
  endAsRecorded(end: KeptEnd, atStop: boolean): never {
    this.end(end as AgentEnd, atStop ? 'stop' : 'here');
    return this.#parts.trap();
  }

  /** Ends it where there is nothing more to replay. */
  endReplay(message: string): never {
    this.end(killed(message), 'here');
    return this.#parts.trap();
  }

  /** Acts on the command in its control block, and on its deadline. */
  commanded(message: string): void {
    this.#lookForEnd(message);
    // One whose slice is used up waits in the queue of those: it is taken first now.
    if (this.#end !== null) {
      this.#suspension.hurry();
    }
  }

  #lookForEnd(message = 'it was killed'): void {
    const { command } = this.block;
    if (command === COMMAND.kill || command === COMMAND.reap) {
      this.end(killed(message));
    } else if (command === COMMAND.timeout || this.#nowMs() >= this.#deadlineMs) {
      this.end(timedOut(this.limits));
    } else if (this.limits.cpuTimeMs !== 0) {
      const used = this.#cpuMicroseconds + this.#parts.scheduler.runningCpuMicroseconds();
      if (used >= this.limits.cpuTimeMs * 1000) {
        this.end(outOfCpuTime(this.limits));
      }
    }
  }

  #nowMs(): number {
    return performance.timeOrigin + performance.now();
  }

  #armDeadline(): void {
    if (this.#deadlineMs !== Number.POSITIVE_INFINITY) {
      this.#deadline = new Alarm({
        atMs: this.#deadlineMs,
        now: () => this.#nowMs(),
        ring: () => this.commanded(''),
      });
    }
  }

  /** Fixes what was used, gives everything back, and tells the kernel. */
  #finish(launched: AgentEnd): void {
    const overdrawn = this.#end === null && this.fuel.isOverdrawn();
    const end = this.#end ?? (overdrawn ? outOfFuel(this.limits) : launched);
    this.#end = end;
    this.fuel.end(ENDS_AT[end.reason]);
    this.#deadline?.clear();
    for (const expiry of this.#expiries ?? []) {
      expiry.clear();
    }
    this.#suspension.release();
    for (const operation of this.#operations ?? []) {
      operation.abandon();
    }
    this.handles.drain();
    this.files.close();
    this.#sockets?.close();
    this.#timers?.close();
    this.#requests?.close();
    this.#network?.close();
    const left = this.#correspondence?.close();
    for (const waiting of left?.unanswered ?? []) {
      this.#parts.unanswered(this, waiting);
    }
    this.block.setFuel(this.fuel.used);
    this.memory.notePeak();
    this.#denials?.flush();
    this.#stdout?.flush();
    this.#stderr?.flush();
    this.trace?.flush();
    this.#tellKept(end);
    this.#parts.ended(this);
    this.#parts.post({
      kind: 'exited',
      pid: this.pid,
      end,
      undelivered: left?.undelivered ?? [],
      findings: this.#findings(),
    });
    // Last: whoever is next runs only when this has been said.
    this.#parts.scheduler.stopped(this);
  }

  #findings(): Findings | null {
    const where = this.#diagnosis?.end(this.fuel.used);
    return where === undefined
      ? null
      : {
          ...where,
          lastCalls: this.#lastCalls?.all() ?? [],
          hostCalls: this.observer?.call ?? 0,
        };
  }

  #tellKept(end: AgentEnd): void {
    const kept = this.recorder?.finish() ?? this.replayer?.finish(end, this.fuel.used);
    if (kept !== undefined) {
      this.#parts.post({ kind: 'kept', pid: this.pid, end: kept });
    }
  }

  // ── grants ──────────────────────────────────────────────────────────────────────────────────────

  /** It holds a grant more. */
  granted(grant: HeldGrant): void {
    this.grants.add(grant);
    this.#armExpiry(grant);
  }

  #armExpiry({ expiresAtMs }: HeldGrant): void {
    if (expiresAtMs !== Number.POSITIVE_INFINITY) {
      const ring = (): void => this.revoked();
      this.#expiries ??= [];
      this.#expiries.push(new Alarm({ atMs: expiresAtMs, now: Date.now, ring }));
    }
  }

  /** A grant is no longer in force: who waits under it is woken, and the gate looks again. */
  revoked(): void {
    if (this.grants.look()) {
      this.#lookForEnd();
    }
    this.#network?.revoked();
    this.#sockets?.look();
    if (this.waitsUnder !== null && !this.grants.inForce(this.waitsUnder)) {
      this.#suspension.wake();
    }
  }

  /** Exact where a grant in force says so. */
  get clocks(): Clocks {
    const held = this.grants.of.clocks;
    for (let index = 0; index < held.length; index += 1) {
      const grant = held[index] as HeldGrant<'clocks'>;
      if (grant.scope.precision === 'exact' && this.grants.inForce(grant)) {
        return this.#parts.time.exact;
      }
    }
    return this.#parts.time.coarse;
  }

  /** Of the first grant: a seed that decides the sequence is not changed half way. */
  get random(): RandomSource {
    if (this.#random === null) {
      const seed = this.grants.of.random[0]?.scope.seed ?? null;
      this.#random = seed === null ? new SystemRandom() : new SeededRandom(seed);
    }
    return this.#random;
  }

  // ── for host functions ──────────────────────────────────────────────────────────────────────────

  checkAlive(): void {
    // One look at shared memory tells a call that it was neither ended nor has lost a grant.
    if (this.grants.look() && this.#end === null) {
      this.#lookForEnd();
    }
    if (this.#end !== null) {
      this.#parts.trap();
    }
  }

  enter(): void {
    if (!this.#mayLeave) {
      this.trap(
        `it called an import from within ${this.#inRealloc ? 'cabi_realloc' : 'post-return'}`,
      );
    }
    this.#reallocAllowance = REALLOC_ALLOWANCE_BASE;
    this.#countCalls(1);
  }

  worked(milliseconds: number): void {
    this.#countCalls(Math.ceil(milliseconds / MILLISECONDS_A_CALL));
  }

  /** Fuel sees little of the time that host calls take: who makes many has shorter slices. */
  #countCalls(calls: number): void {
    this.#callsUntilLook -= calls;
    if (this.#callsUntilLook <= 0) {
      this.#callsUntilLook = CALLS_BETWEEN_LOOKS;
      if (this.#isOverlong()) {
        this.#lookForEnd();
        this.fuel.endSlice();
      }
    }
  }

  /** The injected code's question before a memory or table grows: 1, it may; 0, it may not. */
  grow(bytes: number): number {
    // Within realloc nothing can be suspended.
    if (!this.#inRealloc) {
      this.#countCalls(Math.ceil(bytes / GROWN_BYTES_A_CALL));
    }
    return this.memory.grow(bytes);
  }

  /** The result has been read: its post-return may call no import. */
  beginPostReturn(): void {
    this.#mayLeave = false;
  }

  endPostReturn(): void {
    this.#mayLeave = true;
  }

  exit(code: number): never {
    // As at a return: what was used counts before what is said.
    if (this.fuel.isOverdrawn()) {
      this.end(outOfFuel(this.limits));
    }
    this.end(exitedWith(code));
    return this.#parts.trap();
  }

  trap(message: string): never {
    this.end(trapped(message));
    return this.#parts.trap();
  }

  fail(error: unknown): never {
    if (this.#end === null && !(error instanceof WebAssembly.RuntimeError)) {
      if (isStackOverflow(error)) {
        this.end(STACK_EXHAUSTED);
      } else if (error instanceof WebAssembly.Exception) {
        // No host function throws one: it is the guest's own, out of its realloc.
        this.end(trapped('cabi_realloc threw an exception'));
      } else if (this.replayer !== null) {
        this.replayer.unfit(this.fuel.used);
        this.end(killed('its recording holds an answer that its function does not give'));
      } else {
        this.#parts.report(error);
        this.end(failedInside('a host function failed'));
      }
    }
    if (error instanceof WebAssembly.RuntimeError) {
      throw error;
    }
    return this.#parts.trap();
  }

  charge(bytes: number): void {
    if (bytes > 0) {
      this.fuel.charge(Math.ceil(bytes / BYTES_PER_UNIT));
      this.#countCalls(Math.ceil(bytes / BYTES_A_CALL));
    }
  }

  allocate(access: CanonicalAccess, align: number, bytes: number): number {
    const realloc = access.realloc();
    // A host call may make thousands of these, and nothing is suspended between them.
    this.#countCalls(1);
    this.checkAlive();
    const usedBefore = this.fuel.used;
    const units = this.#reallocAllowance + REALLOC_ALLOWANCE_PER_BYTE * bytes;
    this.#mayLeave = false;
    this.#inRealloc = true;
    let pointer: number;
    try {
      pointer = this.fuel.withAllowance(units, () => realloc(0, 0, align, bytes)) >>> 0;
    } finally {
      this.#mayLeave = true;
      this.#inRealloc = false;
      const left = units - (this.fuel.used - usedBefore);
      this.#reallocAllowance = Math.min(this.#reallocAllowance, Math.max(0, left));
    }
    if (pointer % align !== 0 || pointer + bytes > access.memory().buffer.byteLength) {
      this.trap(
        `cabi_realloc answered ${pointer} for ${bytes} bytes at alignment ${align}: misaligned or out of its memory`,
      );
    }
    return pointer;
  }

  hold(bytes: number): boolean {
    return this.#hostBytes.hold(bytes);
  }

  couldHold(bytes: number): boolean {
    return this.#hostBytes.couldHold(bytes);
  }

  release(bytes: number): void {
    this.#hostBytes.release(bytes);
  }

  noteNetwork(requests: number, bytesOut: number, bytesIn: number): void {
    this.block.addNetwork(requests, bytesOut, bytesIn);
  }

  deny(capability: string, operation: string): void {
    this.observer?.denied();
    this.#denials ??= new DenialCounts((denial) =>
      this.#parts.post({ kind: 'denied', pid: this.pid, ...denial }),
    );
    this.#denials.add(capability, operation);
  }

  send(to: Address, body: Body, payload: Payload, waitMs: number | null): Operation<number> {
    this.#note('messages', this.block.messagesSent);
    return this.#keep(this.#parts.send(this, to, body, payload, waitMs));
  }

  ask(question: Question): Operation<Answer> {
    this.#note('messages', this.block.messagesSent);
    return this.#keep(this.#parts.ask(this, question));
  }

  callTool(name: string, argumentsJson: string): Operation<string> {
    this.#note('tool_calls', this.block.toolCalls);
    return this.#keep(this.#parts.callTool(this, name, argumentsJson));
  }

  spawn(request: SpawnRequest): Operation<number> {
    return this.#keep(this.#parts.spawn(this, request));
  }

  requestGrant(grant: WordedGrant, reason: string): Operation<ElevationOutcome> {
    return this.#keep(this.#parts.requestGrant(this, grant, reason));
  }

  #keep<Value>(operation: Operation<Value>): Operation<Value> {
    if (operation.outcome === null) {
      this.#operations ??= new Set();
      const operations = this.#operations;
      operations.add(operation);
      operation.onSettled(() => operations.delete(operation));
    }
    return operation;
  }
}
