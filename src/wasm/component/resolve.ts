/**
 * Follows the indices of type definitions and makes the graph of {@link types.ts} out of them: one
 * object a type, resources by identity.
 *
 * The type of an instance that brings resources of its own stands for new ones wherever an instance
 * of it is imported. So such a type is resolved again at each such place, against a cap on all steps;
 * one without resources is shared, which is what keeps types that double at each level small.
 */

import { showName } from './names.ts';
import { invalid, refusedCap, refusedFeature } from './refuse.ts';
import type {
  AliasSyntax,
  ComponentTypeSyntax,
  DeclarationSyntax,
  ExternSyntax,
  InstanceTypeSyntax,
  LabelSyntax,
  TypeSyntax,
  ValueSyntax,
} from './syntax.ts';
import type {
  ComponentType,
  ExternType,
  FunctionType,
  InstanceType,
  PrimitiveKind,
  PrimitiveType,
  ResourceType,
  ValueType,
} from './types.ts';

/** Whatever has an index in a type space. */
export type AnyType = ValueType | ResourceType | FunctionType | InstanceType | ComponentType;

/** What an instance exports under a name, as far as types are looked for in it. */
export type TypeExport =
  | { readonly kind: 'type'; readonly type: AnyType }
  | ({ readonly kind: 'instance' } & TypeExports)
  | { readonly kind: 'func' | 'component' };

/** What an instance exports, as far as types are looked for in it. */
export interface TypeExports {
  readonly exports: ReadonlyMap<string, TypeExport>;
}

/** The index spaces that types are resolved in: a component's, or those inside of a type. */
export interface TypeScope {
  readonly parent: TypeScope | null;
  readonly types: AnyType[];
  readonly instances: TypeExports[];
  coreTypes: number;
}

interface DeclaredScope extends TypeScope {
  /** The interface that resources declared here belong to. */
  readonly interfaceName: string | null;
  /** Whether a resource was declared here. */
  generative: boolean;
}

const PRIMITIVES: ReadonlyMap<PrimitiveKind, PrimitiveType> = new Map(
  (
    [
      'bool',
      's8',
      'u8',
      's16',
      'u16',
      's32',
      'u32',
      's64',
      'u64',
      'f32',
      'f64',
      'char',
      'string',
    ] as const
  ).map((kind) => [kind, Object.freeze({ kind })]),
);

/** Resolves types; keeps count of its steps over its whole life. */
export class TypeResolver {
  readonly #stepsMax: number;
  #steps = 0;
  readonly #generative = new Map<
    InstanceType,
    { readonly syntax: InstanceTypeSyntax; readonly scope: TypeScope }
  >();

  constructor(stepsMax: number) {
    this.#stepsMax = stepsMax;
  }

  /** Counts one more definition that is looked at, and the parts that it has. */
  step(offset: number, parts = 0): void {
    this.#steps += 1 + parts;
    if (this.#steps > this.#stepsMax) {
      refusedCap('definitions to follow', this.#steps, this.#stepsMax, offset);
    }
  }

  /** Resolves a definition of a type inside of a scope. */
  type(syntax: TypeSyntax, scope: TypeScope): AnyType {
    this.step(syntax.offset, partsOf(syntax));
    switch (syntax.kind) {
      case 'instance':
        return this.#instanceType(syntax, scope, null);
      case 'component':
        return this.#componentType(syntax, scope);
      case 'resource':
        return refusedFeature('a resource type of its own', syntax.offset);
      case 'func':
        return {
          kind: 'func',
          params: labels(syntax.params, scope, syntax.offset),
          result: optionalValue(syntax.result, scope, syntax.offset),
        };
      default:
        return valueType(syntax, scope);
    }
  }

  /** Resolves the declared type of an import or export called `name`. */
  extern(
    syntax: ExternSyntax,
    scope: TypeScope,
    name: string,
    interfaceName: string | null,
  ): ExternType {
    this.step(syntax.offset);
    switch (syntax.kind) {
      case 'module':
        return refusedFeature('imports or exports of core modules', syntax.offset);
      case 'type-resource':
        return { kind: 'type', type: { kind: 'resource', name, interfaceName } };
      case 'type-equal':
        return { kind: 'type', type: typeAt(scope, syntax.index, syntax.offset) };
      default: {
        const type = typeAt(scope, syntax.index, syntax.offset);
        if (type.kind !== syntax.kind) {
          return invalid(`type ${syntax.index} is no ${syntax.kind} type`, syntax.offset);
        }
        if (type.kind === 'func' || type.kind === 'component') return type;
        return this.#freshInstance(type as InstanceType, name);
      }
    }
  }

  /** Whether values of this type bring resources of their own. */
  isGenerative(type: ExternType): boolean {
    return type.kind === 'instance' && this.#generative.has(type);
  }

  #freshInstance(type: InstanceType, name: string): InstanceType {
    const made = this.#generative.get(type);
    return made === undefined ? type : this.#instanceType(made.syntax, made.scope, name);
  }

  #instanceType(
    syntax: InstanceTypeSyntax,
    parent: TypeScope,
    interfaceName: string | null,
  ): InstanceType {
    const scope = newScope(parent, interfaceName);
    const exports = new Map<string, ExternType>();
    for (const declaration of syntax.declarations) {
      this.#declare(declaration, scope, exports, exports);
    }
    const type: InstanceType = { kind: 'instance', exports };
    if (scope.generative) this.#generative.set(type, { syntax, scope: parent });
    return type;
  }

  #componentType(syntax: ComponentTypeSyntax, parent: TypeScope): ComponentType {
    const scope = newScope(parent, null);
    const imports = new Map<string, ExternType>();
    const exports = new Map<string, ExternType>();
    for (const declaration of syntax.declarations) {
      this.#declare(declaration, scope, imports, exports);
    }
    return { kind: 'component', imports, exports };
  }

  #declare(
    declaration: DeclarationSyntax,
    scope: DeclaredScope,
    imports: Map<string, ExternType>,
    exports: Map<string, ExternType>,
  ): void {
    this.step(declaration.offset);
    switch (declaration.kind) {
      case 'core-type':
        scope.coreTypes++;
        return;
      case 'type':
        scope.types.push(this.type(declaration.type, scope));
        return;
      case 'alias':
        addTypeAlias(declaration.alias, scope);
        return;
      default: {
        const { name, extern, offset } = declaration;
        const names = declaration.kind === 'import' ? imports : exports;
        if (names.has(name)) invalid('a name is declared twice', offset);
        const type = this.extern(extern, scope, name, scope.interfaceName);
        if (extern.kind === 'type-resource' || this.isGenerative(type)) scope.generative = true;
        names.set(name, type);
        if (type.kind === 'type') scope.types.push(type.type);
        if (type.kind === 'instance') scope.instances.push(type);
      }
    }
  }
}

/** How many objects resolving a type makes besides its own; declarations count themselves. */
function partsOf(syntax: TypeSyntax): number {
  switch (syntax.kind) {
    case 'record':
      return syntax.fields.length;
    case 'variant':
      return syntax.cases.length;
    case 'tuple':
      return syntax.elements.length;
    case 'func':
      return syntax.params.length;
    default:
      return 0;
  }
}

function newScope(parent: TypeScope, interfaceName: string | null): DeclaredScope {
  return { parent, types: [], instances: [], coreTypes: 0, interfaceName, generative: false };
}

/** The scope that stands `count` levels further out. */
function outerScope<Scope extends TypeScope>(
  scope: Scope,
  count: number,
  offset: number,
): TypeScope {
  let outer: TypeScope = scope;
  for (let level = 0; level < count; level++) {
    outer = outer.parent ?? invalid(`an alias reaches ${count} scopes out, past the last`, offset);
  }
  return outer;
}

/** Adds the type or instance that an alias names; refuses other kinds, which types can't have. */
function addTypeAlias(alias: AliasSyntax, scope: TypeScope): void {
  const { offset } = alias;
  if (alias.kind === 'outer') addOuterType(alias, scope, outerScope(scope, alias.count, offset));
  else if (alias.kind === 'core-export' || alias.sort.core) {
    invalid('an alias inside of a type is of a core export', offset);
  } else {
    const found = exportOf(scope, alias.instance, alias.name, offset);
    const wanted = alias.sort.sort;
    if (found.kind === 'type' && wanted === 'type') scope.types.push(found.type);
    else if (found.kind === 'instance' && wanted === 'instance') scope.instances.push(found);
    else invalid(`an alias takes a ${found.kind} for a ${wanted}`, offset);
  }
}

/** Adds the type, or core type, of an outer scope that an alias names. */
export function addOuterType(
  alias: AliasSyntax & { readonly kind: 'outer' },
  scope: TypeScope,
  outer: TypeScope,
): void {
  const { offset, index, sort } = alias;
  if (sort.sort !== 'type') invalid('an outer alias is of no type', offset);
  else if (!sort.core) scope.types.push(typeAt(outer, index, offset));
  else if (index >= outer.coreTypes) invalid(`there is no core type ${index}`, offset);
  else scope.coreTypes++;
}

/** What an instance exports under a name. */
function exportOf(scope: TypeScope, instance: number, name: string, offset: number): TypeExport {
  const { exports } =
    scope.instances[instance] ?? invalid(`there is no instance ${instance}`, offset);
  return exports.get(name) ?? invalid(`instance ${instance} exports no ${showName(name)}`, offset);
}

/** The type that has an index. */
export function typeAt(scope: TypeScope, index: number, offset: number): AnyType {
  return scope.types[index] ?? invalid(`there is no type ${index}`, offset);
}

function value(syntax: ValueSyntax, scope: TypeScope, offset: number): ValueType {
  if (typeof syntax === 'string') return PRIMITIVES.get(syntax)!;
  const type = typeAt(scope, syntax, offset);
  switch (type.kind) {
    case 'resource':
    case 'func':
    case 'instance':
    case 'component':
      return invalid(`type ${syntax} is no type of values`, offset);
    default:
      return type;
  }
}

function optionalValue(
  syntax: ValueSyntax | null,
  scope: TypeScope,
  offset: number,
): ValueType | null {
  return syntax === null ? null : value(syntax, scope, offset);
}

function labels(
  syntax: readonly LabelSyntax[],
  scope: TypeScope,
  offset: number,
): { name: string; type: ValueType }[] {
  return syntax.map(({ name, type }) => ({ name, type: value(type, scope, offset) }));
}

type ValueTypeSyntax = Exclude<
  TypeSyntax,
  { readonly kind: 'instance' | 'component' | 'resource' | 'func' }
>;

function valueType(syntax: ValueTypeSyntax, scope: TypeScope): ValueType {
  const { offset } = syntax;
  switch (syntax.kind) {
    case 'primitive':
      // An object of its own: `type pid = u64` is a name to keep.
      return { kind: syntax.primitive };
    case 'record':
      return { kind: 'record', fields: labels(syntax.fields, scope, offset) };
    case 'variant':
      return {
        kind: 'variant',
        cases: syntax.cases.map(({ name, type }) => ({
          name,
          type: optionalValue(type, scope, offset),
        })),
      };
    case 'list':
    case 'option':
      return { kind: syntax.kind, element: value(syntax.element, scope, offset) };
    case 'tuple':
      return {
        kind: 'tuple',
        elements: syntax.elements.map((element) => value(element, scope, offset)),
      };
    case 'flags':
    case 'enum':
      return { kind: syntax.kind, names: syntax.names };
    case 'result':
      return {
        kind: 'result',
        ok: optionalValue(syntax.ok, scope, offset),
        err: optionalValue(syntax.err, scope, offset),
      };
    case 'own':
    case 'borrow': {
      const resource = typeAt(scope, syntax.resource, offset);
      if (resource.kind !== 'resource') {
        return invalid(`type ${syntax.resource} is no resource`, offset);
      }
      return { kind: syntax.kind, resource };
    }
  }
}
