/**
 * A start function that never ends, with host calls in it: start functions can't be interrupted by
 * the engine, so they must be under fuel and kill like everything else.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

function startWith(rounds: string): string {
  return `(module
    (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
    (memory (export "memory") 1)
    (func $start
      (local $rounds i64)
      (loop $again
        (drop (call $now))
        (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get $rounds) (i64.const ${rounds})))))
    (start $start)
    (func (export "run") (result i32)
      (i32.const 16)))`;
}

export const guests: Variants = {
  'attack-start': { kind: 'core-text', world: 'agent', make: () => startWith('-1') },
  'attack-start-control': { kind: 'core-text', world: 'agent', make: () => startWith('1000') },
};
