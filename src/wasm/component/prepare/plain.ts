/**
 * Modules without metering, for `ringfence bench` to compare with. Nothing stops one that runs but the end of its
 * process: the kernel runs it in none but such a process of its own (docs/performance.md).
 */

import { RingfenceError } from '../../../errors.ts';
import type { Features } from '../../metering/features.ts';
import { requireAllowed } from '../../metering/refusals.ts';
import { type LinkPlan, parsePlan } from '../plan.ts';
import { runChild } from './child-process.ts';
import { DEFAULT_PREPARE_LIMITS, modulesBytesMax } from './limits.ts';

/** A module that counts nothing, in the plan of one that does. It is compiled by whoever runs it. */
export interface PlainModule {
  readonly plan: LinkPlan;
  readonly modules: readonly Uint8Array[];
}

const CHILD = new URL(
  `./plain-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

/**
 * Takes a module apart that was prepared before, by a child process without rights.
 *
 * @throws {RingfenceError} as `prepareModule`
 */
export async function preparePlain(
  bytes: Uint8Array,
  features: Features,
  signal: AbortSignal,
): Promise<PlainModule> {
  const limits = DEFAULT_PREPARE_LIMITS;
  const answered = await runChild({
    file: CHILD,
    flags: [],
    input: [bytes],
    bounds: {
      planBytes: limits.planBytes,
      modules: limits.modules,
      modulesBytes: modulesBytesMax(bytes.length, limits),
    },
    features,
    limits,
    deadlineAt: performance.now() + limits.deadlineMs,
    onStage: () => {},
    signal,
  });
  if (answered.kind === 'refused') throw answered.error;
  const answer = answered.kind === 'accepted' ? answered.answer : null;
  if (answer === null) throw strange();
  const plan = planOf(answer.plan);
  requireAllowed(plan.features, features);
  const { modules } = answer;
  const fits =
    plan.modules.length === modules.length &&
    plan.modules.every(
      ({ size, importsMemories, image }, index) =>
        size === modules[index]!.length && !importsMemories && image === null,
    );
  if (!fits) throw strange();
  return { plan, modules };
}

function planOf(claimed: unknown): LinkPlan {
  try {
    return parsePlan(claimed);
  } catch (error) {
    throw strange(error);
  }
}

function strange(cause?: unknown): RingfenceError {
  return new RingfenceError(
    'RF_INTERNAL',
    'What came back of taking the module apart is wrong: this is a fault of ringfence, please report it with the module.',
    {},
    { cause },
  );
}
