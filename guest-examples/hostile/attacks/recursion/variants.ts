/**
 * Recursion that gets deeper once the engine has optimised it: the engine's own limit is neither the
 * same every time nor safe, so the depth that ends the agent must be the fence's.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const LOCALS = Array.from({ length: 30 }, (_, index) => index + 1);

/** Warms a function up and then recurses so deep with it. */
function recursionTo(depth: number): string {
  const sets = LOCALS.map(
    (index) => `(local.set ${index} (i32.mul (local.get 0) (i32.const ${index + 2})))`,
  );
  return `(module
    (memory (export "memory") 1)
    (func $deeper (param i32) (result i32) (local ${LOCALS.map(() => 'i32').join(' ')})
      ${sets.join('\n      ')}
      (if (local.get 0)
        (then (drop (call $deeper (i32.sub (local.get 0) (i32.const 1))))))
      (local.get 5))
    (func (export "run") (result i32)
      (local $rounds i32)
      (loop $again
        (drop (call $deeper (i32.const 100)))
        (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $rounds) (i32.const 1000))))
      (drop (call $deeper (i32.const ${depth})))
      (i32.const 16)))`;
}

export const guests: Variants = {
  'attack-recursion': { kind: 'core-text', world: 'agent', make: () => recursionTo(10_000_000) },
  'attack-recursion-control': { kind: 'core-text', world: 'agent', make: () => recursionTo(200) },
};
