/**
 * Waits where waiting may not be possible, and catches whatever comes of it: a host that suspends a
 * guest where the engine can't throws an error that the guest can catch, and goes on from.
 *
 * In a start function waiting must work, and nothing is caught. In a realloc, within a host call, no
 * host function may be called: the agent is ended, and doesn't catch that.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const IMPORTS = `
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration"
    (func $subscribe_duration (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.12" "[resource-drop]pollable" (func $drop (param i32)))
  (import "wasi:random/random@0.2.12" "get-random-bytes"
    (func $get_random_bytes (param i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\01\\00\\00\\00" "\\40\\00\\00\\00" "\\06\\00\\00\\00")
  (data (i32.const 64) "caught")
  (global $caught (mut i32) (i32.const 0))
  ;; Waits a millisecond, and counts what it catches.
  (func $wait
    (local $pollable i32)
    (block $failed
      (try_table (catch_all $failed)
        (local.set $pollable (call $subscribe_duration (i64.const 1000000)))
        (call $block (local.get $pollable))
        (call $drop (local.get $pollable)))
      (return))
    (global.set $caught (i32.add (global.get $caught) (i32.const 1))))
  ;; The error "caught", or ok where nothing was.
  (func $outcome (result i32)
    (select (i32.const 16) (i32.const 32) (global.get $caught)))`;

/** Waits ten times in its start function. */
const IN_START = `(module ${IMPORTS}
  (func $start
    (local $rounds i32)
    (loop $again
      (call $wait)
      (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $rounds) (i32.const 10)))))
  (start $start)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "run") (result i32)
    (call $outcome)))`;

function inRealloc(body: string): string {
  return `(module ${IMPORTS}
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    ${body}
    (i32.const 1024))
  (func (export "run") (result i32)
    (call $wait)
    (block $failed
      (try_table (catch_all $failed)
        (call $get_random_bytes (i64.const 16) (i32.const 128)))
      (return (call $outcome)))
    (i32.const 16)))`;
}

export const guests: Variants = {
  'attack-suspend-start': { kind: 'core-text', world: 'agent', make: () => IN_START },
  'attack-suspend-realloc': {
    kind: 'core-text',
    world: 'agent',
    make: () => inRealloc('(call $wait)'),
  },
  'attack-suspend-control': { kind: 'core-text', world: 'agent', make: () => inRealloc('') },
};
