/**
 * Generates Rust bindings from a world: one file with a module for each interface, the traits that the guest
 * implements, and the macro that exports what they have. Names are wit-bindgen's
 * (https://docs.rs/wit-bindgen); nothing of it is needed.
 */

import { RingfenceError } from '../../errors.ts';
import type { ComponentType, ResourceType, ValueType } from '../../wasm/component/types.ts';
import { Docs } from '../wit/docs.ts';
import { functionsOf, membersOf, type Place, placesOf, typesOf } from '../wit/places.ts';
import {
  type ExportEntry,
  type Exported,
  exportedText,
  hostFunction,
  importedText,
  methodText,
} from './functions-text.ts';
import { doc, indent, ModuleText } from './module-text.ts';
import { distinct, memberName, modulePaths, typeName, valueName } from './names.ts';
import { declareMoves, RustTypes, type TypeHome } from './types-text.ts';

/** Only these are declared; other types with a name are aliases. */
const DECLARED = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/**
 * Generates the bindings of a world.
 *
 * @param texts - The doc comments of the WIT, by the keys of {@link Docs}.
 * @throws {RingfenceError} `RF_UNAVAILABLE` where the world exports a resource.
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
      const functions = functionsOf(place.instance).map(([name, type]) => ({
        exportName: `${place.name}#${name}`,
        name: valueName(name),
        type,
        about: place.docs.of(name),
      }));
      entries.push(...writeGuest(functions, path, types, module));
    } else {
      writeImports(place, path, types, module);
    }
  }
  const own = [...world.exports].flatMap(([name, type]) =>
    type.kind === 'func'
      ? [{ exportName: name, name: valueName(name), type, about: docs.of(name) }]
      : [],
  );
  entries.push(...writeGuest(own, [], types, root));
  root.declare(exportMacro(entries));
  return root.toString();
}

/** Each type belongs to the first place that gives it a name. */
function findHomes(places: readonly Place[], pathOf: (place: Place) => readonly string[]) {
  const homes = new Map<ValueType | ResourceType, TypeHome>();
  for (const place of places) {
    for (const [name, type, written] of namedTypesOf(place)) {
      if (!DECLARED.has(type.kind) || homes.has(type)) continue;
      if (place.exported && type.kind === 'resource') throw noResources(place.name, name);
      homes.set(type, {
        path: pathOf(place),
        name: written,
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

function noResources(place: string, name: string): RingfenceError {
  return new RingfenceError(
    'RF_UNAVAILABLE',
    `The world exports the resource '${name}' of ${place}, which bindings of Rust can't have yet: write that guest in AssemblyScript or C.`,
    { name },
  );
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
      writeResource(place, name, type, written, types, module);
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

function writeResource(
  place: Place,
  name: string,
  resource: ResourceType,
  written: string,
  types: RustTypes,
  module: ModuleText,
): void {
  const from = place.name === '' ? '$root' : place.name;
  const members = membersOf(place.instance, name);
  const names = distinct(
    members.map((each) => each.own),
    (own) => (own === '' ? 'new' : memberName(own)),
  );
  const methods = members.map(({ kind, fullName, type }, index) =>
    importedText(
      {
        from: [from, fullName],
        name: names[index] ?? '',
        type,
        kind: kind === 'static' ? 'function' : kind,
        about: place.docs.of(fullName),
      },
      types,
      module,
    ),
  );
  const drop = hostFunction([from, `[resource-drop]${name}`], { params: ['i32'], results: [] });
  const rt = (item: string) => module.runtime(item);
  module.declare(
    [
      `${doc(place.docs.type(name).of(null))}#[derive(Debug)]\npub struct ${written}(${rt('Handle')});`,
      `impl ${written} {\n${indent(methods.join('\n\n'))}\n}`,
      [
        `impl Drop for ${written} {`,
        '    fn drop(&mut self) {',
        indent(indent(drop.join('\n'))),
        '        if let Some(handle) = self.0.take() {',
        '            unsafe { _host(handle as i32) }',
        '        }',
        '    }',
        '}',
      ].join('\n'),
      [
        `impl ${rt('Resource')} for ${written} {`,
        `    unsafe fn from_handle(handle: u32) -> ${written} {\n        ${written}(${rt('Handle')}::new(handle))\n    }`,
        '    fn handle(&self) -> u32 {\n        self.0.get()\n    }',
        '}',
      ].join('\n'),
    ].join('\n\n'),
  );
  declareMoves({ kind: 'own', resource }, written, module, {
    store: ['self.0.give().store(to, arena);'],
    lower: ['self.0.give().lower(slots, arena);'],
    load: ['Self::from_handle(load_at(from, 0))'],
    lift: ['Self::from_handle(Load::lift(slots))'],
  });
}

/** The trait that the guest implements for what a place exports; answers what the macro has to export. */
function writeGuest(
  functions: readonly Exported[],
  path: readonly string[],
  types: RustTypes,
  module: ModuleText,
): readonly ExportEntry[] {
  if (functions.length === 0) return [];
  const names = distinct(
    functions.map((each) => each.name),
    (name) => name,
  );
  const named = functions.map((each, index) => ({ ...each, name: names[index] ?? each.name }));
  const methods = named.map((each) => methodText(each, types, module));
  module.declare(
    `/// What the guest does: see \`export!\`.\npub trait Guest {\n${indent(methods.join('\n'))}\n}`,
  );
  return named.flatMap((each) => {
    const { text, entries } = exportedText(each, types, module);
    module.declare(text);
    return entries.map((entry) => ({
      ...entry,
      does: entry.ofGuest ? [...path, `_export_${each.name}`].join('::') : '_rt::release_kept',
    }));
  });
}

/** The macro that exports a guest's functions. */
function exportMacro(entries: readonly ExportEntry[]): string {
  const functions = entries.map(({ exportName, params, result, does, ofGuest }, index) => {
    const head = params.map((each, position) => `_core${position}: ${each}`).join(', ');
    const arrow = result === null ? '' : ` -> ${result}`;
    const args = ofGuest ? params.map((_, position) => `_core${position}`).join(', ') : '';
    const call = `$($path)*::${does}${ofGuest ? '::<$guest>' : ''}(${args})`;
    return `#[export_name = "${exportName}"]\nunsafe extern "C" fn export${index}(${head})${arrow} {\n    ${call}\n}`;
  });
  return [
    '/// Exports what a type does: `export!(MyAgent with_types_in bindings)`, where this module is `bindings`.',
    'macro_rules! __export {',
    '    ($guest:ident with_types_in $($path:tt)*) => {',
    '        const _: () = {',
    indent(indent(indent(functions.join('\n')))),
    '        };',
    '    };',
    '}',
    'pub(crate) use __export as export;',
  ].join('\n');
}
