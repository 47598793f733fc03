/**
 * How WIT's types are written in C.
 *
 * A struct of C lies in a 32-bit memory as the canonical ABI lays out what it stands for: so values in
 * memory are never converted, and lists are handed over as they are. `layoutChecks` has the compiler see
 * to that.
 */

import type {
  RecordType,
  ResourceType,
  ValueType,
  VariantType,
} from '../../wasm/component/types.ts';
import { contains } from '../bindings/code.ts';
import { alignOf, casesOf, discriminantBytes, fieldTypesOf, sizeOf } from '../bindings/layout.ts';
import { constantCase, type Identifiers, snakeCase } from '../bindings/naming.ts';
import { block, comment } from '../generated-text.ts';
import type { Docs } from '../wit/docs.ts';
import type { Place } from '../wit/places.ts';
import { fieldNames } from './names.ts';

/** Where a type with a name is from. */
export interface TypeHome {
  /** The place that it is from: no two have the same. */
  readonly place: string;
  /** What its names begin with: `wasi_io_streams_`. */
  readonly prefix: string;
  readonly name: string;
  /** Of a resource that the guest itself makes: the interface that exports it. */
  readonly exportedBy: string | null;
  /** What WIT says of it and of its fields, cases or flags. */
  readonly docs: Docs;
}

/** The homes of all types with a name of their own. */
export type TypeHomes = ReadonlyMap<ValueType | ResourceType, TypeHome>;

/** The names of a resource's types and of the functions for its handles. */
export interface ResourceNames {
  readonly own: string;
  readonly borrow: string;
  /** Of a resource of the guest the type behind it; null: the host has it. */
  readonly representation: string | null;
  readonly dropOwn: string;
  readonly dropBorrow: string;
}

/** A declared type: its name, and the word that the names of its functions and constants begin with. */
interface Declared {
  readonly name: string;
  readonly stem: string;
}

/** What gives back what a value holds: `free` all of it, `release` its memory alone, not its handles. */
export type Disposal = 'free' | 'release';

const PRIMITIVES: Readonly<
  Partial<Record<ValueType['kind'], readonly [type: string, stem: string]>>
> = {
  bool: ['bool', 'bool'],
  s8: ['int8_t', 's8'],
  u8: ['uint8_t', 'u8'],
  s16: ['int16_t', 's16'],
  u16: ['uint16_t', 'u16'],
  s32: ['int32_t', 's32'],
  u32: ['uint32_t', 'u32'],
  s64: ['int64_t', 's64'],
  u64: ['uint64_t', 'u64'],
  f32: ['float', 'f32'],
  f64: ['double', 'f64'],
  char: ['uint32_t', 'char32'],
};

/** Declares types as they are first needed, what they are made of before themselves. */
export class CTypes {
  readonly #homes: TypeHomes;
  readonly #identifiers: Identifiers;
  readonly #world: string;
  readonly #declared = new Map<string, Declared>();
  readonly #resources = new Map<ResourceType, ResourceNames>();
  readonly #disposals = new Map<string, string>();
  /** Of the header: types, and the functions that free values of them. */
  readonly declarations: string[] = [];
  readonly prototypes: string[] = [];
  /** Of the source: that each type lies as the canonical ABI has it, and the functions' bodies. */
  readonly layoutChecks: string[] = [];
  readonly definitions: string[] = [];

  constructor(homes: TypeHomes, identifiers: Identifiers, world: string) {
    this.#homes = homes;
    this.#identifiers = identifiers;
    this.#world = snakeCase(world);
  }

  /** The type as C writes it. */
  name(type: ValueType): string {
    const primitive = PRIMITIVES[type.kind];
    if (primitive !== undefined) return primitive[0];
    if (type.kind === 'own' || type.kind === 'borrow')
      return this.resource(type.resource)[type.kind];
    return this.#declaredOf(type).name;
  }

  /** The names that belong to a resource. */
  resource(type: ResourceType): ResourceNames {
    const known = this.#resources.get(type);
    if (known !== undefined) return known;
    const { prefix, name, exportedBy, docs } = this.#homeOf(type);
    const snake = snakeCase(name);
    const take = (text: string) => this.#identifiers.take(`${prefix}${text}`);
    const names: ResourceNames = {
      own: take(`own_${snake}_t`),
      borrow: take(`borrow_${snake}_t`),
      representation: exportedBy === null ? null : take(`${snake}_t`),
      dropOwn: take(`${snake}_drop_own`),
      dropBorrow: exportedBy === null ? take(`${snake}_drop_borrow`) : '',
    };
    this.#resources.set(type, names);
    const handle = (typeName: string) =>
      `typedef struct ${typeName} {\n  int32_t __handle;\n} ${typeName};`;
    this.declarations.push(
      `${comment(docs.of(null))}${handle(names.own)}`,
      names.representation === null
        ? handle(names.borrow)
        : `typedef struct ${names.representation} ${names.representation};\n` +
            `typedef ${names.representation} *${names.borrow};`,
    );
    return names;
  }

  /** Whether a type with a name is declared where it is called so: elsewhere it is an alias. */
  isAt(type: ValueType | ResourceType, place: Place, name: string): boolean {
    const home = this.#homes.get(type);
    return home !== undefined && home.place === placeKey(place) && home.name === name;
  }

  /** Gives a type that has a name already one more. */
  alias(name: string, prefix: string, type: ValueType | ResourceType, docs: Docs): void {
    const wanted = `${prefix}${snakeCase(name)}`;
    if (type.kind === 'resource') {
      const { own, borrow } = this.resource(type);
      for (const [kind, from] of [
        ['own', own],
        ['borrow', borrow],
      ] as const) {
        const to = this.#identifiers.take(`${prefix}${kind}_${snakeCase(name)}_t`);
        this.declarations.push(`typedef ${from} ${to};`);
      }
      return;
    }
    const from = this.name(type);
    const to = this.#identifiers.take(`${wanted}_t`);
    this.declarations.push(`${comment(docs.of(null))}typedef ${from} ${to};`);
    if (type.kind !== 'own' && type.kind !== 'borrow' && this.holds(type, 'free')) {
      const free = this.#identifiers.take(`${wanted}_free`);
      this.prototypes.push(`#define ${free} ${this.#disposalFunction('free', type)}`);
    }
  }

  /** Whether a value holds memory, or handles that can be dropped. */
  holds(type: ValueType, disposal: Disposal): boolean {
    return contains(
      type,
      (part) =>
        part.kind === 'string' ||
        part.kind === 'list' ||
        (disposal === 'free' && this.#isDropped(part)),
    );
  }

  /** A statement that gives back what the value at an address holds; null: it holds nothing. */
  disposal(disposal: Disposal, type: ValueType, address: string): string | null {
    if (!this.holds(type, disposal)) return null;
    if (type.kind === 'own' || type.kind === 'borrow') {
      const { dropOwn, dropBorrow } = this.resource(type.resource);
      return `${type.kind === 'own' ? dropOwn : dropBorrow}(*${address});`;
    }
    // What has no handles is freed.
    const does = contains(type, (part) => this.#isDropped(part)) ? disposal : 'free';
    return `${this.#disposalFunction(does, type)}(${address});`;
  }

  #isDropped(type: ValueType): boolean {
    if (type.kind === 'own') return true;
    return type.kind === 'borrow' && this.resource(type.resource).representation === null;
  }

  #disposalFunction(disposal: Disposal, type: ValueType): string {
    const { name: typeName, stem } = this.#declaredOf(type);
    const key = `${disposal} ${typeName}`;
    const known = this.#disposals.get(key);
    if (known !== undefined) return known;
    const name = this.#identifiers.take(`${stem}_${disposal}`);
    this.#disposals.set(key, name);
    const head = `void ${name}(${typeName} *ptr)`;
    const body = `${head} {\n${block(this.#disposalLines(disposal, type))}\n}`;
    if (disposal === 'free') this.prototypes.push(`${head};`);
    this.definitions.push(disposal === 'free' ? body : `static ${body}`);
    return name;
  }

  #disposalLines(disposal: Disposal, type: ValueType): string[] {
    const give = (part: ValueType, address: string) => this.disposal(disposal, part, address);
    switch (type.kind) {
      case 'string':
      case 'list': {
        const one = type.kind === 'list' ? give(type.element, '(&ptr->ptr[index])') : null;
        const each =
          one === null ? '' : `  for (size_t index = 0; index < ptr->len; index++) ${one}\n`;
        return [
          `if (ptr->len > 0) {\n${each}  free(ptr->ptr);\n}`,
          'ptr->ptr = NULL;',
          'ptr->len = 0;',
        ];
      }
      case 'record':
      case 'tuple': {
        const names = this.#fieldNames(type);
        const types = fieldTypesOf(type) ?? [];
        return types.flatMap((each, index) => give(each, `(&ptr->${names[index]})`) ?? []);
      }
      default: {
        const tag = tagOf(type);
        const cases = (casesOf(type) ?? []).flatMap((each, index) => {
          const place = each.type === null ? null : this.payload(type, index, 'ptr->');
          const line = each.type === null ? null : give(each.type, `(&${place})`);
          return line === null ? [] : [`case ${index}:\n  ${line}\n  break;`];
        });
        return [`switch ((int32_t) ptr->${tag}) {\n${block([...cases, 'default:\n  break;'])}\n}`];
      }
    }
  }

  /** The payload of a case: `access` is what stands before the fields' names, `value.` or `value->`. */
  payload(type: ValueType, index: number, access: string): string {
    if (type.kind === 'option') return `${access}val`;
    if (type.kind === 'result') return `${access}val.${index === 0 ? 'ok' : 'err'}`;
    if (type.kind !== 'variant') throw new Error(`A ${type.kind} has no payload.`);
    return `${access}val.${caseNames(type)[index]}`;
  }

  /** The names of the fields of a record or tuple. */
  #fieldNames(type: ValueType): readonly string[] {
    if (type.kind === 'record') return recordNames(type);
    return (fieldTypesOf(type) ?? []).map((_, index) => `f${index}`);
  }

  /** The parts of a record or tuple, by the names of their fields. */
  fields(type: ValueType): readonly (readonly [name: string, type: ValueType])[] {
    const names = this.#fieldNames(type);
    return (fieldTypesOf(type) ?? []).map((each, index) => [names[index] ?? '', each]);
  }

  #homeOf(type: ValueType | ResourceType): TypeHome {
    const home = this.#homes.get(type);
    if (home === undefined) throw new Error(`A ${type.kind} without a name can't be written.`);
    return home;
  }

  /** Declares a type, once. */
  #declaredOf(type: ValueType): Declared {
    const key = this.#key(type);
    const known = this.#declared.get(key);
    if (known !== undefined) return known;
    const stem = this.#stem(type);
    const declared = { stem, name: this.#identifiers.take(`${stem}_t`) };
    this.#declared.set(key, declared);
    this.#declare(type, declared);
    const { name } = declared;
    this.layoutChecks.push(
      `_Static_assert(sizeof(${name}) == ${sizeOf(type)} && _Alignof(${name}) == ${alignOf(type)}, "layout");`,
    );
    if (this.holds(type, 'free')) this.#disposalFunction('free', type);
    return declared;
  }

  #stem(type: ValueType): string {
    const home = this.#homes.get(type);
    return home === undefined
      ? `${this.#world}_${this.#label(type)}`
      : `${home.prefix}${snakeCase(home.name)}`;
  }

  /** A word for a type, of which the names of others are made. */
  #label(type: ValueType | null): string {
    if (type === null) return 'void';
    const primitive = PRIMITIVES[type.kind];
    if (primitive !== undefined) return primitive[1];
    switch (type.kind) {
      case 'string':
        return 'string';
      case 'list':
      case 'option':
        return `${type.kind}_${this.#label(type.element)}`;
      case 'result':
        return `result_${this.#label(type.ok)}_${this.#label(type.err)}`;
      case 'tuple':
        return `tuple${type.elements.length}_${type.elements.map((each) => this.#label(each)).join('_')}`;
      default:
        return this.name(type).replace(/_t(_*)$/, '$1');
    }
  }

  /** A text that two types have in common only if they are one type in C. */
  #key(type: ValueType | null): string {
    if (type === null) return '_';
    switch (type.kind) {
      case 'list':
      case 'option':
        return `${type.kind}<${this.#key(type.element)}>`;
      case 'result':
        return `result<${this.#key(type.ok)}, ${this.#key(type.err)}>`;
      case 'tuple':
        return `tuple<${type.elements.map((each) => this.#key(each)).join(', ')}>`;
      case 'own':
      case 'borrow':
        return this.name(type);
      case 'record':
      case 'variant':
      case 'enum':
      case 'flags': {
        const { place, name } = this.#homeOf(type);
        return `${place}#${name}`;
      }
      default:
        return type.kind;
    }
  }

  #declare(type: ValueType, { name, stem }: Declared): void {
    const docs = this.#homes.get(type)?.docs ?? null;
    const about = comment(docs?.of(null) ?? null);
    const constant = (word: string) =>
      this.#identifiers.take(`${stem.toUpperCase()}_${constantCase(word)}`);
    const constants = (names: readonly string[], value: (index: number) => string) =>
      names.map(
        (word, index) =>
          `${comment(docs?.of(word) ?? null)}#define ${constant(word)} ${value(index)}`,
      );
    switch (type.kind) {
      case 'enum':
        this.declarations.push(
          `${about}typedef ${unsigned(discriminantBytes(type.names.length))} ${name};`,
          ...constants(type.names, String),
        );
        return;
      case 'flags':
        this.declarations.push(
          `${about}typedef ${unsigned(sizeOf(type))} ${name};`,
          ...constants(type.names, (bit) => `(1u << ${bit})`),
        );
        return;
      case 'string':
        this.#declareStruct(name, about, ['uint8_t *ptr;', 'size_t len;']);
        return;
      case 'list':
        this.#declareStruct(name, about, [`${this.name(type.element)} *ptr;`, 'size_t len;']);
        return;
      case 'record':
      case 'tuple':
        this.#declareStruct(
          name,
          about,
          this.fields(type).map(([field, each], index) => {
            const named = type.kind === 'record' ? type.fields[index]?.name : undefined;
            const note = named === undefined ? '' : comment(docs?.of(named) ?? null);
            return `${note}${this.name(each)} ${field};`;
          }),
        );
        return;
      case 'option':
        this.#declareStruct(name, about, ['bool is_some;', `${this.name(type.element)} val;`]);
        return;
      case 'result':
        this.#declareStruct(name, about, [
          'bool is_err;',
          ...this.#union(type, ['ok', 'err'], null),
        ]);
        return;
      case 'variant': {
        const tag = `${unsigned(discriminantBytes(type.cases.length))} tag;`;
        this.#declareStruct(name, about, [tag, ...this.#union(type, caseNames(type), docs)]);
        const names = type.cases.map((each) => each.name);
        this.declarations.push(...constants(names, String));
        return;
      }
      default:
        throw new Error(`A ${type.kind} is declared by nobody.`);
    }
  }

  #declareStruct(name: string, about: string, lines: readonly string[]): void {
    this.declarations.push(`${about}typedef struct ${name} {\n${block(lines)}\n} ${name};`);
  }

  /** The payloads of cases; none where no case has one. */
  #union(type: ValueType, names: readonly string[], docs: Docs | null): readonly string[] {
    const members = (casesOf(type) ?? []).flatMap((each, index) =>
      each.type === null
        ? []
        : [`${comment(docs?.of(each.name) ?? null)}${this.name(each.type)} ${names[index]};`],
    );
    return members.length === 0 ? [] : [`union {\n${block(members)}\n} val;`];
  }
}

/** What tells a place from all others. */
export function placeKey({ name, exported }: Place): string {
  return `${exported ? 'exports ' : ''}${name}`;
}

/** The field that says which case a value is. */
export function tagOf(type: ValueType): string {
  if (type.kind === 'option') return 'is_some';
  return type.kind === 'result' ? 'is_err' : 'tag';
}

/** Whether a function takes a value by its address. */
export function isByAddress(type: ValueType): boolean {
  return ['string', 'list', 'record', 'tuple', 'variant', 'option', 'result'].includes(type.kind);
}

function recordNames(type: RecordType): readonly string[] {
  return fieldNames(type.fields.map((each) => each.name));
}

function caseNames(type: VariantType): readonly string[] {
  return fieldNames(type.cases.map((each) => each.name));
}

function unsigned(bytes: number): string {
  return `uint${bytes * 8}_t`;
}
