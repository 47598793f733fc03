/**
 * Prepares a module that nobody trusts: from the bytes of a file to a link plan and metered, compiled
 * core modules, by way of a child process or the cache.
 */

import { createHash } from 'node:crypto';
import { RingfenceError } from '../../../errors.ts';
import { type Features, type FeaturesInput, featuresOf } from '../../metering/features.ts';
import { ModuleCache } from '../cache/cache.ts';
import { cacheKey, installedVersions } from '../cache/key.ts';
import { type LinkPlan, PLAN_FORMAT } from '../plan.ts';
import { runChild } from './child-process.ts';
import { kindOf } from './kinds.ts';
import { DEFAULT_PREPARE_LIMITS, modulesBytesMax, type PrepareLimits } from './limits.ts';
import type { AnswerBounds, ChildAnswer, ChildStage } from './protocol.ts';
import { printable } from './sentence.ts';
import type { TypeAccount } from './type-account.ts';
import { VerificationError, type Verified, verify } from './verify.ts';

export { defaultCacheDirectory } from '../cache/directory.ts';
export { DEFAULT_PREPARE_LIMITS, type PrepareLimits } from './limits.ts';

/** A module that is ready to be instantiated. */
export interface PreparedModule {
  /** SHA-256 of the file, in hexadecimal. */
  readonly digest: string;
  readonly plan: LinkPlan;
  /** The metered core modules, in the plan's order. */
  readonly modules: readonly Uint8Array[];
  /** The same, compiled; may be posted to workers. */
  readonly compiled: readonly WebAssembly.Module[];
  /** It was a wasip1 command. */
  readonly adapted: boolean;
  readonly fromCache: boolean;
  /** One sentence for each thing that went wrong without being in the way; mostly none. */
  readonly warnings: readonly string[];
}

/** How to prepare. */
export interface PrepareOptions {
  /** Where prepared modules are kept; null: nowhere. See {@link defaultCacheDirectory}. */
  readonly cacheDirectory: string | null;
  readonly limits?: Partial<PrepareLimits>;
  /**
   * Features that the module may use, where it is known which module it is. What it throws is thrown, and
   * nothing was prepared. @default none
   */
  readonly allow?: ((digest: string) => FeaturesInput) | undefined;
  /** Hears what is being done, in a few words. */
  readonly onProgress?: ((stage: string) => void) | undefined;
  /** Ends the preparation; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Programs to run in place of the two children. Only for tests. */
  readonly childFiles?: Partial<ChildFiles>;
  /** Counts the types that are compiled, in place of the process's own account. Only for tests. */
  readonly types?: TypeAccount;
}

/** The programs of the children. */
export interface ChildFiles {
  readonly prepare: URL;
  readonly optimise: URL;
}

/** Run from source by Node itself, or as it was built. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const CHILD_FILES: ChildFiles = {
  prepare: new URL(`./child.${EXTENSION}`, import.meta.url),
  optimise: new URL(`./optimise-child.${EXTENSION}`, import.meta.url),
};

/** Without Liftoff, V8 compiles every function by TurboFan. */
export const TURBOFAN_FLAGS: readonly string[] = ['--no-liftoff'];

/** Everything one preparation works with. */
interface Job {
  readonly bytes: Uint8Array;
  readonly limits: PrepareLimits;
  readonly bounds: AnswerBounds;
  readonly features: Features;
  readonly files: ChildFiles;
  readonly types: TypeAccount | undefined;
  readonly deadlineAt: number;
  readonly onStage: (stage: ChildStage) => void;
  readonly signal: AbortSignal | undefined;
}

/** What was prepared or found. */
interface Made extends Verified {
  readonly modules: readonly Uint8Array[];
  readonly adapted: boolean;
}

/**
 * Prepares the module in a file's bytes, which must not change meanwhile.
 *
 * @throws RingfenceError `RF_MODULE_INVALID`, `RF_MODULE_REFUSED` where the module can't be run;
 * `RF_PREPARE_LIMIT` where preparing it passed a limit; `RF_LIMIT_EXCEEDED` where the process has compiled
 * too many types of others; `RF_FILE` where the cache's directory can't be
 * trusted; `RF_INTERNAL` where ringfence itself failed. The signal's reason where it was aborted.
 *
 * @example
 * ```ts
 * const prepared = await prepareModule(await readFile('agent.wasm'), {
 *   cacheDirectory: defaultCacheDirectory(),
 * });
 * ```
 */
export async function prepareModule(
  bytes: Uint8Array,
  options: PrepareOptions,
): Promise<PreparedModule> {
  const limits = { ...DEFAULT_PREPARE_LIMITS, ...options.limits };
  options.signal?.throwIfAborted();
  // What it is comes first: somebody else's large file is no module that is too large.
  kindOf(bytes);
  requireSize(bytes.length, limits);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const job: Job = {
    bytes,
    limits,
    bounds: {
      planBytes: limits.planBytes,
      modules: limits.modules,
      modulesBytes: modulesBytesMax(bytes.length, limits),
    },
    features: featuresOf(options.allow?.(digest) ?? {}),
    files: { ...CHILD_FILES, ...options.childFiles },
    types: options.types,
    deadlineAt: performance.now() + limits.deadlineMs,
    onStage: options.onProgress ?? (() => {}),
    signal: options.signal,
  };

  const shelf = await Shelf.open(options.cacheDirectory, digest);
  const found = await shelf.find(job);
  options.signal?.throwIfAborted();
  const made = found ?? (await make(job));
  if (found === null) await shelf.put(made);
  const { plan, modules, compiled, adapted } = made;
  return {
    digest,
    plan,
    modules,
    compiled,
    adapted,
    fromCache: found !== null,
    warnings: shelf.warnings,
  };
}

/** Refuses a file by its size alone, when it has not been read yet. */
export function requireSize(bytes: number, limits: PrepareLimits = DEFAULT_PREPARE_LIMITS): void {
  if (bytes <= limits.fileBytes) return;
  throw new RingfenceError(
    'RF_MODULE_REFUSED',
    `The file has ${bytes} bytes and ${limits.fileBytes} are the most: build it smaller, or strip its debug information.`,
    { bytes, fileBytes: limits.fileBytes },
  );
}

/** Prepares by a child process, and a second one for what TurboFan might choke on. */
async function make(job: Job): Promise<Made> {
  const { limits, bounds, features, deadlineAt, onStage, signal } = job;
  const common = { limits, bounds, features, deadlineAt, onStage, signal };
  const first = await runChild({
    ...common,
    file: job.files.prepare,
    flags: [],
    input: [job.bytes],
  });
  if (first.kind === 'refused') throw first.error;
  if (first.kind === 'told' || first.answer === null)
    throw strange(new VerificationError('an answer without a plan'));
  const { answer } = first;
  const verified = await verifyAnswer(answer, job);
  if (answer.doubtful.length > 0) {
    const second = await runChild({
      ...common,
      file: job.files.optimise,
      flags: TURBOFAN_FLAGS,
      input: answer.doubtful.map((index) => answer.modules[index]!),
    });
    if (second.kind === 'refused') throw second.error;
  }
  return { ...verified, modules: answer.modules, adapted: answer.adapted };
}

async function verifyAnswer(answer: ChildAnswer, { features, types }: Job): Promise<Verified> {
  try {
    return await verify(answer, features, types);
  } catch (error) {
    // It came back as it should: this process has no room for it.
    if (error instanceof RingfenceError) throw error;
    throw strange(error);
  }
}

function strange(error: unknown): RingfenceError {
  const problem = error instanceof VerificationError ? error.message : 'it could not be checked';
  return new RingfenceError(
    'RF_INTERNAL',
    `What came back of preparing the module is wrong (${printable(problem, 200)}): this is a fault of ringfence, please report it with the module.`,
    {},
    { cause: error },
  );
}

/** One module's place in the cache, if there is one. What fails here is said and not in the way. */
class Shelf {
  readonly warnings: string[] = [];
  readonly #cache: ModuleCache | null;
  readonly #key: string;

  private constructor(cache: ModuleCache | null, key: string) {
    this.#cache = cache;
    this.#key = key;
  }

  static async open(directory: string | null, digest: string): Promise<Shelf> {
    if (directory === null) return new Shelf(null, '');
    const key = cacheKey(digest, installedVersions(PLAN_FORMAT));
    try {
      return new Shelf(await ModuleCache.open(directory), key);
    } catch (error) {
      // One that others may write is an attack or a mistake, and for the user to decide.
      if (error instanceof RingfenceError) throw error;
      const shelf = new Shelf(null, key);
      shelf.#warn(`Cannot use the cache '${directory}'`, error);
      return shelf;
    }
  }

  async find({ bounds, features, types }: Job): Promise<Made | null> {
    const cache = this.#cache;
    if (cache === null) return null;
    const content = await cache.read(this.#key, bounds).catch((error: unknown) => {
      this.#warn('Cannot read the cache', error);
      return null;
    });
    if (content === null) return null;
    try {
      const verified = await verify(content, features, types);
      return { ...verified, modules: content.modules, adapted: content.adapted };
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      await cache.discard(this.#key);
      return null;
    }
  }

  async put(made: Made): Promise<void> {
    const { plan, modules, adapted } = made;
    await this.#cache?.write(this.#key, { plan, modules, adapted }).catch((error: unknown) => {
      this.#warn('Cannot write to the cache', error);
    });
  }

  #warn(what: string, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    this.warnings.push(
      `${what} (${printable(String(code), 100)}), so the module is prepared anew each time: make room and the directory writable, or name another by RINGFENCE_CACHE.`,
    );
  }
}
