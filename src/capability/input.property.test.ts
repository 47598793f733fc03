/**
 * Goal: whatever is given as grants is read or refused in one way, and what is read means what was
 * written. Method: values of every sort, in every place where one can stand.
 */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RingfenceError } from '../errors.ts';
import { parseGrants, readGrants } from './input.ts';

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

const names = fc.array(fc.constantFrom('a', 'b.example:80', 'c', '*', '__proto__'), {
  maxLength: 3,
});
const listed = fc.oneof(fc.constant('all'), names);
const count = fc.integer({ min: -1, max: 10 });
const guests = fc.constantFrom('/', '/a', '/a/', '/../a', 'a', '/b');
const modes = fc.array(fc.constantFrom('read', 'write', 'create', 'run'), { maxLength: 3 });
const quota = fc.record({ bytes: count, files: count }, { requiredKeys: [] });

/** Each field, mostly as it should be. */
const fields: Record<string, fc.Arbitrary<unknown>> = {
  preset: fc.constantFrom('none', 'browser', 'standard', 'standard'),
  ipc: fc.oneof(
    fc.constantFrom('all', 'parent_only', 'receive_only', 'none'),
    fc.record(
      { pids: fc.oneof(fc.constant('all'), fc.array(count)), topics: listed, parent: fc.boolean() },
      { requiredKeys: [] },
    ),
  ),
  network: listed,
  tools: fc.oneof(listed, fc.record({ allow: listed, deny: names }, { requiredKeys: [] })),
  services: listed,
  spawn: fc.oneof(
    count,
    fc.record({ count, modules: listed, depth: count }, { requiredKeys: ['count'] }),
  ),
  files: fc.array(
    fc.oneof(
      fc.record(
        { host: fc.constantFrom('/x', 'y'), guest: guests, modes, quota },
        { requiredKeys: ['host'] },
      ),
      fc.record(
        { memory: fc.boolean(), guest: guests, modes, quota },
        { requiredKeys: ['memory'] },
      ),
    ),
    { maxLength: 3 },
  ),
  clocks: fc.constantFrom(true, false, 'coarse', 'exact'),
  random: fc.constantFrom(true, false, 'system', { seed: 's' }),
  expires: fc.constantFrom('2030-01-31T12:00:00Z', 5, -5),
  can_ipc: fc.boolean(),
  ipc_scope: fc.constantFrom('All', 'ParentOnly', { Restricted: [1] }, { Topic: ['t'] }, 'None'),
  tool_permissions: fc.record({ allow: names, deny: names }, { requiredKeys: [] }),
  sandbox: fc.record(
    { allow_shell: fc.boolean(), allowed_paths: names, denied_paths: names },
    { requiredKeys: [] },
  ),
};

const records = fc.record(
  Object.fromEntries(
    Object.entries(fields).map(([name, right]) => [
      name,
      fc.oneof({ weight: 20, arbitrary: right }, { weight: 1, arbitrary: anything }),
    ]),
  ),
  { requiredKeys: [] },
);

/** Mostly of few fields, so that not all are refused. */
const inputs = fc.oneof(
  { weight: 1, arbitrary: anything },
  {
    weight: 10,
    arbitrary: fc
      .tuple(records, fc.subarray(Object.keys(fields), { maxLength: 4 }))
      .map(([record, kept]) =>
        Object.fromEntries(Object.entries(record).filter(([name]) => kept.includes(name))),
      ),
  },
);

test('grants are read, or refused as wrong usage; what was read can be read again', () => {
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        const grants = parseGrants(input);
        seen.read += 1;
        expect(readGrants(grants)).toEqual(grants);
      } catch (error) {
        seen.refused += 1;
        expect(error).toBeInstanceOf(RingfenceError);
        expect(error).toMatchObject({
          code: 'RF_USAGE',
          message: expect.stringMatching(/^Cannot use the grant '.*\.$/s),
        });
      }
    }),
    { numRuns: 5_000 },
  );
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(500);
});

test('a list of anything is copied, or refused as wrong usage', () => {
  const [spec] = parseGrants({ tools: ['a'] });
  fc.assert(
    fc.property(fc.array(fc.oneof(anything, fc.constant(spec)), { maxLength: 3 }), (list) => {
      try {
        expect(readGrants(list as never)).toEqual(list);
      } catch (error) {
        expect(error).toMatchObject({ code: 'RF_USAGE' });
      }
    }),
    { numRuns: 2_000 },
  );
});
