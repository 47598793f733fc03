/**
 * One generated file while it is written: its imports, its types, and the helpers that lift and lower
 * its types, each made when something first needs it.
 */

import type { ResourceType, ValueType } from '../../wasm/component/types.ts';
import type { InterfaceModel, Owner, WorldModel } from './model.ts';
import { pascalCase } from './naming.ts';

/** What a helper does: from memory, from flat values, to memory, to one flat value. */
export type HelperKind = 'load' | 'lift' | 'store' | 'lower';

/** What the writers of helpers need: the file they write to, and all others. */
export interface GeneratedFiles {
  readonly world: WorldModel;
  fileOf(model: InterfaceModel): FileWriter;
}

/** Names a type that has no name of its own; equal for equal types. */
export function structuralName(world: WorldModel, type: ValueType | ResourceType | null): string {
  if (type === null) {
    return 'Nothing';
  }
  const owner = world.owners.get(type);
  if (owner !== undefined) {
    return owner.named.typeName;
  }
  switch (type.kind) {
    case 'list':
      return `ListOf${structuralName(world, type.element)}`;
    case 'option':
      return `OptionOf${structuralName(world, type.element)}`;
    case 'result':
      return `ResultOf${structuralName(world, type.ok)}Or${structuralName(world, type.err)}`;
    case 'tuple':
      return `Tuple${type.elements.length}Of${type.elements
        .map((element) => structuralName(world, element))
        .join('And')}`;
    case 'own':
    case 'borrow':
      return pascalCase(type.kind) + structuralName(world, type.resource);
    case 'record':
    case 'variant':
    case 'enum':
    case 'flags':
    case 'resource':
      throw new TypeError(`A ${type.kind} without a name: WIT has none.`);
    default:
      return pascalCase(type.kind);
  }
}

/** The same as {@link structuralName}, but no two different types share it. */
function structuralKey(world: WorldModel, type: ValueType | ResourceType | null): string {
  if (type === null) {
    return '_';
  }
  const owner = world.owners.get(type);
  if (owner !== undefined) {
    return `${owner.interface.name}/${owner.named.name}`;
  }
  switch (type.kind) {
    case 'list':
    case 'option':
      return `${type.kind}<${structuralKey(world, type.element)}>`;
    case 'result':
      return `result<${structuralKey(world, type.ok)},${structuralKey(world, type.err)}>`;
    case 'tuple':
      return `tuple<${type.elements.map((element) => structuralKey(world, element)).join()}>`;
    case 'own':
    case 'borrow':
      return `${type.kind}<${structuralKey(world, type.resource)}>`;
    default:
      return type.kind;
  }
}

/** A generated file. */
export class FileWriter {
  readonly model: InterfaceModel;
  readonly #files: GeneratedFiles;
  readonly #helpers = new Map<string, { readonly name: string; code: string }>();
  readonly #helperNames = new Set<string>();
  readonly #runtimeImports = new Map<string, Set<string>>();
  readonly #interfaceImports = new Map<string, string>();

  constructor(model: InterfaceModel, files: GeneratedFiles) {
    this.model = model;
    this.#files = files;
  }

  get world(): WorldModel {
    return this.#files.world;
  }

  /** Uses a name of the runtime, as in `runtime('memory', 'GuestMemory')`; `type` names likewise. */
  runtime(module: string, name: string): string {
    const names = this.#runtimeImports.get(module) ?? new Set();
    names.add(name);
    this.#runtimeImports.set(module, names);
    return name.replace(/^type /, '');
  }

  /** A name that another type's owner exports, as this file must write it. */
  exported(owner: Owner, name: string): string {
    if (owner.interface === this.model) {
      return name;
    }
    this.#interfaceImports.set(owner.interface.alias, owner.interface.file);
    return `${owner.interface.alias}.${name}`;
  }

  /**
   * The helper for a type, in the file of the type's owner; `write` makes its code, for the file and
   * the name that it is given, if there is none yet. `variant` tells helpers apart that do the same
   * thing for one type in different ways.
   */
  helper(
    kind: HelperKind,
    type: ValueType,
    variant: string,
    write: (file: FileWriter, name: string) => string,
  ): string {
    const owner = this.world.owners.get(type);
    const file = owner === undefined ? this : this.#files.fileOf(owner.interface);
    const name = file.#ownHelper(kind, type, variant, write);
    return owner === undefined ? name : this.exported(owner, name);
  }

  #ownHelper(
    kind: HelperKind,
    type: ValueType,
    variant: string,
    write: (file: FileWriter, name: string) => string,
  ): string {
    const key = `${kind}${variant} ${structuralKey(this.world, type)}`;
    const known = this.#helpers.get(key);
    if (known !== undefined) {
      return known.name;
    }
    const wanted = kind + structuralName(this.world, type) + variant;
    let name = wanted;
    for (let count = 2; this.#helperNames.has(name); count += 1) {
      name = `${wanted}${count}`;
    }
    this.#helperNames.add(name);
    const helper = { name, code: '' };
    this.#helpers.set(key, helper);
    helper.code = write(this, name);
    return name;
  }

  /** The helpers made so far, in the order of their names. */
  helperCode(): string {
    return [...this.#helpers.values()]
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .map((helper) => helper.code)
      .join('\n');
  }

  /** The import statements. `runtimePath` leads from the generated files to the runtime. */
  importCode(runtimePath: string): string {
    const lines: string[] = [];
    for (const [module, names] of [...this.#runtimeImports].sort()) {
      const sorted = [...names]
        .filter((name) => !names.has(name.replace(/^type /, '')) || !name.startsWith('type '))
        .sort((one, other) => (one.replace(/^type /, '') < other.replace(/^type /, '') ? -1 : 1))
        .map((name) => `  ${name},\n`);
      lines.push(`import {\n${sorted.join('')}} from '${runtimePath}/${module}.ts';`);
    }
    for (const [alias, file] of [...this.#interfaceImports].sort()) {
      lines.push(`import * as ${alias} from './${file}.ts';`);
    }
    return lines.join('\n');
  }
}

/** The names of so many flat values. */
export function flatNames(count: number): string[] {
  return Array.from({ length: Math.max(count, 0) }, (_, index) => `p${index}`);
}
