/**
 * What a supervisor decides: a function of what it knows, of what has happened, and of the time. It
 * starts and stops nobody by itself; `tree.ts` does what is decided here.
 *
 * A child is described by what it is (its phase) and by what it should be (its intent). What happens
 * changes these; what is to be done follows from where they differ. So there is no state in which
 * somebody is waited for who was never asked.
 *
 * INVARIANTS: children stand in their start order. Where the strategy is ordered nobody is started while
 * one of the group has still to come down, and nobody before those ahead of it are up. A supervisor that
 * is closing starts nobody.
 */

import { type BackOff, nextAttempt, waitMs } from './back-off.ts';
import { type Intensity, withRestart } from './intensity.ts';
import { isRestarted, type RestartType } from './restart.ts';
import { isAffected, isOrdered, type Strategy } from './strategy.ts';

/** When children that matter end their supervisor by ending: OTP's `auto_shutdown`. */
export const AUTO_SHUTDOWNS = ['never', 'any_significant', 'all_significant'] as const;
/** When children that matter end their supervisor by ending. */
export type AutoShutdown = (typeof AUTO_SHUTDOWNS)[number];

/** What a supervisor goes by. */
export interface Rules extends Intensity {
  readonly strategy: Strategy;
  readonly backOff: BackOff;
  readonly autoShutdown: AutoShutdown;
}

/** What is decided by of a child's specification. */
export interface ChildRules {
  readonly id: string;
  readonly restart: RestartType;
  readonly significant: boolean;
}

/** A child, as its supervisor knows it. */
export interface ChildState extends ChildRules {
  /** `down`: nobody runs, and nobody was asked to. */
  readonly phase: 'down' | 'starting' | 'up' | 'stopping';
  /**
   * `run`: it should be up; `done`: it has ended and is not restarted by itself; `rest`: the program has
   * stopped it; `leave`: it is forgotten once it is down.
   */
  readonly intent: 'run' | 'done' | 'rest' | 'leave';
  /** It comes down before it is up again: by itself, or in its turn with a group. */
  readonly recycling: 'no' | 'alone' | 'group';
  /** Not to be started before. */
  readonly dueMs: number;
  /** It has never been up: a start that fails is its starter's matter. */
  readonly fresh: boolean;
  /** Restarts since the last stable time, for the back-off. */
  readonly attempts: number;
  /** How often it was started again. */
  readonly restarts: number;
  readonly upSinceMs: number;
}

/** Why a supervisor has ended. */
export type EndReason =
  /** The program has stopped it, or its own supervisor has. */
  | 'stopped'
  /** Its children were restarted too often. */
  | 'exhausted'
  /** Its significant children have ended. */
  | 'finished'
  /** One of its children could not be started at the beginning. */
  | 'start_failed'
  /** The kernel was closed. */
  | 'closed';

/** How a supervisor has ended, and by which child. */
export interface TreeEnd {
  readonly reason: EndReason;
  readonly childId: string | null;
}

/** A supervisor, as it knows itself. Nothing in it is ever changed: each step makes another. */
export interface TreeState {
  readonly rules: Rules;
  readonly phase: 'opening' | 'running' | 'closing' | 'ended';
  readonly end: TreeEnd | null;
  /** It ends all at once by force, in no order. */
  readonly byForce: boolean;
  /** In their start order. */
  readonly children: readonly ChildState[];
  /** When children were restarted lately, in their order. */
  readonly restartsMs: readonly number[];
}

/** What happens to a supervisor. */
export type TreeEvent =
  /** Time has passed, nothing else. */
  | { readonly type: 'tick' }
  /** A start has worked, or not. */
  | { readonly type: 'up' | 'failed'; readonly id: string }
  /** A child has ended, for whatever reason. */
  | { readonly type: 'down'; readonly id: string; readonly normally: boolean }
  /** The program wants a child more; none has its id. */
  | { readonly type: 'add'; readonly child: ChildRules }
  /** The program wants a child to stop, to be forgotten, or to be started anew. */
  | { readonly type: 'stop' | 'remove' | 'restart'; readonly id: string }
  /** It is to end: each child in its turn with its shutdown time, or all at once by force. */
  | { readonly type: 'close' | 'abandon' };

/**
 * What is to be done, in this order. Who is still starting can be stopped too, and told so again: its
 * start then fails, or it is up and stopped.
 */
export type TreeDecision =
  | { readonly type: 'start' | 'stop' | 'kill' | 'forget'; readonly id: string }
  /** All children were started for the first time. */
  | { readonly type: 'opened' }
  | { readonly type: 'end'; readonly end: TreeEnd };

/** What follows from an event. */
export interface Step {
  readonly state: TreeState;
  readonly decisions: readonly TreeDecision[];
}

function freshChild(rules: ChildRules): ChildState {
  return {
    ...rules,
    phase: 'down',
    intent: 'run',
    recycling: 'no',
    dueMs: Number.NEGATIVE_INFINITY,
    fresh: true,
    attempts: 0,
    restarts: 0,
    upSinceMs: 0,
  };
}

/** A supervisor that has started none of its children yet: `tick` begins. */
export function newTree(rules: Rules, children: readonly ChildRules[]): TreeState {
  return {
    rules,
    phase: 'opening',
    end: null,
    byForce: false,
    children: children.map(freshChild),
    restartsMs: [],
  };
}

/** What happens next, given what has happened. */
export function step(state: TreeState, event: TreeEvent, nowMs: number): Step {
  return settle(apply(state, event, nowMs), nowMs);
}

/**
 * When time alone will change something; null: never. Who is due already waits for others, and their
 * ends and starts are events.
 */
export function nextDueMs(state: TreeState, nowMs: number): number | null {
  const dues = isClosing(state)
    ? []
    : state.children.filter((child) => isWaiting(child) && child.dueMs > nowMs);
  return dues.length === 0
    ? null
    : dues.reduce((least, { dueMs }) => Math.min(least, dueMs), Number.POSITIVE_INFINITY);
}

/** Whether a child is down until its time has come. */
export const isWaiting = ({ phase, intent }: ChildState): boolean =>
  phase === 'down' && intent === 'run';

const isClosing = ({ phase }: TreeState): boolean => phase === 'closing' || phase === 'ended';

function close(state: TreeState, reason: EndReason, childId: string | null): TreeState {
  // Who is stopped already, by force or not, ends for the first reason.
  return isClosing(state) ? state : { ...state, phase: 'closing', end: { reason, childId } };
}

function apply(state: TreeState, event: TreeEvent, nowMs: number): TreeState {
  switch (event.type) {
    case 'tick':
      return state;
    case 'close':
      return close(state, 'stopped', null);
    case 'abandon':
      return isClosing(state) && (state.byForce || state.phase === 'ended')
        ? state
        : {
            ...close(mark(state, askedAgain), 'closed', null),
            byForce: true,
          };
    case 'add':
      return isClosing(state)
        ? state
        : { ...state, children: [...state.children, freshChild(event.child)] };
    default: {
      const place = state.children.findIndex(({ id }) => id === event.id);
      const child = state.children[place];
      return child === undefined ? state : applyToChild(state, event, { place, child, nowMs });
    }
  }
}

interface Where {
  readonly place: number;
  readonly child: ChildState;
  readonly nowMs: number;
}

/** Who was asked to stop and has its shutdown time is asked once more: by force. */
const askedAgain = ({ phase }: ChildState): Partial<ChildState> | null =>
  phase === 'stopping' ? { phase: 'up' } : null;

function change(state: TreeState, { place, child }: Where, to: Partial<ChildState>): TreeState {
  return { ...state, children: state.children.with(place, { ...child, ...to }) };
}

function applyToChild(
  state: TreeState,
  event: Extract<TreeEvent, { readonly id: string }>,
  where: Where,
): TreeState {
  const { child, nowMs } = where;
  switch (event.type) {
    case 'up':
      return change(state, where, { phase: 'up', fresh: false, upSinceMs: nowMs });
    case 'failed':
      return startFailed(state, where);
    case 'down':
      return ended(state, where, event.normally);
    case 'stop':
      return child.intent === 'leave'
        ? state
        : change(state, where, {
            // As in OTP, a temporary child that was stopped is gone.
            intent: child.restart === 'temporary' ? 'leave' : 'rest',
          });
    case 'remove':
      return change(state, where, { intent: 'leave' });
    case 'restart':
      return child.intent === 'leave'
        ? state
        : change(state, where, {
            intent: 'run',
            recycling:
              child.recycling === 'no' && child.phase !== 'down' ? 'alone' : child.recycling,
            dueMs: nowMs,
            attempts: 0,
          });
  }
}

/** Whether its end was asked for, so that no rule is needed to know what follows. */
const wasAskedToEnd = (state: TreeState, { intent, recycling }: ChildState): boolean =>
  isClosing(state) || intent !== 'run' || recycling !== 'no';

function startFailed(state: TreeState, where: Where): TreeState {
  const { child } = where;
  const down = change(state, where, { phase: 'down', recycling: 'no' });
  if (child.fresh && !isClosing(state)) {
    return state.phase === 'opening'
      ? close(down, 'start_failed', child.id)
      : change(state, where, { phase: 'down', recycling: 'no', intent: 'leave' });
  }
  return wasAskedToEnd(state, child) ? down : restart(down, { ...where, child }, 0);
}

function ended(state: TreeState, where: Where, normally: boolean): TreeState {
  const { child, nowMs } = where;
  const down = change(state, where, { phase: 'down', recycling: 'no' });
  if (wasAskedToEnd(state, child)) {
    return down;
  }
  if (isRestarted(child.restart, normally)) {
    return restart(down, where, nowMs - child.upSinceMs);
  }
  const done = change(down, where, {
    phase: 'down',
    intent: child.restart === 'temporary' ? 'leave' : 'done',
  });
  return isLastThatMatters(done, child) ? close(done, 'finished', child.id) : done;
}

function isLastThatMatters({ rules, children }: TreeState, ended: ChildState): boolean {
  switch (ended.significant ? rules.autoShutdown : 'never') {
    case 'never':
      return false;
    case 'any_significant':
      return true;
    case 'all_significant':
      return children.every(({ significant, intent }) => !significant || intent !== 'run');
  }
}

/** A child that is down is to be up again, and whoever goes with it: unless that is once too often. */
function restart(state: TreeState, { place, child, nowMs }: Where, ranMs: number): TreeState {
  const { rules } = state;
  const restartsMs = withRestart(state.restartsMs, nowMs, rules);
  if (restartsMs === null) {
    return close(state, 'exhausted', child.id);
  }
  const attempts = nextAttempt(child.attempts, ranMs, rules.backOff);
  const dueMs = nowMs + waitMs(attempts, rules.backOff);
  const children = state.children.map((other, index) => {
    if (index === place) {
      return { ...other, attempts, dueMs };
    }
    return isAffected(rules.strategy, index, place) ? withGroup(other, dueMs) : other;
  });
  return { ...state, restartsMs, children };
}

/** What becomes of a child when another one's restart takes it along. */
function withGroup(child: ChildState, groupDueMs: number): ChildState {
  const dueMs = Math.max(child.dueMs, groupDueMs);
  if (child.phase === 'down') {
    // Who had done its work does it again, as the others begin anew; who was stopped stays so.
    return child.intent === 'done' || child.intent === 'run'
      ? { ...child, intent: 'run', dueMs }
      : child;
  }
  if (child.intent !== 'run') {
    return child;
  }
  return {
    ...child,
    recycling: 'group',
    dueMs,
    intent: child.restart === 'temporary' ? 'leave' : 'run',
  };
}

const isGone = ({ phase, intent }: ChildState): boolean => phase === 'down' && intent === 'leave';

/** Does what follows from where children are, and should be. */
function settle(before: TreeState, nowMs: number): Step {
  const gone = before.children.filter(isGone);
  const decisions = gone.map(({ id }): TreeDecision => ({ type: 'forget', id }));
  const state =
    gone.length === 0
      ? before
      : { ...before, children: before.children.filter((child) => !isGone(child)) };
  if (state.phase === 'ended') {
    return { state, decisions };
  }
  const settled = state.phase === 'closing' ? settleClosing(state) : settleRunning(state, nowMs);
  return { state: settled.state, decisions: [...decisions, ...settled.decisions] };
}

function settleClosing(state: TreeState): Step {
  const { end } = state;
  if (state.children.every(({ phase }) => phase === 'down') && end !== null) {
    const forgotten = state.children.map(({ id }) => ({ type: 'forget', id }) as const);
    return {
      state: { ...state, phase: 'ended', children: [] },
      decisions: [...forgotten, { type: 'end', end }],
    };
  }
  if (state.byForce) {
    const alive = state.children.filter(({ phase }) => phase === 'up' || phase === 'starting');
    return {
      state: mark(state, ({ phase }) => (phase === 'up' ? { phase: 'stopping' } : null)),
      decisions: alive.map(({ id }) => ({ type: 'kill', id })),
    };
  }
  return stopLast(state, () => true);
}

function mark(
  state: TreeState,
  changes: (child: ChildState) => Partial<ChildState> | null,
): TreeState {
  // Each event looks at all children: where none changes, as for most events of most, none is copied.
  let children: ChildState[] | null = null;
  for (const [place, child] of state.children.entries()) {
    const to = changes(child);
    if (to !== null) {
      children ??= [...state.children];
      children[place] = { ...child, ...to };
    }
  }
  return children === null ? state : { ...state, children };
}

/** Stops the last of some children that is not down, unless that is under way: one at a time. */
function stopLast(state: TreeState, isMeant: (child: ChildState) => boolean): Step {
  const last = state.children.findLast((child) => child.phase !== 'down' && isMeant(child));
  if (last === undefined || last.phase === 'stopping') {
    return { state, decisions: [] };
  }
  return {
    state: mark(state, (child) =>
      child === last && child.phase === 'up' ? { phase: 'stopping' } : null,
    ),
    decisions: [{ type: 'stop', id: last.id }],
  };
}

const isOfGroup = ({ recycling }: ChildState): boolean => recycling === 'group';
const stopsAlone = ({ phase, intent, recycling }: ChildState): boolean =>
  (phase === 'up' || phase === 'starting') &&
  recycling !== 'group' &&
  (intent !== 'run' || recycling === 'alone');

function settleRunning(before: TreeState, nowMs: number): Step {
  const alone = before.children.filter(stopsAlone);
  const stopped = mark(before, (child) =>
    stopsAlone(child) && child.phase === 'up' ? { phase: 'stopping' } : null,
  );
  const grouped = stopLast(stopped, isOfGroup);
  const starting = toStart(grouped.state, nowMs);
  const started = mark(grouped.state, (child) =>
    starting.has(child)
      ? { phase: 'starting', restarts: child.restarts + (child.fresh ? 0 : 1) }
      : null,
  );
  const isOpened = before.phase === 'opening' && !started.children.some(isAwaited);
  return {
    state: isOpened ? { ...started, phase: 'running' } : started,
    decisions: [
      ...alone.map(({ id }) => ({ type: 'stop', id }) as const),
      ...grouped.decisions,
      ...[...starting].map(({ id }) => ({ type: 'start', id }) as const),
      ...(isOpened ? [{ type: 'opened' } as const] : []),
    ],
  };
}

/** At the beginning: it has still to be started for the first time. */
const isAwaited = ({ fresh, intent }: ChildState): boolean => fresh && intent === 'run';

function toStart({ rules, phase, children }: TreeState, nowMs: number): Set<ChildState> {
  const isDue = (child: ChildState): boolean => isWaiting(child) && child.dueMs <= nowMs;
  if (isOrdered(rules.strategy)) {
    const next = children.find(({ intent, phase }) => intent === 'run' && phase !== 'up');
    const comesDown = children.some((child) => isOfGroup(child) && child.phase !== 'down');
    return new Set(next !== undefined && isDue(next) && !comesDown ? [next] : []);
  }
  if (phase === 'running') {
    return new Set(children.filter(isDue));
  }
  // At the beginning one waits for the one before, so that what can't be started leaves nobody behind it.
  const next = children.find(isAwaited);
  return new Set(children.filter((child) => isDue(child) && (!child.fresh || child === next)));
}
