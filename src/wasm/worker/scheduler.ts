/**
 * The scheduler of one worker: many agents, one thread, nobody starved.
 *
 * One agent runs at a time, from its resumption to the next point where it stops: its slice is used
 * up, it waits, or it has ended. What woke up because of an event runs before what used its slice
 * up, and among those that woke up first who has run for a short time whenever it woke up before: who
 * answers a request does not wait for fifty that were just started and compute. Those before a class can
 * be ahead of it by {@link AHEAD_OF_LONGER_MS} or {@link AHEAD_OF_SPENT_MS} and no more: agents that wake each
 * other without end would starve who computes.
 *
 * Messages, kills and timers come over the event loop. It has a turn before each slice, at about a
 * thousandth of the slice's time: so who is woken waits for the slice under way, and no queue.
 */

import { UsedTime } from './used-time.ts';

/** Those that wake up run one after another no longer than this before the event loop has a turn. */
const TURN_MS = 0.5;
/** An agent that nobody else's work waits for goes on so long before the event loop has a turn. */
const ALONE_TURN_MS = 2;
/** By how much more all that wake up may run than those whose slices are used up, where such wait. */
const AHEAD_OF_SPENT_MS = 8;
/**
 * By how much more shorter ones may run than those that were just started or run longer. Some twenty answers: two
 * agents that write to each other without end would delay each start by all that they may be ahead.
 */
const AHEAD_OF_LONGER_MS = 1;
/** By how much more one that wakes up may run than its share. */
const AHEAD_OF_SHARE_MS = 8;
/**
 * Who runs shortly may have so many shares of those that compute: beside a hundred of them one share is ten
 * milliseconds of a second, which an echo uses up with a hundred requests.
 */
const SHORT_SHARES = 8;
/** No agent is taken to be further ahead of its share. */
const AHEAD_MS_MAX = 10;

/**
 * The classes of those that woke up, by how long their runs are taken to be at most: an echo of ringfence's own
 * takes 20 to 90 microseconds. The class behind them is of those whose slices are used up.
 */
const CLASSES_MS = [0.125, 0.5, Number.POSITIVE_INFINITY] as const;
const SPENT: number = CLASSES_MS.length;
/** Of those that woke up, those that are known for no short runs. */
const LONG = SPENT - 1;
/** Nobody knows how long the first run is: it is taken to be no short one. */
export const FIRST_RUN_MS = 1;
/**
 * How much of an average of runs each further one is. A run that the system has stopped counts as long, so one
 * alone moves nobody behind those that were just started: no more of it counts than of a first one.
 */
const RUN_WEIGHT = 1 / 4;

const mostAheadOfMs = (place: number): number =>
  place === SPENT ? AHEAD_OF_SPENT_MS : AHEAD_OF_LONGER_MS;

/** What the scheduler runs. */
export interface Schedulable {
  /**
   * Goes on with the agent: it will call `stopped` when it stops. Answers false if it has ended, or may
   * not run now: whoever lets it run again queues it again.
   */
  resume(): boolean;
  /** CPU time of one run of it. */
  addCpuTime(microseconds: number): void;
  /** It was ready to run for so long, and runs now. */
  addWait(milliseconds: number): void;
  /** Since when it has been ready to run; null while it is not. The scheduler's own. */
  readySinceMs: number | null;
  /** What it has run beyond its share, and when that was looked at last. The scheduler's own. */
  aheadMs: number;
  aheadAtMs: number;
  /** How long its next run is taken to be: {@link FIRST_RUN_MS} at first. The scheduler's own. */
  expectedMs: number;
}

/** A queue with cheap removal at the front. */
class Queue<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head >= this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/**
 * Queues in the order in which they are served. Those before a class may run before it until they are so far
 * ahead of it; then it runs until they are not any more. So each class has half of what those before it leave
 * it, at the least.
 */
class Classes {
  readonly #queues = [...CLASSES_MS, 'spent'].map(() => new Queue<Schedulable>());
  /** By how much more all before each class ran than that class while it waited, at least 0. */
  readonly #aheadOfMs = this.#queues.map(() => 0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(place: number): number {
    return this.#queues[place]!.length;
  }

  push(place: number, agent: Schedulable): void {
    this.#queues[place]!.push(agent);
    this.#length += 1;
  }

  /** The class whose turn it is, where somebody waits. */
  next(): number {
    let before = this.#length;
    for (let place = SPENT; place > 0; place -= 1) {
      const { length } = this.#queues[place]!;
      before -= length;
      if (length === 0) {
        this.#aheadOfMs[place] = 0;
      } else if (before === 0 || this.#aheadOfMs[place]! >= mostAheadOfMs(place)) {
        return place;
      }
    }
    return 0;
  }

  take(place: number): Schedulable {
    this.#length -= 1;
    return this.#queues[place]!.shift()!;
  }

  /** One of the class has run. Bounded above: whatever they ran, they owe no more than the next slice. */
  ran(place: number, ranMs: number): void {
    this.#add(place, -ranMs);
    for (let behind = place + 1; behind <= SPENT; behind += 1) {
      this.#add(behind, ranMs);
    }
  }

  #add(place: number, moreMs: number): void {
    const aheadMs = this.#aheadOfMs[place]! + moreMs;
    this.#aheadOfMs[place] = Math.min(mostAheadOfMs(place), Math.max(0, aheadMs));
  }
}

/** CPU time of this thread, in microseconds. */
export function threadCpuMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** Decides which agent of a worker runs next, and for how long. */
export class Scheduler {
  readonly #now: () => number;
  readonly #cpu: () => number;
  readonly #ending = new Queue<Schedulable>();
  readonly #classes = new Classes();
  readonly #used = new UsedTime();
  /** Called when nobody can run, until something comes. @default nothing is */
  onIdle: (() => void) | null = null;
  /** Called when somebody can run again, after nobody could, and perhaps besides. @default nothing is */
  onBusy: (() => void) | null = null;
  /** Runs so far. */
  runs = 0;
  #running: Schedulable | null = null;
  #runStartedAtCpu = 0;
  #runStartedAtMs = 0;
  /** What the count of CPU time said when a run ended last. */
  #stoppedAtCpu: number;
  #turnStartedAtMs = 0;
  #turnPlanned = false;
  /** The class that the running agent was taken of. */
  #runningOf = SPENT;

  /** `now` tells milliseconds, `cpu` microseconds of this thread's CPU time. */
  constructor(now: () => number = () => performance.now(), cpu = threadCpuMicroseconds) {
    this.#now = now;
    this.#cpu = cpu;
    this.#stoppedAtCpu = cpu();
  }

  /** Whether somebody runs or could. */
  get isBusy(): boolean {
    return this.#running !== null || this.#hasWork;
  }

  /** Whether something else than the running agent could run now. */
  get #hasWork(): boolean {
    return this.#classes.length + this.#ending.length > 0;
  }

  /** An event came for the agent: it runs before those that used their slices up. */
  wake(agent: Schedulable): void {
    const nowMs = this.#now();
    agent.readySinceMs ??= nowMs;
    this.#settleShare(agent, nowMs);
    // One that computes much and wakes up often is no better than those that compute.
    const place =
      agent.aheadMs > AHEAD_OF_SHARE_MS
        ? SPENT
        : CLASSES_MS.findIndex((mostMs) => agent.expectedMs <= mostMs);
    this.#classes.push(place, agent);
    this.#planTurn();
  }

  /** The agent was ended where it has stopped: it runs before all others, to its trap. */
  hurry(agent: Schedulable): void {
    this.#ending.push(agent);
    this.#planTurn();
  }

  /** The running agent has used its slice up, and wants to go on when it is its turn again. */
  stoppedAtSliceEnd(agent: Schedulable): void {
    agent.readySinceMs = this.#now();
    // Who is known for short runs was held up, by the system or by a collection of garbage: it is no computer yet.
    const isSpent = this.#runningOf >= LONG || agent.aheadMs > AHEAD_OF_SHARE_MS;
    this.#classes.push(isSpent ? SPENT : LONG, agent);
    this.#stopped(agent);
  }

  /** The running agent waits for something, or has ended. */
  stopped(agent: Schedulable): void {
    this.#stopped(agent);
  }

  /** Whether the running agent can have another slice at once, as nobody else wants one. */
  mayContinue(): boolean {
    return !this.#hasWork && this.#now() - this.#turnStartedAtMs < ALONE_TURN_MS;
  }

  /** When the running agent's run began: by the clock, in milliseconds. */
  get runStartedAtMs(): number {
    return this.#runStartedAtMs;
  }

  /** What the running agent's run has used so far, in microseconds. */
  runningCpuMicroseconds(): number {
    const cpu = this.#cpu();
    return (
      1000 *
      this.#used.soFar(
        this.#now() - this.#runStartedAtMs,
        (cpu - this.#runStartedAtCpu) / 1000,
        (cpu - this.#stoppedAtCpu) / 1000,
      )
    );
  }

  /** Its share of the time since it was looked at last is not ahead of anybody any more. */
  #settleShare(agent: Schedulable, nowMs: number): void {
    const shares = agent.expectedMs <= CLASSES_MS[0] ? SHORT_SHARES : 1;
    const part = Math.min(1, shares / (this.#classes.lengthOf(SPENT) + 1));
    const shareMs = (nowMs - agent.aheadAtMs) * part;
    agent.aheadMs = Math.max(0, agent.aheadMs - shareMs);
    agent.aheadAtMs = nowMs;
  }

  #stopped(agent: Schedulable): void {
    if (this.#running !== agent) {
      return;
    }
    const cpuNow = this.#cpu();
    const nowMs = this.#now();
    const ranMs = this.#used.of(
      nowMs - this.#runStartedAtMs,
      (cpuNow - this.#runStartedAtCpu) / 1000,
      (cpuNow - this.#stoppedAtCpu) / 1000,
    );
    this.#stoppedAtCpu = cpuNow;
    agent.addCpuTime(ranMs * 1000);
    this.#running = null;
    this.#settleShare(agent, nowMs);
    agent.aheadMs = Math.min(AHEAD_MS_MAX, agent.aheadMs + ranMs);
    const countedMs = Math.min(FIRST_RUN_MS, ranMs);
    agent.expectedMs += RUN_WEIGHT * (countedMs - agent.expectedMs);
    this.#classes.ran(this.#runningOf, ranMs);
    if (!this.#hasWork) {
      this.onIdle?.();
      return;
    }
    // Not before a whole slice: what the last one has said is handed on first.
    const isShort = this.#classes.length > this.#classes.lengthOf(SPENT) || this.#ending.length > 0;
    if (isShort && nowMs - this.#turnStartedAtMs < TURN_MS) {
      this.#runNext(nowMs, cpuNow);
    } else {
      this.#planTurn();
    }
  }

  #planTurn(): void {
    if (!this.#turnPlanned && this.#running === null) {
      this.#turnPlanned = true;
      this.onBusy?.();
      setImmediate(() => {
        this.#turnPlanned = false;
        this.#turnStartedAtMs = this.#now();
        this.#runNext(this.#turnStartedAtMs, this.#cpu());
      });
    }
  }

  #next(): Schedulable | undefined {
    this.#runningOf = SPENT;
    if (this.#ending.length > 0) {
      return this.#ending.shift();
    }
    if (this.#classes.length === 0) {
      return undefined;
    }
    this.#runningOf = this.#classes.next();
    return this.#classes.take(this.#runningOf);
  }

  /** `nowMs` and `cpuNow`: what the clocks say. */
  #runNext(nowMs: number, cpuNow: number): void {
    while (this.#running === null) {
      const next = this.#next();
      if (next === undefined) {
        this.onIdle?.();
        return;
      }
      this.runs += 1;
      this.#running = next;
      this.#runStartedAtCpu = cpuNow;
      this.#runStartedAtMs = nowMs;
      const { readySinceMs } = next;
      next.readySinceMs = null;
      if (!next.resume()) {
        this.#running = null;
      } else if (readySinceMs !== null) {
        next.addWait(nowMs - readySinceMs);
      }
    }
  }
}
