/**
 * Goal: the bindings of Rust move every type in every position, whatever its value, and the guest in Rust answers
 * as those in other languages do, in constant memory. Method: the same host, values and questions.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { componentFromCore } from '../../../src/kit/build/make-component.ts';
import { compileRust } from '../../../src/kit/rust/compile.ts';
import { resolveWorld } from '../../../src/kit/wit/resolve-world.ts';
import { titled } from '../../support/skipped.ts';
import { WHY_NO_RUST } from '../toolchains.ts';
import { instantiate, Token, type TortureGuest } from './host.ts';
import { ANSWERS, answersOf } from './questions.ts';
import { RUST_GUEST } from './rust-guest.ts';
import { ALL, passName, SEED, TORTURE_WIT } from './world.ts';

let folder: string;
let guest: TortureGuest;
let hostCounters: () => number;

describe.skipIf(WHY_NO_RUST !== null)(titled('a guest in Rust', WHY_NO_RUST), () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-torture-'));
    const world = await resolveWorld({
      root: [{ name: 'torture.wit', text: TORTURE_WIT }],
      deps: [],
    });
    const file = join(folder, 'guest.rs');
    writeFileSync(file, RUST_GUEST);
    const { core, warnings } = await compileRust({
      file,
      world,
      folder: join(folder, 'bindings'),
      base: folder,
    });
    expect(warnings).toEqual([]);
    const component = await componentFromCore(core, {
      world: world.worldName,
      stringEncoding: 'utf8',
      witSource: world.witSource,
      file,
      importsWasip1: true,
    });
    const wasi = new WASIShim().getImportObject() as unknown as Readonly<Record<string, unknown>>;
    ({ guest, hostCounters } = await instantiate(component, folder, 'rust', wasi));
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(ALL.map((sample) => [sample.name, sample] as const))(
    'what comes back is what went in: %s',
    (_name, sample) => {
      const pass = guest.pass[passName(sample)]!;
      fc.assert(
        fc.property(sample.values, (value) => {
          expect(pass(value)).toEqual(value);
        }),
        { numRuns: 60, seed: SEED },
      );
    },
  );

  test('it answers all questions alike', () => {
    expect(answersOf(guest)).toEqual(ANSWERS);
    expect(guest.sum(2 ** 31, 5)).toBe(2 ** 31 + 5);
  });

  test('its resources are made, used, lent, given and dropped', () => {
    const { Counter, make, total, take, live } = guest.counters;
    const before = live();
    const one = new Counter(40);
    expect(one.add(2)).toBe(42);
    const made = make(Uint32Array.of(1, 2, 3));
    expect(live()).toBe(before + 4);
    expect(total(made)).toBe(6);
    expect(hostCounters()).toBe(0);
    expect(take(made)).toBe(6);
    expect(() => take(made)).toThrow();
    expect(live()).toBe(before + 1);
    const [left, right] = one.twin();
    left.add(10);
    expect(right.value()).toBe(42);
    for (const each of [one, left, right]) each[Symbol.dispose]();
    expect(live()).toBe(before);
  });

  test('resources of the host that are lent are given back, and those that are given are kept', () => {
    const { look, keep, passOn } = guest.lending;
    const [one, two, three] = [new Token(1), new Token(2), new Token(3)];
    const before = Token.dropped;
    for (let round = 0; round < 100; round += 1) {
      expect(look([one, two, three], { first: one, second: undefined })).toBe(7);
      expect(look([], { first: two, second: three })).toBe(5);
    }
    expect(Token.dropped).toBe(before);
    expect(passOn(one)).toBe(one);
    expect(keep(two)).toBe(2);
    expect(Token.dropped).toBe(before + 1);
  });

  test('a hundred thousand calls leave no garbage behind', () => {
    const sample = ALL.find(({ name }) => name === 'in-texts')!;
    const values = fc.sample(sample.values, { numRuns: 50, seed: 1 });
    const pass = guest.pass[passName(sample)]!;
    const cross = (index: number) => {
      pass(values[index % values.length]);
      guest.counters.take(guest.counters.make(Uint32Array.of(1, 2)));
    };
    for (let index = 0; index < 5_000; index += 1) cross(index);
    const pages = guest.pages();
    for (let index = 0; index < 34_000; index += 1) cross(index);
    expect(guest.pages()).toBe(pages);
  }, 300_000);
});
