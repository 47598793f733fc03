;; Waits for a message for ever; takes whatever comes and waits on. Needs the grant `ipc`; without it,
;; it returns the error "cannot receive".
(module
  (import "ringfence:agent/ipc@0.1.0" "receive"
    (func $receive (param i32 i64 i32 i32 i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 128) "\01\00\00\00" "\a0\00\00\00" "\0e\00\00\00")
  (data (i32.const 160) "cannot receive")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "run") (result i32)
    (loop $again
      (call $receive
        (i32.const 0) (i64.const 0) (i32.const 0) ;; any
        (i32.const 0) (i64.const 0) ;; without a timeout
        (i32.const 16))
      ;; The discriminant of the result: 0 is ok.
      (br_if $again (i32.eqz (i32.load8_u (i32.const 16)))))
    (i32.const 128)))
