/**
 * Checks what a child process or the cache hands back, before anything is made of it: the plan by its
 * schema, the modules against the plan, and that what metering injects is really imported.
 */

import { setFlagsFromString } from 'node:v8';
import type { Features } from '../../metering/features.ts';
import { memoryImport } from '../../metering/image.ts';
import { requireAllowed } from '../../metering/refusals.ts';
import { type LinkPlan, type PlanModule, parsePlan } from '../plan.ts';
import { printable } from './sentence.ts';
import { TypeAccount } from './type-account.ts';

/** What is claimed to be a prepared module. */
export interface Claimed {
  readonly plan: unknown;
  readonly modules: readonly Uint8Array[];
}

/** What was found to be one. */
export interface Verified {
  readonly plan: LinkPlan;
  readonly compiled: WebAssembly.Module[];
}

/** What is claimed is no prepared module. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
}

/** What a metered module may import under its injected name, and of which kind. */
const INJECTED: ReadonlyMap<string, WebAssembly.ImportExportKind> = new Map([
  ['fuel', 'global'],
  ['depth', 'global'],
  ['check', 'function'],
  ['suspend', 'function'],
  ['grow', 'function'],
  ['ungrow', 'function'],
  ['exhausted_depth', 'function'],
]);

/**
 * @throws VerificationError where anything is not as metering and planning leave it; RingfenceError
 * `RF_MODULE_REFUSED` where it uses a feature that is not allowed: a cache also has what others may;
 * `RF_LIMIT_EXCEEDED` where this process would have more types of WebAssembly than V8 takes.
 */
export async function verify(
  claimed: Claimed,
  allowed: Features,
  types = processTypes,
): Promise<Verified> {
  const plan = planOf(claimed.plan);
  requireAllowed(plan.features, allowed);
  if (plan.modules.length !== claimed.modules.length) {
    throw new VerificationError(
      `${claimed.modules.length} modules for a plan of ${plan.modules.length}`,
    );
  }
  for (const [index, bytes] of claimed.modules.entries()) {
    if (plan.modules[index]!.size !== bytes.length) {
      throw new VerificationError(`module ${index} has another size than its plan says`);
    }
  }
  types.take(claimed.modules.map((bytes, index) => [bytes, plan.modules[index]!.types]));
  const compiled: WebAssembly.Module[] = [];
  for (const [index, bytes] of claimed.modules.entries()) {
    const module = await compile(bytes, index);
    requireInjected(module, plan.modules[index]!, index);
    compiled.push(module);
  }
  return { plan, compiled };
}

function planOf(claimed: unknown): LinkPlan {
  try {
    return parsePlan(claimed);
  } catch (error) {
    throw new VerificationError(`the plan is wrong: ${printable(String(error))}`, { cause: error });
  }
}

/**
 * Makes V8 compile whole modules while something is compiled. By itself it compiles a function when it
 * is first called, on the thread that calls: in a worker that is a gap for every agent of it, which no
 * fuel, deadline or kill sees.
 */
class WholeCompilation {
  #running = 0;

  async during<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#running += 1;
    setFlagsFromString('--no-wasm-lazy-compilation');
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) setFlagsFromString('--wasm-lazy-compilation');
    }
  }
}

/** One for the process, as V8's flags are. */
const wholeCompilation = new WholeCompilation();

/** One for the process, as V8's types are. */
const processTypes = new TypeAccount();

/** Compiles a module whole, by Liftoff and off this thread; its preparation has tried that before. */
async function compile(bytes: Uint8Array, index: number): Promise<WebAssembly.Module> {
  // V8 compiles on threads of its own, which don't keep Node's event loop alive: with nothing else
  // to wait for, the process would end here.
  const alive = setInterval(() => {}, 1000);
  try {
    return await wholeCompilation.during(() =>
      WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>),
    );
  } catch (error) {
    throw new VerificationError(`module ${index} does not compile`, { cause: error });
  } finally {
    clearInterval(alive);
  }
}

/** A module that doesn't import its fuel is not metered, whoever wrote it. */
function requireInjected(
  module: WebAssembly.Module,
  { injected, importsMemories, memories }: PlanModule,
  index: number,
): void {
  const expected = new Map(INJECTED);
  if (importsMemories) {
    for (const place of memories.keys()) expected.set(memoryImport(place), 'memory');
  }
  const found = new Set<string>();
  for (const entry of WebAssembly.Module.imports(module)) {
    if (entry.module !== injected) continue;
    if (expected.get(entry.name) !== entry.kind || found.has(entry.name)) {
      throw new VerificationError(
        `module ${index} imports a strange '${printable(entry.name, 80)}'`,
      );
    }
    found.add(entry.name);
  }
  for (const name of expected.keys()) {
    if (!found.has(name))
      throw new VerificationError(`module ${index} does not import its ${name}`);
  }
}
