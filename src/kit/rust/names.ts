/** Turns the names of WIT into those of Rust: as wit-bindgen does, so that its users find what they know. */

import { constantCase, Identifiers, pascalCase, snakeCase } from '../bindings/naming.ts';
import { type Place, partsOf, severalVersions } from '../wit/places.ts';

/** Words that can't name anything. */
const RESERVED_WORDS = new Set(
  `abstract as async await become box break const continue crate do dyn else enum extern false final
  fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static
  struct super trait true try type typeof union unsafe unsized use virtual where while yield`.split(
    /\s+/,
  ),
);

/** Names that generated code takes from Rust's prelude. */
const RESERVED_TYPES = new Set(
  'Box Clone Copy Debug Drop Err Guest None Ok Option Result Self Some String Vec'.split(' '),
);

/** Functions that each generated type of a resource has. */
const RESERVED_MEMBERS = new Set(['from_handle', 'handle']);

/** A function, parameter, field or module: a word of Rust gets a `_` at its end. */
export function valueName(name: string): string {
  const snake = snakeCase(name);
  return RESERVED_WORDS.has(snake) ? `${snake}_` : snake;
}

/** A function that belongs to a resource. */
export function memberName(name: string): string {
  const written = valueName(name);
  return RESERVED_MEMBERS.has(written) ? `${written}_` : written;
}

/** A type or a case; one that the prelude has gets `Wit` before it. */
export function typeName(name: string): string {
  const pascal = pascalCase(name);
  return RESERVED_TYPES.has(pascal) ? `Wit${pascal}` : pascal;
}

/** A constant. */
export const constantName = constantCase;

/** Names for things that stand side by side: the later of two alike gets a `_`. */
export function distinct(
  names: readonly string[],
  write: (name: string) => string,
): readonly string[] {
  const own = new Identifiers();
  return names.map((name) => own.take(write(name)));
}

/**
 * The modules that places become: `wasi:io/streams` is `wasi::io::streams`, what the guest makes is below
 * `exports`; where a package is there in several versions, its module has the version: `io0_2_12`.
 */
export function modulePaths(places: readonly Place[]): ReadonlyMap<Place, readonly string[]> {
  const several = severalVersions(places);
  return new Map(
    places.map((place) => {
      const { package: packageName, version, interface: own } = partsOf(place.name);
      const words = packageName === '' ? [] : packageName.split(':').map(valueName);
      const last = words.length - 1;
      if (several.has(packageName) && last >= 0) words[last] += snakeCase(version);
      const path = [...words, ...(own === '' ? [] : [valueName(own)])];
      return [place, place.exported ? ['exports', ...path] : path];
    }),
  );
}
