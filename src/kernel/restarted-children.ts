/**
 * Children that agents have asked to be started again. Each is supervised as the only child of a
 * supervisor of its own: by its restart type, an intensity and a back-off (the reference's numbers), until
 * its parent stops it or has ended, or it ends too often.
 */

import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import { Alarm } from '../resource/alarm.ts';
import { DEFAULT_BACK_OFF, nextAttempt, waitMs } from '../supervisor/back-off.ts';
import { DEFAULT_INTENSITY, withRestart } from '../supervisor/intensity.ts';
import type { Report } from '../supervisor/report.ts';
import { isNormal, isRestarted, type RestartType } from '../supervisor/restart.ts';
import { FIRST, type Lineage } from '../supervisor/specification.ts';
import type { Supervised } from '../supervisor/tree.ts';

/** Children of one agent that may wait for their restart at a time. */
export const WAITING_MAX = 256;

/** A child that was started. */
export interface StartedOnce {
  readonly pid: Pid;
  readonly exited: Promise<Report>;
  kill(message: string): void;
}

/** A child that is to be started again. */
export interface RestartedChild {
  readonly type: Exclude<RestartType, 'temporary'>;
  readonly parent: Pick<StartedOnce, 'pid' | 'exited'>;
  /** Starts it, each time with what its parent still may give it. */
  start(lineage: Lineage): Promise<StartedOnce>;
}

interface Child extends RestartedChild {
  /** The last that ran. */
  pid: Pid;
  restarts: number;
  attempts: number;
  timesMs: readonly number[];
  startedAtMs: number;
  alarm: Alarm | null;
  isStopped: boolean;
}

const now = (): number => performance.now();

/** The children of all agents of a kernel that are to be started again. */
export class RestartedChildren {
  readonly #warn: (text: string) => void;
  readonly #told: (parent: Pid, decided: Supervised) => void;
  readonly #byPid = new Map<Pid, Child>();
  /** Those that run or wait, by their parent. */
  readonly #byParent = new Map<Pid, Set<Child>>();
  #isClosed = false;

  /** `told` hears what is decided about the children of a parent, and must not throw. */
  constructor(
    warn: (text: string) => void,
    told: (parent: Pid, decided: Supervised) => void = () => {},
  ) {
    this.#warn = warn;
    this.#told = told;
  }

  /**
   * Starts a child; answers its pid.
   *
   * @throws {RingfenceError} `RF_LIMIT_EXCEEDED` where too many of its parent's wait; as its start does
   */
  async start(given: RestartedChild): Promise<Pid> {
    const { pid } = given.parent;
    if (this.#waitingOf(pid) >= WAITING_MAX) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot spawn a child of pid ${pid} as ${WAITING_MAX} of its children wait for their restart: stop some.`,
        { pid, limit: WAITING_MAX },
      );
    }
    const started = await given.start(FIRST);
    const child: Child = {
      type: given.type,
      parent: given.parent,
      start: (lineage) => given.start(lineage),
      pid: started.pid,
      restarts: 0,
      attempts: 0,
      timesMs: [],
      startedAtMs: now(),
      alarm: null,
      isStopped: false,
    };
    this.#adopt(child);
    this.#follow(child, started);
    return started.pid;
  }

  #waitingOf(parent: Pid): number {
    let waiting = 0;
    for (const { alarm } of this.#byParent.get(parent) ?? []) {
      waiting += alarm === null ? 0 : 1;
    }
    return waiting;
  }

  /** One that spawns without end is listened to once, not once for each child that it ever had. */
  #adopt(child: Child): void {
    const { pid, exited } = child.parent;
    const siblings = this.#byParent.get(pid);
    if (siblings !== undefined) {
      siblings.add(child);
      return;
    }
    this.#byParent.set(pid, new Set([child]));
    void exited.then(() => {
      for (const each of this.#byParent.get(pid) ?? []) {
        this.#stop(each);
      }
      this.#byParent.delete(pid);
    });
  }

  /** It is not started again. */
  #forget(child: Child): void {
    this.#byPid.delete(child.pid);
    this.#byParent.get(child.parent.pid)?.delete(child);
  }

  /** Its parent, or the program, wants it to end: it is not started again. */
  stopped(pid: Pid): void {
    const child = this.#byPid.get(pid);
    if (child !== undefined) {
      this.#stop(child);
    }
  }

  #stop(child: Child): void {
    child.isStopped = true;
    child.alarm?.clear();
    child.alarm = null;
    this.#forget(child);
  }

  #follow(child: Child, { pid, exited }: StartedOnce): void {
    child.pid = pid;
    child.startedAtMs = now();
    this.#byPid.set(pid, child);
    void exited.then(({ exit }) => this.#ended(child, isNormal(exit.reason)));
  }

  #ended(child: Child, normally: boolean): void {
    if (child.isStopped || this.#isClosed) {
      return;
    }
    if (isRestarted(child.type, normally)) {
      this.#plan(child, now() - child.startedAtMs);
    } else {
      this.#forget(child);
    }
  }

  /** It is started again after its wait, unless it has been too often. */
  #plan(child: Child, ranMs: number): void {
    const times = withRestart(child.timesMs, now(), DEFAULT_INTENSITY);
    if (times === null) {
      this.#forget(child);
      this.#told(child.parent.pid, { type: 'gave_up', childId: `pid ${child.pid}` });
      const { intensity, periodMs } = DEFAULT_INTENSITY;
      this.#warn(
        `pid ${child.pid}, a child of pid ${child.parent.pid}, is not started again: it was, ${intensity} times in ${periodMs} ms`,
      );
      return;
    }
    child.timesMs = times;
    child.attempts = nextAttempt(child.attempts, ranMs, DEFAULT_BACK_OFF);
    const inMs = waitMs(child.attempts, DEFAULT_BACK_OFF);
    this.#told(child.parent.pid, {
      type: 'restart',
      childId: `pid ${child.pid}`,
      restarts: child.restarts + 1,
      waitMs: inMs,
    });
    child.alarm = new Alarm({
      atMs: now() + inMs,
      now,
      ring: () => void this.#again(child),
    });
  }

  async #again(child: Child): Promise<void> {
    child.alarm = null;
    const restartedFrom = child.pid;
    try {
      const started = await child.start({ restartedFrom, restarts: child.restarts + 1 });
      this.#byPid.delete(restartedFrom);
      child.restarts += 1;
      if (child.isStopped) {
        // Nobody who could stop it knows its new pid.
        started.kill('it was stopped while it was started again');
        return;
      }
      this.#follow(child, started);
    } catch (error) {
      if (!child.isStopped) {
        const why = error instanceof Error ? error.message : String(error);
        this.#warn(`a child of pid ${child.parent.pid} could not be started again: ${why}`);
        this.#plan(child, 0);
      }
    }
  }

  /** Nobody is started again any more. */
  close(): void {
    // Also of those whose first start is under way, whom nobody knows yet.
    this.#isClosed = true;
    for (const child of [...this.#byPid.values()]) {
      this.#stop(child);
    }
  }
}
