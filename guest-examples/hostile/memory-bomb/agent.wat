;; Grows its memory page by page for ever and writes to each new page, so that it is really there.
;; It goes on asking when it is refused.
(module
  (memory (export "memory") 1)
  (func (export "run") (result i32)
    (local $page i32)
    (loop $again
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $page) (i32.const -1))
        (then
          (i64.store (i32.shl (local.get $page) (i32.const 16)) (i64.const -1))
          (i64.store offset=65528 (i32.shl (local.get $page) (i32.const 16)) (i64.const -1))))
      (br $again))
    (unreachable)))
