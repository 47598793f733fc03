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
import { instantiate, type TortureGuest } from './host.ts';
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
