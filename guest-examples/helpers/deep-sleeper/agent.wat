;; Recurses nearly as deep as it may, and waits for a message there for ever. Needs the grant `ipc`.
(module
  (import "ringfence:agent/ipc@0.1.0" "receive"
    (func $receive (param i32 i64 i32 i32 i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 128) "\01\00\00\00" "\a0\00\00\00" "\0e\00\00\00")
  (data (i32.const 160) "cannot receive")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func $down (param $left i32) (result i32)
    (if (result i32) (i32.eqz (local.get $left))
      (then
        (loop $again
          (call $receive
            (i32.const 0) (i64.const 0) (i32.const 0)
            (i32.const 0) (i64.const 0)
            (i32.const 16))
          (br_if $again (i32.eqz (i32.load8_u (i32.const 16)))))
        (i32.const 0))
      (else
        (i32.add (call $down (i32.sub (local.get $left) (i32.const 1))) (i32.const 1)))))
  (func (export "run") (result i32)
    (drop (call $down (i32.const 4000)))
    (i32.const 128)))
