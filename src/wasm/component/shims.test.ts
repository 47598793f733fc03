/**
 * Goal: a component without its shims does what it does with them, and what is no shim stays. Method: plans
 * of components as tools make them, and of ones that differ in one place.
 */

import { describe, expect, test } from 'vitest';
import { wat } from '../../../test/support/metering/wat.ts';
import type { PlanStep } from './link-plan.ts';
import { dropShims, shimRole } from './shims.ts';

const SHIM = `(module (type $t (func (param i32 i64))) (type $u (func (result i32)))
  (table $t 2 2 funcref) (export "0" (func $a)) (export "1" (func $b)) (export "$imports" (table $t))
  (func $a (type $t) local.get 0 local.get 1 i32.const 0 call_indirect (type $t))
  (func $b (type $u) i32.const 1 call_indirect (type $u)))`;
const FIX_UP = `(module (type $t (func (param i32 i64))) (type $u (func (result i32)))
  (import "actual" "0" (func (type $t))) (import "actual" "1" (func (type $u)))
  (import "shim" "$imports" (table 2 2 funcref)) (elem (i32.const 0) func 0 1))`;
const STARTING = FIX_UP.replace(
  '(import "shim"',
  '(import "main" "_initialize" (func $s)) (import "shim"',
).replace('(elem', '(start $s) (elem');

describe('what is taken for a shim or a fix-up', () => {
  test('is what tools make', async () => {
    expect(shimRole(await wat(SHIM))).toEqual({ role: 'shim', count: 2 });
    expect(shimRole(await wat(FIX_UP))).toMatchObject({ role: 'fix-up', start: null });
    expect(shimRole(await wat(STARTING))).toMatchObject({
      role: 'fix-up',
      functions: [{ name: '0' }, { name: '1' }],
      table: { module: 'shim', name: '$imports' },
      start: { module: 'main', name: '_initialize' },
    });
  });

  test.each([
    ['a call of another place', SHIM.replace('i32.const 1 call', 'i32.const 0 call')],
    [
      'parameters in another order',
      SHIM.replace('local.get 0 local.get 1', 'local.get 0 i64.const 1'),
    ],
    ['a function that does more', SHIM.replace('i32.const 1 call', 'nop i32.const 1 call')],
    ['a memory', SHIM.replace('(table', '(memory 1) (table')],
    [
      'a table that is filled',
      SHIM.replace('(func $a (', '(elem (i32.const 0) func $b) (func $a ('),
    ],
    ['an export of another name', SHIM.replace('"1"', '"one"')],
    ['a start function', SHIM.replace('(func $a (', '(start $s) (func $s) (func $a (')],
  ])('a shim is not one with %s', async (_, text) => {
    expect(shimRole(await wat(text))).toBe(null);
  });

  test.each([
    ['another order', FIX_UP.replace('func 0 1', 'func 1 0')],
    ['another place', FIX_UP.replace('(elem (i32.const 0)', '(elem (i32.const 1)')],
    ['a function of its own', FIX_UP.replace('(elem', '(func) (elem')],
    ['a start that fills the table too', FIX_UP.replace('(elem', '(start 0) (elem')],
  ])('a fix-up is not one with %s', async (_, text) => {
    expect(shimRole(await wat(text))).toBe(null);
  });
});

describe('without them', () => {
  const [shim, main, fixUp] = [0, 1, 2];
  const roles = [
    { role: 'shim', count: 1 } as const,
    null,
    {
      role: 'fix-up',
      functions: [{ module: '', name: '0' }],
      table: { module: '', name: '$imports' },
      start: { module: 'main', name: 'go' },
    } as const,
  ];
  const steps: readonly PlanStep[] = [
    { kind: 'instantiate', module: shim, args: [] },
    { kind: 'inline', exports: [['f', { instance: 0, name: '0' }]] },
    { kind: 'instantiate', module: main, args: [['host', 1]] },
    {
      kind: 'inline',
      exports: [
        ['$imports', { instance: 0, name: '$imports' }],
        ['0', { lowered: 0 }],
      ],
    },
    {
      kind: 'instantiate',
      module: fixUp,
      args: [
        ['', 3],
        ['main', 2],
      ],
    },
  ];
  const entry = { core: { instance: 2, name: 'run' }, postReturn: null, memory: null };

  test('a module is given what the shim leads to, and its start function is still called', () => {
    expect(dropShims({ steps, lowered: [], entry }, roles)).toEqual([
      { kind: 'inline', exports: [] },
      { kind: 'inline', exports: [['f', { lowered: 0 }]] },
      steps[2],
      { kind: 'inline', exports: [['0', { lowered: 0 }]] },
      { kind: 'start', function: { instance: 2, name: 'go' } },
    ]);
  });

  test('nothing changes where somebody needs the shim as it is', () => {
    const given = steps.with(2, { kind: 'instantiate', module: main, args: [['host', 0]] });
    expect(dropShims({ steps: given, lowered: [], entry }, roles)).toEqual(given);
    const late = steps.with(3, {
      kind: 'inline',
      exports: [
        ['$imports', { instance: 0, name: '$imports' }],
        ['0', { instance: 2, name: 'later' }],
      ],
    });
    expect(dropShims({ steps: late, lowered: [], entry }, roles)).toEqual(late);
    const asEntry = { ...entry, core: { instance: 0, name: '0' } };
    expect(dropShims({ steps, lowered: [], entry: asEntry }, roles)).toEqual(steps);
  });
});
