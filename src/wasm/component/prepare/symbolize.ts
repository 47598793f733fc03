/** Says what places of metered code are in the component itself, by way of a child process. */

import * as z from 'zod';
import { RingfenceError } from '../../../errors.ts';
import type { Features } from '../../metering/features.ts';
import { runChild } from './child-process.ts';
import { DEFAULT_PREPARE_LIMITS } from './limits.ts';
import { requireSize } from './prepare.ts';
import { printable } from './sentence.ts';

/** A place in a metered core module: which one of the component's, and the offset in its bytes. */
interface MeteredPlace {
  readonly module: number;
  readonly offset: number;
}

/** Characters of a function's name that are told. */
export const FUNCTION_NAME_MAX = 256;

const locatedSchema = z.strictObject({
  /** Which core module, in the order of the component. */
  module: z.int().nonnegative(),
  /** Index of the function in that module, imported ones counted. */
  function: z.int().nonnegative(),
  /** Its name by the module's name section; null: it has none there. */
  name: z.string().max(FUNCTION_NAME_MAX).nullable(),
  /** Of the instruction, from the beginning of the core module's bytes. */
  offset: z.int().nonnegative(),
});

/** A place in a core module of a component. */
export type LocatedPlace = Readonly<z.infer<typeof locatedSchema>>;

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const CHILD_FILE = new URL(`./symbolize-child.${EXTENSION}`, import.meta.url);

/**
 * Where the places are in the component in `bytes`, which they were found out of; null for those that are
 * in no function of its own.
 *
 * @throws {RingfenceError} as `prepareModule`; `RF_INTERNAL` where what comes back is wrong
 */
export async function locatePlaces(
  bytes: Uint8Array,
  places: readonly MeteredPlace[],
  features: Features,
): Promise<(LocatedPlace | null)[]> {
  if (places.length === 0) return [];
  requireSize(bytes.length);
  const limits = DEFAULT_PREPARE_LIMITS;
  const answer = await runChild({
    file: CHILD_FILE,
    flags: [],
    input: [bytes, new TextEncoder().encode(JSON.stringify(places))],
    bounds: { planBytes: limits.planBytes, modules: 0, modulesBytes: 0 },
    features,
    limits,
    deadlineAt: performance.now() + limits.deadlineMs,
    onStage: () => {},
    signal: undefined,
  });
  if (answer.kind === 'refused') throw answer.error;
  const told = z
    .array(locatedSchema.nullable())
    .length(places.length)
    .safeParse(answer.kind === 'told' ? answer.value : null);
  if (!told.success) {
    throw new RingfenceError(
      'RF_INTERNAL',
      'What came back of looking up the places of a trap is wrong: this is a fault of ringfence, please report it with the module.',
      {},
      { cause: told.error },
    );
  }
  return told.data.map((place) =>
    place === null ? null : { ...place, name: place.name === null ? null : printable(place.name) },
  );
}
