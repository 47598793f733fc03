/**
 * Decodes the section `component-type` that embedding a WIT world leaves in a core module: what the
 * world imports and exports, every type resolved.
 */

import { type ComponentCaps, DEFAULT_COMPONENT_CAPS } from './caps.ts';
import { readComponent } from './read-component.ts';
import { invalid } from './refuse.ts';
import { TypeResolver, type TypeScope, typeAt } from './resolve.ts';
import type { ComponentType, ExternType } from './types.ts';

/** A WIT world. */
export interface World {
  /** Its name with its package: `ringfence:agent/agent@0.1.0`. */
  readonly name: string;
  /** By name, in order; an interface's name has its version: `wasi:io/streams@0.2.12`. */
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
}

/** Finds the content of the section `component-type` in a core module; null where it has none. */
export function worldSection(coreModule: Uint8Array<ArrayBuffer>): Uint8Array | null {
  const sections = WebAssembly.Module.customSections(
    new WebAssembly.Module(coreModule),
    'component-type',
  );
  return sections[0] === undefined ? null : new Uint8Array(sections[0]);
}

/**
 * Decodes a world from the content of its section `component-type` (see {@link worldSection}).
 *
 * Types keep their identity: a type that an interface takes over by `use` is the object that the
 * other interface exports. Each named type is a {@link TypeExtern} among its interface's exports,
 * the first of several names of one type being the one that defines it.
 *
 * @throws RingfenceError RF_MODULE_INVALID, RF_MODULE_REFUSED as `readComponent` does.
 */
export function decodeWorld(bytes: Uint8Array, caps: Partial<ComponentCaps> = {}): World {
  const limits = { ...DEFAULT_COMPONENT_CAPS, ...caps };
  const { definitions } = readComponent(bytes, limits);
  const resolver = new TypeResolver(limits.steps);
  const scope: TypeScope = { parent: null, types: [], instances: [], coreTypes: 0 };
  let wrapper: ComponentType | null = null;
  for (const definition of definitions) {
    const { offset } = definition;
    if (definition.kind === 'type') scope.types.push(resolver.type(definition.type, scope));
    else if (
      definition.kind === 'export' &&
      !definition.item.core &&
      definition.item.sort === 'type'
    ) {
      const type = typeAt(scope, definition.item.index, offset);
      scope.types.push(type);
      if (type.kind === 'component') wrapper ??= type;
    } else invalid('the description of a world has something else than types', offset);
  }
  // The exported type has one export, named after the world, which is the world's own type.
  const [entry] = wrapper?.exports ?? [];
  if (entry === undefined || entry[1].kind !== 'component') {
    return invalid('there is no world in it', 0);
  }
  const [name, world] = entry;
  return { name, imports: world.imports, exports: world.exports };
}
