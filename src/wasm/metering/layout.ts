/** Where everything stands in the rewritten module: the indices of what was there and of what is injected. */

import type { Helper, HelperSet } from './helpers.ts';
import type { DecodedModule } from './module.ts';
import { encodeValueType, VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

/** The injected imports, functions first; what each is for stands in README.md. */
export const INJECTED_FUNCTIONS = [
  { name: 'check', parameters: [], results: [VALUE.i32] },
  { name: 'suspend', parameters: [], results: [] },
  { name: 'grow', parameters: [VALUE.i64], results: [VALUE.i32] },
  { name: 'ungrow', parameters: [VALUE.i64], results: [] },
  { name: 'exhausted_depth', parameters: [], results: [] },
] as const;

/** The injected globals: both mutable, one of each for an agent. */
export const INJECTED_GLOBALS = [
  { name: 'fuel', type: VALUE.i64 },
  { name: 'depth', type: VALUE.i32 },
] as const;

/** Types that are added to the module's own, each once. */
export class AddedTypes {
  readonly encoded: number[][] = [];
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
    this.#indices.set(key, index);
    return index;
  }
}

/** The index spaces of the rewritten module. */
export class Layout {
  readonly module: DecodedModule;
  readonly types: AddedTypes;
  /** The injected globals. */
  readonly fuel: number;
  readonly depth: number;
  /** The injected imports. */
  readonly check: number;
  readonly suspend: number;
  readonly grow: number;
  readonly ungrow: number;
  readonly exhaustedDepth: number;
  /** The injected function that is called where fuel is below zero; the helpers stand after it. */
  readonly refuel: number;
  readonly #helpers: HelperSet;
  readonly #importedFunctions: number;
  readonly #importedGlobals: number;

  constructor(module: DecodedModule, helpers: HelperSet) {
    this.module = module;
    this.#helpers = helpers;
    this.types = new AddedTypes(module.types.length);
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
  }

  /** The new index of a function that is called or exported. */
  function(index: number): number {
    return index < this.#importedFunctions ? index : index + INJECTED_FUNCTIONS.length;
  }

  /** The new index of a function that becomes a reference: an imported one has its wrapper's. */
  reference(index: number): number {
    return index < this.#importedFunctions
      ? this.helper({ kind: 'wrapper', target: index })
      : index + INJECTED_FUNCTIONS.length;
  }

  global(index: number): number {
    return index < this.#importedGlobals ? index : index + INJECTED_GLOBALS.length;
  }

  helper(helper: Helper): number {
    return this.helperNumber(this.#helpers.numberOf(helper));
  }

  helperNumber(number: number): number {
    return this.refuel + 1 + number;
  }
}
