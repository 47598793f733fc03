;; Returns the error "on purpose".
(module
  (memory (export "memory") 1)
  ;; result<_, string> at 16: the discriminant, then pointer and length of the string.
  (data (i32.const 16) "\01\00\00\00" "\20\00\00\00" "\0a\00\00\00")
  (data (i32.const 32) "on purpose")
  (func (export "run") (result i32)
    (i32.const 16)))
