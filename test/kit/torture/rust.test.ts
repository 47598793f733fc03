/**
 * Goal: the bindings of Rust move every type in every position, whatever its value, in constant memory, and the
 * host's resources. Method: the same host, values and questions as for guests in other languages, without the
 * resource that the world exports.
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
import { ANSWERS } from './questions.ts';
import { RUST_GUEST, RUST_WIT } from './rust-guest.ts';
import { ALL, passName, SEED } from './world.ts';

let folder: string;
let guest: TortureGuest;
let hostCounters: () => number;

describe.skipIf(WHY_NO_RUST !== null)(titled('a guest in Rust', WHY_NO_RUST), () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-torture-'));
    const world = await resolveWorld({
      root: [{ name: 'torture.wit', text: RUST_WIT }],
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

  test('it answers questions as guests in other languages do', () => {
    const { left, right } = guest;
    expect({
      left: left.get({ value: 7 }, 3),
      right: right.get({ value: 'seven' }, 3),
      loaded: [left.load(1), right.load(1)],
      versions: guest.bothVersions(),
      sum: guest.sum(2 ** 30, 5),
      moved: guest.move({ name: 'me' }, { x: 9, type: 0n, label: '' }),
      spilled: guest.pass.spill?.('a', 1n, 'b', 2n, '', 3n, 'd', 4n, '🦀', 5n, 'f', 2n ** 40n),
    }).toEqual({
      left: ANSWERS.left,
      right: ANSWERS.right,
      loaded: ANSWERS.loaded,
      versions: ANSWERS.versions,
      sum: ANSWERS.sum,
      moved: ANSWERS.moved,
      spilled: ANSWERS.spilled,
    });
    expect(guest.sum(2 ** 31, 5)).toBe(2 ** 31 + 5);
  });

  test('resources of the host are made, used, lent, given and dropped', () => {
    const before = hostCounters();
    // 1 + 3 lent, twice 40 + 2 + 2 merged, 1 + 2 + 3 given.
    expect(guest.sum(0, 0)).toBe(4 + 88 + 6);
    expect(hostCounters()).toBe(before);
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
    const cross = (index: number) => pass(values[index % values.length]);
    for (let index = 0; index < 5_000; index += 1) cross(index);
    const pages = guest.pages();
    for (let index = 0; index < 95_000; index += 1) cross(index);
    expect(guest.pages()).toBe(pages);
  }, 300_000);
});
