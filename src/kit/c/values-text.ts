/** Writes how values become the core parameters of a function, and how they are made of these. */

import type { ValueType } from '../../wasm/component/types.ts';
import { type Case, type CoreType, casesOf, flatten } from '../bindings/layout.ts';
import { block } from '../generated-text.ts';
import { type CTypes, tagOf } from './types-text.ts';

/** The lines of a function's body, and names for what they declare. None is one that WIT can give. */
export class Scope {
  readonly lines: string[] = [];
  readonly #count: { next: number };

  constructor(count = { next: 0 }) {
    this.#count = count;
  }

  /** A scope for a block within this one. */
  inner(): Scope {
    return new Scope(this.#count);
  }

  fresh(word: string): string {
    this.#count.next += 1;
    return `_${word}${this.#count.next}`;
  }
}

/** The type of a core value in C. */
export function coreType(core: CoreType): string {
  return { i32: 'int32_t', i64: 'int64_t', f32: 'float', f64: 'double' }[core];
}

/** Moves values between C's types and core values. */
export class ValueCode {
  readonly #types: CTypes;

  constructor(types: CTypes) {
    this.#types = types;
  }

  /** Expressions for the core values of a value; what they need first becomes lines of the scope. */
  lower(type: ValueType, value: string, scope: Scope): string[] {
    switch (type.kind) {
      case 's64':
      case 'u64':
        return [`(int64_t) ${value}`];
      case 'f32':
      case 'f64':
        return [value];
      case 'string':
      case 'list':
        return [`(int32_t) ${value}.ptr`, `(int32_t) ${value}.len`];
      case 'own':
        return [`${value}.__handle`];
      case 'borrow': {
        const { representation } = this.#types.resource(type.resource);
        return [representation === null ? `${value}.__handle` : `(int32_t) ${value}`];
      }
      case 'record':
      case 'tuple':
        return this.#types
          .fields(type)
          .flatMap(([name, each]) => this.lower(each, `${value}.${name}`, scope));
      case 'variant':
      case 'option':
      case 'result':
        return this.#lowerCases(type, value, scope);
      default:
        return [`(int32_t) ${value}`];
    }
  }

  /** Adds the lines that fill the value `into` from core values. */
  lift(type: ValueType, core: readonly string[], into: string, scope: Scope): void {
    const first = core[0] ?? '';
    const set = (value: string) => scope.lines.push(`${into} = ${value};`);
    switch (type.kind) {
      case 'bool':
        set(`${first} != 0`);
        return;
      case 'string':
      case 'list':
        scope.lines.push(
          `${into}.ptr = (void *) ${first};`,
          `${into}.len = (size_t) ${core[1] ?? ''};`,
        );
        return;
      case 'own':
        scope.lines.push(`${into}.__handle = ${first};`);
        return;
      case 'borrow': {
        const { representation } = this.#types.resource(type.resource);
        if (representation === null) scope.lines.push(`${into}.__handle = ${first};`);
        else set(`(${representation} *) ${first}`);
        return;
      }
      case 'record':
      case 'tuple': {
        let next = 0;
        for (const [name, each] of this.#types.fields(type)) {
          const count = flatten(each).length;
          this.lift(each, core.slice(next, next + count), `${into}.${name}`, scope);
          next += count;
        }
        return;
      }
      case 'variant':
      case 'option':
      case 'result':
        this.#liftCases(type, core, into, scope);
        return;
      default:
        set(`(${this.#types.name(type)}) ${first}`);
    }
  }

  #lowerCases(type: ValueType, value: string, scope: Scope): string[] {
    const joined = flatten(type);
    const slots = joined.map((_, index) => scope.fresh(index === 0 ? 'tag' : 'slot'));
    for (const [index, core] of joined.entries()) {
      const start = index === 0 ? `${value}.${tagOf(type)}` : '0';
      scope.lines.push(`${coreType(core)} ${slots[index]} = ${start};`);
    }
    this.#switch(type, slots[0] ?? '', scope, (each, index, inner) => {
      const own = flatten(each);
      const core = this.lower(each, this.#types.payload(type, index, `${value}.`), inner);
      for (const [position, expression] of core.entries()) {
        const from = own[position] ?? 'i32';
        const to = joined[position + 1] ?? from;
        inner.lines.push(`${slots[position + 1]} = ${convert(expression, from, to)};`);
      }
    });
    return slots;
  }

  #liftCases(type: ValueType, core: readonly string[], into: string, scope: Scope): void {
    const joined = flatten(type);
    const [tag = '', ...payload] = core;
    const field = tagOf(type);
    scope.lines.push(`${into}.${field} = ${field === 'tag' ? tag : `${tag} != 0`};`);
    this.#switch(type, tag, scope, (each, index, inner) => {
      const own = flatten(each).map((wanted, position) =>
        convert(payload[position] ?? '', joined[position + 1] ?? wanted, wanted),
      );
      this.lift(each, own, this.#types.payload(type, index, `${into}.`), inner);
    });
  }

  /** One block for each case that has a payload. */
  #switch(
    type: ValueType,
    tag: string,
    scope: Scope,
    write: (payload: ValueType, index: number, inner: Scope) => void,
  ): void {
    const cases = (casesOf(type) ?? []).flatMap((each: Case, index) => {
      if (each.type === null) return [];
      const inner = scope.inner();
      write(each.type, index, inner);
      return [`case ${index}: {\n${block([...inner.lines, 'break;'])}\n}`];
    });
    if (cases.length === 0) return;
    scope.lines.push(`switch (${tag}) {\n${block([...cases, 'default:\n  break;'])}\n}`);
  }
}

/** Moves a core value from its own type into a joint slot, or back. */
function convert(expression: string, from: CoreType, to: CoreType): string {
  if (from === to) return expression;
  const bits = (source: CoreType, target: CoreType, value: string) =>
    `((union { ${coreType(source)} from; ${coreType(target)} to; }) { .from = ${value} }).to`;
  switch (`${from} ${to}`) {
    case 'f32 i32':
    case 'i32 f32':
    case 'f64 i64':
    case 'i64 f64':
      return bits(from, to, expression);
    case 'i32 i64':
      return `(int64_t) (uint32_t) ${expression}`;
    case 'i64 i32':
      return `(int32_t) ${expression}`;
    case 'f32 i64':
      return `(int64_t) (uint32_t) ${bits('f32', 'i32', expression)}`;
    case 'i64 f32':
      return bits('i32', 'f32', `(int32_t) ${expression}`);
    default:
      throw new Error(`A core value of type ${from} never goes into a slot of type ${to}.`);
  }
}
