;; Two functions call each other for ever.
(module
  (memory (export "memory") 1)
  (func $even (param $depth i32) (result i32)
    (i32.add (call $odd (i32.add (local.get $depth) (i32.const 1))) (i32.const 1)))
  (func $odd (param $depth i32) (result i32)
    (i32.add (call $even (i32.add (local.get $depth) (i32.const 1))) (i32.const 1)))
  (func (export "run") (result i32)
    (drop (call $even (i32.const 0)))
    (i32.const 0)))
