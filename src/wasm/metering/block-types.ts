/** The types of blocks as types of functions, each made once. */

import { type DecodedModule, type FunctionType, NO_TYPE } from './module.ts';
import { invalid } from './refusals.ts';
import { type BlockType, slotsOf, type ValueType } from './value-types.ts';

function oneResult(type: ValueType): FunctionType {
  const resultSlots = slotsOf(type);
  return { ...NO_TYPE, results: [type], resultSlots, wide: resultSlots > 1 };
}

/** Those of one module. */
export class BlockTypes {
  readonly #module: DecodedModule;
  readonly #valueBlocks = new Map<ValueType, FunctionType>();
  readonly #resultTypes = new Map<FunctionType, FunctionType>();

  constructor(module: DecodedModule) {
    this.#module = module;
  }

  /** A block's type that leaves what functions of `type` do: their parameters are no operands. */
  resultsOf(type: FunctionType): FunctionType {
    if (type.parameters.length === 0) return type;
    let found = this.#resultTypes.get(type);
    if (!found) {
      found = { ...type, parameters: [], parameterSlots: 0 };
      this.#resultTypes.set(type, found);
    }
    return found;
  }

  /** The type that a block says, at `offset`. */
  of(type: BlockType, offset: number): FunctionType {
    if (type.kind === 'empty') return NO_TYPE;
    if (type.kind === 'index') {
      const found = this.#module.types[type.index];
      if (!found) throw invalid(`there is no type ${type.index}`, offset);
      return found;
    }
    let known = this.#valueBlocks.get(type.type);
    if (!known) {
      known = oneResult(type.type);
      this.#valueBlocks.set(type.type, known);
    }
    return known;
  }
}
