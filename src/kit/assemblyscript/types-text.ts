/** How WIT's types are written in AssemblyScript: type expressions, labels and declarations. */

import type {
  RecordType,
  ResourceType,
  ValueType,
  VariantType,
} from '../../wasm/component/types.ts';
import { type Case, casesOf, fieldTypesOf } from '../bindings/layout.ts';
import { pascalCase } from '../bindings/naming.ts';
import { block, comment } from '../generated-text.ts';
import type { Docs } from '../wit/docs.ts';
import type { ModuleText } from './module-text.ts';
import { caseName, distinct, valueName } from './names.ts';

/** The module with what generated code and guests share: `Result`, `Option`, lifting, the arena. */
export const VALUES_MODULE = 'wit/values';
/** The module that keeps the objects behind resources of the guest's own. */
export const RESOURCES_MODULE = 'wit/resources';
/** The generated module with the classes of tuples. */
export const TUPLES_MODULE = 'wit/tuples';

/** Where a type with a name is declared. */
export interface TypeHome {
  readonly path: string;
  readonly name: string;
  /** Of a resource that the guest itself makes: the interface that exports it, and its name there. */
  readonly exported: { readonly interfaceName: string; readonly resource: string } | null;
  /** What WIT says of it and of its fields, cases or flags. */
  readonly docs: Docs;
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
        return 'u32';
      case 'record':
      case 'variant':
      case 'enum':
        return named();
      default:
        return PRIMITIVES[type.kind];
    }
  }

  /** Whether a value of the type has handles that the host only lends to the guest. */
  isLent(type: ValueType): boolean {
    if (type.kind === 'borrow') return this.homeOf(type.resource).exported === null;
    if (type.kind === 'list') return this.isLent(type.element);
    const parts = fieldTypesOf(type) ?? casesOf(type)?.map((each) => each.type) ?? [];
    return parts.some((each) => each !== null && this.isLent(each));
  }

  /** A text that two types have in common only if the same helpers do for both. */
  key(type: ValueType): string {
    switch (type.kind) {
      case 'list':
        return `list<${this.key(type.element)}>`;
      case 'own':
      case 'borrow': {
        const home = this.homeOf(type.resource);
        return `${type.kind}<${home.path}#${home.name}>`;
      }
      case 'option':
        return `option<${this.key(type.element)}>`;
      case 'result': {
        const side = (each: ValueType | null) => (each === null ? '_' : this.key(each));
        return `result<${side(type.ok)}, ${side(type.err)}>`;
      }
      case 'tuple':
        return `tuple<${type.elements.map((each) => this.key(each)).join(', ')}>`;
      case 'record':
      case 'variant':
      case 'enum':
      case 'flags': {
        const home = this.homeOf(type);
        return `${home.path}#${home.name}`;
      }
      default:
        return type.kind;
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
  declare(type: ValueType, name: string, docs: Docs, module: ModuleText): void {
    const about = comment(docs.of(null));
    switch (type.kind) {
      case 'enum': {
        const members = enumMembers(type.names).map(
          (each, index) => `${comment(docs.of(type.names[index] ?? ''))}${each},`,
        );
        const naming = nameSwitch('value', type.names);
        module.declare(`${about}export enum ${name} {\n${block(members)}\n}`);
        module.declare(
          `/** What WIT calls a value. */\n` +
            `export function ${module.reserve(`nameOf${name}`)}(value: ${name}): string {\n${block([naming])}\n}`,
        );
        return;
      }
      case 'flags': {
        const bits = enumMembers(type.names).map(
          (each, bit) => `${comment(docs.of(type.names[bit] ?? ''))}${each} = 1 << ${bit},`,
        );
        module.declare(`${about}export enum ${name} {\n${block(bits)}\n}`);
        return;
      }
      case 'record': {
        const names = fieldNames(type);
        const fields = type.fields.map(
          (field, index) =>
            `${comment(docs.of(field.name))}public ${names[index]}: ${this.expression(field.type, module)},`,
        );
        const body = `constructor(\n${block(fields)}\n) {}`;
        module.declare(`${about}export class ${name} {\n${block([body])}\n}`);
        return;
      }
      case 'variant':
        this.#declareVariant(type, name, docs, module);
        return;
      default:
        module.declare(`${about}export type ${name} = ${this.expression(type, module)};`);
    }
  }

  #declareVariant(type: VariantType, name: string, docs: Docs, module: ModuleText): void {
    const cases = type.cases;
    const tag = module.reserve(`${name}Tag`);
    const common = commonPayload(cases);
    const names = cases.map((each) => each.name);
    const members = [
      `private constructor(readonly tag: ${tag}) {}`,
      `/** What WIT calls the case. */\nget name(): string {\n${block([nameSwitch('this.tag', names)])}\n}`,
    ];
    if (common !== null) {
      const payload = this.expression(common, module);
      const zero = module.useRuntime(VALUES_MODULE, 'zero');
      members.push(
        `private _payload: ${payload} = ${zero}<${payload}>();`,
        `/** The value, whichever case it is. */\nget payload(): ${payload} {\n  return this._payload;\n}`,
      );
    }
    const tags = enumMembers(names);
    const written = variantMembers(type);
    for (const [index, each] of cases.entries()) {
      members.push(
        ...this.#caseMembers(each, {
          variant: name,
          tag: `${tag}.${tags[index]}`,
          member: written[index] ?? '',
          field: common === null ? `_case${index}` : '_payload',
          about: docs.of(each.name),
          module,
        }),
      );
    }
    module.declare(`export enum ${tag} {\n${block(tags.map((each) => `${each},`))}\n}`);
    module.declare(
      `${comment(docs.of(null))}export class ${name} {\n${block([members.join('\n\n')])}\n}`,
    );
  }

  /** The factory of a case, and where it has a payload the field and the getter. */
  #caseMembers(each: Case, names: CaseNames): string[] {
    const { variant, tag, member, field, module } = names;
    const about = comment(names.about);
    if (each.type === null) {
      return [`${about}static ${member}(): ${variant} {\n  return new ${variant}(${tag});\n}`];
    }
    const payload = this.expression(each.type, module);
    const zero = module.useRuntime(VALUES_MODULE, 'zero');
    const make = [`const made = new ${variant}(${tag});`, `made.${field} = value;`, 'return made;'];
    const read = [
      `assert(this.tag == ${tag}, '${variant} is not ${each.name}');`,
      `return this.${field};`,
    ];
    const note = '/** Traps where the value is another case: look at `tag` first. */';
    return [
      ...(field === '_payload' ? [] : [`private ${field}: ${payload} = ${zero}<${payload}>();`]),
      `${about}static ${member}(value: ${payload}): ${variant} {\n${block(make)}\n}`,
      `${note}\nget ${member}(): ${payload} {\n${block(read)}\n}`,
    ];
  }
}

/** What the members of one case are made of. */
interface CaseNames {
  readonly variant: string;
  readonly tag: string;
  readonly member: string;
  readonly field: string;
  readonly about: string | null;
  readonly module: ModuleText;
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

/** The members of an enum, in order. */
function enumMembers(names: readonly string[]): readonly string[] {
  return distinct(names, pascalCase);
}

/** The names of a record's fields, in order. */
export function fieldNames(type: RecordType): readonly string[] {
  return distinct(
    type.fields.map((field) => field.name),
    valueName,
  );
}

/** The names of a variant's cases as factories and getters, in order. */
export function variantMembers(type: VariantType): readonly string[] {
  return distinct(
    type.cases.map((each) => each.name),
    caseName,
  );
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
    char: 'Uint32Array',
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
