/**
 * Catches what host functions throw: where a host ends a guest by an ordinary exception, or runs out
 * of stack half way through a host function, the guest catches it and goes on.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

/** Hands a host function an address, and catches what comes of it. */
function badPointer(address: string): string {
  return `(module
    (import "wasi:clocks/wall-clock@0.2.12" "now" (func $now (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\\01\\00\\00\\00" "\\40\\00\\00\\00" "\\06\\00\\00\\00")
    (data (i32.const 64) "caught")
    (func (export "run") (result i32)
      (block $failed
        (try_table (catch_all $failed)
          (call $now (i32.const ${address})))
        (return (i32.const 128)))
      (i32.const 16)))`;
}

/** Calls a host function at every depth, and catches what comes of it. */
function hostCallsTo(depth: number): string {
  return `(module
    (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\\01\\00\\00\\00" "\\40\\00\\00\\00" "\\06\\00\\00\\00")
    (data (i32.const 64) "caught")
    (global $caught (mut i32) (i32.const 0))
    (func $deeper (param $rest i32) (result i32)
      (block $failed
        (try_table (catch_all $failed)
          (drop (call $now)))
        (if (i32.eqz (local.get $rest)) (then (return (i32.const 0))))
        (return
          (i32.add (i32.const 1) (call $deeper (i32.sub (local.get $rest) (i32.const 1))))))
      (global.set $caught (i32.const 1))
      (i32.const 0))
    (func (export "run") (result i32)
      (drop (call $deeper (i32.const ${depth})))
      (select (i32.const 16) (i32.const 128) (global.get $caught))))`;
}

const text = (make: () => string) => ({ kind: 'core-text', world: 'agent', make }) as const;

export const guests: Variants = {
  'attack-trap': text(() => badPointer('-8')),
  'attack-trap-unaligned': text(() => badPointer('129')),
  'attack-trap-control': text(() => badPointer('256')),
  'attack-trap-deep': text(() => hostCallsTo(10_000_000)),
  'attack-trap-deep-control': text(() => hostCallsTo(100)),
};
