/**
 * Follows a component's definitions once, in order, as an instantiation would, and writes down what
 * is to be done: which core modules are instantiated with what, which functions are lowered, and what
 * is exported. Nothing is executed; every step counts against a cap.
 */

import type { ComponentCaps } from './caps.ts';
import { type CheckedImport, ImportCheck } from './check.ts';
import type { CoreReference, LoweredFunction, PlanStep } from './link-plan.ts';
import { parseInterfaceName, showName } from './names.ts';
import type { Offered } from './offered.ts';
import { invalid, refused, refusedCap, refusedFeature } from './refuse.ts';
import { type AnyType, addOuterType, TypeResolver, type TypeScope, typeAt } from './resolve.ts';
import type {
  AliasSyntax,
  CanonicalOptions,
  Component,
  ComponentSyntax,
  CoreSort,
  Definition,
  SortIndex,
} from './syntax.ts';
import type { FunctionType, InstanceType, ResourceType, StringEncoding } from './types.ts';

/** What must be known of a core module; a part of what metering answers. */
export interface ModuleFacts {
  readonly imports: readonly {
    readonly module: string;
    readonly name: string;
    readonly kind: string;
  }[];
  readonly exports: readonly { readonly name: string; readonly kind: string }[];
}

/** A core function that a component lifts, with its canonical options. */
export interface LiftedFunction {
  readonly core: CoreReference;
  readonly memory: CoreReference | null;
  readonly postReturn: CoreReference | null;
  readonly encoding: StringEncoding;
}

/** A component-level function: a host's, or one of the component's own. */
export interface FunctionItem {
  readonly kind: 'func';
  readonly type: FunctionType;
  readonly host: {
    readonly interface: string;
    readonly version: string;
    readonly name: string;
  } | null;
  readonly lifted: LiftedFunction | null;
}
export interface InstanceItem {
  readonly kind: 'instance';
  readonly exports: ReadonlyMap<string, Item>;
}
interface TypeItem {
  readonly kind: 'type';
  readonly type: AnyType;
}
interface ComponentItem {
  readonly kind: 'component';
  readonly syntax: ComponentSyntax;
  readonly scope: ComponentScope;
}
/** Whatever has a name at the component level. */
export type Item = FunctionItem | InstanceItem | TypeItem | ComponentItem;

type CoreExportSort = 'func' | 'table' | 'memory' | 'global' | 'tag';
interface CoreItem {
  readonly sort: CoreExportSort;
  readonly reference: CoreReference;
}
interface CoreInstanceItem {
  readonly step: number;
  readonly exports: ReadonlyMap<string, CoreItem>;
}

/** The index spaces of one component. */
interface ComponentScope extends TypeScope {
  readonly parent: ComponentScope | null;
  readonly instances: InstanceItem[];
  readonly functions: FunctionItem[];
  readonly components: ComponentItem[];
  readonly core: Readonly<Record<CoreExportSort, CoreReference[]>>;
  readonly coreInstances: CoreInstanceItem[];
  readonly coreModules: number[];
  readonly exports: Map<string, Item>;
  /** What a component inside of the file's own is given; null: this is the file's own. */
  readonly args: ReadonlyMap<string, Item> | null;
}

/** What following a component gives. */
export interface Evaluated {
  readonly steps: readonly PlanStep[];
  readonly lowered: readonly LoweredFunction[];
  readonly imports: readonly CheckedImport[];
  readonly exports: ReadonlyMap<string, Item>;
  /** Our resource that one of the component's imports stands for; null: none. */
  resource(guest: ResourceType): ResourceType | null;
}

const SORT_OF_KIND: ReadonlyMap<string, CoreExportSort> = new Map([
  ['function', 'func'],
  ['table', 'table'],
  ['memory', 'memory'],
  ['global', 'global'],
  ['tag', 'tag'],
]);

/** Follows a component. `modules` tells of its core modules, in their order. */
export function evaluate(
  component: Component,
  offered: Offered,
  modules: readonly ModuleFacts[],
  caps: ComponentCaps,
): Evaluated {
  const evaluation = new Evaluation(offered, modules, caps);
  const exports = evaluation.component(component, null, null);
  const { steps, lowered, imports } = evaluation;
  const resource = (guest: ResourceType) => evaluation.resource(guest);
  return { steps, lowered, imports, exports, resource };
}

class Evaluation {
  readonly steps: PlanStep[] = [];
  readonly lowered: LoweredFunction[] = [];
  readonly imports: CheckedImport[] = [];
  readonly #importNames = new Set<string>();
  readonly #resolver: TypeResolver;
  readonly #check: ImportCheck;
  readonly #caps: ComponentCaps;
  readonly #modules: readonly ModuleFacts[];
  #linkItems = 0;
  #characters = 0;

  constructor(offered: Offered, modules: readonly ModuleFacts[], caps: ComponentCaps) {
    this.#resolver = new TypeResolver(caps.steps);
    this.#check = new ImportCheck(offered);
    this.#caps = caps;
    this.#modules = modules;
  }

  resource(guest: ResourceType): ResourceType | null {
    return this.#check.resource(guest);
  }

  component(
    syntax: ComponentSyntax,
    parent: ComponentScope | null,
    args: ReadonlyMap<string, Item> | null,
  ): ReadonlyMap<string, Item> {
    const scope = newScope(parent, args);
    for (const definition of syntax.definitions) {
      this.#resolver.step(definition.offset);
      if (args !== null) refuseComposition(definition);
      this.#define(definition, scope);
    }
    return scope.exports;
  }

  #define(definition: Definition, scope: ComponentScope): void {
    const { offset } = definition;
    switch (definition.kind) {
      case 'core-module':
        scope.coreModules.push(definition.module);
        return;
      case 'core-type':
        scope.coreTypes++;
        return;
      case 'core-instantiate':
        this.#coreInstantiate(definition, scope);
        return;
      case 'core-inline':
        this.#coreInline(definition, scope);
        return;
      case 'component':
        scope.components.push({ kind: 'component', syntax: definition.component, scope });
        return;
      case 'instantiate':
        this.#instantiate(definition, scope);
        return;
      case 'inline': {
        const exports = this.#named(definition.exports, scope, offset);
        scope.instances.push({ kind: 'instance', exports });
        return;
      }
      case 'alias':
        this.#alias(definition.alias, scope);
        return;
      case 'type':
        scope.types.push(this.#resolver.type(definition.type, scope));
        return;
      case 'lift':
        this.#lift(definition, scope);
        return;
      case 'lower':
        this.#lower(definition, scope);
        return;
      case 'resource-drop':
        this.#resourceDrop(definition.type, offset, scope);
        return;
      case 'resource-new':
      case 'resource-rep':
        refusedFeature('a resource of its own', offset);
        return;
      case 'import':
        this.#import(definition, scope);
        return;
      case 'export':
        this.#export(definition, scope);
    }
  }

  #import(definition: Definition & { readonly kind: 'import' }, scope: ComponentScope): void {
    const { name, extern, offset } = definition;
    if (scope.args !== null) {
      const given = scope.args.get(name);
      if (given === undefined) {
        invalid(`a component is instantiated without its import ${showName(name)}`, offset);
      }
      const wanted = extern.kind.startsWith('type-') ? 'type' : extern.kind;
      if (given.kind !== wanted) invalid(`${showName(name)} is given as a ${given.kind}`, offset);
      addItem(given, scope);
      return;
    }
    if (this.#importNames.has(name)) invalid('a name is imported twice', offset);
    this.#importNames.add(name);
    const type = this.#resolver.extern(extern, scope, name, null);
    if (extern.kind === 'type-equal' && type.kind === 'type') scope.types.push(type.type);
    else if (type.kind === 'instance') scope.instances.push(this.#hostInstance(name, type));
    else {
      refused(
        `imports the ${type.kind === 'func' ? 'function' : type.kind} ${showName(name)} by itself`,
        'import interfaces of wasi 0.2 or ringfence:agent only',
        { import: name },
      );
    }
  }

  #hostInstance(name: string, type: InstanceType): InstanceItem {
    const checked = this.#check.interface(name, type);
    this.imports.push(checked);
    this.#count(name);
    const exports = new Map<string, Item>();
    for (const [key, extern] of type.exports) {
      if (extern.kind === 'type') exports.set(key, extern);
      else if (extern.kind === 'func') {
        this.#count(key);
        const { interface: interfaceName, version } = checked;
        const host = { interface: interfaceName, version, name: key };
        exports.set(key, { kind: 'func', type: extern, host, lifted: null });
      }
    }
    return { kind: 'instance', exports };
  }

  #export(definition: Definition & { readonly kind: 'export' }, scope: ComponentScope): void {
    const { name, item, extern, offset } = definition;
    const found = itemAt(scope, item);
    // A type said beside an export must be there, and nothing more: callers get the true one.
    if (extern !== null) this.#resolver.extern(extern, scope, name, null);
    if (scope.exports.has(name)) invalid('a name is exported twice', offset);
    if (scope.args === null) this.#count(name);
    scope.exports.set(name, found);
    addItem(found, scope);
  }

  #instantiate(
    definition: Definition & { readonly kind: 'instantiate' },
    scope: ComponentScope,
  ): void {
    const { offset } = definition;
    const component =
      scope.components[definition.component] ??
      invalid(`there is no component ${definition.component}`, offset);
    const args = this.#named(definition.args, scope, offset);
    const exports = this.component(component.syntax, component.scope, args);
    scope.instances.push({ kind: 'instance', exports });
  }

  #named(
    named: readonly { readonly name: string; readonly item: SortIndex }[],
    scope: ComponentScope,
    offset: number,
  ): Map<string, Item> {
    const items = new Map<string, Item>();
    for (const { name, item } of named) {
      this.#resolver.step(item.offset);
      if (items.has(name)) invalid('a name is given twice', offset);
      items.set(name, itemAt(scope, item));
    }
    return items;
  }

  #alias(alias: AliasSyntax, scope: ComponentScope): void {
    const { offset } = alias;
    if (alias.kind === 'outer') {
      this.#outerAlias(alias, scope);
    } else if (alias.kind === 'core-export') {
      const instance = coreInstanceAt(scope, alias.instance, offset);
      const found = instance.exports.get(alias.name);
      if (found === undefined || found.sort !== alias.sort) {
        invalid(`a core instance exports no ${alias.sort} ${showName(alias.name)}`, offset);
      }
      scope.core[found.sort].push(found.reference);
    } else {
      const instance =
        scope.instances[alias.instance] ??
        invalid(`there is no instance ${alias.instance}`, offset);
      const found = instance.exports.get(alias.name);
      if (found === undefined || alias.sort.core || found.kind !== alias.sort.sort) {
        invalid(`an instance exports no ${alias.sort.sort} ${showName(alias.name)}`, offset);
      }
      addItem(found, scope);
    }
  }

  #outerAlias(alias: AliasSyntax & { readonly kind: 'outer' }, scope: ComponentScope): void {
    const { count, sort, index, offset } = alias;
    let outer: ComponentScope = scope;
    for (let level = 0; level < count; level++) {
      outer =
        outer.parent ?? invalid(`an alias reaches ${count} scopes out, past the last`, offset);
    }
    if (sort.core && sort.sort === 'module') {
      scope.coreModules.push(moduleAt(outer, index, offset));
    } else if (!sort.core && sort.sort === 'component') {
      const component = outer.components[index];
      scope.components.push(component ?? invalid(`there is no component ${index}`, offset));
    } else addOuterType(alias, scope, outer);
  }

  #coreInstantiate(
    definition: Definition & { readonly kind: 'core-instantiate' },
    scope: ComponentScope,
  ): void {
    const { offset } = definition;
    const module = moduleAt(scope, definition.module, offset);
    const facts = this.#modules[module]!;
    const given = new Map<string, CoreInstanceItem>();
    const args: [string, number][] = [];
    for (const { name, instance } of definition.args) {
      if (given.has(name)) invalid('a core module is given a name twice', offset);
      const item = coreInstanceAt(scope, instance, offset);
      given.set(name, item);
      args.push([name, item.step]);
      this.#countLinkItem(name, offset);
    }
    for (const wanted of facts.imports) {
      this.#resolver.step(offset);
      const found = given.get(wanted.module)?.exports.get(wanted.name);
      if (found === undefined || found.sort !== SORT_OF_KIND.get(wanted.kind)) {
        const shown = `${showName(wanted.module)} ${showName(wanted.name)}`;
        invalid(`a core module is instantiated without its import ${shown}`, offset);
      }
    }
    const step = this.#addStep({ kind: 'instantiate', module, args }, offset);
    const exports = new Map<string, CoreItem>();
    for (const { name, kind } of facts.exports) {
      this.#resolver.step(offset);
      const sort = SORT_OF_KIND.get(kind);
      if (sort !== undefined) exports.set(name, { sort, reference: { instance: step, name } });
    }
    scope.coreInstances.push({ step, exports });
  }

  #coreInline(
    definition: Definition & { readonly kind: 'core-inline' },
    scope: ComponentScope,
  ): void {
    const { offset } = definition;
    const exports = new Map<string, CoreItem>();
    const planned: [string, CoreReference][] = [];
    for (const { name, sort, index } of definition.exports) {
      const reference = coreAt(scope, sort, index, offset);
      if (exports.has(name)) invalid('a core instance has a name twice', offset);
      exports.set(name, { sort: sort as CoreExportSort, reference });
      planned.push([name, reference]);
      this.#countLinkItem(name, offset);
      if ('name' in reference) this.#count(reference.name);
    }
    const step = this.#addStep({ kind: 'inline', exports: planned }, offset);
    scope.coreInstances.push({ step, exports });
  }

  #lift(definition: Definition & { readonly kind: 'lift' }, scope: ComponentScope): void {
    const { core, options, type: index, offset } = definition;
    const type = typeAt(scope, index, offset);
    if (type.kind !== 'func') invalid(`type ${index} is no func type`, offset);
    const lifted = {
      core: coreAt(scope, 'func', core, offset),
      ...this.#options(options, scope, offset),
      postReturn:
        options.postReturn === null ? null : coreAt(scope, 'func', options.postReturn, offset),
    };
    scope.functions.push({ kind: 'func', type, host: null, lifted });
  }

  #lower(definition: Definition & { readonly kind: 'lower' }, scope: ComponentScope): void {
    const { func, options, offset } = definition;
    const item = scope.functions[func] ?? invalid(`there is no function ${func}`, offset);
    if (item.host === null) refusedFeature('a function of its own as an import', offset);
    const { memory, realloc, encoding } = this.#options(options, scope, offset);
    this.#addLowered({ kind: 'function', ...item.host, encoding, memory, realloc }, scope, offset);
  }

  #resourceDrop(index: number, offset: number, scope: ComponentScope): void {
    const type = typeAt(scope, index, offset);
    if (type.kind !== 'resource') invalid(`type ${index} is no resource`, offset);
    const ours = this.#check.resource(type);
    const owner = parseInterfaceName(ours?.interfaceName ?? '');
    if (ours === null || owner === null) refusedFeature('a resource of its own', offset);
    const lowered = { kind: 'resource-drop', interface: owner.interface, resource: ours.name };
    this.#addLowered(lowered as LoweredFunction, scope, offset);
  }

  #options(
    options: CanonicalOptions,
    scope: ComponentScope,
    offset: number,
  ): Pick<LiftedFunction, 'memory' | 'encoding'> & { readonly realloc: CoreReference | null } {
    const { encoding } = options;
    const memory = options.memory === null ? null : coreAt(scope, 'memory', options.memory, offset);
    const realloc =
      options.realloc === null ? null : coreAt(scope, 'func', options.realloc, offset);
    if (realloc !== null && 'lowered' in realloc) {
      refusedFeature('a host function to allocate memory', offset);
    }
    return { memory, realloc, encoding };
  }

  #addLowered(lowered: LoweredFunction, scope: ComponentScope, offset: number): void {
    const cap = this.#caps.loweredFunctions;
    const count = this.lowered.push(lowered);
    if (count > cap) refusedCap('lowered functions', count, cap, offset);
    if (lowered.kind === 'function') {
      this.#count(lowered.name);
      for (const reference of [lowered.memory, lowered.realloc]) {
        if (reference !== null && 'name' in reference) this.#count(reference.name);
      }
    }
    scope.core.func.push({ lowered: count - 1 });
  }

  #addStep(step: PlanStep, offset: number): number {
    const cap = this.#caps.coreInstances;
    const count = this.steps.push(step);
    if (count > cap) refusedCap('core instances', count, cap, offset);
    return count - 1;
  }

  #countLinkItem(name: string, offset: number): void {
    this.#resolver.step(offset);
    this.#count(name);
    if (++this.#linkItems > this.#caps.linkItems) {
      refusedCap('arguments of core instances', this.#linkItems, this.#caps.linkItems, offset);
    }
  }

  /** Counts a name that goes into the plan: one long name in many places would make it huge. */
  #count(name: string): void {
    this.#characters += name.length;
    const cap = this.#caps.planCharacters;
    if (this.#characters > cap) refusedCap('characters of names', this.#characters, cap, 0);
  }
}

function newScope(
  parent: ComponentScope | null,
  args: ReadonlyMap<string, Item> | null,
): ComponentScope {
  return {
    parent,
    types: [],
    instances: [],
    coreTypes: 0,
    functions: [],
    components: [],
    core: { func: [], table: [], memory: [], global: [], tag: [] },
    coreInstances: [],
    coreModules: [],
    exports: new Map(),
    args,
  };
}

/**
 * Inside of another component there may be what interfaces are exported through, which names things
 * and no more. Code there would need canonical functions between components, which we don't have.
 */
function refuseComposition(definition: Definition): void {
  switch (definition.kind) {
    case 'type':
    case 'alias':
    case 'inline':
    case 'import':
    case 'export':
      return;
    default:
      refused(
        `is composed of components (at byte ${definition.offset}), which is not offered`,
        'run one of them by itself, or build it as one component',
        { feature: 'components composed of components', offset: definition.offset },
      );
  }
}

function addItem(item: Item, scope: ComponentScope): void {
  switch (item.kind) {
    case 'func':
      scope.functions.push(item);
      return;
    case 'instance':
      scope.instances.push(item);
      return;
    case 'type':
      scope.types.push(item.type);
      return;
    case 'component':
      scope.components.push(item);
  }
}

function itemAt(scope: ComponentScope, item: SortIndex): Item {
  const { index, offset } = item;
  if (item.core) refusedFeature('imports or exports of core modules', offset);
  switch (item.sort) {
    case 'func':
      return scope.functions[index] ?? invalid(`there is no function ${index}`, offset);
    case 'instance':
      return scope.instances[index] ?? invalid(`there is no instance ${index}`, offset);
    case 'component':
      return scope.components[index] ?? invalid(`there is no component ${index}`, offset);
    case 'type':
      return { kind: 'type', type: typeAt(scope, index, offset) };
  }
}

function coreAt(
  scope: ComponentScope,
  sort: CoreSort,
  index: number,
  offset: number,
): CoreReference {
  if (sort === 'type' || sort === 'module' || sort === 'instance') {
    return invalid(`a core instance exports a ${sort}`, offset);
  }
  return scope.core[sort][index] ?? invalid(`there is no core ${sort} ${index}`, offset);
}

function coreInstanceAt(scope: ComponentScope, index: number, offset: number): CoreInstanceItem {
  return scope.coreInstances[index] ?? invalid(`there is no core instance ${index}`, offset);
}

function moduleAt(scope: ComponentScope, index: number, offset: number): number {
  return scope.coreModules[index] ?? invalid(`there is no core module ${index}`, offset);
}
