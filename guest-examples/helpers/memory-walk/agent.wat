;; Adds to 32 MiB in steps of a page and a cache line, for ever: nearly each step misses the caches, so
;; that a unit of fuel takes much longer than in a loop that stays in registers. The benchmark of the
;; scheduler runs it.
(module
  (memory (export "memory") 512 512)
  (func (export "run") (result i32)
    (local $at i32)
    (loop $again
      (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
      (local.set $at
        (i32.and (i32.add (local.get $at) (i32.const 4160)) (i32.const 0x1ffffc0)))
      (br $again))
    (unreachable)))
