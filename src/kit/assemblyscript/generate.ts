/**
 * Generates AssemblyScript bindings from a world: a module for each interface that it imports or
 * exports, and the module that exports what the host calls.
 *
 * A guest imports `wasi:io/streams` as `wasi/io/streams`; it sees the types of WIT as classes and
 * enums, and functions over them. Strings are UTF-16 in the component, so that they and lists of
 * numbers cross without a copy.
 */

import type { ComponentType, ResourceType, ValueType } from '../../wasm/component/types.ts';
import { block, indent } from '../generated-text.ts';
import { Docs } from '../wit/docs.ts';
import { type Place, placesOf, typesOf } from '../wit/places.ts';
import { ENTRY_MODULE, writeEntry } from './entry-text.ts';
import { type PlacedInterface, writeFunctions, writeTypes } from './interface-text.ts';
import { ModuleText } from './module-text.ts';
import { distinct, modulePaths, typeName } from './names.ts';
import { TUPLES_MODULE, type TypeHome, TypeNames } from './types-text.ts';

/** The module with the types and functions that a world imports directly. */
const WORLD_MODULE = 'wit/world';

/** What is generated for one guest. */
export interface GeneratedModules {
  /** Texts by path below the folder of bindings, without the extension. */
  readonly modules: ReadonlyMap<string, string>;
  /** The names of the core module's exports, by the identifiers that AssemblyScript can export. */
  readonly exportNames: ReadonlyMap<string, string>;
}

/**
 * Generates the bindings of a world.
 *
 * @param guestModule - The module specifier of the guest's own file, seen from the entry module.
 * @param texts - The doc comments of the WIT, by the keys of {@link Docs}.
 */
export function generateModules(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  guestModule: string,
  texts: ReadonlyMap<string, string> = new Map(),
): GeneratedModules {
  const places = modulesOf(placesOf(world, new Docs(texts)));
  const names = new TypeNames(findHomes(places));
  const modules = new Map<string, ModuleText>();
  for (const place of places) {
    const module = moduleFor(place, names);
    modules.set(place.path, module);
    writeTypes(place, names, module);
    if (!place.exported) writeFunctions(place, names, module);
  }
  const exported = places.filter((place) => place.exported);
  const entry = writeEntry(world, exported, names, guestModule, new Docs(texts));
  const written = new Map([...modules].map(([path, module]) => [path, module.toString()]));
  written.set(ENTRY_MODULE, entry.text);
  written.set(TUPLES_MODULE, tupleClasses(names.tupleLengths));
  return { modules: written, exportNames: entry.exportNames };
}

/** The places of the world, each with the path of its module. */
function modulesOf(places: readonly Place[]): readonly PlacedInterface[] {
  const pathsOf = (exported: boolean) =>
    modulePaths(
      places
        .filter((each) => each.exported === exported && each.name !== '')
        .map(({ name }) => name),
    );
  const [imported, exported] = [pathsOf(false), pathsOf(true)];
  return places.map((each) => {
    if (each.name === '') return { ...each, path: WORLD_MODULE };
    const path = each.exported ? `exports/${exported.get(each.name)}` : imported.get(each.name);
    return { ...each, path: path ?? '' };
  });
}

/** Only these are declared; other types with a name are aliases, written wherever they occur. */
const DECLARED = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/** Each type belongs to the first interface that gives it a name. */
function findHomes(places: readonly PlacedInterface[]) {
  const homes = new Map<ValueType | ResourceType, TypeHome>();
  for (const { path, name: interfaceName, instance, exported, docs } of places) {
    const types = typesOf(instance);
    const names = distinct([...types.keys()], typeName);
    for (const [index, [name, type]] of [...types].entries()) {
      if (!DECLARED.has(type.kind) || homes.has(type)) continue;
      const isOwn = exported && type.kind === 'resource';
      homes.set(type, {
        path,
        name: names[index] ?? '',
        exported: isOwn ? { interfaceName, resource: name } : null,
        docs: docs.type(name),
      });
    }
  }
  return homes;
}

/** A module in which the names of its own types are taken before anything is written. */
function moduleFor({ path, docs }: PlacedInterface, { homes }: TypeNames): ModuleText {
  const module = new ModuleText(path, docs.of(null));
  for (const home of homes.values()) if (home.path === path) module.reserve(home.name);
  return module;
}

/** The classes of tuples of the lengths that occur. */
function tupleClasses(lengths: ReadonlySet<number>): string {
  const classes = [...lengths]
    .sort((a, b) => a - b)
    .map((length) => {
      const items = Array.from({ length }, (_, index) => index);
      const parameters = items.map((index) => `T${index}`).join(', ');
      const fields = items.map((index) => `public item${index}: T${index},`);
      const body = `constructor(\n${block(fields)}\n) {}`;
      return `export class Tuple${length}<${parameters}> {\n${indent(body)}\n}`;
    });
  return `/** Tuples, by their length. */\n\n${classes.join('\n\n')}\n`;
}
