/** Meters a core module: what the rest of ringfence calls. */

import { DEFAULT_METER_CAPS, type MeterCaps } from './caps.ts';
import { EDIT } from './edits.ts';
import type { Features, FeaturesInput } from './features.ts';
import type { FunctionPlan } from './function-plan.ts';
import { HelperSet } from './helpers.ts';
import { imageExports, imageOf, type ModuleImage } from './image.ts';
import { findLeaves, noLeaves } from './leaves.ts';
import {
  type DecodedModule,
  decodeModule,
  type MemoryType,
  type ModuleExport,
  type ModuleImport,
} from './module.ts';
import type { CodePositions } from './positions.ts';
import type { References } from './references.ts';
import { rewrite } from './rewrite.ts';

export { DEFAULT_METER_CAPS, type MeterCaps } from './caps.ts';
export { FUEL_TABLE_VERSION } from './costs.ts';
export type { FeaturesInput } from './features.ts';
export type { ModuleImage } from './image.ts';
export type { References } from './references.ts';

/** A module that counts its fuel. */
export interface MeteredModule {
  /** The rewritten module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether its functions take fuel. What shares tables with it must be of the same kind. */
  readonly references: References;
  /** The import module name of what is injected; no import of the module's own has it. */
  readonly injected: string;
  /** The export that was the start function; null: there was none. */
  readonly startExport: string | null;
  /** What a host can put back of an instance's state; null: not all of it. */
  readonly image: ModuleImage | null;
  /** Memories that it defines. */
  readonly memories: readonly {
    readonly initialPages: number;
    readonly maximumPages: number | null;
    /** Whether its addresses are 64 bits long. */
    readonly is64: boolean;
  }[];
  /** Whether these have become imports, in their order: `memory:0` and so on, of what is injected. */
  readonly importsMemories: boolean;
  /** Tables that it defines. */
  readonly tables: readonly { readonly initial: number; readonly maximum: number | null }[];
  /** Its own imports, in their order. */
  readonly imports: readonly ModuleImport[];
  /** Its own exports, in their order. */
  readonly exports: readonly ModuleExport[];
  /** Bytes of its active data segments, and 16 for each element of its active element segments. */
  readonly segmentBytes: number;
  /** What it uses of the features that have to be allowed. */
  readonly features: Features;
  /** Whether it has handlers of exceptions in the form that the standard no longer has. */
  readonly legacyExceptions: boolean;
  /**
   * Types that the rewritten module has; a long one counts as several. V8 keeps each distinct one for as
   * long as the process lives.
   */
  readonly types: number;
  /** Whether it is so large or so branched that it should be compiled as a trial by TurboFan too. */
  readonly doubtful: boolean;
}

/** How to meter. */
export interface MeterOptions {
  /** What is allowed that isn't run by default. */
  readonly features?: FeaturesInput;
  /**
   * `unthreaded`: functions keep their types even where nothing in the module needs that, for the sake of
   * a module that it shares tables with. @default what the module needs
   */
  readonly references?: 'unthreaded';
  /**
   * Whether the memories that it defines become imports, where all of them are of 32 bits: a host may
   * then give it ones that were used before. @default false
   */
  readonly importMemories?: boolean;
  /** What the engine is to call the module in traces. @default the name that it has */
  readonly moduleName?: string;
  /** Is told where each piece of the metered code comes from. @default nobody */
  readonly positions?: CodePositions;
}

/**
 * Rewrites a core module so that it counts its fuel, its call depth and its growth, and asks before it
 * goes on without fuel. The module must be one that `WebAssembly.validate` accepts.
 *
 * Modules that are linked with each other must be metered by {@link meterTogether}.
 *
 * @throws {RingfenceError} `RF_MODULE_REFUSED` naming the feature or size that isn't run and its
 * offset, `RF_MODULE_INVALID` for bytes that can't be decoded.
 */
export function meter(
  bytes: Uint8Array,
  caps: Partial<MeterCaps> = {},
  options: MeterOptions = {},
): MeteredModule {
  const limits = { ...DEFAULT_METER_CAPS, ...caps };
  const module = decodeModule(bytes, limits, options.features);
  const unthreaded = options.references === 'unthreaded' || module.use.typedReferences;
  const importMemories =
    options.importMemories === true && ownMemories(module).every(({ is64 }) => !is64);
  const meterAs = (references: References) =>
    meterDecoded(module, limits, references, { ...options, importMemories });
  // What needs the other kind may have been seen in a body only.
  return (unthreaded ? null : meterAs('threaded')) ?? meterAs('unthreaded')!;
}

/** How to meter modules that are linked with each other. */
export interface MeterTogetherOptions
  extends Omit<MeterOptions, 'references' | 'moduleName' | 'positions'> {
  /** For each module who is told where its metered code comes from. @default nobody */
  readonly positions?: readonly CodePositions[];
}

/**
 * Meters core modules that are linked with each other, as those of a component: all so that functions
 * take fuel, or none of them. See {@link References}. Traces name each by its place, from `0` on.
 *
 * @throws {RingfenceError} as {@link meter}
 */
export function meterTogether(
  modules: readonly Uint8Array[],
  caps: Partial<MeterCaps> = {},
  { positions, ...options }: MeterTogetherOptions = {},
): MeteredModule[] {
  const meterOne = (index: number, references?: 'unthreaded'): MeteredModule =>
    meter(modules[index]!, caps, {
      ...options,
      moduleName: String(index),
      ...(references !== undefined && { references }),
      ...(positions !== undefined && { positions: positions[index]! }),
    });
  const metered = modules.map((_, index) => meterOne(index));
  if (metered.every(({ references }) => references === metered[0]?.references)) return metered;
  return metered.map((each, index) =>
    each.references === 'unthreaded' ? each : meterOne(index, 'unthreaded'),
  );
}

/** Null: its functions can't take fuel. */
function meterDecoded(
  module: DecodedModule,
  caps: MeterCaps,
  references: References,
  { importMemories = false, moduleName, positions }: MeterOptions,
): MeteredModule | null {
  const threads = references === 'threaded';
  const leaves = threads ? findLeaves(module) : noLeaves(module);
  const helpers = new HelperSet(caps);
  if (threads) needHelpers(module, leaves, helpers);
  const injected = unusedName(
    'ringfence',
    new Set(module.imports.map((imported) => imported.module)),
  );
  const exportNames = new Set(module.exports.map(({ name }) => name));
  const unusedExport = (wanted: string) => unusedName(wanted, exportNames);
  const startExport = module.start === null ? null : unusedExport('ringfence:start');
  const image = imageExports(module, importMemories, unusedExport);
  const doubt = new Doubt(caps);
  let leavesTraces = false;
  const walked = (plan: FunctionPlan) => {
    doubt.add(plan);
    leavesTraces ||= plan.leavesTraces;
  };
  const rewritten = rewrite({
    module,
    leaves,
    helpers,
    references,
    caps,
    injected,
    startExport,
    imageExports: image,
    memoryImports: importMemories ? ownMemories(module) : [],
    walked,
    moduleName: moduleName ?? null,
    positions: positions ?? null,
  });
  if (rewritten === null) return null;
  return {
    bytes: rewritten.bytes,
    references,
    injected,
    startExport,
    image: image === null || leavesTraces ? null : imageOf(image),
    memories: ownMemories(module).map(({ initialPages, maximumPages, is64 }) => ({
      initialPages,
      maximumPages,
      is64,
    })),
    importsMemories: importMemories,
    tables: module.tables
      .slice(module.imported.table)
      .map(({ initial, maximum }) => ({ initial, maximum })),
    imports: module.imports,
    exports: module.exports,
    segmentBytes: module.segmentBytes,
    features: module.use.seen,
    legacyExceptions: module.use.legacyExceptions,
    types: rewritten.types,
    doubtful: doubt.isDoubtful,
  };
}

const ownMemories = (module: DecodedModule): readonly MemoryType[] =>
  module.memories.slice(module.imported.memory);

/** What exports, globals, element segments and the start section need to be injected. */
function needHelpers(module: DecodedModule, leaves: Int8Array, helpers: HelperSet): void {
  const imported = module.imported.function;
  for (const edits of module.edits.values()) {
    for (let edit = 0; edit < edits.length; edit++) {
      const target = edits.value(edit);
      const at = edits.at(edit);
      const kind = edits.kind(edit);
      if (kind === EDIT.referenceIndex) helpers.needReference(module, leaves, target, at);
      else if (kind === EDIT.functionIndex && target >= imported) {
        helpers.need({ kind: 'entry', target }, at);
      }
    }
  }
  if (module.start !== null) helpers.need({ kind: 'entry', target: module.start }, 0);
}

function unusedName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}:${number}`;
  return name;
}

/** Gathers whether any body, or all of them together, leave a doubt of what compiling them takes. */
class Doubt {
  readonly #caps: MeterCaps;
  #mergesTotal = 0;
  #questionsSquared = 0;
  #found = false;

  constructor(caps: MeterCaps) {
    this.#caps = caps;
  }

  add({ start, end, merges, ways, callOperands, questions }: FunctionPlan): void {
    const caps = this.#caps;
    this.#mergesTotal += merges;
    this.#questionsSquared += questions ** 2;
    this.#found ||=
      end - start > caps.doubtfulBodyBytes ||
      merges > caps.doubtfulMerges ||
      ways > caps.doubtfulWays ||
      questions > caps.doubtfulQuestions ||
      questions * (end - start) > caps.doubtfulQuestionBytes ||
      callOperands > caps.doubtfulCallOperands;
  }

  get isDoubtful(): boolean {
    return (
      this.#found ||
      this.#mergesTotal > this.#caps.doubtfulMergesTotal ||
      this.#questionsSquared > this.#caps.doubtfulQuestionsSquared
    );
  }
}
