/** The host of the torture world: jco's glue, which lifts and lowers on its own, around a component. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { ALL, passName } from './world.ts';

type Call = (...values: unknown[]) => unknown;

/** A counter of the guest, as jco shows it. */
export interface GuestCounter {
  add(by: number): number;
  value(): number;
  twin(): [GuestCounter, GuestCounter];
  [Symbol.dispose](): void;
}

/** What the guest exports. */
export interface TortureGuest {
  readonly pass: Readonly<Record<string, Call>>;
  readonly left: {
    get(item: { value: number }, more: number): unknown;
    load(from: number): number;
  };
  readonly right: {
    get(item: { value: string }, more: number): unknown;
    load(from: number): number;
  };
  readonly counters: {
    readonly Counter: {
      new (start: number): GuestCounter;
      merge(one: GuestCounter, other: GuestCounter): GuestCounter;
    };
    make(starts: Uint32Array): GuestCounter[];
    total(counters: GuestCounter[]): number;
    take(counters: GuestCounter[]): number;
    live(): number;
  };
  readonly lending: {
    look(tokens: Token[], pair: { first: Token; second: Token | undefined }): number;
    keep(token: Token): number;
    passOn(token: Token): Token;
  };
  move(by: { name: string }, from: unknown): unknown;
  sum(a: number, b: number): number;
  bothVersions(): string;
  pages(): number;
}

/** Counters of the host, and how many of them are there. */
class HostCounter {
  static alive = 0;
  #count: number;

  constructor(start: number) {
    this.#count = start;
    HostCounter.alive += 1;
  }
  add(by: number) {
    this.#count += by;
    return this.#count;
  }
  value() {
    return this.#count;
  }
  static merge(one: HostCounter, other: HostCounter) {
    HostCounter.alive -= 1;
    return new HostCounter(one.value() + other.value());
  }
  twin() {
    return [new HostCounter(this.#count), new HostCounter(this.#count)];
  }
  [Symbol.dispose]() {
    HostCounter.alive -= 1;
  }
}

/** A resource that only the host makes. */
export class Token {
  static dropped = 0;
  readonly #value: number;

  constructor(value: number) {
    this.#value = value;
  }
  value() {
    return this.#value;
  }
  [Symbol.dispose]() {
    Token.dropped += 1;
  }
}

const sumOf = (counters: HostCounter[]) => counters.reduce((sum, each) => sum + each.value(), 0);

/** An instance of a guest, and the number of the host's counters that are not dropped. */
export async function instantiate(
  component: Uint8Array,
  folder: string,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly guest: TortureGuest; readonly hostCounters: () => number }> {
  const { files } = await transpile(component, {
    name,
    instantiation: 'async',
    noTypescript: true,
    // Else the glue takes both versions from one import.
    map: {
      'torture:other/versioned@1.0.0': 'first-version',
      'torture:other/versioned@2.0.0': 'second-version',
    },
  });
  const glue = join(folder, `${name}.mjs`);
  writeFileSync(glue, files[`${name}.js`] as Uint8Array);
  const { instantiate: run } = await import(pathToFileURL(glue).href);
  const answers = ALL.map((sample) => [passName(sample), (value: unknown) => value]);
  const guest = await run(
    (file: string) => new WebAssembly.Module(new Uint8Array(files[file] ?? [])),
    {
      'torture:chamber/pass': {
        ...Object.fromEntries(answers),
        spill: (...values: unknown[]) => [
          values.filter((_, index) => index % 2 === 0).join('|'),
          values
            .filter((_, index) => index % 2 === 1)
            .reduce((a, b) => (a as bigint) + (b as bigint)),
        ],
      },
      'torture:chamber/left': {
        get: (item: { value: number }, by: number) => ({ value: (item.value + by) % 256 }),
        load: (from: number) => from + 1,
      },
      'torture:chamber/right': {
        get: (item: { value: string }, by: number) => ({ value: `${item.value}${by}` }),
        load: (from: number) => from + 2,
      },
      'torture:chamber/counters': {
        Counter: HostCounter,
        make: (starts: Uint32Array) => [...starts].map((start) => new HostCounter(start)),
        total: sumOf,
        take: (counters: HostCounter[]) => {
          HostCounter.alive -= counters.length;
          return sumOf(counters);
        },
        live: () => HostCounter.alive,
      },
      'torture:chamber/tokens': { Token },
      'torture:chamber/types': {},
      'first-version': { name: () => 'one' },
      'second-version': { name: () => 'two' },
      add: { default: (a: number, b: number) => (a + b) >>> 0 },
      ...more,
    },
  );
  return { guest: guest as TortureGuest, hostCounters: () => HostCounter.alive };
}
