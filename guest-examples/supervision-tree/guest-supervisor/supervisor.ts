// A supervisor as a guest: `one_for_one`, as OTP's and the host's. It is to be copied: it knows nothing of
// the agent around it.
//
// All that can happen arrives in one mailbox: children end (exit signals, for it traps exits), restarts are
// due (timers), it is asked to stop. So there is one loop, and no moment when it does not know its children.

import { Filter, Received, ReceivedTag, receive } from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import {
  Grant,
  Limits,
  ModuleReference,
  parent,
  RestartType,
  SpawnRequest,
  StopMode,
  spawn,
  stop,
  trapExit,
} from 'ringfence/agent/process';
import { after, cancel } from 'ringfence/agent/timers';
import { ExitReason, ExitReasonTag, Payload, WitError } from 'ringfence/agent/types';
import { now } from 'wasi/clocks/monotonic-clock';
import { Option, Result, UNIT, Unit } from 'wit/values';

const NANOSECONDS: u64 = 1_000_000;

/** No agent has this pid, and no timer this id. */
const NONE: u64 = 0;

/** How often children are restarted, and after which wait. Initial values as the host's. */
export class Rules {
  /** More restarts than this within the period, of all children together, and the supervisor gives up. */
  intensity: i32 = 5;
  periodMs: u64 = 60_000;
  /** The wait before the first restart of a child; twice as long before each that follows. */
  backoffMs: u64 = 100;
  backoffMostMs: u64 = 30_000;
}

/** What is started, and where it is now. */
export class Child {
  pid: u64 = NONE;
  /** The timer of its restart. */
  timer: u64 = NONE;
  startedMs: u64 = 0;
  /** Failures in a row, each within a period of its start. */
  failures: u32 = 0;

  constructor(
    readonly id: string,
    /** A name in the host's catalogue. */
    readonly module: string,
    readonly args: string[],
    readonly grants: Grant[],
    readonly restart: RestartType,
  ) {}
}

export class Supervisor {
  private readonly children: Child[] = [];
  /** When the restarts of the last period were. */
  private restarts: u64[] = [];
  /** Why it gives up; null while it doesn't. */
  private failure: string | null = null;

  constructor(private readonly rules: Rules) {}

  /** Children are started in the order in which they are added, and stopped in the opposite one. */
  add(child: Child): void {
    this.children.push(child);
  }

  /** Starts all children and keeps them, until it is asked to stop (ok) or gives up (an error). */
  run(): Result<Unit, string> {
    const trapping = trapExit(true);
    if (!trapping.isOk) return failed(`exits can't be trapped: ${describe(trapping.error)}`);
    for (let index = 0; index < this.children.length && this.failure === null; index++) {
      const child = this.children[index];
      const problem = this.start(child);
      if (problem !== null) this.failure = `'${child.id}' can't be started: ${problem}`;
    }
    while (this.failure === null) {
      const received = receive(Filter.any(), Option.none<u64>());
      if (!received.isOk) this.failure = `nothing can be received: ${describe(received.error)}`;
      else if (received.value.tag == ReceivedTag.Cancelled) break;
      else this.handle(received.value);
    }
    this.stopAll();
    const failure = this.failure;
    return failure === null ? Result.ok<Unit, string>(UNIT) : failed(failure);
  }

  // Messages, which anybody may write, mean nothing to it.
  private handle(received: Received): void {
    if (received.tag == ReceivedTag.Exit) this.ended(received.exit.pid, received.exit.reason);
    else if (received.tag == ReceivedTag.Timer) this.due(received.timer.timer);
  }

  /** Answers why it can't be started, or null. Linked: no child outlives its supervisor. */
  private start(child: Child): string | null {
    const spawned = spawn(
      new SpawnRequest(
        child.id,
        ModuleReference.name_(child.module),
        child.args,
        [],
        child.grants,
        sameLimits(),
        // Who restarts it is this supervisor.
        RestartType.Temporary,
        true,
      ),
    );
    if (!spawned.isOk) return describe(spawned.error);
    child.pid = spawned.value;
    child.startedMs = nowMs();
    return null;
  }

  private ended(pid: u64, reason: ExitReason): void {
    // Trapped, the end of a parent that it is linked to is news like another: it must end of its own.
    if (pid == parent()) this.failure = `its parent has ended: ${said(reason)}`;
    const child = this.running(pid);
    if (child === null) return;
    child.pid = NONE;
    log(Level.Info, `'${child.id}' (pid ${pid}) has ended: ${said(reason)}`);
    const isNormal = reason.tag == ExitReasonTag.Normal;
    if (child.restart == RestartType.Permanent) this.restartLater(child, said(reason));
    else if (child.restart == RestartType.Transient && !isNormal) {
      this.restartLater(child, said(reason));
    }
  }

  private due(timer: u64): void {
    for (let index = 0; index < this.children.length; index++) {
      const child = this.children[index];
      if (child.timer != timer) continue;
      child.timer = NONE;
      const problem = this.start(child);
      // It counts like an end: where there is no room for the child now, there may be later.
      if (problem !== null) this.restartLater(child, `it can't be started: ${problem}`);
      else log(Level.Info, `'${child.id}' is restarted as pid ${child.pid}`);
    }
  }

  private restartLater(child: Child, why: string): void {
    const at = nowMs();
    if (!this.countRestart(at)) {
      this.failure = `gave up after ${this.rules.intensity} restarts: '${child.id}': ${why}`;
      return;
    }
    // A child that ran well for a period is as good as one that never failed.
    if (at - child.startedMs > this.rules.periodMs) child.failures = 0;
    const wait = this.backoff(child.failures);
    child.failures += 1;
    const timer = after(wait, Payload.text(child.id));
    if (timer.isOk) child.timer = timer.value;
    else this.failure = `'${child.id}' can't be restarted later: ${describe(timer.error)}`;
  }

  /** False where it is one too many: the span slides, so there is no good moment to crash. */
  private countRestart(at: u64): bool {
    const recent: u64[] = [];
    for (let index = 0; index < this.restarts.length; index++) {
      if (at - this.restarts[index] < this.rules.periodMs) recent.push(this.restarts[index]);
    }
    recent.push(at);
    this.restarts = recent;
    return recent.length <= this.rules.intensity;
  }

  private backoff(failures: u32): u64 {
    let wait = this.rules.backoffMs;
    for (let count: u32 = 0; count < failures && wait < this.rules.backoffMostMs; count++)
      wait *= 2;
    return min(wait, this.rules.backoffMostMs);
  }

  /** The last first, one after another: each may still need those before it. */
  private stopAll(): void {
    for (let index = 0; index < this.children.length; index++) {
      const timer = this.children[index].timer;
      if (timer != NONE) cancel(timer);
      this.children[index].timer = NONE;
    }
    for (let index = this.children.length - 1; index >= 0; index--) {
      const child = this.children[index];
      // The host ends by force whoever has not ended within its shutdown time.
      if (child.pid != NONE) stop(child.pid, StopMode.Graceful);
      while (child.pid != NONE) {
        const received = receive(Filter.any(), Option.none<u64>());
        // Nothing is heard any more. The links end the children when this agent ends with an error.
        if (!received.isOk) {
          if (this.failure === null) this.failure = `'${child.id}' was not heard of again`;
          return;
        }
        if (received.value.tag == ReceivedTag.Exit) this.gone(received.value.exit.pid);
      }
    }
  }

  /** Of those that end while all are being stopped. */
  private gone(pid: u64): void {
    const child = this.running(pid);
    if (child !== null) child.pid = NONE;
  }

  private running(pid: u64): Child | null {
    for (let index = 0; index < this.children.length; index++) {
      if (this.children[index].pid == pid) return this.children[index];
    }
    return null;
  }
}

/** What is not said is as the supervisor's own. */
function sameLimits(): Limits {
  const same = Option.none<u64>();
  return new Limits(same, same, same, same, same, same, same);
}

function nowMs(): u64 {
  return now() / NANOSECONDS;
}

function said(reason: ExitReason): string {
  return reason.tag == ExitReasonTag.Crash ? reason.crash : reason.name;
}

function describe(error: WitError): string {
  return `${error.name}: ${error.payload}`;
}

function failed(why: string): Result<Unit, string> {
  return Result.err<Unit, string>(why);
}
