/**
 * A component as it is written: its definitions in order, indices not yet followed. The reader makes
 * it, the resolver and the plan follow it.
 */

import type { PrimitiveKind, StringEncoding } from './types.ts';

/** A value type where one is used: a primitive, or an index of the type space. */
export type ValueSyntax = PrimitiveKind | number;

/** A name with the type that belongs to it. */
export interface LabelSyntax {
  readonly name: string;
  readonly type: ValueSyntax;
}

/** A type as it is defined. */
export type TypeSyntax = { readonly offset: number } & (
  | { readonly kind: 'primitive'; readonly primitive: PrimitiveKind }
  | { readonly kind: 'record'; readonly fields: readonly LabelSyntax[] }
  | {
      readonly kind: 'variant';
      readonly cases: readonly { readonly name: string; readonly type: ValueSyntax | null }[];
    }
  | { readonly kind: 'list' | 'option'; readonly element: ValueSyntax }
  | { readonly kind: 'tuple'; readonly elements: readonly ValueSyntax[] }
  | { readonly kind: 'flags' | 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'result'; readonly ok: ValueSyntax | null; readonly err: ValueSyntax | null }
  | { readonly kind: 'own' | 'borrow'; readonly resource: number }
  | {
      readonly kind: 'func';
      readonly params: readonly LabelSyntax[];
      readonly result: ValueSyntax | null;
    }
  | { readonly kind: 'resource' }
  | InstanceTypeSyntax
  | ComponentTypeSyntax
);

export interface InstanceTypeSyntax {
  readonly kind: 'instance';
  readonly offset: number;
  readonly declarations: readonly DeclarationSyntax[];
}
export interface ComponentTypeSyntax {
  readonly kind: 'component';
  readonly offset: number;
  readonly declarations: readonly DeclarationSyntax[];
}

/** What stands inside of an instance's or component's type. Only the latter has imports. */
export type DeclarationSyntax =
  | { readonly kind: 'core-type'; readonly offset: number }
  | { readonly kind: 'type'; readonly type: TypeSyntax; readonly offset: number }
  | { readonly kind: 'alias'; readonly alias: AliasSyntax; readonly offset: number }
  | {
      readonly kind: 'import' | 'export';
      readonly name: string;
      readonly extern: ExternSyntax;
      readonly offset: number;
    };

/** The kinds of core things that have an index space. */
export type CoreSort =
  | 'func'
  | 'table'
  | 'memory'
  | 'global'
  | 'tag'
  | 'type'
  | 'module'
  | 'instance';
/** The kinds of component things that have an index space. */
export type ComponentSort = 'func' | 'type' | 'component' | 'instance';
/** Any kind of thing. */
export type Sort =
  | { readonly core: true; readonly sort: CoreSort }
  | { readonly core: false; readonly sort: ComponentSort };

/** A thing by its kind and index. */
export type SortIndex = Sort & { readonly index: number; readonly offset: number };

export type AliasSyntax =
  | {
      readonly kind: 'export';
      readonly sort: Sort;
      readonly instance: number;
      readonly name: string;
      readonly offset: number;
    }
  | {
      readonly kind: 'core-export';
      readonly sort: CoreSort;
      readonly instance: number;
      readonly name: string;
      readonly offset: number;
    }
  | {
      readonly kind: 'outer';
      readonly sort: Sort;
      readonly count: number;
      readonly index: number;
      readonly offset: number;
    };

/** The type of an import or export as it is declared. */
export type ExternSyntax =
  | {
      readonly kind: 'module' | 'func' | 'component' | 'instance';
      readonly index: number;
      readonly offset: number;
    }
  | { readonly kind: 'type-equal'; readonly index: number; readonly offset: number }
  | { readonly kind: 'type-resource'; readonly offset: number };

/** The options of `canon lift` and `canon lower`: indices of the core spaces. */
export interface CanonicalOptions {
  readonly encoding: StringEncoding;
  readonly memory: number | null;
  readonly realloc: number | null;
  readonly postReturn: number | null;
}

/** A part of a component, in the order of the file. */
export type Definition = { readonly offset: number } & (
  | {
      readonly kind: 'core-module' /** Index into {@link Component.modules}. */;
      readonly module: number;
    }
  | {
      readonly kind: 'core-instantiate';
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | {
      readonly kind: 'core-inline';
      readonly exports: readonly {
        readonly name: string;
        readonly sort: CoreSort;
        readonly index: number;
      }[];
    }
  | { readonly kind: 'core-type' }
  | { readonly kind: 'component'; readonly component: ComponentSyntax }
  | {
      readonly kind: 'instantiate';
      readonly component: number;
      readonly args: readonly { readonly name: string; readonly item: SortIndex }[];
    }
  | {
      readonly kind: 'inline';
      readonly exports: readonly { readonly name: string; readonly item: SortIndex }[];
    }
  | { readonly kind: 'alias'; readonly alias: AliasSyntax }
  | { readonly kind: 'type'; readonly type: TypeSyntax }
  | {
      readonly kind: 'lift';
      readonly core: number;
      readonly options: CanonicalOptions;
      readonly type: number;
    }
  | { readonly kind: 'lower'; readonly func: number; readonly options: CanonicalOptions }
  | {
      readonly kind: 'resource-new' | 'resource-drop' | 'resource-rep';
      readonly type: number;
    }
  | { readonly kind: 'import'; readonly name: string; readonly extern: ExternSyntax }
  | {
      readonly kind: 'export';
      readonly name: string;
      readonly item: SortIndex;
      readonly extern: ExternSyntax | null;
    }
);

/** One component, the file's own or one inside of it. */
export interface ComponentSyntax {
  readonly offset: number;
  readonly definitions: readonly Definition[];
}

/** A core module as it stands in the file. */
export interface CoreModule {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What the reader makes of a file. */
export interface Component extends ComponentSyntax {
  /** All core modules of the file, in its order. */
  readonly modules: readonly CoreModule[];
}
