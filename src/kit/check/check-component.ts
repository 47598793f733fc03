/** Checks a component: what it needs, whether a policy gives that, and what its start takes. */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import {
  ALL_FEATURE_NAMES,
  type Decision,
  type FeaturesInput,
  featuresNamed,
  type Kernel,
  type LoadedModule,
  namesOfFeatures,
  openKernel,
  type Policy,
  parseLimits,
  RingfenceError,
} from '../../index.ts';
import type {
  CheckedGrant,
  CheckedStart,
  CheckProblem,
  ComponentCheck,
} from './component-check.ts';
import { isTooLarge, startOf } from './start.ts';

/** How to check. */
export interface CheckOptions {
  /** Whose decision it is compared with. @default none */
  readonly policy?: Policy | null | undefined;
  /** Hears what is being done, in a few words. */
  readonly onProgress?: ((stage: string) => void) | undefined;
  /** Ends the check. */
  readonly signal?: AbortSignal | undefined;
}

/** Errors that say what is wrong with a module. */
const OF_THE_MODULE: ReadonlySet<string> = new Set([
  'RF_MODULE_INVALID',
  'RF_MODULE_REFUSED',
  'RF_PREPARE_LIMIT',
]);

/** Everybody has some of these. */
const GRANTED_ANYWAY: ReadonlySet<string> = new Set(['clocks', 'random']);

/**
 * Checks a module's file: it is prepared as for a run, compared with a policy, and started without any grant
 * until it first calls its host.
 *
 * @throws {RingfenceError} `RF_FILE` for what can't be read; what {@link openKernel} throws; the reason of
 * `signal`. What is wrong with the module is in the answer.
 *
 * @example
 * ```ts
 * const { grants, problems } = await checkComponent('build/my-agent.wasm');
 * ```
 */
export async function checkComponent(
  file: string,
  options: CheckOptions = {},
): Promise<ComponentCheck> {
  const kernel = await openKernel({ workers: 1, capacity: 1, onLog: () => {} });
  try {
    const problems: CheckProblem[] = [];
    const module = await loaded(kernel, file, options, problems);
    return module === null
      ? await unreadable(file, options.policy ?? null, problems)
      : await checked(kernel, file, module, { options, problems });
  } finally {
    await kernel.close();
  }
}

/** What can be said of a file that can't be run. */
async function unreadable(
  file: string,
  policy: Policy | null,
  problems: readonly CheckProblem[],
): Promise<ComponentCheck> {
  const bytes = await readFile(file);
  const { memoryBytes: limitBytes } = parseLimits({});
  return {
    file,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    world: null,
    imports: [],
    exports: [],
    grants: [],
    unusedGrants: [],
    policy: policy && { path: policy.path, line: null },
    memory: { declaredBytes: null, maximumBytes: null, limitBytes },
    features: [],
    start: null,
    fit: null,
    problems,
  };
}

async function checked(
  kernel: Kernel,
  file: string,
  module: LoadedModule,
  {
    options: { policy = null, signal },
    problems,
  }: { readonly options: CheckOptions; readonly problems: CheckProblem[] },
): Promise<ComponentCheck> {
  const decision = policy === null ? null : decided(policy, file, module, problems);
  const by = policy && { path: policy.path, line: decision?.entry?.line ?? null };
  const limits = decision?.limits ?? parseLimits({});
  const grants = await grantsOf(kernel, module, decision);
  const needed = new Set(grants.map(({ grant }) => grant));
  const unusedGrants = [...new Set((decision?.grants ?? []).map(({ kind }) => kind))].filter(
    (kind) => !needed.has(kind) && !GRANTED_ANYWAY.has(kind),
  );
  const { start, problems: ofStart } = await startOf(kernel, module, limits.memoryBytes, signal);
  problems.push(
    ...problemsOfGrants(grants, unusedGrants),
    ...problemsOfModule(module, decision),
    ...ofStart,
    ...problemsOfStart(start, limits.fuel),
  );
  const { digest, world, exports, declaredBytes, maximumBytes, features } = module;
  return {
    file,
    sizeBytes: (await stat(file)).size,
    sha256: digest,
    world,
    imports: module.imports.map(({ interface: name, version, functions }) => ({
      interface: name,
      version,
      functions,
    })),
    exports,
    grants,
    unusedGrants,
    policy: by,
    memory: { declaredBytes, maximumBytes, limitBytes: limits.memoryBytes },
    features: namesOfFeatures(features),
    start,
    fit: null,
    problems,
  };
}

/** The module, whatever features it uses; null: it can't be run, which is among the problems. */
async function loaded(
  kernel: Kernel,
  file: string,
  { onProgress, signal }: CheckOptions,
  problems: CheckProblem[],
): Promise<LoadedModule | null> {
  try {
    return await kernel.load(file, {
      features: featuresNamed(ALL_FEATURE_NAMES),
      onProgress,
      signal,
    });
  } catch (error) {
    if (!isOfTheModule(error)) {
      throw error;
    }
    problems.push({ severity: 'error', message: error.message });
    return null;
  }
}

const isOfTheModule = (error: unknown): error is RingfenceError =>
  error instanceof RingfenceError && OF_THE_MODULE.has(error.code);

function decided(
  policy: Policy,
  file: string,
  module: LoadedModule,
  problems: CheckProblem[],
): Decision | null {
  try {
    const { digest, realPath } = module;
    return policy.decide({ path: file, realPath, digest });
  } catch (error) {
    if (!isOfTheModule(error)) {
      throw error;
    }
    problems.push({ severity: 'error', message: error.message });
    return null;
  }
}

async function grantsOf(
  kernel: Kernel,
  module: LoadedModule,
  decision: Decision | null,
): Promise<CheckedGrant[]> {
  const functions = new Map<string, string[]>();
  for (const { grant, function: name } of await kernel.gatedImports(module)) {
    functions.set(grant, [...(functions.get(grant) ?? []), name]);
  }
  const isGranted = (grant: string): boolean | null =>
    decision === null ? null : decision.grants.some(({ kind }) => kind === grant);
  return [...functions].map(([grant, names]) => ({
    grant,
    functions: names,
    granted: isGranted(grant),
  }));
}

function problemsOfGrants(
  grants: readonly CheckedGrant[],
  unused: readonly string[],
): CheckProblem[] {
  const missing = grants.filter(({ granted }) => granted === false);
  return [
    ...missing.map(({ grant, functions: [first, ...others] }) => ({
      severity: 'warning' as const,
      message: `It imports ${first}${others.length === 0 ? '' : ` and ${others.length} more`}, which ${others.length === 0 ? 'is' : 'are'} denied without a grant '${grant}' that its policy does not give: grant it there, or leave the import out.`,
    })),
    ...unused.map((grant) => ({
      severity: 'warning' as const,
      message: `Its policy grants '${grant}', which nothing that it imports can use: take it out.`,
    })),
  ];
}

function problemsOfModule(module: LoadedModule, decision: Decision | null): CheckProblem[] {
  const { memoryBytes } = decision?.limits ?? parseLimits({});
  const problems: CheckProblem[] = [];
  const error = (message: string) => problems.push({ severity: 'error', message });
  if (isTooLarge(module, memoryBytes)) {
    error(
      `It declares ${module.declaredBytes} bytes of memory, and its limit is ${memoryBytes}: raise the limit (memory, --max-memory), or build it with less.`,
    );
  }
  const allowed: FeaturesInput = decision?.features ?? {};
  const names = namesOfFeatures(module.features).filter(
    (name) => !namesOfFeatures(allowed).includes(name),
  );
  for (const name of names) {
    error(
      `It uses ${name}, which has to be allowed: by features = ["${name}"] of its policy, or --wasm-features ${name}.`,
    );
  }
  if (module.features.relaxedSimd) {
    problems.push({
      severity: 'warning',
      message:
        'It uses relaxed SIMD, whose results differ between machines: build it without where runs are to be compared.',
    });
  }
  if (module.legacyExceptions) {
    problems.push({
      severity: 'warning',
      message:
        'It handles exceptions in the form that the standard no longer has, and engines may drop: build it for the standard one (-mllvm -wasm-use-legacy-eh=false of clang).',
    });
  }
  if (module.features.gc && (decision?.isolation ?? 'shared') !== 'process') {
    error(
      "It uses GC types, whose heap is that of a whole process: give it isolation = 'process' (--isolation process).",
    );
  }
  return problems;
}

function problemsOfStart(start: CheckedStart | null, fuel: number): CheckProblem[] {
  if (start === null || fuel === 0 || start.fuel < fuel) {
    return [];
  }
  return [
    {
      severity: 'error',
      message: `It uses ${start.fuel} units of fuel before it first calls its host, and its limit is ${fuel}: raise the limit (fuel, --max-fuel).`,
    },
  ];
}
