/**
 * Goal: no sequence of loads makes this process compile more types than V8 takes, and a module that is
 * loaded again costs nothing. Method: accounts with a small bound, real modules, and V8's own view of
 * how many types metering leaves.
 */

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type CoreParts,
  componentOf,
  concat,
  coreModule,
} from '../../../../test/fixtures/prepare/modules.ts';
import { binaryOf } from '../../../../test/support/components.ts';
import { RingfenceError } from '../../../errors.ts';
import { NO_FEATURES } from '../../metering/features.ts';
import { meter } from '../../metering/meter.ts';
import { prepareModule } from './prepare.ts';
import { PROCESS_TYPES_MAX, requireFewTypes, TypeAccount } from './type-account.ts';
import { checkCounts } from './validate.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

function refusalOf(work: () => void): RingfenceError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RingfenceError);
    const refusal = error as RingfenceError;
    expect(refusal.message).toMatch(/^[^\n]+: [^\n]+\.$/);
    return refusal;
  }
  return expect.fail('nothing was refused');
}

describe('an account of types', () => {
  test('takes as many as its bound, and refuses one more with what to do', () => {
    const account = new TypeAccount(10);
    account.take([[bytes(1), 6]]);
    account.take([[bytes(2), 4]]);
    const refusal = refusalOf(() => account.take([[bytes(3), 1]]));
    expect(refusal.code).toBe('RF_LIMIT_EXCEEDED');
    expect(refusal.fields).toEqual({ limit: 'processTypes', types: 1, compiled: 10, most: 10 });
    expect(refusal.message).toContain('in a new process');
  });

  test('counts the same bytes once, in one component and in the next', () => {
    const account = new TypeAccount(10);
    for (let round = 0; round < 3; round++) {
      account.take([
        [bytes(1), 6],
        [bytes(1), 6],
      ]);
    }
    account.take([[bytes(2), 4]]);
  });

  test('counts none of the modules that it refuses together', () => {
    const account = new TypeAccount(10);
    account.take([[bytes(0), 1]]);
    expect(
      refusalOf(() =>
        account.take([
          [bytes(1), 5],
          [bytes(2), 5],
        ]),
      ).code,
    ).toBe('RF_LIMIT_EXCEEDED');
    account.take([[bytes(1), 9]]);
  });

  test('remembers no more modules than it takes types', () => {
    const account = new TypeAccount(3);
    for (const name of [1, 2, 3]) account.take([[bytes(name), 0]]);
    expect(refusalOf(() => account.take([[bytes(4), 0]])).code).toBe('RF_LIMIT_EXCEEDED');
  });

  test('tells what no process could load from what this one has no room for', () => {
    expect(refusalOf(() => new TypeAccount(10).take([[bytes(1), 11]])).code).toBe(
      'RF_MODULE_REFUSED',
    );
    requireFewTypes(PROCESS_TYPES_MAX / 2);
    expect(refusalOf(() => requireFewTypes(PROCESS_TYPES_MAX / 2 + 1)).code).toBe(
      'RF_MODULE_REFUSED',
    );
  });
});

/** A type with so many parameters: each is another one. */
const typesFrom = (first: number, count: number): NonNullable<CoreParts['types']> => ({
  count,
  bytes: concat(
    Array.from({ length: count }, (_, index) => {
      const parameters = first + index;
      return concat(0x60, parameters, new Uint8Array(parameters).fill(0x7f), 0);
    }),
  ),
});

test('the types of a metered module are its own and the added ones', () => {
  const [few, more] = [1, 9].map((count) => coreModule({ types: typesFrom(1, count) }));
  const { types, bytes: metered } = meter(few!);
  // The type section is first: its id, its length of one or two bytes, its count.
  expect(metered[8]).toBe(1);
  expect(metered[metered[9]! < 0x80 ? 10 : 11]).toBe(types);
  expect(types).toBeGreaterThan(3);
  expect(meter(more!).types).toBe(types + 8);
});

test('a long type counts as several, whatever it is of', async () => {
  const typesOf = async (definition: string) =>
    meter(await binaryOf(`(module (type ${definition}))`), {}, { features: { gc: true } }).types;
  const short = await typesOf('(func (param i32))');
  const params = 'i32 '.repeat(990);
  const results = 'i32 '.repeat(250);
  expect(await typesOf(`(func (param ${params}) (result ${results}))`)).toBe(short + 77);
  const struct = await typesOf('(struct (field i8))');
  expect(await typesOf(`(struct ${'(field i8)'.repeat(10_000)})`)).toBe(struct + 625);
  expect(await typesOf('(array i8)')).toBe(struct);
});

test('a component with too many types in all its modules is refused before V8 sees them', () => {
  const group = concat(Array.from({ length: 19_000 }, () => [0x60, 0, 0]));
  const module = coreModule({ types: { count: 19_000, bytes: group } });
  checkCounts(
    Array.from({ length: 26 }, () => module),
    NO_FEATURES,
  );
  const refusal = refusalOf(() =>
    checkCounts(
      Array.from({ length: 27 }, () => module),
      NO_FEATURES,
    ),
  );
  expect(refusal.code).toBe('RF_MODULE_REFUSED');
  expect(refusal.fields.cap).toBe('processTypes');
});

describe('loading', () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'ringfence-types-'));
  afterAll(() => rm(cacheDirectory, { recursive: true }));
  const one = componentOf(coreModule({ types: typesFrom(1, 20) }));
  const other = componentOf(coreModule({ types: typesFrom(30, 20) }));

  test('stops before the bound, and goes on with what is loaded already', async () => {
    const types = new TypeAccount(80);
    const options = { cacheDirectory, types };
    const { plan } = await prepareModule(one, options);
    expect(plan.modules[0]!.types).toBeGreaterThan(20);
    const refused = { code: 'RF_LIMIT_EXCEEDED', fields: { limit: 'processTypes' } };
    await expect(prepareModule(other, options)).rejects.toMatchObject(refused);
    // The positive control: a larger account takes both, and fills the cache.
    await prepareModule(other, { cacheDirectory, types: new TypeAccount(150) });
    // What comes out of the cache is compiled here as well.
    await expect(prepareModule(other, options)).rejects.toMatchObject(refused);
    expect((await prepareModule(one, options)).fromCache).toBe(true);
  });
});
