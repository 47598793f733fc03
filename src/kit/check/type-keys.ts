/** Types by what they are made of: to compare them, and to show them. */

import type { FunctionType, ValueType } from '../../wasm/component/types.ts';

/** Parts of parts that are shown. */
const SHOWN_DEPTH = 3;

/**
 * Gives types that are made of the same parts one key. Each is looked at once, so that one whose parts double at
 * each level costs no more than it has levels.
 */
export class TypeKeys {
  readonly #known = new Map<ValueType, number>();
  readonly #numbers = new Map<string, number>();

  /** The same for functions of the same type. */
  of({ params, result }: FunctionType): string {
    const given = params.map(({ name, type }) => `${name}: ${this.#value(type)}`);
    return `${given.join(', ')} -> ${this.#optional(result)}`;
  }

  #optional(type: ValueType | null): string {
    return type === null ? '_' : String(this.#value(type));
  }

  #value(type: ValueType): number {
    let number = this.#known.get(type);
    if (number === undefined) {
      number = this.#numbered(partsOf(type, (part) => this.#optional(part)));
      this.#known.set(type, number);
    }
    return number;
  }

  #numbered(parts: string): number {
    let number = this.#numbers.get(parts);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(parts, number);
    }
    return number;
  }
}

/** A function as WIT writes it, types without their names. */
export function describeFunction({ params, result }: FunctionType): string {
  const given = params.map(({ name, type }) => `${name}: ${describe(type, SHOWN_DEPTH)}`);
  return `func(${given.join(', ')})${result === null ? '' : ` -> ${describe(result, SHOWN_DEPTH)}`}`;
}

function describe(type: ValueType | null, depth: number): string {
  if (type === null) return '_';
  return depth === 0 ? '…' : partsOf(type, (part) => describe(part, depth - 1));
}

/** A type as WIT writes it; `shown` writes its parts. */
function partsOf(type: ValueType, shown: (part: ValueType | null) => string): string {
  switch (type.kind) {
    case 'record':
      return `record { ${type.fields.map((each) => `${each.name}: ${shown(each.type)}`).join(', ')} }`;
    case 'variant':
      return `variant { ${type.cases
        .map((each) => (each.type === null ? each.name : `${each.name}(${shown(each.type)})`))
        .join(', ')} }`;
    case 'list':
    case 'option':
      return `${type.kind}<${shown(type.element)}>`;
    case 'tuple':
      return `tuple<${type.elements.map(shown).join(', ')}>`;
    case 'flags':
    case 'enum':
      return `${type.kind} { ${type.names.join(', ')} }`;
    case 'result':
      return `result<${shown(type.ok)}, ${shown(type.err)}>`;
    case 'own':
    case 'borrow':
      return `${type.kind}<${type.resource.name}>`;
    default:
      return type.kind;
  }
}
