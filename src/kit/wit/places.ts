/** A world in parts: its interfaces, and what each of them has. */

import type {
  ComponentType,
  FunctionType,
  InstanceType,
  ResourceType,
  ValueType,
} from '../../wasm/component/types.ts';
import type { Docs } from './docs.ts';

/** An interface of a world, or what the world imports itself. */
export interface Place {
  /** As the component names it; empty for the world. */
  readonly name: string;
  readonly instance: InstanceType;
  /** The guest makes it; else the host does. */
  readonly exported: boolean;
  readonly docs: Docs;
}

/** The world and its interfaces, what is imported first: it owns the types that others use. */
export function placesOf(
  world: Pick<ComponentType, 'imports' | 'exports'>,
  docs: Docs,
): readonly Place[] {
  const places = (externs: ComponentType['imports'], exported: boolean) =>
    [...externs].flatMap(([name, instance]) =>
      instance.kind === 'instance'
        ? [{ name, instance, exported, docs: docs.interface(name) }]
        : [],
    );
  const own = [...world.imports].filter((each) => each[1].kind !== 'instance');
  const instance: InstanceType = { kind: 'instance', exports: new Map(own) };
  const root = own.length === 0 ? [] : [{ name: '', instance, exported: false, docs }];
  return [...places(world.imports, false), ...root, ...places(world.exports, true)];
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
export interface Member {
  readonly kind: 'constructor' | 'method' | 'static';
  /** As the component names it: `[method]counter.add`. */
  readonly fullName: string;
  /** What WIT calls it, `add`; empty: the constructor. */
  readonly own: string;
  readonly type: FunctionType;
}

/** What belongs to a resource of an interface. */
export function membersOf(instance: InstanceType, resource: string): readonly Member[] {
  const found: Member[] = [];
  for (const [fullName, extern] of instance.exports) {
    const match = /^\[(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(fullName);
    if (extern.kind !== 'func' || match === null || match[2] !== resource) continue;
    found.push({ kind: match[1] as Member['kind'], fullName, type: extern, own: match[3] ?? '' });
  }
  return found;
}

/** The parts of an interface's name: of one that stands in the world itself, package and version are empty. */
export interface NameParts {
  readonly package: string;
  readonly version: string;
  readonly interface: string;
}

/** `wasi:io/streams@0.2.12` in parts. */
export function partsOf(interfaceName: string): NameParts {
  const [name = '', version = ''] = interfaceName.split('@');
  const slash = name.indexOf('/');
  return slash === -1
    ? { package: '', version, interface: name }
    : { package: name.slice(0, slash), version, interface: name.slice(slash + 1) };
}

/** The packages that a world has in several versions. */
export function severalVersions(places: readonly Place[]): ReadonlySet<string> {
  const versions = new Map<string, Set<string>>();
  for (const { name } of places) {
    const parts = partsOf(name);
    versions.set(parts.package, (versions.get(parts.package) ?? new Set()).add(parts.version));
  }
  return new Set([...versions].flatMap(([name, all]) => (all.size > 1 ? [name] : [])));
}
