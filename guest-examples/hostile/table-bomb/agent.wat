;; Grows its table for ever; it goes on asking when it is refused.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "run") (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 65536)))
      (br $again))
    (unreachable)))
