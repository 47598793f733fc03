/** Builds a project and checks what comes of it: also by its policy, and the world that it is made for. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPolicy } from '../../index.ts';
import { buildForWorld } from '../project/build-project.ts';
import { type CheckOptions, checkComponent } from './check-component.ts';
import type { CheckProblem, ComponentCheck } from './component-check.ts';
import { fitWorld, type WorldFit } from './fit-world.ts';

/** The policy of a project, in its folder. */
const POLICY_FILE = 'ringfence.toml';

/**
 * Builds the project in a folder and checks the component; `policy` is the project's own where none is given.
 *
 * @throws {RingfenceError} as `buildProject`, `loadPolicy` and `checkComponent`
 */
export async function checkProject(
  folder: string,
  options: CheckOptions = {},
): Promise<ComponentCheck> {
  options.onProgress?.('building');
  const { built, world } = await buildForWorld(folder);
  const { file } = built;
  const policyFile = join(folder, POLICY_FILE);
  const own = options.policy === undefined && existsSync(policyFile);
  const policy = own ? await loadPolicy(policyFile) : (options.policy ?? null);
  const check = await checkComponent(file, { ...options, policy });
  if (check.world === null) {
    return check;
  }
  const fit = fitWorld(readFileSync(file), world.world);
  return { ...check, fit, problems: [...check.problems, ...problemsOf(fit)] };
}

function problemsOf({ world, differences, extraImports }: WorldFit): CheckProblem[] {
  return [
    ...differences.map((what) => ({
      severity: 'error' as const,
      message: `It does not fit the world ${world}: ${what}; build it again from that WIT.`,
    })),
    ...extraImportsOf(world, extraImports),
  ];
}

/** One warning for all: the library of a language brings dozens. `fit` has each. */
function extraImportsOf(world: string, extraImports: readonly string[]): CheckProblem[] {
  const [first, ...others] = new Set(extraImports.map((name) => name.split('#')[0]));
  if (first === undefined) return [];
  const all = others.length === 0 ? first : `${first} and ${others.length} more`;
  return [
    {
      severity: 'warning',
      message: `It imports ${all}, which the world ${world} does not have; the library of its language may have brought that: import it there, or do without.`,
    },
  ];
}
