/** Writes the module of one interface: its types, its functions, the classes of its resources. */

import type {
  FunctionType,
  InstanceType,
  ResourceType,
  ValueType,
} from '../../wasm/component/types.ts';
import type { Docs } from './docs.ts';
import { FunctionCode } from './functions-text.ts';
import { declareHost } from './host-text.ts';
import { comment, indent, type ModuleText } from './module-text.ts';
import { distinct, hidesBuiltIn, memberName, typeName, valueName } from './names.ts';
import { type TypeNames, VALUES_MODULE } from './types-text.ts';

/** An interface of a world, or what the world has itself, and the module that it becomes. */
export interface PlacedInterface {
  /** As the component names it; empty for the world. */
  readonly name: string;
  readonly path: string;
  readonly instance: InstanceType;
  /** The guest makes it; else the host does. */
  readonly exported: boolean;
  readonly docs: Docs;
}

/** The types with a name of an interface, in order. */
export function typesOf(instance: InstanceType): ReadonlyMap<string, ValueType | ResourceType> {
  const types = new Map<string, ValueType | ResourceType>();
  for (const [name, extern] of instance.exports) {
    if (extern.kind !== 'type') continue;
    const type = extern.type;
    if (type.kind === 'func' || type.kind === 'instance' || type.kind === 'component') continue;
    types.set(name, type);
  }
  return types;
}

/** The functions of an interface that belong to no resource, in order. */
export function functionsOf(instance: InstanceType): readonly [string, FunctionType][] {
  const functions: [string, FunctionType][] = [];
  for (const [name, extern] of instance.exports) {
    if (extern.kind === 'func' && !name.startsWith('[')) functions.push([name, extern]);
  }
  return functions;
}

/** A function that belongs to a resource. */
export interface ResourceMember {
  readonly kind: 'constructor' | 'method' | 'static';
  /** As the component names it: `[method]counter.add`. */
  readonly fullName: string;
  /** As the class names it. */
  readonly member: string;
  readonly type: FunctionType;
}

/** What belongs to a resource of an interface. */
export function membersOf(instance: InstanceType, resource: string): readonly ResourceMember[] {
  const found: (Omit<ResourceMember, 'member'> & { readonly own: string })[] = [];
  for (const [fullName, extern] of instance.exports) {
    const match = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(fullName);
    if (extern.kind !== 'func' || match === null || match[2] !== resource) continue;
    const kind = match[1] as ResourceMember['kind'];
    found.push({ kind, fullName, type: extern, own: match[3] ?? '' });
  }
  const names = distinct(
    found.map((each) => each.own),
    (own) => (own === '' ? 'create' : memberName(own)),
  );
  return found.map(({ own, ...each }, index) => ({ ...each, member: names[index] ?? own }));
}

/** Declares the types that live in a module, and gives the others their names there too. */
export function writeTypes(place: PlacedInterface, names: TypeNames, module: ModuleText): void {
  const types = typesOf(place.instance);
  const written = distinct([...types.keys()], typeName);
  for (const [index, [name, type]] of [...types].entries()) {
    const home = names.homes.get(type);
    const called = written[index] ?? name;
    const docs = place.docs.type(name);
    if (home === undefined) {
      if (type.kind !== 'resource') names.declare(type, module.reserve(called), docs, module);
    } else if (home.path !== module.path) {
      module.reExport(home.path, home.name, called);
    } else if (home.name !== called) {
      module.declare(
        `${comment(docs.of(null))}export type ${module.reserve(called)} = ${home.name};`,
      );
    } else if (type.kind !== 'resource') {
      names.declare(type, home.name, docs, module);
    } else if (place.exported) {
      writeAbstractClass(name, type, place, names, module);
    }
  }
}

/** Writes functions that the host has, and the classes of its resources. */
export function writeFunctions(place: PlacedInterface, names: TypeNames, module: ModuleText): void {
  const importedModule = place.name === '' ? '$root' : place.name;
  for (const [name, type] of typesOf(place.instance)) {
    if (type.kind !== 'resource') continue;
    const home = names.homeOf(type);
    // Of a resource with several names the first one has the class.
    if (home.path !== module.path || home.name !== writtenName(place, name)) continue;
    writeHandleClass(importedModule, name, home.name, place, names, module);
  }
  const functions = functionsOf(place.instance);
  const code = new FunctionCode(names, module);
  const written = distinct(
    functions.map(([name]) => name),
    valueName,
  );
  for (const [index, [name, type]] of functions.entries()) {
    const wanted = written[index] ?? name;
    const local = module.reserve(hidesBuiltIn(wanted) ? `_${wanted}` : wanted);
    if (local !== wanted) module.exportAs(local, wanted);
    module.declare(
      code.imported({
        head: `${local === wanted ? 'export ' : ''}function ${local}`,
        imported: [importedModule, name],
        type,
        method: false,
        about: place.docs.of(name),
      }),
    );
  }
}

function writtenName(place: PlacedInterface, name: string): string {
  const all = [...typesOf(place.instance).keys()];
  return distinct(all, typeName)[all.indexOf(name)] ?? name;
}

/** The class of a resource of the host: its handle, constructor, methods and static functions. */
function writeHandleClass(
  importedModule: string,
  resource: string,
  className: string,
  place: PlacedInterface,
  names: TypeNames,
  module: ModuleText,
): void {
  const code = new FunctionCode(names, module);
  const drop = declareHost(module, importedModule, `[resource-drop]${resource}`, {
    params: ['i32'],
    results: [],
  });
  const members = [
    'constructor(handle: u32) {\n  super(handle);\n}',
    `/** Gives the resource back to the host. */\ndrop(): void {\n  ${drop}(this.give());\n}`,
    ...membersOf(place.instance, resource).map(({ kind, fullName, member, type }) =>
      code.imported({
        head: kind === 'method' ? member : `static ${member}`,
        imported: [importedModule, fullName],
        type,
        method: kind === 'method',
        about: place.docs.of(fullName),
      }),
    ),
  ];
  const about = comment(place.docs.type(resource).of(null));
  const base = module.useRuntime(VALUES_MODULE, 'Handle');
  module.declare(
    `${about}export class ${className} extends ${base} {\n${indent(members.join('\n\n'))}\n}`,
  );
}

/** The class that the guest's own class of a resource extends. */
function writeAbstractClass(
  resource: string,
  type: ResourceType,
  place: PlacedInterface,
  names: TypeNames,
  module: ModuleText,
): void {
  const code = new FunctionCode(names, module);
  const methods = membersOf(place.instance, resource)
    .filter((each) => each.kind === 'method')
    .map((each) => code.abstractMethod(each.member, each.type, place.docs.of(each.fullName)));
  const members = [
    ...methods,
    '/** The host has dropped its handle to this. */\ndispose(): void {}',
  ];
  const about = comment(place.docs.type(resource).of(null));
  const name = names.homeOf(type).name;
  module.declare(`${about}export abstract class ${name} {\n${indent(members.join('\n\n'))}\n}`);
}
