/* wasi-libc has no setjmp.h: clang's -wasm-enable-sjlj lowers these names itself (see ../sjlj.c). */
#pragma once

typedef unsigned long jmp_buf[4];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf) __attribute__((__returns_twice__));
_Noreturn void longjmp(jmp_buf, int);

#define _setjmp(buffer) setjmp(buffer)
#define _longjmp(buffer, value) longjmp(buffer, value)
#define sigsetjmp(buffer, mask) setjmp(buffer)
#define siglongjmp(buffer, value) longjmp(buffer, value)
