/**
 * Goal: what a trace shows of metered code is where it stands in the module that was given. Method: a
 * module is run plain and metered, traps in both, and the engine's traces are compared frame by frame.
 */

import { expect, test } from 'vitest';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { CodePositions } from './positions.ts';

/** Offsets in a module of the frames of the trap that the call ends with. */
function framesOf(call: () => unknown): number[] {
  const prepare = Error.prepareStackTrace;
  try {
    call();
  } catch (error) {
    Error.prepareStackTrace = (_, sites) =>
      sites
        .filter((site) => site.getScriptNameOrSourceURL()?.startsWith('wasm://'))
        .map((site) => site.getPosition());
    const { stack } = error as { stack: unknown };
    Error.prepareStackTrace = prepare;
    return stack as number[];
  }
  return expect.fail('it has not trapped');
}

const TRAPS: readonly (readonly [what: string, text: string])[] = [
  [
    'calls, one in a loop',
    `(func $boom (param i32)
       (if (i32.eqz (local.get 0)) (then unreachable))
       (call $boom (i32.sub (local.get 0) (i32.const 1))))
     (func (export "go") (local i32)
       (loop $again
         (local.set 0 (i32.add (local.get 0) (i32.const 1)))
         (br_if $again (i32.lt_u (local.get 0) (i32.const 9))))
       (loop $more (call $boom (i32.const 3)) (br $more)))`,
  ],
  [
    'a division in a leaf',
    `(func $leaf (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0)))
     (func (export "go") (drop (call $leaf (i32.const 1))) (drop (call $leaf (i32.const 0))))`,
  ],
  [
    'a call by table',
    `(table funcref (elem $boom)) (type $void (func))
     (func $boom unreachable)
     (func (export "go") (call_indirect (type $void) (i32.const 0)))`,
  ],
  [
    'an access out of bounds, at the end of a loop that calls nothing',
    `(memory 1)
     (func (export "go") (local i32)
       (loop $again
         (i32.store (local.get 0) (i32.const 1))
         (local.set 0 (i32.add (local.get 0) (i32.const 4096)))
         (br $again)))`,
  ],
  [
    'a bulk operation',
    `(memory 1)
     (func $fill (param i32) (memory.fill (i32.const 65530) (i32.const 1) (local.get 0)))
     (func (export "go") (call $fill (i32.const 6)) (call $fill (i32.const 7)))`,
  ],
];

for (const [what, text] of TRAPS) {
  test(`a trap is where it was: ${what}`, async () => {
    const plain = await wat(`(module ${text})`);
    const positions = new CodePositions();
    const metered = meterForTest(plain, { positions, moduleName: '3' });
    const host = new TestHost({ budget: 1_000_000n, slice: null });

    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(plain));
    const wanted = framesOf(exports.go as () => unknown);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
      [metered.injected]: host.imports(),
    });
    const frames = framesOf(instance.exports.go as () => unknown);
    const located = frames.map((offset) => positions.locate(offset));

    expect(located.filter((place) => place !== null).map(({ offset }) => offset)).toEqual(wanted);
  });
}
