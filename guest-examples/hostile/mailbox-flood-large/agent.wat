;; Sends itself messages of one MiB for ever, whatever the host answers.
(module
  (import "ringfence:agent/process@0.1.0" "self" (func $self (result i64)))
  (import "ringfence:agent/ipc@0.1.0" "send"
    (func $send (param i32 i64 i32 i64 i32 i32 i32 i32 i32 i64 i32)))
  (memory (export "memory") 18)
  ;; Errors carry a sentence; each overwrites the one before.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "run") (result i32)
    (local $self i64)
    (local.set $self (call $self))
    (loop $again
      (call $send
        (i32.const 0) (local.get $self) (i32.const 0) (i64.const 0) (i32.const 0) ;; to process(self)
        (i32.const 2) (i32.const 65536) (i32.const 1048576) ;; binary(one MiB of zeros)
        (i32.const 0) (i64.const 0) ;; no waiting
        (i32.const 16))
      (br $again))
    (unreachable)))
