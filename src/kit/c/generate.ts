/**
 * Generates C bindings from a world: a header with its types and functions, and the source that goes
 * with it. Names, types and who frees what are wit-bindgen's
 * (https://github.com/bytecodealliance/wit-bindgen/tree/main/crates/c#readme).
 */

import type { ComponentType, ResourceType, ValueType } from '../../wasm/component/types.ts';
import { Identifiers, snakeCase } from '../bindings/naming.ts';
import { Docs } from '../wit/docs.ts';
import { functionsOf, membersOf, type Place, placesOf, typesOf } from '../wit/places.ts';
import { FunctionCode } from './functions-text.ts';
import { prefixes } from './names.ts';
import { memoryText, stringText } from './runtime-text.ts';
import { CTypes, placeKey, type TypeHome } from './types-text.ts';

/** What is generated of one world. */
export interface GeneratedC {
  readonly header: string;
  readonly source: string;
  /** The prototypes of the functions that the guest has to write, by their names. */
  readonly wanted: ReadonlyMap<string, string>;
}

/** Only these are declared with a name of their own; other types with a name are aliases. */
const DECLARED = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/**
 * Generates the bindings of a world.
 *
 * @param worldName - The world's name without its package.
 * @param texts - The doc comments of the WIT, by the keys of {@link Docs}.
 */
export function generateC(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  worldName: string,
  texts: ReadonlyMap<string, string> = new Map(),
): GeneratedC {
  const docs = new Docs(texts);
  const places = placesOf(world, docs);
  const prefixOf = prefixes(places, worldName);
  const identifiers = new Identifiers();
  const types = new CTypes(findHomes(places, prefixOf), identifiers, worldName);
  const functions = new FunctionCode(types, identifiers);
  const string = types.name({ kind: 'string' });
  for (const place of places) writeTypes(place, prefixOf.get(place) ?? '', types);
  for (const place of places) {
    const write = place.exported ? writeExports : writeImports;
    write(place, prefixOf.get(place) ?? '', { types, functions, identifiers });
  }
  for (const [name, extern] of world.exports) {
    if (extern.kind !== 'func') continue;
    const own = identifiers.take(`exports_${snakeCase(worldName)}_${snakeCase(name)}`);
    functions.exported(name, { name: own, type: extern, about: docs.of(name) });
  }
  const strings = stringText(string, (word) =>
    identifiers.take(`${snakeCase(worldName)}_string_${word}`),
  );
  return {
    header: headerText(snakeCase(worldName), [
      ...types.declarations,
      ...strings.prototypes,
      ...types.prototypes,
      ...functions.prototypes,
    ]),
    source: sourceText(snakeCase(worldName), [
      ...memoryText,
      types.layoutChecks.join('\n'),
      ...strings.definitions,
      ...types.definitions,
      ...functions.definitions,
    ]),
    wanted: functions.wanted,
  };
}

/** What is written to. */
interface Output {
  readonly types: CTypes;
  readonly functions: FunctionCode;
  readonly identifiers: Identifiers;
}

/** Each type belongs to the first place that gives it a name. */
function findHomes(places: readonly Place[], prefixOf: ReadonlyMap<Place, string>) {
  const homes = new Map<ValueType | ResourceType, TypeHome>();
  for (const place of places) {
    for (const [name, type] of typesOf(place.instance)) {
      if (!DECLARED.has(type.kind) || homes.has(type)) continue;
      homes.set(type, {
        place: placeKey(place),
        prefix: prefixOf.get(place) ?? '',
        name,
        exportedBy: place.exported && type.kind === 'resource' ? place.name : null,
        docs: place.docs.type(name),
      });
    }
  }
  return homes;
}

function writeTypes(place: Place, prefix: string, types: CTypes): void {
  for (const [name, type] of typesOf(place.instance)) {
    if (types.isAt(type, place, name)) {
      if (type.kind === 'resource') types.resource(type);
      else types.name(type);
    } else {
      types.alias(name, prefix, type, place.docs.type(name));
    }
  }
}

/** The functions that the host has, and those for its resources' handles. */
function writeImports(place: Place, prefix: string, output: Output): void {
  const { types, functions, identifiers } = output;
  const module = place.name === '' ? '$root' : place.name;
  const write = (fullName: string, type: Parameters<FunctionCode['imported']>[2]['type']) =>
    functions.imported(module, fullName, {
      name: identifiers.take(`${prefix}${snakeCase(fullName)}`),
      type,
      about: place.docs.of(fullName),
    });
  for (const [name, type] of typesOf(place.instance)) {
    if (type.kind !== 'resource' || !types.isAt(type, place, name)) continue;
    const { own, borrow, dropOwn, dropBorrow } = types.resource(type);
    const drop = functions.hostFunction(
      module,
      `[resource-drop]${name}`,
      { params: ['i32'], results: [] },
      dropOwn,
    );
    const lend = identifiers.take(`${prefix}borrow_${snakeCase(name)}`);
    functions.prototypes.push(
      `/** Gives the resource back to the host. */\nextern void ${dropOwn}(${own} handle);`,
      `/** Gives back a handle that the host has lent. */\nextern void ${dropBorrow}(${borrow} handle);`,
      `/** Lends a resource for a call. */\nextern ${borrow} ${lend}(${own} handle);`,
    );
    functions.definitions.push(
      `void ${dropOwn}(${own} handle) {\n  ${drop}(handle.__handle);\n}`,
      `void ${dropBorrow}(${borrow} handle) {\n  ${drop}(handle.__handle);\n}`,
      `${borrow} ${lend}(${own} handle) {\n  return (${borrow}) { handle.__handle };\n}`,
    );
    for (const { fullName, type: member } of membersOf(place.instance, name)) {
      write(fullName, member);
    }
  }
  for (const [name, type] of functionsOf(place.instance)) write(name, type);
}

/** The functions that the guest has to write, and those for handles to its own resources. */
function writeExports(place: Place, prefix: string, output: Output): void {
  const { types, functions, identifiers } = output;
  const write = (fullName: string, type: Parameters<FunctionCode['exported']>[1]['type']) =>
    functions.exported(`${place.name}#${fullName}`, {
      name: identifiers.take(`${prefix}${snakeCase(fullName)}`),
      type,
      about: place.docs.of(fullName),
    });
  for (const [name, type] of typesOf(place.instance)) {
    if (type.kind !== 'resource' || !types.isAt(type, place, name)) continue;
    writeHandles(place, name, prefix, type, output);
    for (const { fullName, type: member } of membersOf(place.instance, name)) {
      write(fullName, member);
    }
    functions.destructor(
      `${place.name}#[dtor]${name}`,
      identifiers.take(`${prefix}${snakeCase(name)}_destructor`),
      types.resource(type).representation ?? 'void',
    );
  }
  for (const [name, type] of functionsOf(place.instance)) write(name, type);
}

/** Makes a handle of what is behind a resource of the guest, finds that by it, and drops it. */
function writeHandles(
  place: Place,
  name: string,
  prefix: string,
  type: ResourceType,
  { types, functions, identifiers }: Output,
): void {
  const { own, representation, dropOwn } = types.resource(type);
  const snake = `${prefix}${snakeCase(name)}`;
  const make = identifiers.take(`${snake}_new`);
  const find = identifiers.take(`${snake}_rep`);
  const host = (verb: string, results: readonly 'i32'[], wanted: string) =>
    functions.hostFunction(
      `[export]${place.name}`,
      `[resource-${verb}]${name}`,
      { params: ['i32'], results },
      wanted,
    );
  functions.prototypes.push(
    `/** A handle to give to the host. */\nextern ${own} ${make}(${representation} *rep);`,
    `/** What a handle stands for. */\nextern ${representation} *${find}(${own} handle);`,
    `/** Drops a handle: the destructor is called. */\nextern void ${dropOwn}(${own} handle);`,
  );
  const [hostNew, hostRep, hostDrop] = [
    host('new', ['i32'], make),
    host('rep', ['i32'], find),
    host('drop', [], dropOwn),
  ];
  functions.definitions.push(
    `${own} ${make}(${representation} *rep) {\n  return (${own}) { ${hostNew}((int32_t) rep) };\n}`,
    `${representation} *${find}(${own} handle) {\n  return (${representation} *) ${hostRep}(handle.__handle);\n}`,
    `void ${dropOwn}(${own} handle) {\n  ${hostDrop}(handle.__handle);\n}`,
  );
}

function headerText(world: string, parts: readonly string[]): string {
  const guard = `__BINDINGS_${world.toUpperCase()}_H`;
  return [
    `#ifndef ${guard}\n#define ${guard}`,
    '#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>',
    '#ifdef __cplusplus\nextern "C" {\n#endif',
    ...parts,
    '#ifdef __cplusplus\n}\n#endif',
    '#endif\n',
  ].join('\n\n');
}

function sourceText(world: string, parts: readonly string[]): string {
  return [
    `#include "${world}.h"\n#include <stdlib.h>\n#include <string.h>`,
    ...parts.filter((each) => each !== ''),
    '',
  ].join('\n\n');
}
