/** How WIT's types are written in Rust: their names, and the declarations of those that have one in WIT. */

import type {
  EnumType,
  FlagsType,
  RecordType,
  ResourceType,
  ValueType,
  VariantType,
} from '../../wasm/component/types.ts';
import { contains } from '../bindings/code.ts';
import {
  alignOf,
  type Case,
  discriminantBytes,
  flatten,
  offsetsOf,
  payloadOffset,
  sizeOf,
} from '../bindings/layout.ts';
import type { Docs } from '../wit/docs.ts';
import { doc, indent, type ModuleText } from './module-text.ts';
import { constantName, distinct, typeName, valueName } from './names.ts';

/** Where a type with a name is declared. */
export interface TypeHome {
  readonly path: readonly string[];
  readonly name: string;
  /** The guest makes it, where it is a resource. */
  readonly ofGuest: boolean;
  readonly docs: Docs;
}

/** The homes of all types with a name of their own. */
export type TypeHomes = ReadonlyMap<ValueType | ResourceType, TypeHome>;

const PRIMITIVES: Readonly<Partial<Record<ValueType['kind'], string>>> = {
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
  char: 'char',
};

/** Writes types, as the modules name them. */
export class RustTypes {
  readonly homes: TypeHomes;

  constructor(homes: TypeHomes) {
    this.homes = homes;
  }

  /** Where a type is declared. */
  homeOf(type: ValueType | ResourceType): TypeHome {
    const home = this.homes.get(type);
    if (home === undefined) throw new Error(`A ${type.kind} without a name can't be written.`);
    return home;
  }

  /** Whether a type is declared in a module by a name: elsewhere it is an alias. */
  isAt(type: ValueType | ResourceType, path: readonly string[], name: string): boolean {
    const home = this.homes.get(type);
    return home !== undefined && home.path === path && home.name === name;
  }

  /** The type of a value that belongs to who has it. */
  owned(type: ValueType | null, module: ModuleText): string {
    if (type === null) return '()';
    const primitive = PRIMITIVES[type.kind];
    if (primitive !== undefined) return primitive;
    const named = (each: ValueType | ResourceType) => {
      const { path, name } = this.homeOf(each);
      return module.name(path, name);
    };
    switch (type.kind) {
      case 'string':
        return 'String';
      case 'list':
        return `Vec<${this.owned(type.element, module)}>`;
      case 'option':
        return `Option<${this.owned(type.element, module)}>`;
      case 'result':
        return `Result<${this.owned(type.ok, module)}, ${this.owned(type.err, module)}>`;
      case 'tuple':
        return `(${type.elements.map((each) => `${this.owned(each, module)},`).join(' ')})`;
      case 'own':
        return named(type.resource);
      case 'borrow': {
        const { ofGuest, path, name } = this.homeOf(type.resource);
        if (ofGuest) return module.name(path, `${name}Borrow`);
        return `${module.runtime('Borrow')}<${named(type.resource)}>`;
      }
      default:
        return named(type);
    }
  }

  /** The type of a parameter of a function of the host: what is not copied or given away is a reference. */
  parameter(type: ValueType, module: ModuleText): string {
    if (type.kind !== 'borrow') return this.#part(type, module);
    const { path, name } = this.homeOf(type.resource);
    return `&${module.name(path, name)}`;
  }

  /** The same of a part of a parameter: a handle in it says for itself that it is only lent. */
  #part(type: ValueType, module: ModuleText): string {
    switch (type.kind) {
      case 'string':
        return '&str';
      case 'list':
        return `&[${this.owned(type.element, module)}]`;
      case 'option':
        return `Option<${this.#part(type.element, module)}>`;
      case 'tuple':
        return `(${type.elements.map((each) => `${this.#part(each, module)},`).join(' ')})`;
      case 'result': {
        const side = (each: ValueType | null) => (each === null ? '()' : this.#part(each, module));
        return `Result<${side(type.ok)}, ${side(type.err)}>`;
      }
      default: {
        const owned = this.owned(type, module);
        const isGiven = type.kind === 'own' || type.kind === 'borrow';
        return isGiven || isCopied(type) ? owned : `&${owned}`;
      }
    }
  }

  /** Declares a type at home, and how it is moved. */
  declare(type: ValueType, name: string, docs: Docs, module: ModuleText): void {
    switch (type.kind) {
      case 'record':
        this.#declareRecord(type, name, docs, module);
        return;
      case 'variant':
      case 'enum':
        this.#declareCases(type, name, docs, module);
        return;
      case 'flags':
        declareFlags(type, name, docs, module);
        return;
      default:
        module.declare(`${doc(docs.of(null))}pub type ${name} = ${this.owned(type, module)};`);
    }
  }

  #declareRecord(type: RecordType, name: string, docs: Docs, module: ModuleText): void {
    const types = type.fields.map((field) => field.type);
    const names = distinct(
      type.fields.map((field) => field.name),
      valueName,
    );
    const fields = type.fields.map(
      (field, index) =>
        `${doc(docs.of(field.name))}pub ${names[index]}: ${this.owned(field.type, module)},`,
    );
    const { offsets } = offsetsOf(types);
    const slots = slotsOf(types);
    const each = (write: (index: number) => string) => names.map((_, index) => write(index));
    module.declare(
      `${doc(docs.of(null))}${derives(type)}pub struct ${name} {\n${indent(fields.join('\n'))}\n}`,
    );
    declareMoves(type, name, module, {
      store: each((index) => `self.${names[index]}.store(to.add(${offsets[index]}), arena);`),
      lower: each((index) => `self.${names[index]}.lower(&mut slots[${slots[index]}..], arena);`),
      load: [
        `${name} {`,
        ...each((index) => `    ${names[index]}: load_at(from, ${offsets[index]}),`),
        '}',
      ],
      lift: [
        `${name} {`,
        ...each((index) => `    ${names[index]}: Load::lift(&slots[${slots[index]}..]),`),
        '}',
      ],
    });
  }

  #declareCases(type: VariantType | EnumType, name: string, docs: Docs, module: ModuleText): void {
    const cases: readonly Case[] =
      type.kind === 'variant' ? type.cases : type.names.map((each) => ({ name: each, type: null }));
    const names = distinct(
      cases.map((each) => each.name),
      typeName,
    );
    const declared = cases.map((each, index) => {
      const payload = each.type === null ? '' : `(${this.owned(each.type, module)})`;
      return `${doc(docs.of(each.name))}${names[index]}${payload},`;
    });
    module.declare(
      `${doc(docs.of(null))}${derives(type)}pub enum ${name} {\n${indent(declared.join('\n'))}\n}`,
    );
    const bytes = discriminantBytes(cases.length);
    const offset = payloadOffset(cases);
    const arms = (
      write: (payload: string, index: number) => string,
      bare: (index: number) => string,
    ) =>
      cases.map((each, index) =>
        each.type === null
          ? `${name}::${names[index]} => ${bare(index)},`
          : `${name}::${names[index]}(value) => ${write('value', index)},`,
      );
    const makes = (payload: string) => [
      ...cases.map((each, index) =>
        each.type === null
          ? `    ${index} => ${name}::${names[index]},`
          : `    ${index} => ${name}::${names[index]}(${payload}),`,
      ),
      `    _ => unreachable!("a case of ${name}"),`,
      '}',
    ];
    declareMoves(type, name, module, {
      store: [
        'match self {',
        ...arms(
          (value, index) =>
            `{\n    store_tag(to, ${bytes}, ${index});\n    ${value}.store(to.add(${offset}), arena)\n}`,
          (index) => `store_tag(to, ${bytes}, ${index})`,
        ).map(indent),
        '}',
      ],
      lower: [
        'match self {',
        ...arms(
          (value, index) =>
            `{\n    slots[0] = ${index};\n    ${value}.lower(&mut slots[1..], arena)\n}`,
          (index) => `slots[0] = ${index}`,
        ).map(indent),
        '}',
      ],
      load: [`match load_tag(from, ${bytes}) {`, ...makes(`load_at(from, ${offset})`)],
      lift: ['match slots[0] {', ...makes('Load::lift(&slots[1..])')],
    });
  }
}

/** The bodies of the functions that move a type's values. */
interface Moves {
  readonly store: readonly string[];
  readonly lower: readonly string[];
  readonly load: readonly string[];
  readonly lift: readonly string[];
}

/** Declares how the values of a type are moved. */
export function declareMoves(
  type: ValueType,
  name: string,
  module: ModuleText,
  moves: Moves,
): void {
  const method = (head: string, lines: readonly string[]) =>
    `    ${head} {\n${indent(indent(lines.join('\n')))}\n    }`;
  const use = `use ${module.runtime('{load_at, load_tag, store_tag, Arena, Load, Resource, Store}')};`;
  module.declare(
    [
      'const _: () = {',
      indent(
        [
          use,
          `impl Store for ${name} {`,
          `    const SIZE: usize = ${sizeOf(type)};`,
          `    const ALIGN: usize = ${alignOf(type)};`,
          `    const FLAT: usize = ${flatten(type).length};`,
          method('unsafe fn store(&self, to: *mut u8, arena: &mut Arena)', moves.store),
          method('unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena)', moves.lower),
          '}',
          `impl Load for ${name} {`,
          method(`unsafe fn load(from: *const u8) -> ${name}`, moves.load),
          method(`unsafe fn lift(slots: &[u64]) -> ${name}`, moves.lift),
          '}',
        ].join('\n'),
      ),
      '};',
    ].join('\n'),
  );
}

function declareFlags(type: FlagsType, name: string, docs: Docs, module: ModuleText): void {
  const unit = `u${sizeOf(type) * 8}`;
  const names = distinct([...type.names], constantName);
  const constants = type.names.map(
    (each, bit) => `${doc(docs.of(each))}pub const ${names[bit]}: ${name} = ${name}(1 << ${bit});`,
  );
  const methods = [
    `pub const fn empty() -> ${name} {\n    ${name}(0)\n}`,
    `/// Whether all of the others are set.\npub const fn contains(self, others: ${name}) -> bool {\n    self.0 & others.0 == others.0\n}`,
  ];
  module.declare(
    [
      `${doc(docs.of(null))}#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]\npub struct ${name}(${unit});`,
      `impl ${name} {\n${indent([...constants, ...methods].join('\n'))}\n}`,
      [
        `impl std::ops::BitOr for ${name} {`,
        `    type Output = ${name};`,
        `    fn bitor(self, other: ${name}) -> ${name} {\n        ${name}(self.0 | other.0)\n    }`,
        '}',
      ].join('\n'),
    ].join('\n\n'),
  );
  declareMoves(type, name, module, {
    store: ['self.0.store(to, arena);'],
    lower: ['self.0.lower(slots, arena);'],
    load: [`${name}(load_at(from, 0))`],
    lift: [`${name}(Load::lift(slots))`],
  });
}

/** Whether a value is copied as it is passed. */
function isCopied(type: ValueType): boolean {
  return !contains(type, (part) => ['string', 'list', 'own', 'borrow'].includes(part.kind));
}

function derives(type: ValueType): string {
  const hasHandles = contains(type, (part) => part.kind === 'own' || part.kind === 'borrow');
  const words = [
    'Debug',
    ...(hasHandles ? [] : ['Clone', ...(isCopied(type) ? ['Copy'] : []), 'PartialEq']),
    ...(type.kind === 'enum' ? ['Eq'] : []),
  ];
  return `#[derive(${words.join(', ')})]\n`;
}

/** The places of the core values of what stands side by side. */
function slotsOf(types: readonly ValueType[]): readonly number[] {
  let next = 0;
  return types.map((type) => {
    const slot = next;
    next += flatten(type).length;
    return slot;
  });
}
