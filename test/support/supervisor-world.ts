/** A world for the tests of what supervisors decide: it does what is decided, and its clock is a number. */

import type { ExitReason } from '../../src/process/exit.ts';
import {
  type ChildRules,
  newTree,
  nextDueMs,
  type Rules,
  step,
  type TreeDecision,
  type TreeEvent,
  type TreeState,
} from '../../src/supervisor/decisions.ts';
import { isNormal } from '../../src/supervisor/restart.ts';

interface Behaviour {
  /** Starts wait for `up`, stops for `down`: otherwise they come out at once. */
  readonly holdsStarts?: boolean;
  readonly holdsStops?: boolean;
  readonly failing?: readonly string[];
}

type Given = Partial<Omit<Rules, 'backOff'>> & { readonly stableMs?: number };

export class World {
  state: TreeState;
  nowMs = 1_000;
  /** Who can't be started. */
  readonly failing: Set<string>;
  /** Told of each decision, with the state that it was made in and the one that it led to. */
  onDecision: ((decision: TreeDecision, before: TreeState) => void) | null = null;
  readonly #behaviour: Behaviour;
  #decisions: TreeDecision[] = [];

  constructor(
    { stableMs = 60_000, ...rules }: Given,
    children: readonly (string | (Partial<ChildRules> & { readonly id: string }))[],
    behaviour: Behaviour = {},
  ) {
    this.#behaviour = behaviour;
    this.failing = new Set(behaviour.failing);
    this.state = newTree(
      {
        strategy: 'one_for_one',
        intensity: 5,
        periodMs: 60_000,
        autoShutdown: 'never',
        ...rules,
        backOff: { initialMs: 100, maxMs: 30_000, stableMs },
      },
      children.map((child) => ({
        restart: 'permanent',
        significant: false,
        ...(typeof child === 'string' ? { id: child } : child),
      })),
    );
    this.send({ type: 'tick' });
  }

  send(event: TreeEvent): void {
    const events = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const before = this.state;
      const { state, decisions } = step(before, next, this.nowMs);
      this.state = state;
      for (const decision of decisions) {
        this.onDecision?.(decision, before);
        this.#decisions.push(decision);
        events.push(...this.#cameOut(decision));
      }
    }
  }

  #cameOut(decision: TreeDecision): TreeEvent[] {
    if (decision.type === 'start' && this.failing.has(decision.id)) {
      return [{ type: 'failed', id: decision.id }];
    }
    if (decision.type === 'start' && this.#behaviour.holdsStarts !== true) {
      return [{ type: 'up', id: decision.id }];
    }
    const isStop = decision.type === 'stop' || decision.type === 'kill';
    return isStop && this.#behaviour.holdsStops !== true && this.#isStopping(decision.id)
      ? [{ type: 'down', id: decision.id, normally: false }]
      : [];
  }

  /** Who is still starting when it is told to stop is stopped when it is up. */
  #isStopping(id: string): boolean {
    return this.state.children.find((child) => child.id === id)?.phase === 'stopping';
  }

  up(id: string): void {
    this.send({ type: 'up', id });
  }

  down(id: string): void {
    this.send({ type: 'down', id, normally: false });
  }

  ends(id: string, reason: ExitReason): void {
    this.send({ type: 'down', id, normally: isNormal(reason) });
  }

  dueMs(): number | null {
    return nextDueMs(this.state, this.nowMs);
  }

  /** Lets time pass, and what is due happen at its moment. */
  wait(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let due = this.dueMs(); due !== null && due <= untilMs; due = this.dueMs()) {
      this.nowMs = due;
      this.send({ type: 'tick' });
    }
    this.nowMs = untilMs;
  }

  /** What was decided since the last time, in words. */
  take(): string[] {
    const taken = this.#decisions.map((decision) => {
      switch (decision.type) {
        case 'opened':
          return 'opened';
        case 'end':
          return `end ${decision.end.reason} ${decision.end.childId}`;
        default:
          return `${decision.type} ${decision.id}`;
      }
    });
    this.#decisions = [];
    return taken;
  }

  /** Its children: `a+` is up, `a-` down, `a*` between. */
  phases(): string {
    const sign = { up: '+', down: '-', starting: '*', stopping: '*' };
    return this.state.children.map(({ id, phase }) => `${id}${sign[phase]}`).join(' ');
  }
}
