/**
 * The component model's types, resolved: what the reader makes of a component's type sections, what
 * the import check compares, and what the binding generator works from.
 *
 * Types form a graph by reference: a type that a component names twice is one object. So a component
 * whose types double at each level stays small here, as long as nobody expands it without a bound.
 */

/** The types that have no parts. */
export type PrimitiveKind =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string';

/**
 * A resource type. Two are the same type exactly when they are the same object; `name` is what the
 * component or WIT calls it, `interfaceName` the interface that brought it (null: the root).
 */
export interface ResourceType {
  readonly kind: 'resource';
  readonly name: string;
  readonly interfaceName: string | null;
}

export interface RecordType {
  readonly kind: 'record';
  readonly fields: readonly { readonly name: string; readonly type: ValueType }[];
}
export interface VariantType {
  readonly kind: 'variant';
  readonly cases: readonly { readonly name: string; readonly type: ValueType | null }[];
}
export interface ListType {
  readonly kind: 'list';
  readonly element: ValueType;
}
export interface TupleType {
  readonly kind: 'tuple';
  readonly elements: readonly ValueType[];
}
export interface FlagsType {
  readonly kind: 'flags';
  readonly names: readonly string[];
}
export interface EnumType {
  readonly kind: 'enum';
  readonly names: readonly string[];
}
export interface OptionType {
  readonly kind: 'option';
  readonly element: ValueType;
}
export interface ResultType {
  readonly kind: 'result';
  readonly ok: ValueType | null;
  readonly err: ValueType | null;
}
export interface HandleType {
  readonly kind: 'own' | 'borrow';
  readonly resource: ResourceType;
}
export interface PrimitiveType {
  readonly kind: PrimitiveKind;
}

/** The type of a value. */
export type ValueType =
  | PrimitiveType
  | RecordType
  | VariantType
  | ListType
  | TupleType
  | FlagsType
  | EnumType
  | OptionType
  | ResultType
  | HandleType;

/** The type of a component-level function. */
export interface FunctionType {
  readonly kind: 'func';
  readonly params: readonly { readonly name: string; readonly type: ValueType }[];
  readonly result: ValueType | null;
}

/** The type of an instance: what it exports, by name. */
export interface InstanceType {
  readonly kind: 'instance';
  readonly exports: ReadonlyMap<string, ExternType>;
}

/** The type of a component: what it imports and exports, by name. */
export interface ComponentType {
  readonly kind: 'component';
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
}

/** A type that a component imports or exports under a name. */
export interface TypeExtern {
  readonly kind: 'type';
  readonly type: ValueType | ResourceType | FunctionType | InstanceType | ComponentType;
}

/** What can stand behind an import's or an export's name. */
export type ExternType = FunctionType | InstanceType | ComponentType | TypeExtern;

/** Where the strings of a canonical function stand in memory, and how. */
export type StringEncoding = 'utf8' | 'utf16' | 'latin1+utf16';
