;; Writes its standard input to `out.txt` in the first directory that it is granted, and to its standard
;; output how many bytes and how many lines that were: `BYTES LINES`. A command of wasip1.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; 0: a piece's address and length. 8: how many bytes were moved. 12: the file's descriptor.
  ;; 64 to 128: the last line is written from the right. 4096: the piece, of 8192 bytes at most.
  (data (i32.const 16) "out.txt")

  ;; Anything but success is the end, with code 1.
  (func $must (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (i32.const 1)) (unreachable))))

  ;; A write may take less than it is given.
  (func $write_all (param $fd i32) (param $at i32) (param $length i32)
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $length)))
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $length))
        (call $must
          (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
        (local.set $length (i32.sub (local.get $length) (i32.load (i32.const 8))))
        (br $more))))

  ;; Answers how many bytes of the piece are ends of lines.
  (func $lines_in (param $length i32) (result i32)
    (local $lines i32)
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $length)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (local.set $lines
          (i32.add (local.get $lines)
            (i32.eq (i32.load8_u (i32.add (i32.const 4096) (local.get $length))) (i32.const 10))))
        (br $more)))
    (local.get $lines))

  ;; Puts a character, or the digits of a number, before those at $at; answers where they begin.
  (func $put (param $at i32) (param $character i32) (result i32)
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (local.get $character))
    (local.get $at))
  (func $put_number (param $at i32) (param $number i64) (result i32)
    (loop $more
      (local.set $at
        (call $put (local.get $at)
          (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10))))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $more (i64.ne (local.get $number) (i64.const 0))))
    (local.get $at))

  (func (export "_start")
    (local $bytes i64) (local $lines i64) (local $read i32) (local $at i32)
    ;; Descriptor 3 is the first directory. 9: create, and empty what is there. 64: the right to write.
    (call $must
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 7) (i32.const 9)
        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 12)))
    (block $end
      (loop $more
        (i32.store (i32.const 0) (i32.const 4096))
        (i32.store (i32.const 4) (i32.const 8192))
        (call $must (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $read (i32.load (i32.const 8)))
        (br_if $end (i32.eqz (local.get $read)))
        (local.set $bytes (i64.add (local.get $bytes) (i64.extend_i32_u (local.get $read))))
        (local.set $lines
          (i64.add (local.get $lines) (i64.extend_i32_u (call $lines_in (local.get $read)))))
        (call $write_all (i32.load (i32.const 12)) (i32.const 4096) (local.get $read))
        (br $more)))
    (local.set $at (call $put (i32.const 128) (i32.const 10)))
    (local.set $at (call $put_number (local.get $at) (local.get $lines)))
    (local.set $at (call $put (local.get $at) (i32.const 32)))
    (local.set $at (call $put_number (local.get $at) (local.get $bytes)))
    (call $write_all (i32.const 1) (local.get $at) (i32.sub (i32.const 128) (local.get $at)))))
