/**
 * Goal: a plan from a cache or a child process is taken exactly where everything in it leads somewhere.
 * Method: a plan that is taken, changed in one place.
 */

import { describe, expect, test } from 'vitest';
import { agentComponent, planOf, refusalOf } from '../../../test/support/components.ts';
import { PLAN_FORMAT } from './link-plan.ts';
import { type LinkPlan, parsePlan } from './plan.ts';

const plan = planOf(
  await agentComponent(`(module
    (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
    (func (export "run") (result i32) i32.const 16))`),
);

/** A copy that may be changed in any way. */
// biome-ignore lint/suspicious/noExplicitAny: it is made wrong on purpose.
function copy(): any {
  return JSON.parse(JSON.stringify(plan));
}

test('a plan is taken as it was made', () => {
  expect(parsePlan(copy())).toEqual(plan);
  expect(plan.steps.map((step) => step.kind)).toContain('inline');
});

describe('is refused', () => {
  // biome-ignore lint/suspicious/noExplicitAny: it is made wrong on purpose.
  type Change = (wrong: any) => unknown;
  const instantiation = plan.steps.findIndex(
    (step) => step.kind === 'instantiate' && step.args.length > 0,
  );
  const inline = plan.steps.findIndex((step) => step.kind === 'inline' && step.exports.length > 0);
  const cases: readonly (readonly [string, Change])[] = [
    ['another format', (wrong) => (wrong.format = PLAN_FORMAT + 1)],
    ['a field more', (wrong) => (wrong.more = 1)],
    ['a field less', (wrong) => delete wrong.lowered],
    ['a step of another kind', (wrong) => (wrong.steps[0] = { kind: 'eval', code: '1' })],
    ['a module that is not there', (wrong) => (wrong.steps[instantiation].module = 99)],
    ['a negative module', (wrong) => (wrong.steps[instantiation].module = -1)],
    ['half a module', (wrong) => (wrong.steps[instantiation].module = 0.5)],
    ['an argument made later', (wrong) => (wrong.steps[instantiation].args[0][1] = instantiation)],
    [
      'an argument twice',
      (wrong) => wrong.steps[instantiation].args.push(wrong.steps[instantiation].args[0]),
    ],
    [
      'an export twice',
      (wrong) => wrong.steps[inline].exports.push(wrong.steps[inline].exports[0]),
    ],
    [
      'an export made later',
      (wrong) => (wrong.steps[inline].exports[0][1] = { instance: inline, name: 'f' }),
    ],
    [
      'a lowered function that is not there',
      (wrong) => (wrong.steps[inline].exports[0][1] = { lowered: 99 }),
    ],
    [
      'an export of an inline instance',
      (wrong) => (wrong.entry.core = { instance: inline, name: 'f' }),
    ],
    ['an entry that is a lowered function', (wrong) => (wrong.entry.core = { lowered: 0 })],
    ['an entry of an instance that is not there', (wrong) => (wrong.entry.core.instance = 99)],
    [
      'a memory of an instance that is not there',
      (wrong) => (wrong.lowered[0].memory.instance = 99),
    ],
    [
      'a realloc that is a lowered function',
      (wrong) => (wrong.lowered[0].realloc = { lowered: 0 }),
    ],
    ['an interface that is none', (wrong) => (wrong.lowered[0].interface = '__proto__')],
    ['an encoding that is none', (wrong) => (wrong.lowered[0].encoding = 'utf7')],
    ['more declared bytes', (wrong) => (wrong.declaredBytes += 1)],
    [
      'more memory than it declares',
      (wrong) =>
        wrong.modules[0].memories.push({ initialPages: 1, maximumPages: null, is64: false }),
    ],
    [
      'more pages than there are',
      (wrong) =>
        (wrong.modules[0].memories = [{ initialPages: 65_537, maximumPages: null, is64: false }]),
    ],
    [
      'an imported memory that can not be given',
      (wrong) => {
        wrong.modules[0].importsMemories = true;
        wrong.modules[0].memories = [{ initialPages: 0, maximumPages: null, is64: true }];
      },
    ],
    ['a name that is too long', (wrong) => (wrong.exports[0] = 'x'.repeat(20_000))],
    [
      'too many steps',
      (wrong) => (wrong.steps = new Array(1000).fill({ kind: 'inline', exports: [] })),
    ],
  ];
  test.each(cases)('%s', (_name, change) => {
    const wrong = copy();
    change(wrong);
    const error = refusalOf(() => parsePlan(wrong));
    expect(error.code).toBe('RF_INTERNAL');
    expect(error.message).toMatch(/^The link plan is wrong: .*\.$/);
  });

  test.each([[null], [[]], ['plan'], [{}], [7]])('%j', (wrong: unknown) => {
    expect(refusalOf(() => parsePlan(wrong)).code).toBe('RF_INTERNAL');
  });

  test('names of a prototype change nothing', () => {
    const text = JSON.stringify(plan).replace('{"format"', '{"__proto__":{"steps":[]},"format"');
    expect(() => parsePlan(JSON.parse(text) as LinkPlan)).toThrow(/wrong/);
    expect(({} as Record<string, unknown>).steps).toBeUndefined();
  });
});
