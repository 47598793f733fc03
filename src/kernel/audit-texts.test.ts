import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonical, digestOf } from '../audit/canonical.ts';
import { parseGrants } from '../capability/input.ts';
import { DEFAULT_LIMITS, parseLimits } from '../resource/limits.ts';
import { NOTHING_USED } from '../resource/usage.ts';
import { SpawnTexts, scopeText, usageText } from './audit-texts.ts';

it('a scope is written as canonical JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      fc.pre(!JSON.stringify(value).includes('"seed"'));
      expect(scopeText(value)).toBe(canonical(value));
    }),
  );
});

it('sets are lists in order, a seed is its hash, and what JSON has no word for is not there', () => {
  const scope = { pids: new Set([3, 1]), topics: 'all', rest: undefined, max: Infinity, seed: 's' };
  expect(scopeText(scope)).toBe(
    `{"max":null,"pids":[1,3],"seed_sha256":"${digestOf('s')}","topics":"all"}`,
  );
  expect(scopeText({ seed: null })).toBe('{"seed":null}');
});

it('what can change is written as it is each time, and what can not is written once', () => {
  const texts = new SpawnTexts();
  const grants = [...parseGrants({ tools: ['a'] })];
  const before = texts.grants(grants);
  expect(before).toContain('"tools"');
  grants.pop();
  expect(texts.grants(grants)).not.toBe(before);
  const frozen = Object.freeze([...parseGrants({ ipc: { pids: [1] } })]);
  const ipc = frozen[0] as unknown as { scope: { pids: Set<number> } };
  const one = texts.grants(frozen);
  expect(one).toContain('[1]');
  ipc.scope.pids.add(2);
  expect(texts.grants(frozen)).toContain('[1,2]');
  const limits = { ...parseLimits({ fuel: 1 }) };
  expect(texts.limits(limits)).toContain('"fuel":1,');
  Object.assign(limits, { fuel: 2 });
  expect(texts.limits(limits)).toContain('"fuel":2,');
  expect(texts.limits(DEFAULT_LIMITS)).toBe(texts.limits(DEFAULT_LIMITS));
});

it('usage is written as canonical JSON, and nothing that is no number', () => {
  const number = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const names = Object.keys(NOTHING_USED) as (keyof typeof NOTHING_USED)[];
  const usage = fc.tuple(...names.map(() => number)).map((numbers) => ({
    ...NOTHING_USED,
    ...Object.fromEntries(names.map((name, index) => [name, numbers[index] as number])),
  }));
  fc.assert(
    fc.property(usage, (used) => {
      expect(usageText(used)).toBe(canonical(used));
    }),
  );
  for (const name of names) {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, '1' as never]) {
      expect(() => usageText({ ...NOTHING_USED, [name]: wrong })).toThrow(name);
    }
  }
});
