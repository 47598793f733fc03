/** The modules of a kernel: reads and prepares them, and knows those that it has handed out. */

import { createHash } from 'node:crypto';
import type { WasmModule } from '../backend/wasm/module.ts';
import type { GrantKind } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';
import { usageError } from '../usage-error.ts';
import { maximumBytes } from '../wasm/component/plan.ts';
import { type PreparedModule, prepareModule } from '../wasm/component/prepare/prepare.ts';
import { WorkQueue } from '../wasm/component/prepare/queue.ts';
import { type Features, featuresOf } from '../wasm/metering/features.ts';
import { pathOf, readModule } from './module-file.ts';
import {
  featuresSchema,
  type GatedImport,
  type LoadedModule,
  type LoadOptions,
  type ModuleSource,
} from './spawn-options.ts';

/** Kinds that are granted to everybody, unless a policy withdraws them. */
const GRANTED_ANYWAY: ReadonlySet<string> = new Set<GrantKind>(['clocks', 'random']);

/** Names of the catalogue; a `:` would make one look like a digest in a scope. */
const CATALOGUE_NAME = /^[A-Za-z0-9._-]{1,128}$/;

/** Modules that are prepared at a time. */
const PREPARATIONS_AT_A_TIME = 2;

/** Behind the digest of a module that counts nothing: no file has such a digest, so nobody can name it. */
const PLAIN = ':plain';

/** What modules need of the rest of the kernel. */
export interface ModulesOptions {
  /** Where prepared modules are kept; null: nowhere. */
  readonly cacheDirectory: string | null;
  readonly backend: {
    ready(): Promise<void>;
    addModule(module: WasmModule): void;
  };
  /** Aborted when nothing is loaded any more. */
  readonly closing: AbortSignal;
  /** A module was loaded. Must not throw. */
  loaded(digest: string, bytes: number, fromCache: boolean): void;
  /** A load has failed. Must not throw. */
  refused(error: unknown): void;
  warn(text: string): void;
}

/** What a module is, by what it is started at. */
const WORLD_OF = {
  'agent-run': 'ringfence:agent',
  'wasi-cli-run': 'wasi:cli',
  'http-handle': 'wasi:http',
} as const;

function describe(
  prepared: PreparedModule,
  path: string | null,
  realPath: string | null,
  name: string | null,
): LoadedModule {
  const { plan } = prepared;
  return {
    digest: prepared.digest,
    name,
    path,
    realPath,
    world: WORLD_OF[plan.entry.kind],
    imports: plan.imports,
    exports: plan.exports,
    features: Object.freeze({ ...plan.features }),
    legacyExceptions: plan.legacyExceptions,
    declaredBytes: plan.declaredBytes,
    maximumBytes: maximumBytes(plan),
    fromCache: prepared.fromCache,
    adapted: prepared.adapted,
  };
}

/** What a module that was just read may use. @throws {RingfenceError} `RF_USAGE`, or what was thrown */
function allowedAtLoad(given: LoadOptions['features'], module: ModuleSource): Features {
  const parsed = featuresSchema.safeParse(
    (typeof given === 'function' ? given(module) : given) ?? {},
  );
  if (!parsed.success) {
    throw usageError('load the module', parsed.error);
  }
  return featuresOf(parsed.data);
}

/** All modules that a kernel has loaded. */
export class Modules {
  readonly #options: ModulesOptions;
  /** Nobody else's can be spawned from. */
  readonly #handedOut = new WeakSet<LoadedModule>();
  /** The same, for agents that spawn: they name a module by its digest. */
  readonly #byDigest = new Map<string, LoadedModule>();
  /** The catalogue: what agents can name modules by, besides. */
  readonly #byName = new Map<string, LoadedModule>();
  /** Those of them that count nothing. */
  readonly #plain = new WeakSet<LoadedModule>();
  readonly #preparations = new WorkQueue(PREPARATIONS_AT_A_TIME);

  constructor(options: ModulesOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#byDigest.size;
  }

  /** Whether it is one of ours, and not made by somebody else. */
  has(module: LoadedModule): boolean {
    return this.#handedOut.has(module);
  }

  /** Whether it counts nothing, and so may run in a process of its own only. */
  isPlain(module: LoadedModule): boolean {
    return this.#plain.has(module);
  }

  ofDigest(digest: string): LoadedModule | undefined {
    return this.#byDigest.get(digest);
  }

  /** One that was loaded under a name. */
  ofName(name: string): LoadedModule | undefined {
    return this.#byName.get(name);
  }

  /** @throws {RingfenceError} see {@link Kernel.load} */
  async load(source: string | URL | Uint8Array, options: LoadOptions = {}): Promise<LoadedModule> {
    if (this.#options.closing.aborted) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot load a module as the kernel is closed: open another.',
      );
    }
    const { name = null } = options;
    if (name !== null && !CATALOGUE_NAME.test(name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot load the module under the name ${JSON.stringify(name.slice(0, 64))}: give it 1 to 128 letters, digits, '.', '_' or '-'.`,
      );
    }
    const path = pathOf(source);
    try {
      return await this.#load(source, path, name, options);
    } catch (error) {
      this.#options.refused(error);
      throw error;
    }
  }

  async #load(
    source: string | URL | Uint8Array,
    path: string | null,
    name: string | null,
    options: LoadOptions,
  ): Promise<LoadedModule> {
    const { bytes, realPath } =
      source instanceof Uint8Array
        ? { bytes: source, realPath: null }
        : await readModule(path ?? '');
    const signals = [this.#options.closing, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    const { onProgress } = options;
    const { cacheDirectory } = this.#options;
    const allow = (digest: string) => allowedAtLoad(options.features, { digest, path, realPath });
    const [prepared] = await Promise.all([
      this.#preparations.run(
        () => prepareModule(bytes, { cacheDirectory, allow, onProgress, signal }),
        signal,
      ),
      this.#options.backend.ready(),
    ]);
    for (const warning of prepared.warnings) {
      this.#options.warn(warning);
    }
    this.#options.backend.addModule(prepared);
    const module = Object.freeze(describe(prepared, path, realPath, name));
    this.#handedOut.add(module);
    this.#byDigest.set(module.digest, module);
    if (name !== null) {
      this.#byName.set(name, module);
    }
    this.#options.loaded(module.digest, bytes.length, module.fromCache);
    return module;
  }

  /**
   * One that does the same and counts nothing, of a module that was loaded from a file: for
   * `ringfence bench`. Agents can't name it, and it is no part of the kernel's public face.
   *
   * @throws {RingfenceError} `RF_FILE` for a file that is another by now; as {@link load}
   */
  async loadPlain(module: LoadedModule, signal: AbortSignal): Promise<LoadedModule> {
    const path = module.path ?? '';
    const { bytes } = await readModule(path);
    if (!this.has(module) || createHash('sha256').update(bytes).digest('hex') !== module.digest) {
      throw new RingfenceError(
        'RF_FILE',
        `Cannot load ${JSON.stringify(path)} without metering: it is another file by now; load it again.`,
        { path },
      );
    }
    const { preparePlain } = await import('../wasm/component/prepare/plain.ts');
    const signals = AbortSignal.any([this.#options.closing, signal]);
    const prepared = await this.#preparations.run(
      () => preparePlain(bytes, module.features, signals),
      signals,
    );
    const digest = `${module.digest}${PLAIN}`;
    this.#options.backend.addModule({ ...prepared, digest, compiled: [], isPlain: true });
    const plain = Object.freeze({ ...module, digest, name: null });
    this.#handedOut.add(plain);
    this.#plain.add(plain);
    return plain;
  }

  /** See {@link Kernel.neededGrants}. */
  async neededGrants(module: LoadedModule): Promise<string[]> {
    return [...new Set((await this.gatedImports(module)).map(({ grant }) => grant))];
  }

  /** See {@link Kernel.gatedImports}. */
  async gatedImports(module: LoadedModule): Promise<GatedImport[]> {
    // Only who asks needs the host functions in this thread.
    const { HOST } = await import('../wasm/host/index.ts');
    return module.imports.flatMap(({ interface: interfaceName, functions }) =>
      functions.flatMap((name) => {
        const grant = HOST.get(interfaceName)?.get(name)?.capability ?? null;
        return grant === null || GRANTED_ANYWAY.has(grant)
          ? []
          : [{ function: `${interfaceName}#${name}`, grant }];
      }),
    );
  }
}
