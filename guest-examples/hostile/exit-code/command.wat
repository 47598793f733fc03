;; Ends by `exit-with-code` with 42, from below other frames.
(module
  (import "wasi:cli/exit@0.2.12" "exit-with-code" (func $exit_with_code (param i32)))
  (memory (export "memory") 1)
  (func $deeper
    (call $exit_with_code (i32.const 42)))
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (call $deeper)
    (unreachable)))
