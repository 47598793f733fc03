;; Waits for a message for ever; takes whatever comes and waits on.
(module
  (import "ringfence:agent/ipc@0.1.0" "receive"
    (func $receive (param i32 i64 i32 i32 i64 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "run") (result i32)
    (loop $again
      (call $receive
        (i32.const 0) (i64.const 0) (i32.const 0) ;; any
        (i32.const 0) (i64.const 0) ;; without a timeout
        (i32.const 16))
      (br $again))
    (unreachable)))
