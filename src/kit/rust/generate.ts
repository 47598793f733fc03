/**
 * Generates Rust bindings from a world: one file with a module for each interface, the traits that the guest
 * implements, and the macro that exports what they have. Names are wit-bindgen's
 * (https://docs.rs/wit-bindgen); nothing of it is needed.
 */

import type {
  ComponentType,
  FunctionType,
  ResourceType,
  ValueType,
} from '../../wasm/component/types.ts';
import { Docs } from '../wit/docs.ts';
import { functionsOf, type Place, placesOf, typesOf } from '../wit/places.ts';
import type { ExportEntry, Exported } from './exports-text.ts';
import { exportMacro, type GuestResource, writeGuest } from './guest-text.ts';
import { importedText } from './imports-text.ts';
import { ModuleText } from './module-text.ts';
import { distinct, modulePaths, typeName, valueName } from './names.ts';
import { resourceExports, writeGuestResource, writeHostResource } from './resources-text.ts';
import { RustTypes, type TypeHome } from './types-text.ts';

/** Only these are declared; other types with a name are aliases. */
const DECLARED = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/**
 * Generates the bindings of a world.
 *
 * @param texts - The doc comments of the WIT, by the keys of {@link Docs}.
 */
export function generateRust(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  texts: ReadonlyMap<string, string> = new Map(),
): string {
  const docs = new Docs(texts);
  const places = placesOf(world, docs);
  const paths = modulePaths(places);
  const pathOf = (place: Place) => paths.get(place) ?? [];
  const types = new RustTypes(findHomes(places, pathOf));
  const root = new ModuleText();
  const entries: ExportEntry[] = [];
  for (const place of places) {
    const path = pathOf(place);
    const module = root.at(path);
    module.describe(place.docs.of(null));
    writeTypes(place, path, types, module);
    if (place.exported) {
      const functions = exportsOf(functionsOf(place.instance), place.docs, `${place.name}#`);
      const resources = writeGuestResources(place, path, types, module);
      entries.push(...writeGuest(functions, resources, path, types, module));
    } else {
      writeImports(place, path, types, module);
    }
  }
  const own = functionsOf({ kind: 'instance', exports: world.exports });
  entries.push(...writeGuest(exportsOf(own, docs, ''), [], [], types, root));
  root.declare(exportMacro(entries));
  return root.toString();
}

/** Each type belongs to the first place that gives it a name. */
function findHomes(places: readonly Place[], pathOf: (place: Place) => readonly string[]) {
  const homes = new Map<ValueType | ResourceType, TypeHome>();
  for (const place of places) {
    for (const [name, type, written] of namedTypesOf(place)) {
      if (!DECLARED.has(type.kind) || homes.has(type)) continue;
      homes.set(type, {
        path: pathOf(place),
        name: written,
        ofGuest: place.exported,
        docs: place.docs.type(name),
      });
    }
  }
  return homes;
}

/** The types with a name of a place, and what Rust calls them there. */
function namedTypesOf(
  place: Place,
): readonly (readonly [name: string, type: ValueType | ResourceType, written: string])[] {
  const all = [...typesOf(place.instance)];
  const names = distinct(
    all.map(([name]) => name),
    typeName,
  );
  return all.map(([name, type], index) => [name, type, names[index] ?? '']);
}

/** Functions without a resource that the guest has to write. */
function exportsOf(
  functions: readonly (readonly [string, FunctionType])[],
  docs: Docs,
  prefix: string,
): readonly Exported[] {
  const names = distinct(
    functions.map(([name]) => name),
    valueName,
  );
  return functions.map(([name, type], index) => ({
    exportName: `${prefix}${name}`,
    trait: 'Guest',
    name: names[index] ?? '',
    caller: `_export_${names[index]}`,
    type,
    about: docs.of(name),
    kind: 'function',
    resource: null,
  }));
}

/** The types of the resources that the guest makes; answers what it has to do for them. */
function writeGuestResources(
  place: Place,
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): readonly GuestResource[] {
  return namedTypesOf(place).flatMap(([name, type, written]) => {
    if (type.kind !== 'resource' || !types.isAt(type, path, written)) return [];
    writeGuestResource(place, name, type, written, module);
    const members = resourceExports(place, name, type, written);
    const exportName = `${place.name}#[dtor]${name}`;
    return [{ name, written, exportName, about: place.docs.type(name).of(null), members }];
  });
}

function writeTypes(
  place: Place,
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): void {
  for (const [name, type, written] of namedTypesOf(place)) {
    const home = types.homes.get(type);
    if (home !== undefined && !types.isAt(type, path, written)) {
      module.declare(`pub type ${written} = ${module.name(home.path, home.name)};`);
    } else if (type.kind !== 'resource') {
      types.declare(type, written, place.docs.type(name), module);
    }
  }
}

/** The functions that the host has, and the types of its resources. */
function writeImports(
  place: Place,
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): void {
  const from = place.name === '' ? '$root' : place.name;
  for (const [name, type, written] of namedTypesOf(place)) {
    if (type.kind === 'resource' && types.isAt(type, path, written)) {
      writeHostResource(place, name, type, written, types, module);
    }
  }
  const functions = functionsOf(place.instance);
  const names = distinct(
    functions.map(([name]) => name),
    valueName,
  );
  for (const [index, [name, type]] of functions.entries()) {
    module.declare(
      importedText(
        {
          from: [from, name],
          name: names[index] ?? '',
          type,
          kind: 'function',
          about: place.docs.of(name),
        },
        types,
        module,
      ),
    );
  }
}
