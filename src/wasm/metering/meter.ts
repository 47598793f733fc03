/** Meters a core module: what the rest of ringfence calls. */

import { DEFAULT_METER_CAPS, type MeterCaps } from './caps.ts';
import { EDIT } from './edits.ts';
import type { FunctionPlan } from './function-body.ts';
import { HelperSet } from './helpers.ts';
import { findLeaves } from './leaves.ts';
import {
  type DecodedModule,
  decodeModule,
  type ModuleExport,
  type ModuleImport,
} from './module.ts';
import { rewrite } from './rewrite.ts';

export { DEFAULT_METER_CAPS, type MeterCaps } from './caps.ts';
export { FUEL_TABLE_VERSION } from './costs.ts';

/** A module that counts its fuel. */
export interface MeteredModule {
  /** The rewritten module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The import module name of what is injected; no import of the module's own has it. */
  readonly injected: string;
  /** The export that was the start function; null: there was none. */
  readonly startExport: string | null;
  /** Memories that it defines. */
  readonly memories: readonly {
    readonly initialPages: number;
    readonly maximumPages: number | null;
  }[];
  /** Tables that it defines. */
  readonly tables: readonly { readonly initial: number; readonly maximum: number | null }[];
  /** Its own imports, in their order. */
  readonly imports: readonly ModuleImport[];
  /** Its own exports, in their order. */
  readonly exports: readonly ModuleExport[];
  /** Bytes of its active data segments, and 16 for each element of its active element segments. */
  readonly segmentBytes: number;
  /** Whether it is so large or so branched that it should be compiled as a trial by TurboFan too. */
  readonly doubtful: boolean;
}

/**
 * Rewrites a core module so that it counts its fuel, its call depth and its growth, and asks before it
 * goes on without fuel. The module must be one that `WebAssembly.validate` accepts.
 *
 * @throws {RingfenceError} `RF_MODULE_REFUSED` naming the feature or size that isn't run and its
 * offset, `RF_MODULE_INVALID` for bytes that can't be decoded.
 */
export function meter(bytes: Uint8Array, caps: Partial<MeterCaps> = {}): MeteredModule {
  const limits = { ...DEFAULT_METER_CAPS, ...caps };
  const module = decodeModule(bytes, limits);
  const leaves = findLeaves(module);
  const helpers = new HelperSet(limits);
  needHelpers(module, leaves, helpers);
  const injected = unusedName(
    'ringfence',
    module.imports.map((imported) => imported.module),
  );
  const startExport =
    module.start === null
      ? null
      : unusedName(
          'ringfence:start',
          module.exports.map(({ name }) => name),
        );
  const doubt = new Doubt(limits);
  const walked = (plan: FunctionPlan) => doubt.add(plan);
  const input = { module, leaves, helpers, caps: limits, injected, startExport, walked };
  return {
    bytes: rewrite(input),
    injected,
    startExport,
    memories: module.memories.slice(module.imported.memory),
    tables: module.tables
      .slice(module.imported.table)
      .map(({ initial, maximum }) => ({ initial, maximum })),
    imports: module.imports,
    exports: module.exports,
    segmentBytes: module.segmentBytes,
    doubtful: doubt.isDoubtful,
  };
}

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

function unusedName(wanted: string, used: readonly string[]): string {
  const taken = new Set(used);
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}:${number}`;
  return name;
}

/** Gathers whether any body, or all of them together, leave a doubt of what compiling them takes. */
class Doubt {
  readonly #caps: MeterCaps;
  #mergesTotal = 0;
  #found = false;

  constructor(caps: MeterCaps) {
    this.#caps = caps;
  }

  add({ start, end, merges, ways, callOperands }: FunctionPlan): void {
    const caps = this.#caps;
    this.#mergesTotal += merges;
    this.#found ||=
      end - start > caps.doubtfulBodyBytes ||
      merges > caps.doubtfulMerges ||
      ways > caps.doubtfulWays ||
      callOperands > caps.doubtfulCallOperands;
  }

  get isDoubtful(): boolean {
    return this.#found || this.#mergesTotal > this.#caps.doubtfulMergesTotal;
  }
}
