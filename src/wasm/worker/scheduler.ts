/**
 * The scheduler of one worker: many agents, one thread, nobody starved.
 *
 * One agent runs at a time, from its resumption to the next point where it stops: its slice is used
 * up, it waits, or it has ended. What woke up because of an event runs before what used its slice
 * up, until it has had {@link TURN_MS} more than that: agents that wake each other without end would
 * starve who computes. Between agents the event loop has its turn, at the latest after as long.
 */

/** The longest that agents run one after another before the event loop has a turn. */
const TURN_MS = 8;

/** What the scheduler runs. */
export interface Schedulable {
  /** Goes on with the agent: it will call `stopped` when it stops. Answers false if it has ended. */
  resume(): boolean;
  /** CPU time of one run of it. */
  addCpuTime(microseconds: number): void;
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

/** CPU time of this thread, in microseconds. */
export function threadCpuMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** Decides which agent of a worker runs next, and for how long. */
export class Scheduler {
  readonly #woken = new Queue<Schedulable>();
  readonly #spent = new Queue<Schedulable>();
  #running: Schedulable | null = null;
  #runStartedAtCpu = 0;
  #runStartedAtMs = 0;
  #turnStartedAtMs = 0;
  #turnPlanned = false;
  #runningWasWoken = false;
  /** By how much more those that woke up ran than those that wait for another slice, at least 0. */
  #wokenAheadMs = 0;

  /** Whether something else than the running agent could run now. */
  get #hasWork(): boolean {
    return this.#woken.length + this.#spent.length > 0;
  }

  /** An event came for the agent: it runs before those that used their slices up. */
  wake(agent: Schedulable): void {
    this.#woken.push(agent);
    this.#planTurn();
  }

  /** The running agent has used its slice up, and wants to go on when it is its turn again. */
  stoppedAtSliceEnd(agent: Schedulable): void {
    this.#spent.push(agent);
    this.#stopped(agent);
  }

  /** The running agent waits for something, or has ended. */
  stopped(agent: Schedulable): void {
    this.#stopped(agent);
  }

  /** Whether the running agent can have another slice at once, as nobody else wants one. */
  mayContinue(): boolean {
    return !this.#hasWork && performance.now() - this.#turnStartedAtMs < TURN_MS;
  }

  /** Whether the running agent has had a whole turn's time since it was resumed. */
  ranTooLong(): boolean {
    return performance.now() - this.#runStartedAtMs >= TURN_MS;
  }

  /** CPU time of the running agent's run so far, in microseconds. */
  runningCpuMicroseconds(): number {
    return threadCpuMicroseconds() - this.#runStartedAtCpu;
  }

  #stopped(agent: Schedulable): void {
    if (this.#running !== agent) {
      return;
    }
    agent.addCpuTime(this.runningCpuMicroseconds());
    this.#running = null;
    const nowMs = performance.now();
    const ranMs = nowMs - this.#runStartedAtMs;
    this.#wokenAheadMs = Math.max(0, this.#wokenAheadMs + (this.#runningWasWoken ? ranMs : -ranMs));
    if (!this.#hasWork) {
      return;
    }
    if (nowMs - this.#turnStartedAtMs < TURN_MS) {
      this.#runNext();
    } else {
      this.#planTurn();
    }
  }

  #planTurn(): void {
    if (!this.#turnPlanned && this.#running === null) {
      this.#turnPlanned = true;
      setImmediate(() => {
        this.#turnPlanned = false;
        this.#turnStartedAtMs = performance.now();
        this.#runNext();
      });
    }
  }

  #next(): Schedulable | undefined {
    if (this.#spent.length === 0) {
      // Nobody waits behind them.
      this.#wokenAheadMs = 0;
    } else if (this.#wokenAheadMs >= TURN_MS || this.#woken.length === 0) {
      this.#runningWasWoken = false;
      return this.#spent.shift();
    }
    this.#runningWasWoken = true;
    return this.#woken.shift();
  }

  #runNext(): void {
    while (this.#running === null) {
      const next = this.#next();
      if (next === undefined) {
        return;
      }
      this.#running = next;
      this.#runStartedAtCpu = threadCpuMicroseconds();
      this.#runStartedAtMs = performance.now();
      if (!next.resume()) {
        this.#running = null;
      }
    }
  }
}
