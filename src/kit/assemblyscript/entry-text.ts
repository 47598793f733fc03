/** Writes the module that is compiled: it imports what the guest has and exports it to the host. */

import type { ComponentType, FunctionType } from '../../wasm/component/types.ts';
import { pascalCase } from '../bindings/naming.ts';
import type { Docs } from '../wit/docs.ts';
import { functionsOf, typesOf } from '../wit/places.ts';
import { FunctionCode } from './functions-text.ts';
import { classMembersOf, type PlacedInterface } from './interface-text.ts';
import { ModuleText } from './module-text.ts';
import { guestNames, typeName, valueName } from './names.ts';
import { RESOURCES_MODULE, type TypeNames } from './types-text.ts';

/** The module that is compiled. */
export const ENTRY_MODULE = 'entry';

interface ExportedFunction {
  readonly name: string;
  readonly interfaceName: string | null;
  readonly type: FunctionType;
  readonly about: string | null;
}

interface ExportedResource {
  readonly name: string;
  readonly interfaceName: string;
  readonly place: PlacedInterface;
  readonly className: string;
}

/** The entry module of a world, and the names that its exports shall have in the component. */
export function writeEntry(
  world: Pick<ComponentType, 'exports'>,
  places: readonly PlacedInterface[],
  names: TypeNames,
  guestModule: string,
  docs: Docs,
): { readonly text: string; readonly exportNames: ReadonlyMap<string, string> } {
  const module = new ModuleText(ENTRY_MODULE);
  const code = new FunctionCode(names, module);
  const exportNames = new Map<string, string>();
  const add = (exports: ReadonlyMap<string, string>) => {
    for (const [own, wanted] of exports) exportNames.set(own, wanted);
  };
  const functions = exportedFunctions(world, places, docs);
  for (const [each, guestName] of guestNames(functions, valueName)) {
    const { name, interfaceName, type, about } = each;
    add(
      code.exported({
        coreName: interfaceName === null ? name : `${interfaceName}#${name}`,
        identifier: `export${pascalCase(name)}`,
        type,
        call: (args) => `guest.${guestName}(${args.join(', ')})`,
        about,
      }),
    );
  }
  for (const [each, guestName] of guestNames(exportedResources(places, names), typeName)) {
    writeMembers(each, `guest.${guestName}`, code, add);
    add(writeDestructor(each, module));
  }
  const head = [
    `import * as guest from '${guestModule}';`,
    `import 'wit/globals';`,
    `export { cabi_realloc } from 'wit/values';`,
  ];
  return { text: `${head.join('\n')}\n${module.toString()}`, exportNames };
}

function exportedFunctions(
  world: Pick<ComponentType, 'exports'>,
  places: readonly PlacedInterface[],
  docs: Docs,
): readonly ExportedFunction[] {
  const found: ExportedFunction[] = [];
  for (const [name, extern] of world.exports) {
    if (extern.kind !== 'func') continue;
    found.push({ name, interfaceName: null, type: extern, about: docs.of(name) });
  }
  for (const place of places) {
    for (const [name, type] of functionsOf(place.instance)) {
      found.push({ name, interfaceName: place.name, type, about: place.docs.of(name) });
    }
  }
  return found;
}

/** The resources that the guest makes, each once: others may take over an interface's resource. */
function exportedResources(
  places: readonly PlacedInterface[],
  names: TypeNames,
): readonly ExportedResource[] {
  const found: ExportedResource[] = [];
  for (const place of places) {
    for (const [name, type] of typesOf(place.instance)) {
      if (type.kind !== 'resource') continue;
      const home = names.homeOf(type);
      if (home.exported?.interfaceName !== place.name || home.exported.resource !== name) continue;
      found.push({ name, interfaceName: place.name, place, className: home.name });
    }
  }
  return found;
}

function writeMembers(
  { name, place }: ExportedResource,
  guestClass: string,
  code: FunctionCode,
  add: (exports: ReadonlyMap<string, string>) => void,
): void {
  for (const { kind, fullName, member, type } of classMembersOf(place.instance, name)) {
    const isNew = kind === 'constructor' && type.result?.kind === 'own';
    const call = (args: readonly string[]) => {
      if (kind === 'method') return `${args[0]}.${member}(${args.slice(1).join(', ')})`;
      const list = args.join(', ');
      return isNew ? `new ${guestClass}(${list})` : `${guestClass}.${member}(${list})`;
    };
    add(
      code.exported({
        coreName: `${place.name}#${fullName}`,
        identifier: `export${pascalCase(fullName)}`,
        type,
        call,
        about: place.docs.of(fullName),
      }),
    );
  }
}

/** What the host calls when it drops its handle. */
function writeDestructor(
  { name, place, className }: ExportedResource,
  module: ModuleText,
): ReadonlyMap<string, string> {
  const identifier = module.reserve(`export${pascalCase(`drop-${name}`)}`);
  const type = module.use(place.path, className);
  const discard = module.useRuntime(RESOURCES_MODULE, 'discard');
  module.declare(
    [
      `export function ${identifier}(number: i32): void {`,
      `  const value = ${discard}<${type}>(number);`,
      '  if (value !== null) value.dispose();',
      '}',
    ].join('\n'),
  );
  return new Map([[identifier, `${place.name}#[dtor]${name}`]]);
}
