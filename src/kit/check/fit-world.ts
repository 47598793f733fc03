/** Compares what a component imports and exports with the world that it is made for. */

import { DEFAULT_COMPONENT_CAPS } from '../../wasm/component/caps.ts';
import { evaluate, type Item } from '../../wasm/component/evaluate.ts';
import { offeredWorld } from '../../wasm/component/offered.ts';
import { readComponent, type World } from '../../wasm/component/reader.ts';
import type { ExternType, FunctionType, InstanceType } from '../../wasm/component/types.ts';
import { describeFunction, TypeKeys } from './type-keys.ts';

/** How a component stands to a world. */
export interface WorldFit {
  /** The world, with its package. */
  readonly world: string;
  /** What it exports not, or otherwise than the world, or imports otherwise: a sentence each. */
  readonly differences: readonly string[];
  /** What it imports beside the world: `wasi:cli/exit@0.2.12`, or `wasi:cli/exit@0.2.12#exit`. */
  readonly extraImports: readonly string[];
  readonly extraExports: readonly string[];
  /** What the world imports and it does not: it has no use for that. */
  readonly unusedImports: readonly string[];
}

type Externs = ReadonlyMap<string, ExternType>;

/**
 * Says how a component differs from a world.
 *
 * @param component - One that can be run: what it imports was compared with what is offered, type by type, and
 * so has the types of that.
 */
export function fitWorld(component: Uint8Array, world: World): WorldFit {
  return compareWorlds(worldOf(component), world);
}

/** Imports and exports, by name. */
export type WorldTypes = Pick<World, 'imports' | 'exports'>;

/** A component's own. */
function worldOf(bytes: Uint8Array): WorldTypes {
  const component = readComponent(bytes);
  const offered = offeredWorld();
  const facts = component.modules.map(({ bytes: core }) => {
    const module = new WebAssembly.Module(core.slice());
    return {
      imports: WebAssembly.Module.imports(module),
      exports: WebAssembly.Module.exports(module),
    };
  });
  const { imports, exports } = evaluate(component, offered, facts, DEFAULT_COMPONENT_CAPS);
  const imported = imports.map(({ name, interface: interfaceName, functions }) => {
    const types = offered.get(interfaceName)?.type.exports ?? new Map<string, ExternType>();
    const own = functions.flatMap((key): [string, ExternType][] => {
      const type = types.get(key);
      return type === undefined ? [] : [[key, type]];
    });
    return [name, { kind: 'instance', exports: new Map(own) }] as const;
  });
  return { imports: new Map(imported), exports: typesOf(exports) };
}

/** What has a type among what is exported. */
function typesOf(items: ReadonlyMap<string, Item>): Externs {
  const types = new Map<string, ExternType>();
  for (const [name, item] of items) {
    if (item.kind === 'func') types.set(name, item.type);
    else if (item.kind === 'instance') {
      types.set(name, { kind: 'instance', exports: typesOf(item.exports) });
    }
  }
  return types;
}

/** As {@link fitWorld}, of what was read. */
export function compareWorlds(own: WorldTypes, world: World): WorldFit {
  const keys = new TypeKeys();
  const differences: string[] = [];
  const compare = (name: string, mine: FunctionType, theirs: FunctionType): void => {
    if (keys.of(mine) !== keys.of(theirs)) {
      differences.push(
        `${name} is ${describeFunction(mine)}, and ${describeFunction(theirs)} in the world`,
      );
    }
  };
  const extraImports: string[] = [];
  for (const [name, mine] of functionsOf(own.imports)) {
    const theirs = functionNamed(world.imports, name);
    if (theirs === null) extraImports.push(name);
    else compare(`its import ${name}`, mine, theirs);
  }
  const extraExports: string[] = [];
  for (const [name, mine] of functionsOf(own.exports)) {
    const theirs = functionNamed(world.exports, name);
    if (theirs === null) extraExports.push(name);
    else compare(`its export ${name}`, mine, theirs);
  }
  for (const [name, theirs] of functionsOf(world.exports)) {
    if (functionNamed(own.exports, name) === null) {
      differences.push(`it does not export ${name}, which is ${describeFunction(theirs)}`);
    }
  }
  const unusedImports = [...world.imports]
    .filter(([name, type]) => type.kind !== 'type' && find(own.imports, name) === undefined)
    .map(([name]) => name);
  return { world: world.name, differences, extraImports, extraExports, unusedImports };
}

/** All functions, those of interfaces as `wasi:cli/exit@0.2.12#exit`. */
function* functionsOf(externs: Externs): Generator<[string, FunctionType]> {
  for (const [name, type] of externs) {
    if (type.kind === 'func') yield [name, type];
    else if (type.kind === 'instance') {
      for (const [key, inner] of type.exports) {
        if (inner.kind === 'func') yield [`${name}#${key}`, inner];
      }
    }
  }
}

function functionNamed(externs: Externs, name: string): FunctionType | null {
  const [outer = '', inner] = name.split('#');
  const found = find(externs, outer);
  const type =
    inner === undefined || found?.kind !== 'instance' ? found : instanceExport(found, inner);
  return type?.kind === 'func' ? type : null;
}

const instanceExport = ({ exports }: InstanceType, name: string): ExternType | undefined =>
  exports.get(name);

const withoutVersion = (name: string): string => name.replace(/@.*$/, '');

/** By its name, or by that without its version: tools of a language bring versions of their own. */
function find(externs: Externs, name: string): ExternType | undefined {
  const exact = externs.get(name);
  if (exact !== undefined) return exact;
  for (const [key, type] of externs) {
    if (withoutVersion(key) === withoutVersion(name)) return type;
  }
  return undefined;
}
