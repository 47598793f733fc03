/**
 * Allocates structures that stay reachable, for ever. The garbage-collected heap of WebAssembly has
 * no limit that a process survives, so modules with such types are refused where nobody allows them. The
 * control does as much with a list in its own memory, a thousand times.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const WITH_STRUCTURES = `(module
  (type $node (struct (field (ref null $node)) (field i64) (field i64)))
  (global $list (mut (ref null $node)) (ref.null $node))
  (memory (export "memory") 1)
  (func (export "run") (result i32)
    (loop $again
      (global.set $list (struct.new $node (global.get $list) (i64.const 1) (i64.const 2)))
      (br $again))
    (unreachable)))`;

const WITH_MEMORY = `(module
  (global $list (mut i32) (i32.const 1024))
  (memory (export "memory") 1)
  (func (export "run") (result i32)
    (loop $again
      (i32.store (i32.add (global.get $list) (i32.const 16)) (global.get $list))
      (global.set $list (i32.add (global.get $list) (i32.const 16)))
      (br_if $again (i32.lt_u (global.get $list) (i32.const 17024))))
    (i32.const 16)))`;

export const guests: Variants = {
  'attack-gc': {
    kind: 'component-text',
    make: () => `(component
    (core module $guest ${WITH_STRUCTURES.slice('(module'.length)}
    (core instance $guest (instantiate $guest))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $guest "run") (memory (core memory $guest "memory")))))`,
  },
  'attack-gc-control': { kind: 'core-text', world: 'agent', make: () => WITH_MEMORY },
};
