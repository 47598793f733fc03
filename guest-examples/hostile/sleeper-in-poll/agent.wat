;; Waits for a moment that is 584 years away, in one poll.
(module
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration"
    (func $subscribe_duration (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "run") (result i32)
    (i32.store (i32.const 64) (call $subscribe_duration (i64.const -1)))
    (call $poll (i32.const 64) (i32.const 1) (i32.const 16))
    (i32.const 0)))
