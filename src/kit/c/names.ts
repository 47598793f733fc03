/** Turns the names of WIT into those of C: as wit-bindgen does, so that its users find what they know. */

import { Identifiers, snakeCase } from '../bindings/naming.ts';
import { type Place, partsOf, severalVersions } from '../wit/places.ts';

/** Words and macros that can't name a parameter or a field, of C and of C++ as a header is for both. */
const RESERVED_WORDS = new Set(
  `alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char class compl
  const constexpr continue decltype default delete do double dynamic_cast else enum errno explicit
  export extern false float for friend goto if inline int long mutable namespace new noexcept
  noreturn not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
  restrict return short signed sizeof static static_assert static_cast stderr stdin stdout struct
  switch template this thread_local throw true try typedef typeid typename typeof union unix unsigned
  using virtual void volatile wchar_t while xor xor_eq`.split(/\s+/),
);

/** What generated functions call their answers. */
const ANSWERS = new Set(['ret', 'err']);

/** A word of C, or the name of a type, gets a `_` at its end. */
function localName(name: string): string {
  const snake = snakeCase(name);
  return RESERVED_WORDS.has(snake) || /_t$/.test(snake) ? `${snake}_` : snake;
}

/** The names of fields of a struct or union, in order. */
export function fieldNames(names: readonly string[]): readonly string[] {
  const own = new Identifiers();
  return names.map((name) => own.take(localName(name)));
}

/** The names of parameters, in order; an optional one is a pointer that is null or not: `maybe_name`. */
export function parameterNames(
  params: readonly { readonly name: string; readonly optional: boolean }[],
): readonly string[] {
  const own = new Identifiers();
  for (const name of ANSWERS) own.take(name);
  return params.map(({ name, optional }) =>
    own.take(optional ? `maybe_${snakeCase(name)}` : localName(name)),
  );
}

/**
 * What stands before the names of places: `wasi:io/streams@0.2.12` is `wasi_io_streams_`, and
 * `wasi_io0_2_12_streams_` where the package is there in several versions; `exports_` stands before
 * what the guest makes.
 */
export function prefixes(places: readonly Place[], world: string): ReadonlyMap<Place, string> {
  const several = severalVersions(places);
  return new Map(
    places.map((place) => {
      const { package: packageName, version, interface: own } = partsOf(place.name);
      const number = several.has(packageName) ? snakeCase(version) : '';
      const name = packageName === '' ? snakeCase(world) : `${snakeCase(packageName)}${number}`;
      const words = [place.exported ? 'exports' : '', name, snakeCase(own)];
      return [place, `${words.filter((word) => word !== '').join('_')}_`];
    }),
  );
}
