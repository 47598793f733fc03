;; Never gets through its start function, so that its export is never called.
(module
  (memory (export "memory") 1)
  (func $start
    (loop $again
      (br $again)))
  (start $start)
  (func (export "run") (result i32)
    (i32.const 0)))
