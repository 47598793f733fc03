/**
 * Recursion with frames of every size: V8's own stack holds thousands of small frames and only a few
 * with thousands of locals, so that no number of frames is a safe limit.
 */

import type { Variants } from '../../../src/kit/build/recipe.ts';

function recursionWithLocals(count: number): string {
  // The locals are used after the call: else the compiler drops them from the frame.
  const indexes = Array.from({ length: count }, (_, index) => index + 1);
  const sets = indexes.map(
    (index) => `(local.set ${index} (i32.add (local.get 0) (i32.const ${index})))`,
  );
  const sums = indexes.map((index) => `(local.set 0 (i32.add (local.get 0) (local.get ${index})))`);
  return `(module
    (memory (export "memory") 1)
    (func $deeper (param i32) (result i32) (local ${indexes.map(() => 'i32').join(' ')})
      ${sets.join('\n      ')}
      (local.set 0 (call $deeper (i32.add (local.get 0) (i32.const 1))))
      ${sums.join('\n      ')}
      (local.get 0))
    (func (export "run") (result i32)
      (drop (call $deeper (i32.const 0)))
      (i32.const 0)))`;
}

export const guests: Variants = {
  'recursion-50-locals': { kind: 'core-text', world: 'agent', make: () => recursionWithLocals(50) },
  'recursion-1000-locals': {
    kind: 'core-text',
    world: 'agent',
    make: () => recursionWithLocals(1000),
  },
};
