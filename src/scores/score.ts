/**
 * A score: six numbers between 0 and 1 that each exit of an agent moves. The dimensions, the share of an
 * observation and the two observations are the reference's.
 */

import type { ExitReason } from '../process/exit.ts';

/** The dimensions of a score, in the reference's order. */
const DIMENSIONS = [
  'trust',
  'performance',
  'difficulty',
  'reward',
  'reliability',
  'velocity',
] as const;

/** One of them. */
export type Dimension = (typeof DIMENSIONS)[number];

/** Six numbers between 0 and 1. */
export type Score = Readonly<Record<Dimension, number>>;

/** How much a new observation counts against all before it. */
const BLEND = 0.3;

/** What is known of an agent that has never ended. */
export const NEUTRAL: Score = {
  trust: 0.5,
  performance: 0.5,
  difficulty: 0.5,
  reward: 0.5,
  reliability: 0.5,
  velocity: 0.5,
};

const SUCCEEDED: Score = {
  trust: 0.8,
  performance: 0.7,
  difficulty: 0.5,
  reward: 0.6,
  reliability: 0.9,
  velocity: 0.5,
};

const FAILED: Score = {
  trust: 0.2,
  performance: 0.3,
  difficulty: 0.5,
  reward: 0.1,
  reliability: 0.1,
  velocity: 0.5,
};

/** What an exit says of the agent; null: nothing, as it was not the agent's doing. */
export function observationOf(reason: ExitReason): Score | null {
  switch (reason) {
    case 'normal':
      return SUCCEEDED;
    case 'error':
    case 'trap':
    case 'fuel':
    case 'cpu_time':
    case 'timeout':
    case 'reaped':
      return FAILED;
    case 'killed':
    case 'worker_lost':
    case 'internal':
    case 'refused':
      return null;
  }
}

const blendNumber = (before: number, observed: number): number =>
  (1 - BLEND) * before + BLEND * observed;

/** The score after an observation. Written out, as each exit of an agent asks for it. */
export function blend(before: Score, observed: Score): Score {
  return {
    trust: blendNumber(before.trust, observed.trust),
    performance: blendNumber(before.performance, observed.performance),
    difficulty: blendNumber(before.difficulty, observed.difficulty),
    reward: blendNumber(before.reward, observed.reward),
    reliability: blendNumber(before.reliability, observed.reliability),
    velocity: blendNumber(before.velocity, observed.velocity),
  };
}

/** Something that has a score. */
export interface Scored {
  readonly score: Score;
}

/** The best first: by the sum of what each dimension weighs. One that is not given weighs nothing. */
export function rankScores<Each extends Scored>(
  scored: readonly Each[],
  weights: Partial<Score>,
): Each[] {
  const worth = ({ score }: Each): number =>
    DIMENSIONS.reduce((sum, dimension) => sum + score[dimension] * (weights[dimension] ?? 0), 0);
  return [...scored].sort((one, other) => worth(other) - worth(one));
}

/** The most alike first, by the cosine between two scores; without the one that is compared. */
export function similarScores<Each extends Scored>(scored: readonly Each[], to: Each): Each[] {
  return scored
    .filter((each) => each !== to)
    .sort((one, other) => cosine(other.score, to.score) - cosine(one.score, to.score));
}

function cosine(one: Score, other: Score): number {
  const product = (left: Score, right: Score): number =>
    DIMENSIONS.reduce((sum, dimension) => sum + left[dimension] * right[dimension], 0);
  const lengths = Math.sqrt(product(one, one) * product(other, other));
  return lengths === 0 ? 0 : product(one, other) / lengths;
}
