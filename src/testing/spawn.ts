/** Spawns the agent of a test: by its policy or its grants, with random numbers of a seed. */

import {
  type Agent,
  type GrantSpec,
  type GrantsInput,
  type Kernel,
  loadPolicy,
  parseGrants,
} from '../index.ts';
import type { TestAgentOptions } from './options.ts';

/** What random numbers follow from, if nothing else is said. */
const SEED_DEFAULT = 'ringfence';

/** @throws {RingfenceError} as {@link Kernel.load} and {@link Kernel.spawn} */
export async function spawn(
  kernel: Kernel,
  source: string | URL | Uint8Array,
  options: TestAgentOptions,
): Promise<Agent> {
  const { policy: file, random = SEED_DEFAULT } = options;
  const policy = file === undefined ? null : await loadPolicy(file);
  const module = await kernel.load(source, {
    features:
      options.features ?? (policy === null ? {} : (about) => kernel.decide(policy, about).features),
  });
  const decided = policy === null ? null : kernel.decide(policy, module);
  const { grants = decided?.grants ?? {}, limits = decided?.limits } = options;
  const features = options.features ?? decided?.features;
  return kernel.spawn({
    module,
    grants: seeded(Array.isArray(grants) ? grants : parseGrants(grants as GrantsInput), random),
    ...(limits && { limits }),
    ...(features && { features }),
    environment: options.environment ?? decided?.environment ?? {},
    config: options.config ?? decided?.config ?? {},
    ...(options.arguments && { arguments: options.arguments }),
    ...(options.stdin !== undefined && { stdin: options.stdin }),
  });
}

/** Random numbers of no seed follow from that of the test. */
const seeded = (grants: readonly GrantSpec[], random: string | number): GrantSpec[] =>
  grants.map((spec) =>
    spec.kind === 'random' && spec.scope.seed === null
      ? { ...spec, scope: { ...spec.scope, seed: String(random) } }
      : spec,
  );
