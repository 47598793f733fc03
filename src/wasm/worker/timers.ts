/** The timers of one agent: each rings as a signal in its own mailbox. */

import { heldBytes, type Payload, type Signal } from '../../ipc/message.ts';
import { type AgentTime, MACHINE_TIME, type SetAlarm } from './clocks.ts';

/** Timers that one agent may have at a time. */
export const TIMERS_MAX = 256;

/** The shortest period, in milliseconds: as often as the coarse clock ticks. */
const PERIOD_MS_MIN = 1;

/** Why a timer was not set. */
export type TimerRefused = 'too-many' | 'no-room';

interface Timer {
  readonly payload: Payload;
  /** Null: it rings once. */
  readonly periodMs: number | null;
  alarm: SetAlarm | null;
  /** It has rung, and that was not taken out of the mailbox yet. */
  rung: boolean;
  dueMs: number;
}

/** What timers need of their owner. */
export interface TimerOwner {
  hold(bytes: number): boolean;
  release(bytes: number): void;
  signal(signal: Signal): void;
}

/** The timers of one agent. Their payloads are held for it until they have rung for the last time. */
export class Timers {
  readonly #owner: TimerOwner;
  readonly #timers = new Map<number, Timer>();
  readonly #time: AgentTime;
  #next = 1;

  constructor(owner: TimerOwner, time: AgentTime = MACHINE_TIME) {
    this.#owner = owner;
    this.#time = time;
  }

  /** Sets one; answers its id, or why not. */
  set(milliseconds: number, payload: Payload, repeats: boolean): number | TimerRefused {
    if (this.#timers.size >= TIMERS_MAX) {
      return 'too-many';
    }
    if (!this.#owner.hold(heldBytes(payload))) {
      return 'no-room';
    }
    const id = this.#next;
    this.#next += 1;
    const periodMs = repeats ? Math.max(milliseconds, PERIOD_MS_MIN) : null;
    const dueMs = this.#time.nowMs() + (periodMs ?? milliseconds);
    const timer: Timer = { payload, periodMs, alarm: null, rung: false, dueMs };
    this.#timers.set(id, timer);
    this.#arm(id, timer);
    return id;
  }

  /** What it has rung already stays in the mailbox. False: it is none, or has rung for the last time. */
  cancel(id: number): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined || (timer.periodMs === null && timer.rung)) {
      return false;
    }
    timer.alarm?.clear();
    if (timer.rung) {
      // It is given back when what it has rung is taken.
      this.#timers.set(id, { ...timer, periodMs: null, alarm: null });
    } else {
      this.#remove(id, timer);
    }
    return true;
  }

  /** What a timer has rung was taken out of the mailbox: only then does it ring again. */
  taken(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) {
      return;
    }
    timer.rung = false;
    if (timer.periodMs === null) {
      this.#remove(id, timer);
      return;
    }
    // Rings that were missed are not made up for.
    const now = this.#time.nowMs();
    const missed = Math.max(0, Math.floor((now - timer.dueMs) / timer.periodMs));
    timer.dueMs += (missed + 1) * timer.periodMs;
    this.#arm(id, timer);
  }

  #arm(id: number, timer: Timer): void {
    timer.alarm = this.#time.alarm(timer.dueMs, () => {
      timer.rung = true;
      this.#owner.signal({ tag: 'timer', timer: id, payload: timer.payload });
    });
  }

  #remove(id: number, timer: Timer): void {
    this.#timers.delete(id);
    this.#owner.release(heldBytes(timer.payload));
  }

  /** At its owner's end. */
  close(): void {
    for (const [id, timer] of [...this.#timers]) {
      timer.alarm?.clear();
      this.#remove(id, timer);
    }
  }
}
