/** Goal: scores move by the reference's numbers, nobody else's doing counts, and no guest writes another's. Method: exits made by hand. */

import { describe, expect, test } from 'vitest';
import type { ExitReason } from '../process/exit.ts';
import { DESCENDANTS_MAX, NAMES_MAX, ScoreBook } from './book.ts';
import { blend, NEUTRAL, observationOf, rankScores, type Score, similarScores } from './score.ts';

const book = () => new ScoreBook(() => 7);
let nextPid = 1;
function exit(scores: ScoreBook, agentId: string, reason: ExitReason, parentPid = 0): void {
  const agent = { pid: nextPid++, agentId, parentPid };
  scores.spawned(agent);
  scores.exited(agent, reason);
}

describe('an exit', () => {
  test('blends three tenths of what it says into what was known', () => {
    const once = blend(NEUTRAL, observationOf('normal') as Score);
    expect(once.trust).toBeCloseTo(0.59, 10);
    expect(once.reliability).toBeCloseTo(0.62, 10);
    expect(once.difficulty).toBe(0.5);
    expect(blend(once, observationOf('trap') as Score).trust).toBeCloseTo(0.473, 10);
  });

  test.each<[ExitReason, 'good' | 'bad' | 'nothing']>([
    ['normal', 'good'],
    ['error', 'bad'],
    ['trap', 'bad'],
    ['fuel', 'bad'],
    ['cpu_time', 'bad'],
    ['timeout', 'bad'],
    ['reaped', 'bad'],
    ['killed', 'nothing'],
    ['worker_lost', 'nothing'],
    ['internal', 'nothing'],
    ['refused', 'nothing'],
  ])('by %s says %s', (reason, what) => {
    const observed = observationOf(reason);
    expect(observed?.trust).toBe({ good: 0.8, bad: 0.2, nothing: undefined }[what]);
  });

  test('counts for all agents of a name, one after the other', () => {
    const scores = book();
    exit(scores, 'ada', 'normal');
    exit(scores, 'ada', 'killed');
    exit(scores, 'ada', 'trap');
    exit(scores, 'bob', 'trap');
    expect(scores.list()).toMatchObject([
      { agentId: 'ada', under: null, exits: 2, atMs: 7 },
      { agentId: 'bob', under: null, exits: 1 },
    ]);
    expect(scores.list()[0]?.score.trust).toBeCloseTo(0.473, 10);
  });
});

describe('the child of an agent', () => {
  test('is scored under the one that the program spawned, also when that has exited', () => {
    const scores = book();
    exit(scores, 'ada', 'normal');
    const [mallory, child, grandchild] = [
      { pid: 901, agentId: 'mallory', parentPid: 0 },
      { pid: 902, agentId: 'ada', parentPid: 901 },
      { pid: 903, agentId: 'bob', parentPid: 902 },
    ] as const;
    for (const agent of [mallory, child, grandchild]) {
      scores.spawned(agent);
    }
    scores.exited(mallory, 'normal');
    scores.exited(child, 'trap');
    scores.exited(grandchild, 'trap');
    expect(scores.list().map(({ agentId, under, exits }) => [agentId, under, exits])).toEqual([
      ['ada', null, 1],
      ['mallory', null, 1],
      ['ada', 'mallory', 1],
      ['bob', 'mallory', 1],
    ]);
  });

  test('takes no more room than there is for a name', () => {
    const scores = book();
    scores.spawned({ pid: 1001, agentId: 'mallory', parentPid: 0 });
    for (let count = 0; count < 100; count += 1) {
      exit(scores, `child ${count}`, 'normal', 1001);
    }
    exit(scores, 'child 0', 'normal', 1001);
    expect(scores.list()).toHaveLength(DESCENDANTS_MAX);
    expect(scores.list()[0]).toMatchObject({ agentId: 'child 0', exits: 2 });
  });
});

test('names are bounded: the first that came goes first', () => {
  const scores = book();
  for (let count = 0; count <= NAMES_MAX; count += 1) {
    exit(scores, `agent ${count}`, 'normal');
  }
  expect(scores.list()).toHaveLength(NAMES_MAX);
  expect(scores.list()[0]?.agentId).toBe('agent 1');
});

test('scores are ranked by what weighs, and compared by their angle, without the one itself', () => {
  const scored = (name: string, change: Partial<Score>) => ({
    name,
    score: { ...NEUTRAL, ...change },
  });
  const [trusted, quick, both] = [
    scored('trusted', { trust: 0.9 }),
    scored('quick', { velocity: 0.9 }),
    scored('both', { trust: 0.8, velocity: 0.8 }),
  ];
  const names = (of: { name: string }[]) => of.map(({ name }) => name);
  const all = [quick, both, trusted];
  expect(names(rankScores(all, { trust: 1 }))).toEqual(['trusted', 'both', 'quick']);
  expect(names(rankScores(all, { trust: 1, velocity: 1 }))).toEqual(['both', 'quick', 'trusted']);
  expect(names(similarScores(all, trusted))).toEqual(['both', 'quick']);
  const nothing = scored(
    'nothing',
    Object.fromEntries(Object.keys(NEUTRAL).map((key) => [key, 0])),
  );
  expect(names(similarScores([...all, nothing], trusted)).at(-1)).toBe('nothing');
});
