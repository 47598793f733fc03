/** The clocks of an agent: coarse, so that they are of little use for timing attacks, or exact. */

import { Alarm } from '../../resource/alarm.ts';
import type { Clocks } from '../host/agent.ts';

/** One millisecond, in nanoseconds. */
export const MILLISECOND_NS = 1_000_000n;

/** Something that happens at a moment, and can be called off. */
export interface SetAlarm {
  /** It rings no more. Calling it again does nothing. */
  clear(): void;
}

/** The time that an agent lives in: the machine's, or one that a test moves on. */
export interface AgentTime {
  /** What its guest reads, unless it may read `exact`. */
  readonly coarse: Clocks;
  readonly exact: Clocks;
  /** Milliseconds of the monotonic clock. */
  nowMs(): number;
  /** Calls `ring` once at that moment of the monotonic clock, never before and never synchronously. */
  alarm(atMs: number, ring: () => void): SetAlarm;
}

/** Milliseconds after which a clock has reached an instant. */
export const millisecondsUntil = (instantNs: bigint): number =>
  Math.ceil(Number(instantNs) / Number(MILLISECOND_NS));

const nowMs = (): number => performance.now();

const alarm = (atMs: number, ring: () => void): SetAlarm => new Alarm({ atMs, now: nowMs, ring });

const at: Clocks['at'] = (instant) => (wake) => {
  const armed = alarm(millisecondsUntil(instant), wake);
  return () => armed.clear();
};

/** Milliseconds of the monotonic clock in nanoseconds: the BigInt of one tick is made once. */
function ticks(): () => bigint {
  let tick = 0;
  let nanoseconds = 0n;
  return () => {
    const now = Math.floor(performance.now());
    if (now !== tick) {
      tick = now;
      nanoseconds = BigInt(now) * MILLISECOND_NS;
    }
    return nanoseconds;
  };
}

/** Ticks each millisecond. */
export const COARSE_CLOCKS: Clocks = {
  resolution: MILLISECOND_NS,
  monotonic: ticks(),
  wall: () => BigInt(Date.now()) * MILLISECOND_NS,
  at,
};

/**
 * Nanoseconds of the system's monotonic clock where `performance.now()` is 0: what is told counts from there,
 * as alarms do, and not from when the machine was started. The clock is looked at first, so that an
 * instant that `performance.now()` has reached is never told to be still to come.
 */
const ORIGIN_NS = process.hrtime.bigint() - BigInt(Math.floor(performance.now() * 1e6));

/** Ticks as the machine's clocks do. A timer of it wakes at the millisecond after its instant. */
export const EXACT_CLOCKS: Clocks = {
  resolution: 1n,
  // Made a BigInt by Node: making one of a number takes as long as reading the clock.
  monotonic: () => BigInt.asUintN(64, process.hrtime.bigint() - ORIGIN_NS),
  wall: () => BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1e6)),
  at,
};

/** The machine's time. */
export const MACHINE_TIME: AgentTime = {
  coarse: COARSE_CLOCKS,
  exact: EXACT_CLOCKS,
  nowMs,
  alarm,
};
