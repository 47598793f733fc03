/** Writes the module of one interface: its types, its functions, the classes of its resources. */

import type { InstanceType, ResourceType } from '../../wasm/component/types.ts';
import { comment, indent } from '../generated-text.ts';
import { functionsOf, type Member, membersOf, type Place, typesOf } from '../wit/places.ts';
import { FunctionCode } from './functions-text.ts';
import { declareHost } from './host-text.ts';
import type { ModuleText } from './module-text.ts';
import { distinct, hidesBuiltIn, memberName, typeName, valueName } from './names.ts';
import { type TypeNames, VALUES_MODULE } from './types-text.ts';

/** A place of a world, and the module that it becomes. */
export interface PlacedInterface extends Place {
  readonly path: string;
}

/** A function that belongs to a resource, as its class names it. */
interface ClassMember extends Member {
  readonly member: string;
}

/** What belongs to a resource of an interface, with the names that its class has for it. */
export function classMembersOf(instance: InstanceType, resource: string): readonly ClassMember[] {
  const found = membersOf(instance, resource);
  const names = distinct(
    found.map((each) => each.own),
    (own) => (own === '' ? 'create' : memberName(own)),
  );
  return found.map((each, index) => ({ ...each, member: names[index] ?? each.own }));
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
    ...classMembersOf(place.instance, resource).map(({ kind, fullName, member, type }) =>
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
  const methods = classMembersOf(place.instance, resource)
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
