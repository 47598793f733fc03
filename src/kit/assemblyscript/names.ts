/** Turns the names of WIT into names that AssemblyScript accepts and that don't hide its own. */

import { camelCase, pascalCase } from '../bindings/naming.ts';

/** Words that can't name a variable, a function or a field. */
const RESERVED_WORDS = new Set(
  `abstract as async await bool break case catch char class const constructor continue debugger
  declare default delete do else enum export extends f32 f64 false finally for from function get i16
  i32 i64 i8 if implements import in instanceof interface is isize keyof let module namespace never
  new null number of package private protected public readonly return set static string super switch
  symbol this throw true try type typeof u16 u32 u64 u8 undefined unique usize v128 var void while
  with yield`.split(/\s+/),
);

/** Names of AssemblyScript's library and of the runtime that generated code leans on. */
const RESERVED_TYPES = new Set(
  `Array ArrayBuffer Boolean DataView Date Error Float32Array Float64Array Function Int16Array
  Int32Array Int64Array Int8Array Map Math Number Object Option RangeError RegExp Result Set
  StaticArray String Symbol TypeError Uint16Array Uint32Array Uint64Array Uint8Array
  Uint8ClampedArray Unit`.split(/\s+/),
);

/** Members that each generated class of a resource has; a WIT method of that name gets a `_`. */
const RESERVED_MEMBERS = new Set(['constructor', 'handle', 'drop', 'create']);

/** A variable's, function's or field's name; a reserved word gets a `_` at its end. */
export function valueName(name: string): string {
  const camel = camelCase(name);
  return RESERVED_WORDS.has(camel) ? `${camel}_` : camel;
}

/** A class's or enum's name; one that the library has too gets `Wit` before it. */
export function typeName(name: string): string {
  const pascal = pascalCase(name);
  return RESERVED_TYPES.has(pascal) || /^Tuple\d*$/.test(pascal) ? `Wit${pascal}` : pascal;
}

/** The name of a method of a resource, or of a case of a variant: words may be members. */
export function memberName(name: string): string {
  const member = camelCase(name);
  return RESERVED_MEMBERS.has(member) ? `${member}_` : member;
}

/** The module that an interface's bindings are in: `wasi:io/streams@0.2.12` is `wasi/io/streams`. */
export function modulePath(interfaceName: string): string {
  return interfaceName.replace(/@.*$/, '').replace(':', '/');
}
