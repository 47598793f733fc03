/**
 * The types of a world for guests in TypeScript, and for the editor of those in JavaScript: a module for each
 * interface, under the name that a guest imports it by. What values look like is the engine's doing.
 */

import type { FunctionType, ResourceType, ValueType } from '../../wasm/component/types.ts';
import {
  camelCase,
  Identifiers,
  isReserved,
  parameterName,
  pascalCase,
  propertyKey,
  quoted,
} from '../bindings/naming.ts';
import { comment, GENERATED, indent } from '../generated-text.ts';
import { Docs } from '../wit/docs.ts';
import { functionsOf, membersOf, type Place, placesOf, typesOf } from '../wit/places.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import type { Engine } from './engines.ts';
import { exportedName } from './entry-text.ts';

/** Before the names of modules that have types only: of what the guest exports. */
const EXPORTS = 'exports/';

/** The module of types of the world itself, and of the functions that the guest exports. */
const WORLD = `${EXPORTS}world`;

/** Where a type with a name is declared. */
interface Home {
  readonly module: string;
  readonly name: string;
}

/** The texts of the declarations, by path below the folder of bindings. */
export function declarationsOf(
  { world, docs }: Pick<ResolvedWorld, 'world' | 'docs'>,
  engine: Engine,
): ReadonlyMap<string, string> {
  const texts = new Docs(docs);
  const places = placesOf(world, texts);
  const types = new TypeTexts(homesOf(places), engine);
  const modules = places.map((place) => moduleText(place, types));
  const short = shortNames(places).map(
    ([from, to]) =>
      `declare module ${quoted(from)} {\n${indent(`export * from ${quoted(to)};`)}\n}`,
  );
  const exported = [...world.exports].flatMap(([name, extern]) =>
    extern.kind === 'func'
      ? [exportedFunction(exportedName(name), extern, types, texts.of(name))]
      : [],
  );
  const own = `declare module ${quoted(WORLD)} {\n${indent([...exported, 'export {};'].join('\n'))}\n}`;
  return new Map([
    ['world.d.ts', `${GENERATED}\n\n${[...modules, ...short, own].join('\n\n')}\n`],
    ['globals.d.ts', `${GENERATED}\n\n${GLOBALS}`],
  ]);
}

/** What both engines have, in a form that agrees with the types of Node and of browsers. */
const GLOBALS = `interface Console {
  assert(holds?: unknown, ...values: unknown[]): void;
  debug(...values: unknown[]): void;
  error(...values: unknown[]): void;
  info(...values: unknown[]): void;
  log(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  warn(...values: unknown[]): void;
}
declare var console: Console;

interface Performance {
  /** Milliseconds since the agent has started. */
  now(): number;
}
declare var performance: Performance;
`;

const moduleOf = ({ name, exported }: Place) =>
  name === '' ? WORLD : `${exported ? EXPORTS : ''}${name}`;

function homesOf(places: readonly Place[]): ReadonlyMap<ValueType | ResourceType, Home> {
  const homes = new Map<ValueType | ResourceType, Home>();
  for (const place of places) {
    for (const [name, type] of typesOf(place.instance)) {
      if (homes.has(type)) continue;
      homes.set(type, { module: moduleOf(place), name: pascalCase(name) });
    }
  }
  return homes;
}

/** Names without versions, of the first version of each. */
function shortNames(places: readonly Place[]): readonly [string, string][] {
  const found = new Map<string, string>();
  for (const place of places) {
    const full = moduleOf(place);
    const short = full.replace(/@.*/, '');
    if (short !== full && !found.has(short)) found.set(short, full);
  }
  return [...found];
}

function moduleText(place: Place, types: TypeTexts): string {
  const module = moduleOf(place);
  const named = [...typesOf(place.instance)].map(([name, type]) =>
    declarationText(place, name, type, types),
  );
  const functions = functionsOf(place.instance).map(([name, type]) => {
    const docs = place.docs.of(name);
    const written = camelCase(name);
    if (place.name !== '') return exportedFunction(written, type, types, docs);
    // One of the world itself is a module of its own.
    const text = functionText(declarable(written), type, types, 'export default function ', docs);
    return `declare module ${quoted(name)} {\n${indent(text)}\n}`;
  });
  if (place.name === '') return [worldTypes(named), ...functions].join('\n\n');
  const about = comment(place.docs.of(null));
  const body = [...named, ...functions].join('\n');
  return `${about}declare module ${quoted(module)} {\n${indent(body)}\n${indent('export {};')}\n}`;
}

const worldTypes = (named: readonly string[]) =>
  `declare module ${quoted(WORLD)} {\n${indent(named.join('\n'))}\n}`;

function declarationText(
  place: Place,
  name: string,
  type: ValueType | ResourceType,
  types: TypeTexts,
): string {
  const docs = place.docs.type(name);
  const about = comment(docs.of(null));
  const written = pascalCase(name);
  const home = types.homes.get(type);
  if (home !== undefined && (home.module !== moduleOf(place) || home.name !== written)) {
    return `${about}export type ${written} = ${types.reference(home)};`;
  }
  if (type.kind === 'resource') return about + classText(place, name, written, types);
  if (type.kind === 'record') {
    const fields = type.fields.map(
      ({ name: field, type: of }) =>
        `${comment(docs.of(field))}${propertyKey(camelCase(field))}: ${types.expression(of)};`,
    );
    return `${about}export interface ${written} {\n${indent(fields.join('\n'))}\n}`;
  }
  if (type.kind === 'flags') {
    const flags = type.names.map(
      (flag) => `${comment(docs.of(flag))}${propertyKey(camelCase(flag))}?: boolean;`,
    );
    return `${about}export interface ${written} {\n${indent(flags.join('\n'))}\n}`;
  }
  if (type.kind === 'variant') {
    const cases = type.cases.map(({ name: tag, type: of }) => {
      const value = of === null ? '' : `; val: ${types.expression(of)}`;
      return `${comment(docs.of(tag))}| { tag: ${quoted(tag)}${value} }`;
    });
    return `${about}export type ${written} =\n${indent(cases.join('\n'))};`;
  }
  if (type.kind === 'enum') {
    const names = type.names.map((each) => `${comment(docs.of(each))}| ${quoted(each)}`);
    return `${about}export type ${written} =\n${indent(names.join('\n'))};`;
  }
  return `${about}export type ${written} = ${types.shape(type)};`;
}

/** The class of a resource. One that the guest makes it writes itself: this says what is asked of it. */
function classText(place: Place, resource: string, written: string, types: TypeTexts): string {
  const members = membersOf(place.instance, resource);
  const first = members.some(({ kind }) => kind === 'constructor')
    ? []
    : ['private constructor();'];
  const texts = members.map(({ kind, own, fullName, type }) => {
    const about = place.docs.of(fullName);
    if (kind === 'constructor') {
      return `${comment(about)}constructor(${parametersText(type, types, 0)});`;
    }
    const prefix = kind === 'static' ? 'static ' : '';
    return functionText(camelCase(own), type, types, prefix, about, kind === 'method' ? 1 : 0);
  });
  const dispose = place.exported ? [] : ['[Symbol.dispose](): void;'];
  return `export class ${written} {\n${indent([...first, ...texts, ...dispose].join('\n'))}\n}`;
}

/** The name of a function where it is declared. */
const declarable = (name: string): string => (isReserved(name) ? `${name}_` : name);

/** A function of a module. One that is called by a reserved word is declared by another name. */
function exportedFunction(
  name: string,
  type: FunctionType,
  types: TypeTexts,
  docs: string | null,
): string {
  const declared = declarable(name);
  if (declared === name) return functionText(name, type, types, 'export function ', docs);
  const text = functionText(declared, type, types, 'function ', docs);
  return `${text}\nexport { ${declared} as ${name} };`;
}

function functionText(
  name: string,
  type: FunctionType,
  types: TypeTexts,
  prefix: string,
  docs: string | null,
  receivers = 0,
): string {
  const { result } = type;
  const failure =
    result?.kind === 'result'
      ? `@throws an error whose \`payload\` is ${result.err === null ? 'undefined' : `\`${plain(types.expression(result.err))}\``}`
      : '';
  const about = [docs ?? '', failure].filter((each) => each !== '').join('\n');
  const answer = result?.kind === 'result' ? result.ok : result;
  const returned = answer === null ? 'void' : types.expression(answer);
  return `${comment(about)}${prefix}${propertyKey(name)}(${parametersText(type, types, receivers)}): ${returned};`;
}

/** A type for people to read. */
const plain = (text: string): string => text.replace(/import\('[^']*'\)\./g, '');

function parametersText({ params }: FunctionType, types: TypeTexts, receivers: number): string {
  const names = new Identifiers();
  return params
    .slice(receivers)
    .map(({ name, type }) => `${names.take(parameterName(name))}: ${types.expression(type)}`)
    .join(', ');
}

/** Writes types as an engine shows their values. */
class TypeTexts {
  readonly homes: ReadonlyMap<ValueType | ResourceType, Home>;
  readonly #engine: Engine;

  constructor(homes: ReadonlyMap<ValueType | ResourceType, Home>, engine: Engine) {
    this.homes = homes;
    this.#engine = engine;
  }

  reference({ module, name }: Home): string {
    return `import(${quoted(module)}).${name}`;
  }

  /** The type by its name, where it has one. */
  expression(type: ValueType): string {
    const home = this.homes.get(type);
    return home === undefined ? this.shape(type) : this.reference(home);
  }

  /** The type by what it is. */
  shape(type: ValueType): string {
    switch (type.kind) {
      case 'bool':
        return 'boolean';
      case 'char':
      case 'string':
        return 'string';
      case 'u64':
      case 's64':
        return this.#engine === 'quickjs' ? 'number' : 'bigint';
      case 'list':
        return this.#list(type.element);
      case 'tuple':
        return `[${type.elements.map((each) => this.expression(each)).join(', ')}]`;
      case 'option':
        if (type.element.kind === 'option') {
          return `{ tag: 'some'; val: ${this.expression(type.element)} } | { tag: 'none' }`;
        }
        return `${this.expression(type.element)} | ${this.#engine === 'quickjs' ? 'null' : 'undefined'}`;
      case 'result': {
        const side = (tag: string, value: ValueType | null) =>
          `{ tag: '${tag}'${value === null ? '' : `; val: ${this.expression(value)}`} }`;
        return `${side('ok', type.ok)} | ${side('err', type.err)}`;
      }
      case 'own':
      case 'borrow': {
        const home = this.homes.get(type.resource);
        return home === undefined ? pascalCase(type.resource.name) : this.reference(home);
      }
      case 'record':
      case 'variant':
      case 'flags':
      case 'enum':
        throw new Error(`A ${type.kind} without a name can't be written.`);
      default:
        return 'number';
    }
  }

  #list(element: ValueType): string {
    if (element.kind === 'u8') return 'Uint8Array';
    const array = ARRAYS.get(element.kind);
    if (this.#engine === 'starlingmonkey' && array !== undefined) return array;
    const text = this.expression(element);
    return text.includes(' ') ? `(${text})[]` : `${text}[]`;
  }
}

/** What lists of numbers are in the large engine. */
const ARRAYS: ReadonlyMap<ValueType['kind'], string> = new Map([
  ['s8', 'Int8Array'],
  ['s16', 'Int16Array'],
  ['u16', 'Uint16Array'],
  ['s32', 'Int32Array'],
  ['u32', 'Uint32Array'],
  ['s64', 'BigInt64Array'],
  ['u64', 'BigUint64Array'],
  ['f32', 'Float32Array'],
  ['f64', 'Float64Array'],
]);
