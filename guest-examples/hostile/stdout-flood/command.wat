;; Writes 4096 bytes at a time to standard output for ever, whatever the host answers.
(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $get_stdout (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func $fill
    (memory.fill (i32.const 4096) (i32.const 0x2e) (i32.const 4095))
    (i32.store8 (i32.const 8191) (i32.const 0x0a)))
  (start $fill)
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (local $stdout i32)
    (local.set $stdout (call $get_stdout))
    (loop $again
      (call $write (local.get $stdout) (i32.const 4096) (i32.const 4096) (i32.const 16))
      (br $again))
    (unreachable)))
