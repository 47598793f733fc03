/**
 * Goal: whatever happens, and in whatever order, a supervisor loses no child, keeps its order, and never
 * restarts more often than its intensity says. Method: random histories of starts, ends, stops, commands
 * and time against `step`; what must hold is looked at after each event.
 */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../test/support/supervisor-world.ts';
import { type ChildState, isWaiting, type TreeDecision, type TreeState } from './decisions.ts';
import { RESTART_TYPES } from './restart.ts';
import { isOrdered, STRATEGIES } from './strategy.ts';

const CHILDREN_MAX = 6;

type Command =
  | { readonly do: 'comeOut'; readonly which: number; readonly well: boolean }
  | { readonly do: 'end'; readonly which: number; readonly normally: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stop' | 'remove' | 'restart'; readonly which: number }
  | { readonly do: 'add'; readonly restart: (typeof RESTART_TYPES)[number] }
  | { readonly do: 'close' | 'abandon' };

const which = fc.nat(CHILDREN_MAX - 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({
      do: fc.constant('comeOut' as const),
      which,
      well: fc.integer({ min: 0, max: 4 }).map((one) => one > 0),
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant('end' as const), which, normally: fc.boolean() }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(250), fc.nat(5_000)),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'remove', 'restart'), which }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      restart: fc.constantFrom(...RESTART_TYPES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'abandon') }) },
);

const history = fc.record({
  strategy: fc.constantFrom(...STRATEGIES),
  intensity: fc.nat(6),
  periodMs: fc.constantFrom(500, 3_000, 60_000),
  types: fc.array(fc.constantFrom('permanent' as const, ...RESTART_TYPES), {
    maxLength: CHILDREN_MAX,
  }),
  commands: fc.array(command, { maxLength: 80, size: 'max' }),
});

type History = typeof history extends fc.Arbitrary<infer Value> ? Value : never;

/** A world with an eye on it. */
class Watched {
  readonly world: World;
  readonly #periodMs: number;
  readonly #intensity: number;
  readonly #restartsMs: number[] = [];
  readonly #order: string[];
  /** Who may be forgotten while the supervisor runs. */
  readonly #mayLeave = new Set<string>();
  #added = 0;

  constructor({ strategy, intensity, periodMs, types }: History) {
    const children = types.map((restart, index) => ({ id: `c${index}`, restart }));
    this.world = new World({ strategy, intensity, periodMs, stableMs: 1_000 }, children, {
      holdsStarts: true,
      holdsStops: true,
    });
    this.#periodMs = periodMs;
    this.#intensity = intensity;
    this.#order = children.map(({ id }) => id);
    for (const { id, restart } of children) {
      if (restart === 'temporary') {
        this.#mayLeave.add(id);
      }
    }
    this.world.onDecision = (decision, before) => this.#decided(decision, before);
  }

  #decided(decision: TreeDecision, before: TreeState): void {
    const { state } = this.world;
    switch (decision.type) {
      case 'start': {
        expect(state.end).toBeNull();
        const place = state.children.findIndex(({ id }) => id === decision.id);
        expect(state.children[place]?.phase).toBe('starting');
        if (isOrdered(state.rules.strategy)) {
          const ahead = state.children.slice(0, place).filter(({ intent }) => intent === 'run');
          expect(ahead.every(({ phase }) => phase === 'up')).toBe(true);
          expect(state.children.some(isComingDown)).toBe(false);
        }
        return;
      }
      case 'stop': {
        const place = state.children.findIndex(({ id }) => id === decision.id);
        const isMeant = state.end === null ? isOfGroup : () => true;
        if (state.end !== null || isMeant(state.children[place] as ChildState)) {
          const after = state.children.slice(place + 1).filter(isMeant);
          expect(after.every(({ phase }) => phase === 'down')).toBe(true);
        }
        return;
      }
      case 'forget': {
        const child = before.children.find(({ id }) => id === decision.id);
        const failedFirst = child?.fresh === true;
        expect(state.phase === 'ended' || failedFirst || this.#mayLeave.has(decision.id)).toBe(
          true,
        );
      }
    }
  }

  run(next: Command): void {
    const { world } = this;
    const child =
      'which' in next
        ? world.state.children[next.which % (world.state.children.length || 1)]
        : null;
    switch (next.do) {
      case 'wait':
        world.wait(next.ms);
        break;
      case 'add': {
        const id = `x${this.#added}`;
        this.#added += 1;
        if (world.state.end === null) {
          this.#order.push(id);
        }
        if (next.restart === 'temporary') {
          this.#mayLeave.add(id);
        }
        world.send({ type: 'add', child: { id, restart: next.restart, significant: false } });
        break;
      }
      case 'close':
      case 'abandon':
        world.send({ type: next.do });
        break;
      default:
        this.#toChild(next, child);
    }
    this.#look();
  }

  #toChild(next: Extract<Command, { which: number }>, child: ChildState | null | undefined): void {
    const { world } = this;
    if (child == null) {
      return;
    }
    const { id, phase } = child;
    const before = world.state.restartsMs;
    switch (next.do) {
      case 'comeOut':
        if (phase === 'starting') {
          world.send({ type: next.well ? 'up' : 'failed', id });
        } else if (phase === 'stopping') {
          world.send({ type: 'down', id, normally: next.well });
        }
        break;
      case 'end':
        if (phase === 'up') {
          world.send({ type: 'down', id, normally: next.normally });
        }
        break;
      case 'remove':
        this.#mayLeave.add(id);
        world.send({ type: 'remove', id });
        break;
      default:
        world.send({ type: next.do, id });
    }
    if (world.state.restartsMs !== before) {
      this.#restartsMs.push(world.nowMs);
    }
  }

  #look(): void {
    const { state } = this.world;
    const ids = state.children.map(({ id }) => id);
    expect(ids).toEqual(this.#order.filter((id) => ids.includes(id)));
    this.#restartsMs.forEach((fromMs, index) => {
      const within = this.#restartsMs.slice(index).filter((ms) => ms - fromMs <= this.#periodMs);
      expect(within.length).toBeLessThanOrEqual(this.#intensity);
    });
    if (state.phase === 'ended') {
      expect(ids).toEqual([]);
    }
  }

  /** From now on everything works: who should run does, in the end; an end comes to its end. */
  settleDown(): void {
    const { world } = this;
    for (let round = 0; round < 1_000; round += 1) {
      const between = world.state.children.find(
        ({ phase }) => phase === 'starting' || phase === 'stopping',
      );
      if (between !== undefined) {
        world.send(
          between.phase === 'starting'
            ? { type: 'up', id: between.id }
            : { type: 'down', id: between.id, normally: true },
        );
      } else if (world.dueMs() === null) {
        break;
      } else {
        world.wait(60_000);
      }
    }
    if (world.state.end !== null) {
      expect(world.state.phase).toBe('ended');
      return;
    }
    expect(world.state.children.filter(isWaiting)).toEqual([]);
    for (const { intent, phase } of world.state.children) {
      expect(phase).toBe(intent === 'run' ? 'up' : 'down');
    }
  }
}

const isOfGroup = ({ recycling }: ChildState): boolean => recycling === 'group';
const isComingDown = (child: ChildState): boolean => isOfGroup(child) && child.phase !== 'down';

test('no child is lost, the order is kept, and no period has more restarts than its intensity', () => {
  const seen = { exhausted: 0, restarted: 0 };
  fc.assert(
    fc.property(history, (given) => {
      const watched = new Watched(given);
      for (const next of given.commands) {
        watched.run(next);
      }
      watched.settleDown();
      seen.exhausted += watched.world.state.end?.reason === 'exhausted' ? 1 : 0;
      seen.restarted += watched.world.state.restartsMs.length > 1 ? 1 : 0;
    }),
    { numRuns: 2_000 },
  );
  // The histories reach what they are about.
  expect(seen.exhausted).toBeGreaterThan(50);
  expect(seen.restarted).toBeGreaterThan(50);
});
