/**
 * Writes the AssemblyScript that moves values between objects and the canonical ABI's two forms:
 * values in memory (load and store) and values as core parameters (lift and lower).
 */

import type { ValueType, VariantType } from '../../wasm/component/types.ts';
import {
  type Case,
  casesOf,
  discriminantBytes,
  fieldTypesOf,
  flatten,
  offsetsOf,
  payloadOffset,
  sizeOf,
} from '../bindings/layout.ts';
import { block } from '../generated-text.ts';
import type { ModuleText } from './module-text.ts';
import { ResourceCode } from './resources-text.ts';
import {
  fieldNames,
  isNullable,
  primitive,
  type TypeNames,
  typedArrayOf,
  VALUES_MODULE,
  variantMembers,
} from './types-text.ts';

/** Statements of one function, and names for its variables. */
export class Scope {
  readonly lines: string[] = [];
  readonly #counter: { value: number };

  constructor(counter: { value: number } = { value: 0 }) {
    this.#counter = counter;
  }

  /** A variable's name that is new in the function; its `_` keeps it apart from WIT's names. */
  fresh(stem: string): string {
    this.#counter.value += 1;
    return `_${stem}${this.#counter.value}`;
  }

  /** A scope for a block within this one. */
  inner(): Scope {
    return new Scope(this.#counter);
  }
}

/** Whether lowering a value takes memory of the arena: it holds a list that isn't a typed array. */
export function needsArena(type: ValueType): boolean {
  switch (type.kind) {
    case 'list':
      return typedArrayOf(type.element) === null;
    case 'record':
    case 'tuple':
      return (fieldTypesOf(type) ?? []).some(needsArena);
    case 'variant':
    case 'option':
    case 'result':
      return (casesOf(type) ?? []).some((each) => each.type !== null && needsArena(each.type));
    default:
      return false;
  }
}

/** Writes the conversions that one module needs. */
export class ValueCode {
  readonly #names: TypeNames;
  readonly #module: ModuleText;
  readonly #resources: ResourceCode;

  constructor(names: TypeNames, module: ModuleText) {
    this.#names = names;
    this.#module = module;
    this.#resources = new ResourceCode(names, module);
  }

  /** An expression for the value that stands in memory at `pointer`. */
  load(type: ValueType, pointer: string): string {
    switch (type.kind) {
      case 'bool':
        return `load<u8>(${pointer}) != 0`;
      case 'string':
      case 'list':
        return this.#liftBlock(type, `load<usize>(${pointer})`, `load<i32>(${pointer}, 4)`);
      case 'own':
      case 'borrow':
        return this.#resources.lift(type, `load<u32>(${pointer})`);
      case 'enum':
        return `<${this.#type(type)}>load<u${sizeOf(type) * 8}>(${pointer})`;
      case 'flags':
        return `<u32>load<u${sizeOf(type) * 8}>(${pointer})`;
      case 'record':
      case 'tuple':
      case 'variant':
      case 'option':
      case 'result':
        return `${this.#helper('load', type, (name) => this.#loadFunction(name, type))}(${pointer})`;
      default:
        return `load<${primitive(type.kind)}>(${pointer})`;
    }
  }

  /** A statement that stores a value in memory at `pointer`. */
  store(type: ValueType, pointer: string, value: string): string {
    switch (type.kind) {
      case 'bool':
        return `store<u8>(${pointer}, <u8>${value});`;
      case 'own':
      case 'borrow':
        return `store<u32>(${pointer}, ${this.#resources.lower(type, value)});`;
      case 'enum':
      case 'flags': {
        const unit = `u${sizeOf(type) * 8}`;
        return `store<${unit}>(${pointer}, <${unit}>${value});`;
      }
      case 'string':
      case 'list':
      case 'record':
      case 'tuple':
      case 'variant':
      case 'option':
      case 'result': {
        const helper = this.#helper('store', type, (name) => this.#storeFunction(name, type));
        return `${helper}(${pointer}, ${value});`;
      }
      default:
        return `store<${primitive(type.kind)}>(${pointer}, ${value});`;
    }
  }

  /** Expressions for the core values of a value; what they need first becomes lines of the scope. */
  lower(type: ValueType, value: string, scope: Scope): string[] {
    switch (type.kind) {
      case 'string':
        return [`<i32>changetype<usize>(${value})`, `${value}.length`];
      case 'list':
        return [`<i32>${this.#listPointer(type, value)}`, `${value}.length`];
      case 'own':
      case 'borrow':
        return [`<i32>${this.#resources.lower(type, value)}`];
      case 'record':
        return fieldNames(type).flatMap((field, index) =>
          this.lower(type.fields[index]!.type, `${value}.${field}`, scope),
        );
      case 'tuple':
        return type.elements.flatMap((each, index) =>
          this.lower(each, `${value}.item${index}`, scope),
        );
      case 'variant':
      case 'option':
      case 'result':
        return this.#lowerVariant(type, value, scope);
      case 'u64':
        return [`<i64>${value}`];
      case 's64':
      case 'f32':
      case 'f64':
        return [value];
      default:
        return [`<i32>${value}`];
    }
  }

  /** An expression for the value whose core values are given. */
  lift(type: ValueType, core: readonly string[]): string {
    const first = core[0] ?? '';
    switch (type.kind) {
      case 'bool':
        return `${first} != 0`;
      case 'string':
      case 'list':
        return this.#liftBlock(type, `<usize>${first}`, core[1] ?? '');
      case 'own':
      case 'borrow':
        return this.#resources.lift(type, first);
      case 'enum':
        return `<${this.#type(type)}>${first}`;
      case 'flags':
        return `<u32>${first}`;
      case 'record':
      case 'tuple':
        return `new ${this.#type(type)}(${this.#liftFields(type, core).join(', ')})`;
      case 'variant':
      case 'option':
      case 'result':
        return `${this.#helper('lift', type, (name) => this.#liftFunction(name, type))}(${core.join(', ')})`;
      default:
        return `<${primitive(type.kind)}>${first}`;
    }
  }

  /** The type as this module writes it. */
  #type(type: ValueType): string {
    return this.#names.expression(type, this.#module);
  }

  #runtime(symbol: string): string {
    return this.#module.useRuntime(VALUES_MODULE, symbol);
  }

  #helper(verb: string, type: ValueType, make: (name: string) => string): string {
    const name = `_${verb}${this.#names.label(type)}`;
    return this.#module.helper(`${verb} ${this.#names.key(type)}`, name, make);
  }

  #loadFunction(name: string, type: ValueType): string {
    const head = `function ${name}(pointer: usize): ${this.#type(type)}`;
    if (type.kind === 'record' || type.kind === 'tuple') {
      const types = fieldTypesOf(type) ?? [];
      const { offsets } = offsetsOf(types);
      const fields = types.map((each, index) =>
        this.load(each, at('pointer', offsets[index] ?? 0)),
      );
      const lines = fields.map((each) => `${each},`);
      return `${head} {\n  return new ${this.#type(type)}(\n${block([block(lines)])}\n  );\n}`;
    }
    const cases = casesOf(type) ?? [];
    const payload = at('pointer', payloadOffset(cases));
    const tag = `load<u${discriminantBytes(cases.length) * 8}>(pointer)`;
    return `${head} ${this.#caseSwitch(type, tag, (each) => (each.type === null ? null : this.load(each.type, payload)))}`;
  }

  #liftFunction(name: string, type: ValueType): string {
    const joined = flatten(type);
    const parameters = joined.map((core, index) => `core${index}: ${core}`).join(', ');
    const head = `function ${name}(${parameters}): ${this.#type(type)}`;
    const lifted = (each: Case) => {
      if (each.type === null) return null;
      const own = flatten(each.type);
      const core = own.map((wanted, index) =>
        convert(`core${index + 1}`, joined[index + 1] ?? wanted, wanted),
      );
      return this.lift(each.type, core);
    };
    return `${head} ${this.#caseSwitch(type, 'core0', lifted)}`;
  }

  #caseSwitch(type: ValueType, tag: string, payload: (each: Case) => string | null): string {
    const cases = (casesOf(type) ?? []).map(
      (each, index) => `case ${index}:\n  return ${this.#makeCase(type, each, payload(each))};`,
    );
    const body = `switch (${tag}) {\n${block([...cases, 'default:\n  return unreachable();'])}\n}`;
    return `{\n${block([body])}\n}`;
  }

  #makeCase(type: ValueType, each: Case, payload: string | null): string {
    if (type.kind === 'variant') {
      return `${this.#type(type)}.${memberOf(type, each)}(${payload ?? ''})`;
    }
    if (type.kind === 'option') {
      if (isNullable(type)) return payload ?? 'null';
      const element = this.#type(type.element);
      const option = this.#module.use(VALUES_MODULE, 'Option');
      return payload === null
        ? `${option}.none<${element}>()`
        : `${option}.some<${element}>(${payload})`;
    }
    if (type.kind !== 'result') throw new Error(`A ${type.kind} has no cases.`);
    const side = (one: ValueType | null) =>
      one === null ? this.#module.use(VALUES_MODULE, 'Unit') : this.#type(one);
    const value = payload ?? this.#runtime('UNIT');
    const factory = each.name === 'ok' ? 'ok' : 'err';
    const result = this.#module.use(VALUES_MODULE, 'Result');
    return `${result}.${factory}<${side(type.ok)}, ${side(type.err)}>(${value})`;
  }

  #storeFunction(name: string, type: ValueType): string {
    const head = `function ${name}(pointer: usize, value: ${this.#type(type)}): void`;
    return `${head} {\n${block(this.#storeLines(type))}\n}`;
  }

  #storeLines(type: ValueType): string[] {
    switch (type.kind) {
      case 'string':
      case 'list': {
        const data =
          type.kind === 'string' ? 'changetype<usize>(value)' : this.#listPointer(type, 'value');
        return [`store<usize>(pointer, ${data});`, `store<i32>(pointer, value.length, 4);`];
      }
      case 'record':
      case 'tuple': {
        const types = fieldTypesOf(type) ?? [];
        const { offsets } = offsetsOf(types);
        const names =
          type.kind === 'record' ? fieldNames(type) : types.map((_, index) => `item${index}`);
        return types.map((each, index) =>
          this.store(each, at('pointer', offsets[index] ?? 0), `value.${names[index]}`),
        );
      }
      default:
        return this.#storeVariantLines(type);
    }
  }

  #storeVariantLines(type: ValueType): string[] {
    const cases = casesOf(type) ?? [];
    const unit = `u${discriminantBytes(cases.length) * 8}`;
    const payload = at('pointer', payloadOffset(cases));
    const lines = [
      `const tag: i32 = ${discriminant(type, 'value')};`,
      `store<${unit}>(pointer, <${unit}>tag);`,
    ];
    for (const [index, each] of cases.entries()) {
      if (each.type === null) continue;
      const stored = this.store(each.type, payload, select(type, each, 'value'));
      lines.push(`if (tag == ${index}) {\n  ${stored}\n}`);
    }
    return lines;
  }

  #lowerVariant(type: ValueType, value: string, scope: Scope): string[] {
    const joined = flatten(type);
    const slots = joined.map((_, index) => scope.fresh(index === 0 ? 'tag' : 'slot'));
    scope.lines.push(`const ${slots[0]}: i32 = ${discriminant(type, value)};`);
    for (const [index, core] of joined.entries()) {
      if (index > 0) scope.lines.push(`let ${slots[index]}: ${core} = 0;`);
    }
    for (const [index, each] of casesOf(type)?.entries() ?? []) {
      if (each.type === null) continue;
      const inner = scope.inner();
      const own = flatten(each.type);
      const core = this.lower(each.type, select(type, each, value), inner);
      for (const [position, expression] of core.entries()) {
        const from = own[position] ?? 'i32';
        const to = joined[position + 1] ?? from;
        inner.lines.push(`${slots[position + 1]} = ${convert(expression, from, to)};`);
      }
      scope.lines.push(`if (${slots[0]} == ${index}) {\n${block(inner.lines)}\n}`);
    }
    return slots;
  }

  #liftFields(type: ValueType, core: readonly string[]): string[] {
    let next = 0;
    return (fieldTypesOf(type) ?? []).map((each) => {
      const count = flatten(each).length;
      const value = this.lift(each, core.slice(next, next + count));
      next += count;
      return value;
    });
  }

  /** Adopts a string or list that the host has put into memory. */
  #liftBlock(type: ValueType, pointer: string, length: string): string {
    if (type.kind === 'string') return `${this.#runtime('liftString')}(${pointer}, ${length})`;
    if (type.kind !== 'list') throw new Error(`A ${type.kind} is no block.`);
    const elements = typedArrayOf(type.element);
    if (elements !== null) {
      const bytes = `${length} * ${sizeOf(type.element)}`;
      return `${elements}.wrap(${this.#runtime('liftBuffer')}(${pointer}, ${bytes}))`;
    }
    const helper = this.#helper('lift', type, (name) => {
      const size = sizeOf(type.element);
      const element = this.load(type.element, `pointer + index * ${size}`);
      const lines = [
        `const list = new ${this.#type(type)}(length);`,
        'for (let index = 0; index < length; index++) {',
        `  list[index] = ${element};`,
        '}',
        `${this.#runtime('releaseBlock')}(pointer, length * ${size});`,
        'return list;',
      ];
      return `function ${name}(pointer: usize, length: i32): ${this.#type(type)} {\n${block(lines)}\n}`;
    });
    return `${helper}(${pointer}, ${length})`;
  }

  /** The address of a list's elements, laid out in memory. */
  #listPointer(type: ValueType, value: string): string {
    if (type.kind !== 'list') throw new Error(`A ${type.kind} is no list.`);
    if (typedArrayOf(type.element) !== null) return `${value}.dataStart`;
    const helper = this.#helper('layOut', type, (name) => {
      const size = sizeOf(type.element);
      const lines = [
        `const elements = ${this.#runtime('allocateInArena')}(list.length * ${size});`,
        'for (let index = 0; index < list.length; index++) {',
        `  ${this.store(type.element, `elements + index * ${size}`, 'list[index]')}`,
        '}',
        'return elements;',
      ];
      return `function ${name}(list: ${this.#type(type)}): usize {\n${block(lines)}\n}`;
    });
    return `${helper}(${value})`;
  }
}

/** An address with a constant added. */
function at(pointer: string, offset: number): string {
  return offset === 0 ? pointer : `${pointer} + ${offset}`;
}

/** The number of the case that a value is. */
function discriminant(type: ValueType, value: string): string {
  if (type.kind === 'variant') return `<i32>${value}.tag`;
  if (type.kind === 'result') return `${value}.isOk ? 0 : 1`;
  return isNullable(type) ? `${value} === null ? 0 : 1` : `${value}.isSome ? 1 : 0`;
}

/** The factory and getter of a case. */
function memberOf(type: VariantType, each: Case): string {
  return variantMembers(type)[type.cases.indexOf(each)] ?? '';
}

/** The payload of a case that the value is known to be. */
function select(type: ValueType, each: Case, value: string): string {
  if (type.kind === 'variant') return `${value}.${memberOf(type, each)}`;
  if (type.kind === 'result') return each.name === 'ok' ? `${value}.value` : `${value}.error`;
  return isNullable(type) ? `${value}!` : `${value}.value`;
}

/** A core value type. */
type CoreType = ReturnType<typeof flatten>[number];

/** Moves a core value from its own type into a joint slot, or back. */
function convert(expression: string, from: CoreType, to: CoreType): string {
  if (from === to) return expression;
  const step = `${from} ${to}`;
  switch (step) {
    case 'f32 i32':
      return `reinterpret<i32>(${expression})`;
    case 'i32 f32':
      return `reinterpret<f32>(${expression})`;
    case 'f64 i64':
      return `reinterpret<i64>(${expression})`;
    case 'i64 f64':
      return `reinterpret<f64>(${expression})`;
    case 'i32 i64':
      return `<i64>(<u32>(${expression}))`;
    case 'i64 i32':
      return `<i32>(${expression})`;
    case 'f32 i64':
      return `<i64>reinterpret<u32>(${expression})`;
    case 'i64 f32':
      return `reinterpret<f32>(<i32>(${expression}))`;
    default:
      throw new Error(`A core value of type ${from} never goes into a slot of type ${to}.`);
  }
}
