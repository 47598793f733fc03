;; Spends much in a callee that ends by throwing, catches it and starts over: nothing that the callee
;; spent may come back to it.
(module
  (memory (export "memory") 1)
  (tag $enough)
  (func $expensive (param $rounds i32)
    (loop $again
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (throw $enough))
  (func $middle (param $rounds i32)
    (call $expensive (local.get $rounds)))
  (func (export "run") (result i32)
    (loop $again
      (block $caught
        (try_table (catch $enough $caught)
          (call $middle (i32.const 1000))))
      (br $again))
    (unreachable)))
