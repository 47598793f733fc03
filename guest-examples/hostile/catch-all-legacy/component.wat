;; As catch-all, with the legacy form of exceptions, which jco's `new` does not validate; hence a whole
;; component by hand. The memory is a module of its own, so that the lowered functions find it.
(component
  (import "wasi:random/random@0.2.12" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $storage
    (memory (export "memory") 1)
    (func $spin (param $rounds i32)
      loop $again
        local.get $rounds
        i32.const 1
        i32.sub
        local.tee $rounds
        br_if $again
      end)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      try
        i32.const 100
        call $spin
      catch_all
      end
      i32.const 1024))
  (core instance $storage (instantiate $storage))
  (core func $get_random_bytes (canon lower (func $random "get-random-bytes")
    (memory (core memory $storage "memory")) (realloc (core func $storage "cabi_realloc"))))
  (core module $guest
    (import "random" "get-random-bytes" (func $get_random_bytes (param i64 i32)))
    (import "storage" "memory" (memory 1))
    (func $spin (param $rounds i32)
      loop $again
        local.get $rounds
        i32.const 1
        i32.sub
        local.tee $rounds
        br_if $again
      end)
    (func (export "run") (result i32)
      loop $again
        try
          i64.const 16
          i32.const 16
          call $get_random_bytes
          i32.const 1000000
          call $spin
        catch_all
        end
        br $again
      end
      unreachable))
  (core instance $guest (instantiate $guest
    (with "random" (instance (export "get-random-bytes" (func $get_random_bytes))))
    (with "storage" (instance $storage))))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $guest "run") (memory (core memory $storage "memory")))))
