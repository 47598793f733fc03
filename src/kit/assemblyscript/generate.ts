/**
 * Generates AssemblyScript bindings from a world: a module for each interface that it imports, and
 * the module that exports what the host calls.
 *
 * A guest imports `wasi:io/streams` as `wasi/io/streams`; it sees the types of WIT as classes and
 * enums, and functions over them. Strings are UTF-16 in the component, so that they and lists of
 * numbers cross without a copy.
 */

import type {
  ComponentType,
  ExternType,
  FunctionType,
  InstanceType,
  ResourceType,
  ValueType,
} from '../../wasm/component/types.ts';
import { pascalCase } from '../bindings/naming.ts';
import { FunctionCode } from './functions-text.ts';
import { block, indent, ModuleText } from './module-text.ts';
import { memberName, modulePath, typeName, valueName } from './names.ts';
import { TUPLES_MODULE, type TypeHome, TypeNames } from './types-text.ts';

/** The module with the functions that a world imports directly. */
const WORLD_MODULE = 'world';

/** The module that is compiled: it exports what the world exports. */
export const ENTRY_MODULE = 'entry';

/** What is generated for one guest. */
export interface Bindings {
  /** Texts by path below the folder of bindings, without the extension. */
  readonly modules: ReadonlyMap<string, string>;
  /** The names of the core module's exports, by the identifiers that AssemblyScript can export. */
  readonly exportNames: ReadonlyMap<string, string>;
}

/**
 * Generates the bindings of a world.
 *
 * @param guestModule - The module specifier of the guest's own file, seen from the entry module.
 */
export function generateBindings(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  guestModule: string,
): Bindings {
  const interfaces = interfacesOf(world);
  const homes = findHomes(interfaces);
  const names = new TypeNames(homes);
  const modules = new Map<string, ModuleText>();
  for (const [name, { path, instance }] of interfaces) {
    const module = moduleFor(modules, path, homes);
    writeTypes(instance, names, module);
    if (world.imports.has(name)) writeInterface(name, instance, names, module);
  }
  writeWorldFunctions(world, names, modules);
  const entry = writeEntry(world, names, guestModule);
  const texts = new Map([...modules].map(([path, module]) => [path, module.toString()]));
  texts.set(ENTRY_MODULE, entry.text);
  texts.set(TUPLES_MODULE, tupleClasses(names.tupleLengths));
  return { modules: texts, exportNames: entry.exportNames };
}

interface PlacedInterface {
  readonly path: string;
  readonly instance: InstanceType;
}

/** All interfaces, those that are imported first: they own the types that others use. */
function interfacesOf(
  world: Pick<ComponentType, 'imports' | 'exports'>,
): Map<string, PlacedInterface> {
  const placed = new Map<string, PlacedInterface>();
  for (const [name, extern] of world.imports) {
    if (extern.kind === 'instance') placed.set(name, { path: modulePath(name), instance: extern });
  }
  for (const [name, extern] of world.exports) {
    if (extern.kind !== 'instance' || placed.has(name)) continue;
    placed.set(name, { path: `exports/${modulePath(name)}`, instance: extern });
  }
  return placed;
}

/** Only these are declared; other types with a name are aliases, written wherever they occur. */
const DECLARED = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/** Each type belongs to the first interface that gives it a name. */
function findHomes(interfaces: ReadonlyMap<string, PlacedInterface>) {
  const homes = new Map<ValueType | ResourceType, TypeHome>();
  for (const { path, instance } of interfaces.values()) {
    for (const [name, type] of namedTypes(instance)) {
      if (!DECLARED.has(type.kind) || homes.has(type)) continue;
      homes.set(type, { path, name: typeName(name) });
    }
  }
  return homes;
}

function* namedTypes(instance: InstanceType): Iterable<[string, ValueType | ResourceType]> {
  for (const [name, extern] of instance.exports) {
    if (extern.kind !== 'type') continue;
    const type = extern.type;
    if (type.kind === 'func' || type.kind === 'instance' || type.kind === 'component') continue;
    yield [name, type];
  }
}

/** A module in which the names of its own types are taken before anything is written. */
function moduleFor(
  modules: Map<string, ModuleText>,
  path: string,
  homes: ReadonlyMap<unknown, TypeHome>,
): ModuleText {
  const module = new ModuleText(path);
  modules.set(path, module);
  for (const home of homes.values()) if (home.path === path) module.reserve(home.name);
  return module;
}

/** Declares the types that live in a module, and gives the others their names there too. */
function writeTypes(instance: InstanceType, names: TypeNames, module: ModuleText): void {
  for (const [name, type] of namedTypes(instance)) {
    const home = names.homes.get(type);
    const called = typeName(name);
    if (home === undefined) {
      if (type.kind !== 'resource') names.declare(type, module.reserve(called), module);
    } else if (home.path !== module.path) {
      module.reExport(home.path, home.name, called);
    } else if (home.name !== called) {
      module.declare(`export type ${module.reserve(called)} = ${home.name};`);
    } else if (type.kind !== 'resource') {
      names.declare(type, home.name, module);
    }
  }
}

/** Writes the functions of an imported interface and the classes of its resources. */
function writeInterface(
  interfaceName: string,
  instance: InstanceType,
  names: TypeNames,
  module: ModuleText,
): void {
  const functions = new FunctionCode(names, module);
  for (const [name, extern] of instance.exports) {
    if (extern.kind === 'type' && extern.type.kind === 'resource') {
      const home = names.homeOf(extern.type);
      if (home.path !== module.path || home.name !== typeName(name)) continue;
      const members = resourceMembers(interfaceName, name, instance, functions);
      module.declare(`export class ${home.name} {\n${indent(members.join('\n\n'))}\n}`);
    }
    if (extern.kind !== 'func' || name.startsWith('[')) continue;
    const head = `export function ${module.reserve(valueName(name))}`;
    const imported = [interfaceName, name] as const;
    module.declare(functions.imported({ head, imported, type: extern, method: false }));
  }
}

/** What the class of a resource has: its handle, constructor, methods and static functions. */
function resourceMembers(
  interfaceName: string,
  resource: string,
  instance: InstanceType,
  functions: FunctionCode,
): string[] {
  const drop = functions.declareDrop(interfaceName, resource);
  const members = [
    'constructor(readonly handle: u32) {}',
    `/** Gives the resource back to the host. */\ndrop(): void {\n  ${drop}(this.handle);\n}`,
  ];
  for (const [name, extern] of instance.exports) {
    const found = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name);
    if (extern.kind !== 'func' || found === null || found[2] !== resource) continue;
    const [, kind, , member] = found;
    const method = kind === 'method';
    const called = member === undefined ? 'create' : memberName(member);
    members.push(
      functions.imported({
        head: method ? called : `static ${called}`,
        imported: [interfaceName, name],
        type: extern,
        method,
      }),
    );
  }
  return members;
}

function writeWorldFunctions(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  names: TypeNames,
  modules: Map<string, ModuleText>,
): void {
  const functions = functionsIn(world.imports);
  if (functions.length === 0) return;
  const module = new ModuleText(WORLD_MODULE);
  modules.set(WORLD_MODULE, module);
  const code = new FunctionCode(names, module);
  for (const [name, type] of functions) {
    const head = `export function ${module.reserve(valueName(name))}`;
    module.declare(code.imported({ head, imported: ['$root', name], type, method: false }));
  }
}

function functionsIn(externs: ReadonlyMap<string, ExternType>): [string, FunctionType][] {
  const functions: [string, FunctionType][] = [];
  for (const [name, extern] of externs) if (extern.kind === 'func') functions.push([name, extern]);
  return functions;
}

/** The entry module: it imports the guest's functions and exports them to the host. */
function writeEntry(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  names: TypeNames,
  guestModule: string,
) {
  const module = new ModuleText(ENTRY_MODULE);
  const functions = new FunctionCode(names, module);
  const exportNames = new Map<string, string>();
  const write = (coreName: string, name: string, type: FunctionType) => {
    const identifier = module.reserve(`export${pascalCase(name)}`);
    const implementation = `guest.${valueName(name)}`;
    for (const [own, wanted] of functions.exported(coreName, identifier, implementation, type)) {
      exportNames.set(own, wanted);
    }
  };
  for (const [name, extern] of world.exports) {
    if (extern.kind === 'func') write(name, name, extern);
    if (extern.kind !== 'instance') continue;
    for (const [member, type] of functionsIn(extern.exports)) {
      if (member.startsWith('[')) {
        throw new Error(`The world exports a resource (${name}), which isn't supported yet.`);
      }
      write(`${name}#${member}`, member, type);
    }
  }
  const head = [
    `import * as guest from '${guestModule}';`,
    `import 'wit/globals';`,
    `export { cabi_realloc } from 'wit/values';`,
  ];
  return { text: `${head.join('\n')}\n${module.toString()}`, exportNames };
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
