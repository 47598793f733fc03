/** How WIT's types are written in AssemblyScript: type expressions, labels and declarations. */

import type { ResourceType, ValueType } from '../../wasm/component/types.ts';
import { type Case, casesOf } from '../bindings/layout.ts';
import { pascalCase } from '../bindings/naming.ts';
import { block, type ModuleText } from './module-text.ts';
import { memberName, valueName } from './names.ts';

/** The module with what generated code and guests share: `Result`, `Option`, lifting, the arena. */
export const VALUES_MODULE = 'wit/values';
/** The generated module with the classes of tuples. */
export const TUPLES_MODULE = 'wit/tuples';

/** Flags are written as one number. */
const FLAGS_MAX = 32;

/** Where a type with a name is declared. */
export interface TypeHome {
  readonly path: string;
  readonly name: string;
}

/** The homes of all types with a name. */
export type TypeHomes = ReadonlyMap<ValueType | ResourceType, TypeHome>;

/** Finds the homes of types, and writes types for one module. */
export class TypeNames {
  readonly homes: TypeHomes;
  /** The lengths of the tuples that were written. */
  readonly tupleLengths = new Set<number>();

  constructor(homes: TypeHomes) {
    this.homes = homes;
  }

  /** Where a record, variant, enum, flags or resource is declared. */
  homeOf(type: ValueType | ResourceType): TypeHome {
    const home = this.homes.get(type);
    if (home === undefined) throw new Error(`A ${type.kind} without a name can't be written.`);
    return home;
  }

  /** The type as AssemblyScript writes it in a module. */
  expression(type: ValueType, module: ModuleText): string {
    const named = () => {
      const home = this.homeOf(type);
      return module.use(home.path, home.name);
    };
    switch (type.kind) {
      case 'string':
        return 'string';
      case 'list': {
        const elements = typedArrayOf(type.element);
        return elements ?? `Array<${this.expression(type.element, module)}>`;
      }
      case 'own':
      case 'borrow': {
        const home = this.homeOf(type.resource);
        return module.use(home.path, home.name);
      }
      case 'option': {
        const element = this.expression(type.element, module);
        if (isNullable(type)) return `${element} | null`;
        return `${module.use(VALUES_MODULE, 'Option')}<${element}>`;
      }
      case 'result': {
        const side = (each: ValueType | null) =>
          each === null ? module.use(VALUES_MODULE, 'Unit') : this.expression(each, module);
        return `${module.use(VALUES_MODULE, 'Result')}<${side(type.ok)}, ${side(type.err)}>`;
      }
      case 'tuple': {
        this.tupleLengths.add(type.elements.length);
        const name = module.use(TUPLES_MODULE, `Tuple${type.elements.length}`);
        return `${name}<${type.elements.map((each) => this.expression(each, module)).join(', ')}>`;
      }
      case 'flags':
        if (type.names.length > FLAGS_MAX) {
          throw new Error(`More than ${FLAGS_MAX} flags in one type aren't supported yet.`);
        }
        return 'u32';
      case 'record':
      case 'variant':
      case 'enum':
        return named();
      default:
        return PRIMITIVES[type.kind];
    }
  }

  /** A word that names the type within the names of helper functions. */
  label(type: ValueType): string {
    switch (type.kind) {
      case 'list':
        return `ListOf${this.label(type.element)}`;
      case 'own':
      case 'borrow':
        return this.homeOf(type.resource).name;
      case 'option':
        return `OptionOf${this.label(type.element)}`;
      case 'result': {
        const side = (each: ValueType | null) => (each === null ? 'Unit' : this.label(each));
        return `ResultOf${side(type.ok)}Or${side(type.err)}`;
      }
      case 'tuple':
        return `TupleOf${type.elements.map((each) => this.label(each)).join('And')}`;
      case 'record':
      case 'variant':
      case 'enum':
      case 'flags':
        return this.homeOf(type).name;
      default:
        return pascalCase(type.kind);
    }
  }

  /** Declares a type with a name in its module. */
  declare(type: ValueType, name: string, module: ModuleText): void {
    switch (type.kind) {
      case 'enum': {
        const members = type.names.map((each) => `${pascalCase(each)},`);
        const naming = nameSwitch('value', type.names);
        module.declare(`export enum ${name} {\n${block(members)}\n}`);
        module.declare(
          `/** What WIT calls a value. */\n` +
            `export function nameOf${name}(value: ${name}): string {\n${block([naming])}\n}`,
        );
        return;
      }
      case 'flags': {
        const bits = type.names.map((each, bit) => `${pascalCase(each)} = 1 << ${bit},`);
        module.declare(`export enum ${name} {\n${block(bits)}\n}`);
        return;
      }
      case 'record': {
        const fields = type.fields.map(
          (field) => `public ${valueName(field.name)}: ${this.expression(field.type, module)},`,
        );
        const body = `constructor(\n${block(fields)}\n) {}`;
        module.declare(`export class ${name} {\n${block([body])}\n}`);
        return;
      }
      case 'variant':
        this.#declareVariant(type, name, module);
        return;
      default:
        module.declare(`export type ${name} = ${this.expression(type, module)};`);
    }
  }

  #declareVariant(type: ValueType, name: string, module: ModuleText): void {
    const cases = casesOf(type) ?? [];
    const tag = `${name}Tag`;
    const common = commonPayload(cases);
    const members = [
      `private constructor(readonly tag: ${tag}) {}`,
      `/** What WIT calls the case. */\nget name(): string {\n${block([
        nameSwitch(
          'this.tag',
          cases.map((each) => each.name),
        ),
      ])}\n}`,
    ];
    if (common !== null) {
      const payload = this.expression(common, module);
      members.push(
        `private _payload: ${payload} = ${module.use(VALUES_MODULE, 'zero')}<${payload}>();`,
        `/** The value, whichever case it is. */\nget payload(): ${payload} {\n  return this._payload;\n}`,
      );
    }
    for (const each of cases) {
      const field = common === null ? `_${variantMember(each.name).replace(/_$/, '')}` : '_payload';
      members.push(...this.#caseMembers(name, each, field, module));
    }
    const tags = cases.map((each) => `${pascalCase(each.name)},`);
    module.declare(`export enum ${tag} {\n${block(tags)}\n}`);
    module.declare(`export class ${name} {\n${block([members.join('\n\n')])}\n}`);
  }

  /** The factory of a case, and where it has a payload the field and the getter. */
  #caseMembers(name: string, each: Case, field: string, module: ModuleText): string[] {
    const member = variantMember(each.name);
    const tag = `${name}Tag.${pascalCase(each.name)}`;
    if (each.type === null) {
      return [`static ${member}(): ${name} {\n  return new ${name}(${tag});\n}`];
    }
    const payload = this.expression(each.type, module);
    const zero = module.use(VALUES_MODULE, 'zero');
    const make = [`const made = new ${name}(${tag});`, `made.${field} = value;`, 'return made;'];
    const read = [
      `assert(this.tag == ${tag}, '${name} is not ${each.name}');`,
      `return this.${field};`,
    ];
    const note = '/** Traps where the value is another case: look at `tag` first. */';
    return [
      ...(field === '_payload' ? [] : [`private ${field}: ${payload} = ${zero}<${payload}>();`]),
      `static ${member}(value: ${payload}): ${name} {\n${block(make)}\n}`,
      `${note}\nget ${member}(): ${payload} {\n${block(read)}\n}`,
    ];
  }
}

/** The type that all cases carry; null where they differ or one carries nothing. */
function commonPayload(cases: readonly Case[]): ValueType | null {
  const first = cases[0]?.type ?? null;
  if (first === null) return null;
  const same = (each: Case) =>
    each.type === first || (isPrimitive(first.kind) && each.type?.kind === first.kind);
  return cases.every(same) ? first : null;
}

function nameSwitch(value: string, names: readonly string[]): string {
  const lines = names.map((each, index) => `case ${index}:\n  return '${each}';`);
  return `switch (<i32>${value}) {\n${block([...lines, 'default:\n  return unreachable();'])}\n}`;
}

/** The name of a case as a factory and a getter. */
export function variantMember(caseName: string): string {
  const name = memberName(caseName);
  return name === 'tag' || name === 'name' || name === 'payload' ? `${name}_` : name;
}

const PRIMITIVES = {
  bool: 'bool',
  s8: 'i8',
  u8: 'u8',
  s16: 'i16',
  u16: 'u16',
  s32: 'i32',
  u32: 'u32',
  s64: 'i64',
  u64: 'u64',
  f32: 'f32',
  f64: 'f64',
  char: 'u32',
  string: 'string',
} as const;

/** The AssemblyScript name of a type without parts. */
export function primitive(kind: keyof typeof PRIMITIVES): string {
  return PRIMITIVES[kind];
}

function isPrimitive(kind: ValueType['kind']): kind is keyof typeof PRIMITIVES {
  return kind in PRIMITIVES;
}

/** The typed array that holds a list of numbers without a copy; null for other elements. */
export function typedArrayOf(element: ValueType): string | null {
  const arrays: Partial<Record<ValueType['kind'], string>> = {
    s8: 'Int8Array',
    u8: 'Uint8Array',
    s16: 'Int16Array',
    u16: 'Uint16Array',
    s32: 'Int32Array',
    u32: 'Uint32Array',
    s64: 'Int64Array',
    u64: 'Uint64Array',
    f32: 'Float32Array',
    f64: 'Float64Array',
  };
  return arrays[element.kind] ?? null;
}

/** Whether an option is written as `T | null`: its element is an object, and no option itself. */
export function isNullable(type: ValueType): boolean {
  if (type.kind !== 'option') return false;
  const kind = type.element.kind;
  if (kind === 'option' || kind === 'enum' || kind === 'flags') return false;
  return kind === 'string' || !isPrimitive(kind);
}
