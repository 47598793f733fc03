/**
 * A function of the program that runs as an agent: what it may, what it has used, and how it ends.
 *
 * It runs in the thread of the program, which nobody can stop: to end it is to refuse all that it does
 * through its context from then on, and to tell it by its signal. Whatever it does beside its context is
 * the program's own doing.
 */

import { inspect } from 'node:util';
import { type HeldGrant, HeldGrants } from '../../capability/held.ts';
import { RingfenceError } from '../../errors.ts';
import type { Asker, Conversations } from '../../ipc/conversations.ts';
import type { Mailbox } from '../../ipc/mailbox.ts';
import type { Address, Body, Mail, Payload, Signal } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import { Alarm } from '../../resource/alarm.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import { HostBytes } from '../../resource/host-bytes.ts';
import type { Limits } from '../../resource/limits.ts';
import type { LogSink, MailboxView, Operation } from '../../wasm/host/agent.ts';
import { COARSE_CLOCKS } from '../../wasm/worker/clocks.ts';
import { Correspondence, type Posted } from '../../wasm/worker/correspondence.ts';
import { DenialCounts } from '../../wasm/worker/denial-counts.ts';
import { failedBy, killed, NORMAL, timedOut } from '../../wasm/worker/ends.ts';
import { deliver, PendingOperation } from '../../wasm/worker/mail.ts';
import { MailShare } from '../../wasm/worker/mail-share.ts';
import { LOG_LINE_CHARACTERS_MAX } from '../../wasm/worker/streams.ts';
import { Timers } from '../../wasm/worker/timers.ts';
import type {
  BackendAgent,
  BackendEnd,
  BackendEvents,
  BackendStart,
  CallOutcome,
} from '../backend.ts';
import { FAILED } from '../operations.ts';
import { contextOf } from './bind.ts';
import type { Call, Calling } from './call.ts';
import type { WorkContext } from './context.ts';
import type { Turn } from './turn.ts';

/** Characters of what a function has thrown, in the report of its agent. */
const FAILURE_CHARACTERS_MAX = 8 * 1024;

/** What is run, and who wants to know what came of it. */
export interface WorkToRun {
  work(context: WorkContext): unknown;
  /** It has returned this, and its agent has ended normally. */
  returned(value: unknown): void;
  /** What it has thrown, with its stack: for the operator alone. */
  failed(text: string): void;
  /** Of all functions of a kernel. */
  readonly turn: Turn;
}

type End = Omit<BackendEnd, 'undelivered' | 'lost'>;

/**
 * What the calls of a function see of its mailbox. A guest has one call under way; here a `receive` of any
 * message may wait beside requests, and must not take what those wait for.
 */
const mailOf = (mailbox: Mailbox): MailboxView => ({
  take: (filter) => mailbox.take(filter, filter.tag === 'correlation' ? null : 'reply'),
  get cancelled() {
    return mailbox.cancelled;
  },
  get signals() {
    return mailbox.signals;
  },
  onMail: mailbox.onMail,
});

const nowMs = (): number => performance.timeOrigin + performance.now();

/** What was thrown: its sentence, and all there is. Whatever that is, this throws nothing. */
function shown(error: unknown): { readonly sentence: string; readonly all: string } {
  let all = 'something that can not be shown';
  try {
    all = inspect(error).slice(0, FAILURE_CHARACTERS_MAX);
    const sentence = error instanceof Error ? String(error.message) : all;
    return { sentence: sentence.slice(0, FAILURE_CHARACTERS_MAX), all };
  } catch {
    return { sentence: all, all };
  }
}

/** One agent, from its start to its end. */
export class RunningWork implements BackendAgent, Calling {
  readonly alwaysHears = true;
  readonly pid: number;
  readonly parentPid: number;
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  readonly correspondence: Correspondence;
  readonly mail: MailboxView;
  readonly timers = new Timers(this);
  readonly log: LogSink;
  readonly clocks = COARSE_CLOCKS;
  ended = false;

  readonly #events: BackendEvents;
  readonly #toRun: WorkToRun;
  readonly #agentId: string;
  readonly #controller = new AbortController();
  readonly #denials: DenialCounts;
  readonly #deadlineMs: number;
  readonly #waiting = new Set<Call>();
  readonly #operations = new Set<Operation<unknown>>();
  readonly #expiries: Alarm[] = [];
  #deadline: Alarm | null = null;
  #rest: PromiseWithResolvers<void> | null = null;
  readonly #hostBytes: HostBytes;

  constructor(start: BackendStart, events: BackendEvents, toRun: WorkToRun) {
    this.pid = start.pid;
    this.parentPid = start.parentPid;
    this.limits = start.limits;
    this.#hostBytes = new HostBytes(start.limits.hostBytes);
    this.block = start.block;
    this.#agentId = start.agentId;
    this.#events = events;
    this.#toRun = toRun;
    this.grants = new HeldGrants(start.block, start.grants);
    this.correspondence = new Correspondence(
      new MailShare(this, start.limits.hostBytes, start.block),
    );
    this.mail = mailOf(this.correspondence.mailbox);
    this.log = {
      // Each line is taken over at once.
      room: Number.POSITIVE_INFINITY,
      write: (level, message) => events.log(level, message.slice(0, LOG_LINE_CHARACTERS_MAX)),
      onChange: () => () => {},
    };
    this.#denials = new DenialCounts(({ capability, operation, count }) =>
      events.denied(capability, operation, count),
    );
    for (const grant of start.grants) {
      this.#armExpiry(grant);
    }
    const { wallTimeMs } = start.limits;
    this.#deadlineMs = wallTimeMs === 0 ? Number.POSITIVE_INFINITY : start.spawnedAtMs + wallTimeMs;
    if (wallTimeMs !== 0) {
      const ring = (): void => this.#finish(timedOut(this.limits));
      this.#deadline = new Alarm({ atMs: this.#deadlineMs, now: nowMs, ring });
    }
    // In another turn: whoever has awaited its spawn knows it before anything of it runs.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.ended) {
      return;
    }
    this.#events.running();
    let end: End = NORMAL;
    try {
      const value = await this.#toRun.work(contextOf(this, this.#controller.signal));
      if (this.#isAlive()) {
        this.#toRun.returned(value);
      }
    } catch (error) {
      if (this.#isAlive() && !this.#isBecauseOfStop(error)) {
        const { sentence, all } = shown(error);
        end = failedBy(1, sentence);
        this.#toRun.failed(`the work of pid ${this.pid} ('${this.#agentId}') failed: ${all}`);
      }
    }
    this.#finish(end);
  }

  /** Who does as he is asked, and lets what he waited for be aborted, has not failed. */
  #isBecauseOfStop(error: unknown): boolean {
    const { aborted, reason } = this.#controller.signal;
    return aborted && (error === reason || (error instanceof Error && error.cause === reason));
  }

  // ── its end ─────────────────────────────────────────────────────────────────────────────────────

  command(message: string): void {
    this.#finish(killed(message));
  }

  /** Whether it still runs. A timer is late where the program was busy: the clock is not. */
  #isAlive(): boolean {
    if (!this.ended && nowMs() >= this.#deadlineMs) {
      this.#finish(timedOut(this.limits));
    }
    return !this.ended;
  }

  checkAlive(): void {
    // First: once it has ended, the control block is another's.
    if (!this.#isAlive()) {
      throw new RingfenceError(
        'RF_CLOSED',
        `Cannot do anything as pid ${this.pid}: it has ended; let its work end with 'signal'.`,
        { pid: this.pid },
      );
    }
    this.grants.look();
  }

  #finish(end: End): void {
    if (this.ended) {
      return;
    }
    this.ended = true;
    this.#deadline?.clear();
    for (const expiry of this.#expiries) {
      expiry.clear();
    }
    for (const operation of this.#operations) {
      operation.abandon();
    }
    this.timers.close();
    const { undelivered } = this.correspondence.close();
    this.#denials.flush();
    this.resumed();
    this.#events.exited({ ...end, undelivered, lost: 0 });
    for (const call of this.#waiting) {
      call.wake();
    }
    this.#controller.abort(
      new RingfenceError('RF_CLOSED', `Pid ${this.pid} has ended: ${end.message ?? end.reason}.`, {
        pid: this.pid,
      }),
    );
  }

  /** It is in the thread of whoever asks. */
  async answers(): Promise<void> {}

  reap(): void {
    this.#finish(killed('it was reaped'));
  }

  // ── its rest ────────────────────────────────────────────────────────────────────────────────────

  /** Nobody can stop a function: what it calls from now on through its context waits. */
  suspended(): void {
    this.#rest ??= Promise.withResolvers();
  }

  resumed(): void {
    this.#rest?.resolve();
    this.#rest = null;
  }

  get rest(): Promise<void> | null {
    return this.#rest?.promise ?? null;
  }

  // ── its grants ──────────────────────────────────────────────────────────────────────────────────

  granted(grant: HeldGrant): void {
    this.grants.add(grant);
    this.#armExpiry(grant);
  }

  #armExpiry({ expiresAtMs }: HeldGrant): void {
    if (expiresAtMs !== Number.POSITIVE_INFINITY) {
      const ring = (): void => this.#lookAgain();
      this.#expiries.push(new Alarm({ atMs: expiresAtMs, now: Date.now, ring }));
    }
  }

  async revoked(): Promise<void> {
    this.#lookAgain();
  }

  /** Who waits under a grant that is gone tries again, and the gate denies it. */
  #lookAgain(): void {
    this.grants.look();
    for (const call of this.#waiting) {
      if (call.waitsUnder !== null && !this.grants.inForce(call.waitsUnder)) {
        call.wake();
      }
    }
  }

  // ── its mail ────────────────────────────────────────────────────────────────────────────────────

  get mailbox(): Mailbox {
    return this.correspondence.mailbox;
  }
  get conversations(): Conversations {
    return this.correspondence.conversations;
  }

  forgot({ pid, correlation }: Asker): void {
    this.#events.unanswered(pid, correlation);
  }

  gaveUp(correlation: number): void {
    this.#events.gaveUp(correlation);
  }

  /** For who delivers to it. */
  get owner(): this {
    return this;
  }

  post(mail: Mail): Posted {
    return this.correspondence.post(mail);
  }

  async deliver(
    mail: Mail,
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<number>> {
    const operation = deliver(this, mail, waitMs);
    return operation.outcome ?? this.#delivered(operation, signal);
  }

  signal(signal: Signal): void {
    if (this.ended) {
      return;
    }
    if (signal.tag === 'cancelled') {
      const { pid } = this;
      this.#controller.abort(
        new RingfenceError('RF_STOPPED', `Pid ${pid} is asked to end: ${signal.message}.`, { pid }),
      );
    }
    this.correspondence.signal(signal);
  }

  #delivered(
    operation: Operation<number>,
    signal: AbortSignal | undefined,
  ): Promise<CallOutcome<number>> {
    return new Promise((resolve) => {
      const abandon = (): void => {
        operation.abandon();
        resolve({ tag: 'err', error: 'cancelled', message: 'the sender has ended' });
      };
      signal?.addEventListener('abort', abandon, { once: true });
      operation.onSettled(() => {
        signal?.removeEventListener('abort', abandon);
        resolve(operation.outcome as CallOutcome<number>);
      });
    });
  }

  // ── for its calls ───────────────────────────────────────────────────────────────────────────────

  turnOver(): Promise<void> | null {
    return this.#toRun.turn.over();
  }

  waits(call: Call): void {
    this.#waiting.add(call);
  }
  goesOn(call: Call): void {
    this.#waiting.delete(call);
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

  deny(capability: string, operation: string): void {
    this.#denials.add(capability, operation);
  }

  send(to: Address, body: Body, payload: Payload, waitMs: number | null): Operation<number> {
    this.#events.counted();
    return this.#begin((signal) => this.#events.send({ to, body, payload, waitMs }, signal));
  }

  ask(question: Question): Operation<Answer> {
    this.#events.counted();
    return this.#begin(() => this.#events.ask(question));
  }

  callTool(name: string, argumentsJson: string): Operation<string> {
    this.#events.counted();
    return this.#begin((signal) => this.#events.callTool(name, argumentsJson, signal));
  }

  /** Begins what the kernel does for it; abandoned at its end. */
  #begin<Value>(work: (signal: AbortSignal) => Promise<CallOutcome<Value>>): Operation<Value> {
    const controller = new AbortController();
    const operation = new PendingOperation<Value>(() => {
      this.#operations.delete(operation);
      controller.abort();
    });
    this.#operations.add(operation);
    void work(controller.signal)
      .catch(() => FAILED)
      .then((outcome) => {
        this.#operations.delete(operation);
        operation.settle(outcome);
      });
    return operation;
  }
}
