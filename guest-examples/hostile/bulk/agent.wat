;; Fills and copies 256 MiB at a time, one instruction after another, for ever. Needs a memory limit
;; above 512 MiB; below, it is refused for what it declares.
(module
  (memory (export "memory") 8193 8193)
  (func (export "run") (result i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 0x10000000))
      (memory.copy (i32.const 0x10000000) (i32.const 0) (i32.const 0x10000000))
      (memory.fill (i32.const 0x10000000) (i32.const 0xa5) (i32.const 0x10000000))
      (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x10000000))
      (br $again))
    (unreachable)))
