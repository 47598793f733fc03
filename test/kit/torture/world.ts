/**
 * The torture world: every type in every position. It is written out of a list of types, each with the
 * values that jco's glue takes and gives for it.
 */

import fc from 'fast-check';

/** A type, as WIT and AssemblyScript write it, and values of it. */
export interface Sample {
  readonly name: string;
  readonly wit: string;
  readonly as: string;
  readonly values: fc.Arbitrary<unknown>;
}

const integer = (name: string, as: string, min: number, max: number): Sample => ({
  name,
  wit: name,
  as,
  values: fc.integer({ min, max }),
});

const typed = <T>(make: (values: T[]) => unknown, values: fc.Arbitrary<T>) =>
  fc.array(values, { maxLength: 9 }).map(make);

const text = fc.string({ unit: 'binary', maxLength: 40 });
const letter = fc
  .integer({ min: 0, max: 0x10ffff - 0x800 })
  .map((code) => String.fromCodePoint(code < 0xd800 ? code : code + 0x800));
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsignedLong = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const letters = (count: number) =>
  Array.from(
    { length: count },
    (_, index) =>
      `f${'abcdefghij'[Math.floor(index / 26)]}${'abcdefghijklmnopqrstuvwxyz'[index % 26]}`,
  );

const flagsOf = (count: number): Sample => ({
  name: `flags${count}`,
  wit: `flags${count}`,
  as: 'u32',
  values: fc.record(Object.fromEntries(letters(count).map((name) => [name, fc.boolean()]))),
});

/** The sizes at which the layout of flags changes. */
export const FLAG_COUNTS = [1, 8, 9, 16, 17, 32];

const point = fc.record({ x: fc.integer({ min: 0, max: 255 }), type: long, label: text });
const colour = fc.constantFrom('red', 'dark-blue', 'in');
const MANY = 300;

/** The types without parameters, and the lists that cross without a copy. */
export const SAMPLES: readonly Sample[] = [
  { name: 'bool', wit: 'bool', as: 'bool', values: fc.boolean() },
  integer('s8', 'i8', -128, 127),
  integer('u8', 'u8', 0, 255),
  integer('s16', 'i16', -32768, 32767),
  integer('u16', 'u16', 0, 65535),
  integer('s32', 'i32', -(2 ** 31), 2 ** 31 - 1),
  integer('u32', 'u32', 0, 2 ** 32 - 1),
  { name: 's64', wit: 's64', as: 'i64', values: long },
  { name: 'u64', wit: 'u64', as: 'u64', values: unsignedLong },
  { name: 'f32', wit: 'f32', as: 'f32', values: fc.float() },
  { name: 'f64', wit: 'f64', as: 'f64', values: fc.double() },
  { name: 'char', wit: 'char', as: 'u32', values: letter },
  { name: 'string', wit: 'string', as: 'string', values: text },
  {
    name: 'bytes',
    wit: 'list<u8>',
    as: 'Uint8Array',
    values: typed((all) => Uint8Array.from(all), fc.integer({ min: 0, max: 255 })),
  },
  {
    name: 'longs',
    wit: 'list<s64>',
    as: 'Int64Array',
    values: typed((all) => BigInt64Array.from(all), long),
  },
  {
    name: 'doubles',
    wit: 'list<f64>',
    as: 'Float64Array',
    values: typed((all) => Float64Array.from(all), fc.double()),
  },
  { name: 'chars', wit: 'list<char>', as: 'Uint32Array', values: typed((all) => all, letter) },
  {
    name: 'bools',
    wit: 'list<bool>',
    as: 'Array<bool>',
    values: typed((all) => all, fc.boolean()),
  },
  { name: 'texts', wit: 'list<string>', as: 'Array<string>', values: typed((all) => all, text) },
  { name: 'colour', wit: 'colour', as: 'Colour', values: colour },
  ...FLAG_COUNTS.map(flagsOf),
  { name: 'point', wit: 'point', as: 'Point', values: point },
  {
    name: 'shape',
    wit: 'shape',
    as: 'Shape',
    values: fc.oneof(
      fc.constant({ tag: 'nothing' }),
      fc.record({ tag: fc.constant('circle'), val: fc.float() }),
      fc.record({ tag: fc.constant('size'), val: long }),
      fc.record({ tag: fc.constant('named'), val: point }),
      fc.record({ tag: fc.constant('texts'), val: typed((all) => all, text) }),
      fc.record({ tag: fc.constant('new'), val: fc.double() }),
    ),
  },
  {
    name: 'many-cases',
    wit: 'many-cases',
    as: 'ManyCases',
    values: fc
      .integer({ min: 0, max: MANY - 1 })
      .chain((index) =>
        index % 2 === 0
          ? fc.constant({ tag: caseName(index) })
          : fc.record({ tag: fc.constant(caseName(index)), val: fc.integer({ min: 0, max: 255 }) }),
      ),
  },
];

function caseName(index: number): string {
  const [first, second] = [Math.floor(index / 26), index % 26];
  return `c${'abcdefghijklmnopqrstuvwxyz'[first]}${'abcdefghijklmnopqrstuvwxyz'[second]}`;
}

const pascal = (name: string) =>
  name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());

/** A sample in every position that a type can have inside of another. */
export function inside(sample: Sample): Sample {
  const option = fc.option(sample.values, { nil: undefined });
  const side = (tag: string) => fc.record({ tag: fc.constant(tag), val: sample.values });
  return {
    name: `in-${sample.name}`,
    wit: `in-${sample.name}`,
    as: `In${pascal(sample.name)}`,
    values: fc.record({
      narrow: fc.integer({ min: 0, max: 255 }),
      field: sample.values,
      list: fc
        .oneof(fc.constant(null), fc.array(sample.values, { maxLength: 3 }))
        .map((all) => listOf(sample, all ?? [])),
      option,
      both: fc.oneof(side('ok'), side('err')),
      okOnly: fc.oneof(side('ok'), fc.constant({ tag: 'err', val: undefined })),
      errOnly: fc.oneof(fc.constant({ tag: 'ok', val: undefined }), side('err')),
      tuple: fc.tuple(fc.integer({ min: 0, max: 255 }), sample.values, long),
      choice: fc.oneof(
        fc.constant({ tag: 'none' }),
        side('one'),
        fc.record({ tag: fc.constant('wide'), val: unsignedLong }),
      ),
      nested: fc.array(fc.array(option, { maxLength: 2 }), { maxLength: 2 }),
    }),
  };
}

const ARRAYS: Readonly<Record<string, (all: never[]) => unknown>> = {
  s8: (all) => Int8Array.from(all),
  u8: (all) => Uint8Array.from(all),
  s16: (all) => Int16Array.from(all),
  u16: (all) => Uint16Array.from(all),
  s32: (all) => Int32Array.from(all),
  u32: (all) => Uint32Array.from(all),
  s64: (all) => BigInt64Array.from(all),
  u64: (all) => BigUint64Array.from(all),
  f32: (all) => Float32Array.from(all),
  f64: (all) => Float64Array.from(all),
};

function listOf(sample: Sample, all: readonly unknown[]): unknown {
  return ARRAYS[sample.name]?.(all as never[]) ?? all;
}

/** The values are the same each time: what fails once fails again. */
export const SEED = 20_261_128;

/** Everything that goes through. */
export const ALL: readonly Sample[] = [...SAMPLES, ...SAMPLES.map(inside)];

/** How JavaScript and AssemblyScript call the function that passes a sample on. */
export const passName = ({ name }: Sample) => `pass${pascal(name)}`;

/** The function's name in WIT: a record's field may be a word that the language keeps for itself. */
const functions = ALL.map(({ name, wit }) => `  pass-${name}: func(value: ${wit}) -> ${wit};`).join(
  '\n',
);

const INSIDE = SAMPLES.map(
  ({ name, wit }) => `  variant choice-${name} { none, one(${wit}), wide(u64) }
  record in-${name} {
    narrow: u8,
    field: ${wit},
    %list: list<${wit}>,
    %option: option<${wit}>,
    both: result<${wit}, ${wit}>,
    ok-only: result<${wit}>,
    err-only: result<_, ${wit}>,
    %tuple: tuple<u8, ${wit}, s64>,
    choice: choice-${name},
    nested: list<list<option<${wit}>>>,
  }`,
).join('\n');

const SPILLED = Array.from(
  { length: 6 },
  (_, index) => `p${'abcdef'[index]}: string, q${'abcdef'[index]}: u64`,
).join(', ');

/** The world's WIT. */
export const TORTURE_WIT = `package torture:chamber@1.2.3;

/// The types that cross.
interface types {
  /// Colours, one of which is called like a word of the language.
  enum colour { red, dark-blue, %in }
${FLAG_COUNTS.map((count) => `  flags flags${count} { ${letters(count).join(', ')} }`).join('\n')}
  /// A place.
  record point {
    /// To the right.
    x: u8,
    %type: s64,
    label: string,
  }
  variant shape { nothing, circle(f32), size(s64), named(point), texts(list<string>), %new(f64) }
  variant many-cases { ${Array.from({ length: MANY }, (_, index) => (index % 2 === 0 ? caseName(index) : `${caseName(index)}(u8)`)).join(', ')} }
${INSIDE}
}

/// What the host does: each function answers what it is given.
interface pass {
  use types.{${[...new Set(ALL.map(({ wit }) => wit).filter((wit) => /^(colour|flags\d|point|shape|many|in-)/.test(wit)))].join(', ')}};
${functions}
  spill: func(${SPILLED}) -> tuple<string, u64>;
}

/// Two interfaces that have the same names.
interface left { record item { value: u8 } get: func(%load: item, memory: u32) -> item; load: func(%store: u32) -> u32; }
interface right { record item { value: string } get: func(%load: item, memory: u32) -> item; load: func(%store: u32) -> u32; }

/// Resources of the host and of the guest.
interface counters {
  /// It counts.
  resource counter {
    constructor(start: u32);
    /// Adds and answers the sum.
    add: func(by: u32) -> u32;
    value: func() -> u32;
    merge: static func(one: counter, other: borrow<counter>) -> counter;
    twin: func() -> tuple<counter, counter>;
  }
  make: func(starts: list<u32>) -> list<counter>;
  total: func(counters: list<borrow<counter>>) -> u32;
  take: func(counters: list<counter>) -> u32;
  live: func() -> u32;
}

/// A resource of the host alone, which the guest is lent and given.
interface tokens { resource token { value: func() -> u32; } }
interface lending {
  use tokens.{token};
  record pair { first: borrow<token>, second: option<borrow<token>> }
  look: func(tokens: list<borrow<token>>, pair: pair) -> u32;
  keep: func(token: token) -> u32;
  pass-on: func(token: token) -> token;
}

world torture {
  use types.{point};
  import pass;
  import left;
  import right;
  import counters;
  import torture:other/versioned@1.0.0;
  import torture:other/versioned@2.0.0;
  /// A function of the world itself.
  import add: func(a: u32, b: u32) -> u32;
  record %own { name: string }
  export pass;
  export left;
  export right;
  export counters;
  export lending;
  export move: func(by: %own, %from: point) -> %own;
  export sum: func(a: u32, b: u32) -> u32;
  export both-versions: func() -> string;
  /// How many pages the guest's memory has.
  export pages: func() -> u32;
}

package torture:other@1.0.0 { interface versioned { name: func() -> string; } }
package torture:other@2.0.0 { interface versioned { name: func() -> string; } }
`;
