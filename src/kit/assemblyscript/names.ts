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

/** What the compiler has built in and generated code calls: nothing may hide it there. */
const BUILT_IN = new Set(
  'assert changetype load memory reinterpret store unreachable guest'.split(' '),
);

/** Names of AssemblyScript's library and of the runtime that generated code leans on. */
const RESERVED_TYPES = new Set(
  `Array ArrayBuffer Boolean DataView Date Error Float32Array Float64Array Function Int16Array
  Int32Array Int64Array Int8Array Map Math Number Object Option RangeError RegExp Result Set
  StaticArray String Symbol TypeError Uint16Array Uint32Array Uint64Array Uint8Array
  Uint8ClampedArray Unit`.split(/\s+/),
);

/** Members that each generated class of a resource has; a WIT method of that name gets a `_`. */
const RESERVED_MEMBERS = new Set(['constructor', 'handle', 'drop', 'give', 'create', 'dispose']);

/** A field's name; a reserved word gets a `_` at its end. */
export function valueName(name: string): string {
  const camel = camelCase(name);
  return RESERVED_WORDS.has(camel) ? `${camel}_` : camel;
}

/** A class's or enum's name; one that the library has too gets `Wit` before it. */
export function typeName(name: string): string {
  const pascal = pascalCase(name);
  return RESERVED_TYPES.has(pascal) || /^Tuple\d*$/.test(pascal) ? `Wit${pascal}` : pascal;
}

/** Words that can't name a getter, though they can a method. */
const NO_GETTERS = new Set(
  `async await break case catch class const continue debugger default do else enum export extends
  false finally function if implements import in interface let new override package private protected
  public return static super switch this throw true try typeof var while with yield`.split(/\s+/),
);

/** Members that each generated class of a variant has. */
const VARIANT_MEMBERS = new Set(['tag', 'name', 'payload', 'constructor']);

/** The name of a case of a variant, as the function that makes it and as a getter. */
export function caseName(name: string): string {
  const member = camelCase(name);
  return VARIANT_MEMBERS.has(member) || NO_GETTERS.has(member) ? `${member}_` : member;
}

/** The name of a method of a resource: words may be methods. */
export function memberName(name: string): string {
  const member = camelCase(name);
  return RESERVED_MEMBERS.has(member) ? `${member}_` : member;
}

/** Whether a function of this name would hide what generated code calls in the same module. */
export function hidesBuiltIn(name: string): boolean {
  return BUILT_IN.has(name);
}

/**
 * Names for things that stand side by side: of those that would be written alike (`a-1` and `a1`),
 * the later ones get a `_` more each.
 */
export function distinct(
  names: readonly string[],
  write: (name: string) => string,
): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let written = write(name);
    while (taken.has(written)) written += '_';
    taken.add(written);
    return written;
  });
}

/** The names of parameters, none of which hides what the function's body calls. */
export function parameterNames(names: readonly string[]): readonly string[] {
  return distinct(names, (name) => {
    const written = valueName(name);
    return BUILT_IN.has(written) ? `${written}_` : written;
  });
}

/** The parts of a name such as `wasi:io/streams@0.2.12`. */
interface NameParts {
  /** `wasi/io`; of a name without a package `wit/world`. */
  readonly package: string;
  readonly interface: string;
  readonly version: string | null;
}

function partsOf(interfaceName: string): NameParts {
  const [name = '', version = null] = interfaceName.split('@');
  const slash = name.indexOf('/');
  if (slash === -1) return { package: 'wit/world', interface: name, version };
  return {
    package: name.slice(0, slash).replaceAll(':', '/'),
    interface: name.slice(slash + 1),
    version,
  };
}

/**
 * The modules that interfaces' bindings are in: `wasi:io/streams@0.2.12` is `wasi/io/streams`. Where
 * a package is there in several versions, its folder has the version: `wasi/io-0.2.12/streams`.
 */
export function modulePaths(interfaceNames: Iterable<string>): ReadonlyMap<string, string> {
  const parts = new Map([...interfaceNames].map((name) => [name, partsOf(name)]));
  const versions = new Map<string, Set<string | null>>();
  for (const part of parts.values()) {
    const known = versions.get(part.package) ?? new Set();
    versions.set(part.package, known.add(part.version));
  }
  return new Map(
    [...parts].map(([name, part]) => {
      const several = (versions.get(part.package)?.size ?? 0) > 1 && part.version !== null;
      const folder = several ? `${part.package}-${part.version}` : part.package;
      return [name, `${folder}/${part.interface}`];
    }),
  );
}

/** An export of a world: a function or a resource's class. */
export interface Exported {
  /** What WIT calls it, within its interface. */
  readonly name: string;
  /** Null: the world exports it itself. */
  readonly interfaceName: string | null;
}

/**
 * What the guest has to call its functions and classes: as WIT does where one export has the name.
 * Where several have it, each of them has its interface before it (`a:b/left#get` is `leftGet`); where
 * these are the same too, its package; and then its version.
 */
export function guestNames<E extends Exported>(
  exports: readonly E[],
  write: (name: string) => string,
): ReadonlyMap<E, string> {
  const writings = [0, 1, 2, 3].map((level) => exports.map((each) => write(longName(each, level))));
  const clash = (names: readonly string[], index: number) =>
    names.some((name, other) => other !== index && name === names[index]);
  const chosen = exports.map((each, index) => {
    const level = writings.findIndex((names) => !clash(names, index));
    return writings[level]?.[index] ?? write(longName(each, 3));
  });
  const taken = distinct(chosen, (name) => name);
  return new Map(exports.map((each, index) => [each, taken[index] ?? '']));
}

function longName({ name, interfaceName }: Exported, level: number): string {
  if (interfaceName === null || level === 0) return name;
  const { package: folder, interface: own, version } = partsOf(interfaceName);
  const packageName = level > 1 && folder !== 'wit/world' ? `${folder.replaceAll('/', '-')}-` : '';
  const versionName =
    level > 2 && version !== null ? `${version.replace(/[^a-z0-9]+/gi, '-')}-` : '';
  return `${packageName}${versionName}${own}-${name}`;
}
