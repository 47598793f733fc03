/**
 * Goal: values of every type pass through the small engine of `ringfence build` as they are. Method: the guest of
 * the large engine, the same host and values. Numbers of 64 bits are those that JavaScript's numbers have.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileJavaScript } from '../../../src/kit/javascript/compile.ts';
import { readWitFolder } from '../../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../../src/kit/wit/resolve-world.ts';
import { JAVASCRIPT_GUEST } from './guests.ts';
import { instantiate, Token, type TortureGuest } from './host.ts';
import { ANSWERS } from './questions.ts';
import { ALL, passName, SEED, TORTURE_WIT } from './world.ts';

let folder: string;
let guest: TortureGuest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-torture-'));
  writeFileSync(join(folder, 'agent.js'), JAVASCRIPT_GUEST);
  writeFileSync(join(folder, 'world.wit'), TORTURE_WIT);
  const component = await compileJavaScript({
    base: folder,
    entry: 'agent.js',
    resolved: await resolveWorld(readWitFolder(join(folder, 'world.wit')), 'torture'),
    engine: 'quickjs',
    folder: join(folder, 'bindings'),
  });
  const wasi = new WASIShim({
    sandbox: { preopens: {}, env: {}, args: [], enableNetwork: false },
  }).getImportObject();
  ({ guest } = await instantiate(component, folder, 'quickjs', wasi));
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A value with its numbers of 64 bits cut to those that are exact in JavaScript's numbers, as the engine has them. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return value % 2n ** 53n;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) {
    return value.map((each: bigint) => each % 2n ** 53n);
  }
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, exact(each)]));
}

test.each(ALL.map((sample) => [sample.name, sample] as const))('%s', (_name, sample) => {
  const pass = guest.pass[passName(sample)]!;
  fc.assert(
    fc.property(sample.values.map(exact), (value) => {
      expect(pass(value)).toEqual(value);
    }),
    { numRuns: 10, seed: SEED },
  );
});

/** What componentize-qjs 0.4.5 does not do: take back a resource of the guest as own, and records of borrows. */
test('it answers alike what is asked of names, versions and parameters in memory', () => {
  const { left, right, lending, counters } = guest;
  expect({
    left: left.get({ value: 7 }, 3),
    right: right.get({ value: 'seven' }, 3),
    loaded: [left.load(1), right.load(1)],
    versions: guest.bothVersions(),
    sum: guest.sum(2 ** 30, 5),
    moved: guest.move({ name: 'me' }, { x: 9, type: 0n, label: '' }),
    spilled: guest.pass.spill?.('a', 1n, 'b', 2n, '', 3n, 'd', 4n, '🦀', 5n, 'f', 2n ** 40n),
    made: counters.make(Uint32Array.of(1, 2, 3)).map((each) => each.value()),
    total: counters.total(counters.make(Uint32Array.of(4, 5))),
  }).toEqual({
    left: ANSWERS.left,
    right: ANSWERS.right,
    loaded: ANSWERS.loaded,
    versions: ANSWERS.versions,
    sum: ANSWERS.sum,
    moved: ANSWERS.moved,
    spilled: ANSWERS.spilled,
    made: ANSWERS.made,
    total: ANSWERS.total,
  });
  expect(lending.keep(new Token(3))).toBe(3);
});
