/**
 * Goal: what a supervisor decides is right in every case. Method: the clock is a number; a small world
 * does what is decided, at once or when the test says so.
 */

import { describe, expect, test } from 'vitest';
import { World } from '../../test/support/supervisor-world.ts';
import { RESTART_TYPES } from './restart.ts';
import { STRATEGIES, type Strategy } from './strategy.ts';

describe('at the beginning', () => {
  test.each(STRATEGIES)('%s: children are started in order, one after another', (strategy) => {
    const world = new World({ strategy }, ['a', 'b', 'c'], { holdsStarts: true });
    expect(world.take()).toEqual(['start a']);
    world.up('a');
    expect(world.take()).toEqual(['start b']);
    world.up('b');
    world.up('c');
    expect(world.take()).toEqual(['start c', 'opened']);
  });

  test.each(STRATEGIES)('%s: the third of five that fails takes those before back', (strategy) => {
    const world = new World({ strategy }, ['a', 'b', 'c', 'd', 'e'], { failing: ['c'] });
    expect(world.take()).toEqual([
      ...['start a', 'start b', 'start c', 'stop b', 'stop a'],
      ...['forget a', 'forget b', 'forget c', 'forget d', 'forget e', 'end start_failed c'],
    ]);
  });

  test('one without children is open at once, and ends at once', () => {
    const world = new World({}, []);
    world.send({ type: 'close' });
    expect(world.take()).toEqual(['opened', 'end stopped null']);
  });
});

describe('a child that ends is restarted by its type', () => {
  const REASONS = [
    ...(['error', 'trap', 'fuel', 'cpu_time', 'timeout', 'killed'] as const),
    ...(['worker_lost', 'internal', 'reaped', 'normal'] as const),
  ];
  const cases = STRATEGIES.flatMap((strategy) =>
    RESTART_TYPES.flatMap((restart) =>
      REASONS.map((reason) => [strategy, restart, reason] as const),
    ),
  );
  /** Who is stopped and started when `b` of a, b and c is restarted. */
  const WHO: Record<Strategy, { stops: string[]; starts: string[] }> = {
    one_for_one: { stops: [], starts: ['start b'] },
    one_for_all: { stops: ['stop c', 'stop a'], starts: ['start a', 'start b', 'start c'] },
    rest_for_one: { stops: ['stop c'], starts: ['start b', 'start c'] },
  };

  test.each(cases)('%s, %s, %s', (strategy, restart, reason) => {
    const world = new World({ strategy }, ['a', { id: 'b', restart }, 'c']);
    world.take();
    world.ends('b', reason);
    if (restart === 'permanent' || (restart === 'transient' && reason !== 'normal')) {
      expect(world.take()).toEqual(WHO[strategy].stops);
      world.wait(99);
      expect(world.take()).toEqual([]);
      world.wait(1);
      expect(world.take()).toEqual(WHO[strategy].starts);
    } else {
      world.wait(1_000_000);
      expect(world.take()).toEqual(restart === 'temporary' ? ['forget b'] : []);
      expect(world.phases()).toBe(restart === 'temporary' ? 'a+ c+' : 'a+ b- c+');
    }
  });
});

describe('a group', () => {
  test('is down, all of it, before anybody is started; a slow one holds all up', () => {
    const world = new World({ strategy: 'one_for_all' }, ['a', 'b', 'c'], { holdsStops: true });
    world.take();
    world.ends('b', 'trap');
    expect(world.take()).toEqual(['stop c']);
    world.wait(10_000);
    expect(world.take()).toEqual([]);
    world.down('c');
    expect(world.take()).toEqual(['stop a']);
    world.down('a');
    expect(world.take()).toEqual(['start a', 'start b', 'start c']);
  });

  test('who ends while the group is stopped counts as stopped', () => {
    const world = new World({ strategy: 'one_for_all', intensity: 1 }, ['a', 'b', 'c'], {
      holdsStops: true,
    });
    world.take();
    world.ends('b', 'trap');
    world.ends('a', 'trap');
    world.ends('c', 'trap');
    world.wait(100);
    expect(world.take()).toEqual(['stop c', 'start a', 'start b', 'start c']);
    expect(world.state.restartsMs).toHaveLength(1);
  });

  test('rest_for_one: one before it that ends meanwhile takes more along', () => {
    const world = new World({ strategy: 'rest_for_one' }, ['a', 'b', 'c', 'd']);
    world.take();
    world.ends('c', 'trap');
    world.wait(50);
    world.ends('a', 'trap');
    expect(world.take()).toEqual(['stop d', 'stop b']);
    world.wait(99);
    expect(world.take()).toEqual([]);
    world.wait(1);
    expect(world.take()).toEqual(['start a', 'start b', 'start c', 'start d']);
  });

  test('a temporary child that is stopped with it is gone; who had done its work does it again', () => {
    const world = new World({ strategy: 'one_for_all' }, [
      { id: 'setup', restart: 'transient' },
      'a',
      { id: 'once', restart: 'temporary' },
      'b',
    ]);
    world.ends('setup', 'normal');
    world.take();
    world.ends('a', 'trap');
    world.wait(100);
    expect(world.take()).toEqual([
      ...['stop b', 'stop once', 'forget once'],
      ...['start setup', 'start a', 'start b'],
    ]);
  });

  test('who was stopped by the program stays so', () => {
    const world = new World({ strategy: 'one_for_all' }, ['a', 'b']);
    world.send({ type: 'stop', id: 'a' });
    world.take();
    world.ends('b', 'trap');
    world.wait(100);
    expect(world.take()).toEqual(['start b']);
  });

  test('one that can not be started again is tried again, in order, and waits longer', () => {
    const world = new World({ strategy: 'rest_for_one' }, ['a', 'b', 'c']);
    world.take();
    world.failing.add('b');
    world.ends('a', 'trap');
    world.wait(100);
    expect(world.take()).toEqual(['stop c', 'stop b', 'start a', 'start b']);
    world.failing.clear();
    world.wait(100);
    expect(world.take()).toEqual(['start b', 'start c']);
  });
});

describe('the back-off', () => {
  test('doubles with each end, and starts over after a stable time', () => {
    const world = new World({ intensity: 100, stableMs: 1_000 }, ['a']);
    const waits = [];
    for (const ranMs of [0, 0, 999, 0, 1_000, 0]) {
      world.wait(ranMs);
      world.ends('a', 'trap');
      waits.push((world.dueMs() ?? 0) - world.nowMs);
      world.wait(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([100, 200, 400, 800, 100, 200]);
  });

  test('a stop cancels it', () => {
    const world = new World({}, ['a']);
    world.ends('a', 'trap');
    world.take();
    world.send({ type: 'stop', id: 'a' });
    world.wait(1_000_000);
    expect(world.take()).toEqual([]);
    expect(world.dueMs()).toBeNull();
    expect(world.phases()).toBe('a-');
  });

  test('the end of the supervisor cancels it', () => {
    const world = new World({}, ['a']);
    world.ends('a', 'trap');
    world.take();
    world.send({ type: 'close' });
    world.wait(1_000_000);
    expect(world.take()).toEqual(['forget a', 'end stopped null']);
    expect(world.dueMs()).toBeNull();
  });

  test('a restart by the program does not wait, counts towards nothing, and starts over', () => {
    const world = new World({ intensity: 1 }, ['a']);
    world.ends('a', 'trap');
    world.take();
    world.send({ type: 'restart', id: 'a' });
    expect(world.take()).toEqual(['start a']);
    world.send({ type: 'restart', id: 'a' });
    expect(world.take()).toEqual(['stop a', 'start a']);
    expect(world.state.restartsMs).toHaveLength(1);
    expect(world.state.children[0]).toMatchObject({ attempts: 0, restarts: 2 });
  });
});

describe('the intensity', () => {
  test('one restart more than it in a period ends the supervisor, the last child first', () => {
    const world = new World({ intensity: 2, periodMs: 10_000 }, ['a', 'b', 'c']);
    world.take();
    for (const id of ['a', 'b']) {
      world.ends(id, 'trap');
      world.wait(1_000);
    }
    expect(world.take()).toEqual(['start a', 'start b']);
    world.ends('b', 'trap');
    expect(world.take()).toEqual([
      ...['stop c', 'stop a', 'forget a', 'forget b', 'forget c', 'end exhausted b'],
    ]);
  });

  test.each([
    [10_000, true],
    [10_001, false],
  ])('a restart %i ms ago counts in a period of 10,000: %s', (agoMs, counts) => {
    const world = new World({ intensity: 1, periodMs: 10_000 }, ['a']);
    world.ends('a', 'trap');
    world.wait(agoMs);
    world.ends('a', 'trap');
    expect(world.state.phase).toBe(counts ? 'ended' : 'running');
  });

  test('none allowed: the first end is the last', () => {
    const world = new World({ intensity: 0 }, ['a', 'b']);
    world.ends('a', 'trap');
    expect(world.state.phase).toBe('ended');
  });

  test('starts that fail count, however they are spread over children', () => {
    const world = new World({ intensity: 5 }, ['a', 'b']);
    world.failing.add('a').add('b');
    world.ends('a', 'trap');
    world.ends('b', 'trap');
    world.wait(60_000);
    expect(world.take().at(-1)).toMatch(/^end exhausted/);
    expect(world.state.restartsMs).toHaveLength(5);
  });
});

describe('children that the program adds and takes', () => {
  test('one that can not be started is forgotten, and nobody else is touched', () => {
    const world = new World({ strategy: 'one_for_all' }, ['a'], { failing: ['b'] });
    world.take();
    world.send({ type: 'add', child: { id: 'b', restart: 'permanent', significant: false } });
    expect(world.take()).toEqual(['start b', 'forget b']);
    expect(world.phases()).toBe('a+');
  });

  test('one that is stopped while it starts is told so, and does not stay up', () => {
    const world = new World({}, ['a'], { holdsStarts: true });
    world.up('a');
    world.take();
    world.send({ type: 'restart', id: 'a' });
    world.send({ type: 'stop', id: 'a' });
    expect(world.take()).toEqual(['stop a', 'start a', 'stop a']);
    world.up('a');
    expect(world.take()).toEqual(['stop a']);
    expect(world.phases()).toBe('a-');
  });

  test('one that is removed is forgotten when it is down', () => {
    const world = new World({}, ['a', 'b'], { holdsStops: true });
    world.take();
    world.send({ type: 'remove', id: 'a' });
    expect(world.take()).toEqual(['stop a']);
    world.down('a');
    expect(world.take()).toEqual(['forget a']);
  });

  test('what happens to one that it does not know changes nothing', () => {
    const world = new World({}, ['a']);
    const before = world.state;
    world.send({ type: 'stop', id: 'nobody' });
    world.send({ type: 'down', id: 'nobody', normally: false });
    expect(world.state).toEqual(before);
  });
});

describe('significant children', () => {
  const children = [
    { id: 'a', restart: 'transient', significant: true } as const,
    { id: 'b', restart: 'temporary', significant: true } as const,
    'c',
  ];

  test('any of them ends its supervisor when it is not restarted', () => {
    const world = new World({ autoShutdown: 'any_significant' }, children);
    world.ends('a', 'trap');
    world.wait(100);
    expect(world.state.phase).toBe('running');
    world.take();
    world.ends('a', 'normal');
    expect(world.take().at(-1)).toBe('end finished a');
  });

  test('or all of them do', () => {
    const world = new World({ autoShutdown: 'all_significant' }, children);
    world.ends('b', 'trap');
    expect(world.state.phase).toBe('running');
    world.ends('a', 'normal');
    expect(world.take().at(-1)).toBe('end finished a');
  });

  test('one that the program stops ends nobody', () => {
    const world = new World({ autoShutdown: 'any_significant' }, children);
    world.send({ type: 'stop', id: 'a' });
    expect(world.state.phase).toBe('running');
  });
});

describe('by force', () => {
  test('all end at once, those too that were asked to stop before', () => {
    const world = new World({}, ['a', 'b', 'c'], { holdsStops: true });
    world.take();
    world.send({ type: 'close' });
    expect(world.take()).toEqual(['stop c']);
    world.send({ type: 'abandon' });
    expect(world.take()).toEqual(['kill a', 'kill b', 'kill c']);
    world.down('b');
    world.down('a');
    expect(world.take()).toEqual([]);
    world.down('c');
    expect(world.take().at(-1)).toBe('end stopped null');
  });

  test('who is starting is told, and again when it is up', () => {
    const world = new World({}, ['a'], { holdsStarts: true, holdsStops: true });
    world.take();
    world.send({ type: 'abandon' });
    expect(world.take()).toEqual(['kill a']);
    world.up('a');
    expect(world.take()).toEqual(['kill a']);
    world.down('a');
    expect(world.take().at(-1)).toBe('end closed null');
  });
});
