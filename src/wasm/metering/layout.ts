/** Where everything stands in the rewritten module: the indices of what was there and of what is injected. */

import type { Helper, HelperSet } from './helpers.ts';
import { NO_LEAF } from './leaves.ts';
import type { DecodedModule } from './module.ts';
import { ADDED_PARAMETERS, type References } from './references.ts';
import { typeWeight } from './type-weight.ts';
import { encodeValueType, VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

const { i32, f64 } = VALUE;

/** The injected imports, functions first; what each is for stands in README.md. */
export const INJECTED_FUNCTIONS = [
  { name: 'check', parameters: [i32], results: [i32] },
  { name: 'suspend', parameters: [], results: [] },
  { name: 'grow', parameters: [f64], results: [i32] },
  { name: 'ungrow', parameters: [f64], results: [] },
  { name: 'exhausted_depth', parameters: [], results: [] },
] as const;

/** The injected globals: both mutable, one of each for an agent. */
export const INJECTED_GLOBALS = [
  { name: 'fuel', type: i32 },
  { name: 'depth', type: i32 },
] as const;

/** Types that are added to the module's own, each once. */
class AddedTypes {
  readonly encoded: number[][] = [];
  /** What they count as: see {@link typeWeight}. */
  weight = 0;
  readonly #first: number;
  readonly #indices = new Map<string, number>();

  constructor(first: number) {
    this.#first = first;
  }

  /** The index of the function type. */
  of(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const bytes = [0x60];
    for (const types of [parameters, results]) {
      const writer = new ByteWriter(8);
      writer.u32(types.length);
      bytes.push(...writer.bytes, ...types.flatMap(encodeValueType));
    }
    const key = bytes.join(' ');
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#first + this.encoded.length;
    this.encoded.push(bytes);
    this.weight += typeWeight(parameters.length + results.length);
    this.#indices.set(key, index);
    return index;
  }
}

/** The index spaces of the rewritten module. */
export class Layout {
  readonly module: DecodedModule;
  readonly types: AddedTypes;
  /** Whether bodies take fuel and depth and return fuel. */
  readonly threads: boolean;
  /** What each function of the module's own costs where it is a leaf. */
  readonly leaves: Int8Array;
  /** The injected globals. */
  readonly fuel: number;
  readonly depth: number;
  /** The injected imports. */
  readonly check: number;
  readonly suspend: number;
  readonly grow: number;
  readonly ungrow: number;
  readonly exhaustedDepth: number;
  /** The injected functions that are called where fuel or depth is below zero; the helpers stand after them. */
  readonly refuel: number;
  readonly enter: number;
  readonly #helpers: HelperSet;
  readonly #importedFunctions: number;
  readonly #importedGlobals: number;
  readonly #threaded: Int32Array;
  readonly #resultsOnly = new Map<number, number>();

  constructor(
    module: DecodedModule,
    helpers: HelperSet,
    leaves: Int8Array,
    references: References,
  ) {
    this.module = module;
    this.threads = references === 'threaded';
    this.leaves = leaves;
    this.#helpers = helpers;
    this.types = new AddedTypes(module.types.length);
    this.#threaded = new Int32Array(module.types.length);
    this.#importedFunctions = module.imported.function;
    this.#importedGlobals = module.imported.global;
    const first = this.#importedFunctions;
    this.check = first;
    this.suspend = first + 1;
    this.grow = first + 2;
    this.ungrow = first + 3;
    this.exhaustedDepth = first + 4;
    this.fuel = this.#importedGlobals;
    this.depth = this.#importedGlobals + 1;
    this.refuel = module.functions.length + INJECTED_FUNCTIONS.length;
    this.enter = this.refuel + 1;
  }

  isLeaf(index: number): boolean {
    return this.leaves[index - this.#importedFunctions] !== NO_LEAF;
  }

  /** The type of a function of the type with index `type`, as its body takes and returns fuel. */
  threadedType(type: number): number {
    // An index of 0 is never that of an added type: the original one comes first.
    if (this.#threaded[type] === 0) {
      const { parameters, results } = this.module.functionType(type);
      this.#threaded[type] = this.types.of([...parameters, i32, i32], [...results, i32]);
    }
    return this.#threaded[type]!;
  }

  /** The type of a block that leaves the results of the function type with index `type`. */
  resultsType(type: number): number {
    let found = this.#resultsOnly.get(type);
    if (found === undefined) {
      found = this.types.of([], this.module.functionType(type).results);
      this.#resultsOnly.set(type, found);
    }
    return found;
  }

  /** The new index of a function's body, or of an imported function. */
  function(index: number): number {
    return index < this.#importedFunctions ? index : index + INJECTED_FUNCTIONS.length;
  }

  /** The new type of a function's body. */
  bodyType(index: number): number {
    const type = this.module.functions[index]!;
    return this.threads && !this.isLeaf(index) ? this.threadedType(type) : type;
  }

  /** By how much locals of a function's body shift that are no parameters. */
  localShift(index: number): number {
    return this.threads && !this.isLeaf(index) ? ADDED_PARAMETERS : 0;
  }

  /** The new index of what stands for the function that was the start function. */
  started(index: number): number {
    return this.threads ? this.helper({ kind: 'entry', target: index }) : this.function(index);
  }

  /** The new index of a function that is exported. */
  exported(index: number): number {
    if (!this.threads) return this.function(index);
    return index < this.#importedFunctions ? index : this.helper({ kind: 'entry', target: index });
  }

  /** The new index of a function that becomes a reference: what is called by one takes fuel. */
  reference(index: number): number {
    if (!this.threads) return this.function(index);
    return index < this.#importedFunctions || this.isLeaf(index)
      ? this.helper({ kind: 'reference', target: index })
      : index + INJECTED_FUNCTIONS.length;
  }

  global(index: number): number {
    return index < this.#importedGlobals ? index : index + INJECTED_GLOBALS.length;
  }

  helper(helper: Helper): number {
    return this.helperNumber(this.#helpers.numberOf(helper));
  }

  helperNumber(number: number): number {
    return this.enter + 1 + number;
  }
}
