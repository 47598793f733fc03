/**
 * Goal: generated bindings move every type in every position, whatever its value. Method: a guest of the
 * torture world hands each value on to the host and answers what comes back; jco's glue is the host, which
 * lifts and lowers on its own, and values are random. The same guest in JavaScript has to answer alike.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../../src/kit/build/make-component.ts';
import { resolveWorld } from '../../../src/kit/wit/resolve-world.ts';
import { ASSEMBLYSCRIPT_GUEST } from './guests.ts';
import { instantiate, Token, type TortureGuest } from './host.ts';
import { ANSWERS, answersOf } from './questions.ts';
import { ALL, passName, SEED, TORTURE_WIT } from './world.ts';

let folder: string;
let guest: TortureGuest;
let hostCounters: () => number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-torture-'));
  const file = join(folder, 'guest.ts');
  writeFileSync(file, ASSEMBLYSCRIPT_GUEST);
  const world = await resolveWorld({
    root: [{ name: 'torture.wit', text: TORTURE_WIT }],
    deps: [],
  });
  const { core } = await compileAssemblyScript({
    file,
    world,
    folder: join(folder, 'bindings'),
    base: folder,
  });
  const component = await componentFromCore(core, {
    world: world.worldName,
    stringEncoding: 'utf16',
    witSource: world.witSource,
    file,
  });
  ({ guest, hostCounters } = await instantiate(component, folder, 'assemblyscript'));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what comes back is what went in', () => {
  test.each(ALL.map((sample) => [sample.name, sample] as const))('%s', (_name, sample) => {
    const pass = guest.pass[passName(sample)]!;
    fc.assert(
      fc.property(sample.values, (value) => {
        expect(pass(value)).toEqual(value);
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

test('parameters that spill into memory arrive in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.bigInt({ min: 0n, max: 2n ** 32n })), {
        minLength: 6,
        maxLength: 6,
      }),
      (pairs) => {
        const answer = guest.pass.spill?.(...pairs.flat());
        expect(answer).toEqual([
          pairs.map(([text]) => text).join('|'),
          pairs.reduce((sum, [, each]) => sum + each, 0n),
        ]);
      },
    ),
  );
});

test('names that clash, versions, and functions and types of the world itself', () => {
  expect(answersOf(guest)).toEqual(ANSWERS);
  // componentize-js loses the highest bit of what a world's own functions are given.
  expect(guest.sum(2 ** 31, 5)).toBe(2 ** 31 + 5);
});

describe('resources of the guest', () => {
  test('are made, used, lent, given and dropped', () => {
    const { Counter, make, total, take, live } = guest.counters;
    const before = live();
    const one = new Counter(40);
    expect(one.add(2)).toBe(42);
    expect(one.value()).toBe(42);
    const made = make(Uint32Array.of(1, 2, 3));
    expect(made.map((each) => each.value())).toEqual([1, 2, 3]);
    expect(live()).toBe(before + 4);
    expect(total(made)).toBe(6);
    expect(hostCounters()).toBe(0);
    expect(take(made)).toBe(6);
    expect(live()).toBe(before + 1);
    one[Symbol.dispose]();
    expect(live()).toBe(before);
  });

  test('one that is given back has a handle no more', () => {
    const made = guest.counters.make(Uint32Array.of(5));
    expect(guest.counters.take(made)).toBe(5);
    expect(() => guest.counters.take(made)).toThrow();
  });

  test('one object may have several handles', () => {
    const one = new guest.counters.Counter(1);
    const [left, right] = one.twin();
    left.add(10);
    expect(right.value()).toBe(11);
    expect(one.value()).toBe(11);
    const before = guest.counters.live();
    for (const each of [one, left, right]) each[Symbol.dispose]();
    expect(guest.counters.live()).toBe((before - 3) >>> 0);
  });
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
  expect(Token.dropped).toBe(before);
  expect(keep(two)).toBe(2);
  expect(Token.dropped).toBe(before + 1);
});

test('a hundred thousand calls leave no garbage behind', () => {
  const sample = ALL.find(({ name }) => name === 'in-texts')!;
  const values = fc.sample(sample.values, { numRuns: 50, seed: 1 });
  const pass = guest.pass[passName(sample)]!;
  const cross = (index: number) => {
    pass(values[index % values.length]);
    const made = guest.counters.make(Uint32Array.of(1, 2));
    guest.counters.take(made);
  };
  for (let index = 0; index < 5_000; index += 1) cross(index);
  const pages = guest.pages();
  for (let index = 0; index < 34_000; index += 1) cross(index);
  expect(guest.pages()).toBe(pages);
}, 120_000);
