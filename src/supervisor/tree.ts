/**
 * A supervisor of children: it does what `decisions.ts` decides, and tells it what came of it.
 *
 * Nobody has to call it when an agent ends: each end is an event of its own.
 */

import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import { Alarm } from '../resource/alarm.ts';
import {
  type ChildState,
  isWaiting,
  newTree,
  nextDueMs,
  step,
  type TreeDecision,
  type TreeEnd,
  type TreeEvent,
  type TreeState,
} from './decisions.ts';
import {
  CHILDREN_MAX,
  type ChildPhase,
  type ChildSpecification,
  type StartedChild,
  type SupervisedChild,
  type TreeSpecification,
} from './specification.ts';

/** What a supervisor asks the rest of the kernel for. */
export interface TreeOptions {
  /** A clock that is never set back, in milliseconds since 1970. */
  now(): number;
  /** Takes what the operator should know. */
  warn(text: string): void;
  /** Is told what is decided. Must not throw. @default nobody is */
  readonly told?: ((decided: Supervised) => void) | undefined;
}

/** What a supervisor has decided, or how it has ended. */
export type Supervised =
  /** A child is to be started again, the so-manieth time, after a wait. */
  | {
      readonly type: 'restart';
      readonly childId: string;
      readonly restarts: number;
      readonly waitMs: number;
    }
  /** A child has ended too often: the supervisor ends for it. */
  | { readonly type: 'gave_up'; readonly childId: string }
  | { readonly type: 'ended'; readonly end: TreeEnd };

/** What is kept of a child beside what is decided by. */
interface Kept {
  readonly specification: ChildSpecification;
  started: StartedChild | null;
  pid: Pid | null;
  /** Of who runs, or ran last. */
  lastPid: Pid | null;
  /** Of who was there before that one. */
  restartedFrom: Pid | null;
  /** Why it could not be started. */
  error: unknown;
}

/** Somebody who waits until a child is up, or down. */
interface Waiter {
  readonly id: string;
  readonly until: 'up' | 'down';
  readonly kept: Kept;
  resolve(pid: Pid | null): void;
  reject(error: unknown): void;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function closedError(what: string): RingfenceError {
  return new RingfenceError(
    'RF_CLOSED',
    `Cannot ${what} as the supervisor has ended: open another.`,
  );
}

function phaseOf(child: ChildState): ChildPhase {
  if (child.phase === 'up') {
    return 'running';
  }
  if (child.phase !== 'down') {
    return child.phase;
  }
  return isWaiting(child) ? 'waiting' : child.intent === 'done' ? 'ended' : 'stopped';
}

/** A supervisor, from the start of its first child to the end of its last. */
export class SupervisorTree {
  readonly #specification: TreeSpecification;
  readonly #options: TreeOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<TreeEnd>();
  readonly #events: TreeEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  #state: TreeState;
  /** Why a child could not be started at the beginning. */
  #startError: unknown = null;
  #isAtWork = false;
  #alarm: Alarm | null = null;
  #alarmAtMs: number | null = null;

  /** Starts its children. */
  constructor(specification: TreeSpecification, options: TreeOptions) {
    this.#specification = specification;
    this.#options = options;
    for (const child of specification.children) {
      this.#keep(child);
    }
    this.#state = newTree(specification.rules, specification.children);
    // Nobody need look at it: how it came out is in `ended` too.
    this.#opened.promise.catch(() => {});
    this.#happened({ type: 'tick' });
  }

  /**
   * Resolves when all children were started for the first time; rejects when that could not be done, and
   * those that were started have ended again.
   */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when nobody of it runs any more, nor will. Never rejects. */
  get ended(): Promise<TreeEnd> {
    return this.#ended.promise;
  }

  /** Its children in their start order. */
  children(): SupervisedChild[] {
    return this.#state.children.map((child) => {
      const kept = this.#kept.get(child.id);
      const isDue = isWaiting(child) && Number.isFinite(child.dueMs);
      return {
        id: child.id,
        kind: kept?.specification.starter.kind ?? 'agent',
        state: phaseOf(child),
        pid: kept?.pid ?? null,
        restartedFrom: (kept?.pid == null ? kept?.lastPid : kept.restartedFrom) ?? null,
        restarts: child.restarts,
        restartDueMs: isDue ? child.dueMs : null,
        children: kept?.started?.children?.() ?? null,
      };
    });
  }

  /**
   * Starts a child more, the last in order. It is forgotten where it can't be started.
   *
   * @throws {RingfenceError} `RF_USAGE` for an id that a child has, `RF_LIMIT_EXCEEDED`, `RF_CLOSED`,
   * `RF_CHILD_START`
   */
  async start(specification: ChildSpecification): Promise<Pid | null> {
    const { id } = specification;
    const why = this.#whyNoMore(id);
    if (why !== null) {
      // Nobody else knows it: what is listed gives back what it keeps when it is forgotten.
      specification.starter.release();
      throw why;
    }
    const kept = this.#keep(specification);
    return this.#when('up', id, kept, { type: 'add', child: specification });
  }

  #whyNoMore(id: string): RingfenceError | null {
    if (this.#state.end !== null) {
      return closedError(`start the child '${id}'`);
    }
    if (this.#kept.has(id)) {
      return new RingfenceError(
        'RF_USAGE',
        `Cannot start the child '${id}' as the supervisor has one of this id: choose another, restart it, or remove it first.`,
        { id },
      );
    }
    return this.#kept.size < CHILDREN_MAX
      ? null
      : new RingfenceError(
          'RF_LIMIT_EXCEEDED',
          `Cannot start the child '${id}' as the supervisor has ${CHILDREN_MAX}, and that is the most: remove one first.`,
          { id, current: this.#kept.size, limit: CHILDREN_MAX },
        );
  }

  /**
   * Stops a child, with its shutdown time; a restart that waits is cancelled. It stays listed, unless it
   * is temporary.
   *
   * @throws {RingfenceError} `RF_CHILD_NOT_FOUND`
   */
  async stop(id: string): Promise<void> {
    await this.#when('down', id, this.#find(id, 'stop'), { type: 'stop', id });
  }

  /** As {@link stop}, and forgets it. @throws {RingfenceError} `RF_CHILD_NOT_FOUND` */
  async remove(id: string): Promise<void> {
    await this.#when('down', id, this.#find(id, 'remove'), { type: 'remove', id });
  }

  /**
   * Starts a child anew: one that runs is stopped first, one that waits waits no longer. It counts
   * towards no intensity. Resolves with the pid when it runs.
   *
   * @throws {RingfenceError} `RF_CHILD_NOT_FOUND`, `RF_CLOSED` when it was stopped meanwhile
   */
  async restart(id: string): Promise<Pid | null> {
    return this.#when('up', id, this.#find(id, 'restart'), { type: 'restart', id });
  }

  /** Stops all children, the last first, each with its shutdown time. */
  close(): Promise<TreeEnd> {
    this.#happened({ type: 'close' });
    return this.ended;
  }

  /** Ends all children at once, by force. */
  abandon(): Promise<TreeEnd> {
    this.#happened({ type: 'abandon' });
    return this.ended;
  }

  #keep(specification: ChildSpecification): Kept {
    const kept: Kept = {
      specification,
      started: null,
      pid: null,
      lastPid: null,
      restartedFrom: null,
      error: null,
    };
    this.#kept.set(specification.id, kept);
    return kept;
  }

  #find(id: string, what: string): Kept {
    const kept = this.#kept.get(id);
    if (kept === undefined) {
      throw new RingfenceError(
        'RF_CHILD_NOT_FOUND',
        `Cannot ${what} the child '${id}' as the supervisor has none of this id: see children().`,
        { id },
      );
    }
    return kept;
  }

  #when(until: Waiter['until'], id: string, kept: Kept, event: TreeEvent): Promise<Pid | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Pid | null>();
    this.#happened(event);
    this.#waiters.add({ id, until, kept, resolve, reject });
    this.#tellWaiters();
    return promise;
  }

  #happened(event: TreeEvent): void {
    this.#events.push(event);
    if (this.#isAtWork) {
      return;
    }
    this.#isAtWork = true;
    let nowMs = Number.NEGATIVE_INFINITY;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        nowMs = this.#options.now();
        const before = this.#state;
        const { state, decisions } = step(before, next, nowMs);
        this.#state = state;
        this.#tellDecided(before, next, nowMs);
        for (const decision of decisions) {
          this.#do(decision);
        }
      }
    } finally {
      this.#isAtWork = false;
    }
    this.#setAlarm(nowMs);
    this.#tellWaiters();
  }

  /** What was decided about a child that has ended, where that was more than nothing. */
  #tellDecided({ restartsMs, end }: TreeState, event: TreeEvent, nowMs: number): void {
    const { told } = this.#options;
    if (told === undefined || (event.type !== 'down' && event.type !== 'failed')) {
      return;
    }
    const childId = event.id;
    if (end === null && this.#state.end?.reason === 'exhausted') {
      told({ type: 'gave_up', childId });
    } else if (this.#state.restartsMs !== restartsMs) {
      const child = this.#state.children.find(({ id }) => id === childId);
      // Who is due at once has been counted as started already.
      const restarts = (child?.restarts ?? 0) + (child?.phase === 'starting' ? 0 : 1);
      const waitMs = Math.max(0, Math.round((child?.dueMs ?? nowMs) - nowMs));
      told({ type: 'restart', childId, restarts, waitMs });
    }
  }

  #do(decision: TreeDecision): void {
    switch (decision.type) {
      case 'opened':
        this.#opened.resolve();
        return;
      case 'end':
        this.#end(decision.end);
        return;
      default:
        this.#doToChild(decision.type, decision.id);
    }
  }

  #doToChild(what: 'start' | 'stop' | 'kill' | 'forget', id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) {
      return;
    }
    switch (what) {
      case 'start':
        this.#start(id, kept);
        return;
      case 'stop':
        kept.started?.stop(kept.specification.shutdownMs);
        return;
      case 'kill':
        kept.started?.kill();
        return;
      case 'forget':
        kept.specification.starter.release();
        this.#kept.delete(id);
    }
  }

  #start(id: string, kept: Kept): void {
    const restarts = this.#state.children.find((child) => child.id === id)?.restarts ?? 0;
    const started = kept.specification.starter.start({ restartedFrom: kept.lastPid, restarts });
    kept.started = started;
    started.ready.then(
      (pid) => {
        kept.restartedFrom = kept.lastPid;
        kept.lastPid = pid;
        kept.pid = pid;
        kept.error = null;
        void started.ended.then(({ normally, report }) => {
          kept.started = null;
          kept.pid = null;
          if (report !== null) {
            this.#tellExit(id, report);
          }
          this.#happened({ type: 'down', id, normally });
        });
        this.#happened({ type: 'up', id });
      },
      (error) => {
        kept.started = null;
        kept.error = error;
        if (this.#state.phase === 'opening') {
          this.#startError = error;
        } else if (restarts > 0 && this.#state.end === null) {
          this.#options.warn(`the child '${id}' could not be started again: ${messageOf(error)}`);
        }
        this.#happened({ type: 'failed', id });
      },
    );
  }

  #tellExit(id: string, report: Parameters<NonNullable<TreeSpecification['onExit']>>[1]): void {
    try {
      this.#specification.onExit?.(id, report);
    } catch (error) {
      this.#options.warn(`onExit failed: ${messageOf(error)}`);
    }
  }

  #tellWaiters(): void {
    for (const waiter of this.#waiters) {
      const { id, until, kept } = waiter;
      const found = this.#state.children.find((child) => child.id === id);
      const child = this.#kept.get(id) === kept ? found : undefined;
      const isWanted = child?.intent === 'run';
      const isUp = child?.phase === 'up' && child.recycling === 'no';
      if (until === 'down') {
        // Who is wanted again meanwhile is waited for no longer.
        if (child === undefined || child.phase === 'down' || isWanted) {
          this.#waiters.delete(waiter);
          waiter.resolve(null);
        }
      } else if (isWanted && isUp) {
        this.#waiters.delete(waiter);
        waiter.resolve(kept.pid);
      } else if (!isWanted) {
        this.#waiters.delete(waiter);
        waiter.reject(this.#whyNotStarted(waiter));
      }
    }
  }

  /**
   * One alarm is enough: at the first moment that changes anything. `decidedMs` is when it was last
   * decided what to do: what has become due since then was not done yet, and the alarm rings at once.
   */
  #setAlarm(decidedMs: number): void {
    const atMs = nextDueMs(this.#state, decidedMs);
    if (atMs === this.#alarmAtMs) {
      return;
    }
    this.#alarm?.clear();
    this.#alarmAtMs = atMs;
    this.#alarm =
      atMs === null
        ? null
        : new Alarm({
            atMs,
            now: () => this.#options.now(),
            ring: () => {
              this.#alarmAtMs = null;
              this.#happened({ type: 'tick' });
            },
          });
  }

  #end(end: TreeEnd): void {
    const error = this.#whyNotOpened(end);
    if (end.reason === 'exhausted') {
      const { intensity, periodMs } = this.#specification.rules;
      this.#options.warn(
        `a supervisor has ended as its child '${end.childId}' ended once more, and ${intensity} restarts in ${periodMs} ms are the most`,
      );
    }
    this.#options.told?.({ type: 'ended', end });
    this.#opened.reject(error);
    this.#ended.resolve(end);
  }

  #whyNotStarted({ id, kept: { error } }: Waiter): RingfenceError {
    return error === null
      ? closedError(`start the child '${id}'`)
      : new RingfenceError(
          'RF_CHILD_START',
          `Cannot start the child '${id}': ${messageOf(error)}`,
          { id },
          { cause: error },
        );
  }

  #whyNotOpened({ reason, childId }: TreeEnd): RingfenceError {
    if (reason === 'start_failed') {
      const cause = this.#startError;
      return new RingfenceError(
        'RF_CHILD_START',
        `Cannot start the supervisor as its child '${childId}' could not be started: ${messageOf(cause)}`,
        { id: childId },
        { cause },
      );
    }
    return reason === 'exhausted'
      ? new RingfenceError(
          'RF_RESTARTS_EXHAUSTED',
          `Cannot start the supervisor as its child '${childId}' ended too often while the others were started: see its reports (onExit), or allow more restarts (intensity).`,
          { id: childId },
        )
      : closedError('start the children');
  }
}
