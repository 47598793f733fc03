;; Catches whatever it can, everywhere, and starts over: around an endless loop, around host calls
;; that wait, and around what its realloc does while the host hands it a string. Nothing that ends an
;; agent may be caught.
(module
  (import "wasi:random/random@0.2.12" "get-random-bytes"
    (func $get_random_bytes (param i64 i32)))
  (import "ringfence:agent/ipc@0.1.0" "receive"
    (func $receive (param i32 i64 i32 i32 i64 i32)))
  (memory (export "memory") 1)
  (global $caught (mut i32) (i32.const 0))
  (func $spin (param $rounds i32)
    (loop $again
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds))))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (block $caught
      (try_table (catch_all $caught)
        (call $spin (i32.const 100))))
    (i32.const 1024))
  (func (export "run") (result i32)
    (loop $again
      (block $caught
        (try_table (catch_all $caught)
          (call $get_random_bytes (i64.const 16) (i32.const 16))
          (call $receive
            (i32.const 0) (i64.const 0) (i32.const 0) ;; any
            (i32.const 1) (i64.const 0) ;; without waiting
            (i32.const 16))
          (call $spin (i32.const 1000000)))
        (br $again))
      (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
      (br $again))
    (unreachable)))
