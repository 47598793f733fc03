/** What the generator works from: the interfaces of a decoded world, and who owns which type. */

import { RingfenceError } from '../../errors.ts';
import type {
  ComponentType,
  FunctionType,
  ResourceType,
  ValueType,
} from '../../wasm/component/types.ts';
import { camelCase, fileName, typeName } from './naming.ts';

/** A function, under the name that the component model gives it. */
export interface NamedFunction {
  readonly name: string;
  readonly type: FunctionType;
}

/** A type that an interface defines, or another name that it gives to one. */
export interface NamedType {
  readonly name: string;
  /** The name in TypeScript, unique in the interface's file. */
  readonly typeName: string;
  readonly type: ValueType | ResourceType;
}

/** An interface that bindings are made for. */
export interface InterfaceModel {
  /** Without the version: `wasi:io/streams`. */
  readonly name: string;
  readonly version: string | null;
  /** The generated file, without its extension, and what other files call it. */
  readonly file: string;
  readonly alias: string;
  readonly resources: readonly NamedType[];
  readonly types: readonly NamedType[];
  readonly functions: readonly NamedFunction[];
}

/** Where a named type is defined. */
export interface Owner {
  readonly interface: InterfaceModel;
  readonly named: NamedType;
}

/** All interfaces of a world, and the owner of each type that has a name. */
export interface WorldModel {
  readonly interfaces: readonly InterfaceModel[];
  readonly owners: ReadonlyMap<ValueType | ResourceType, Owner>;
}

/** Splits `wasi:io/streams@0.2.12` into name and version. */
export function splitVersion(importName: string): {
  readonly name: string;
  readonly version: string | null;
} {
  const at = importName.indexOf('@');
  return at < 0
    ? { name: importName, version: null }
    : { name: importName.slice(0, at), version: importName.slice(at + 1) };
}

/**
 * The model of the interfaces that a world imports.
 *
 * @throws RingfenceError RF_USAGE where the world imports something that is no interface.
 */
export function modelOf(world: Pick<ComponentType, 'imports'>): WorldModel {
  const owners = new Map<ValueType | ResourceType, Owner>();
  const interfaces: InterfaceModel[] = [];
  for (const [importName, extern] of world.imports) {
    if (extern.kind !== 'instance') {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot make bindings for '${importName}': move it into an interface.`,
        { import: importName },
      );
    }
    const { name, version } = splitVersion(importName);
    const resources: NamedType[] = [];
    const types: NamedType[] = [];
    const functions: NamedFunction[] = [];
    const model: InterfaceModel = {
      name,
      version,
      file: fileName(name),
      alias: camelCase(name),
      resources,
      types,
      functions,
    };
    for (const [exportName, exported] of extern.exports) {
      if (exported.kind === 'func') {
        functions.push({ name: exportName, type: exported });
      } else if (exported.kind === 'type') {
        const { type } = exported;
        if (type.kind === 'func' || type.kind === 'instance' || type.kind === 'component') {
          continue;
        }
        const named = { name: exportName, typeName: typeName(exportName, type.kind), type };
        const owned = !owners.has(type);
        if (owned) {
          owners.set(type, { interface: model, named });
        }
        if (owned && type.kind === 'resource') {
          resources.push(named);
        } else if (owned || owners.get(type)?.interface === model) {
          types.push(named);
        }
      }
    }
    interfaces.push(model);
  }
  return { interfaces, owners };
}

/** The full name of a resource: `wasi:io/streams/input-stream`. */
export function resourceName(owner: Owner): string {
  return `${owner.interface.name}/${owner.named.name}`;
}
