/*
 * The adapter from wasip1 asks for its memory here. Without this it grows the memory itself, and the
 * first claim of this wasi-libc's malloc takes all pages there are.
 */
#include <stdlib.h>
#include <string.h>

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                 size_t alignment, size_t size) {
  if (size == 0) return (void *)alignment;
  if (alignment <= 16) return realloc(old, size);
  void *fresh = NULL;
  if (posix_memalign(&fresh, alignment, size) != 0) abort();
  if (old != NULL) {
    memcpy(fresh, old, old_size < size ? old_size : size);
    free(old);
  }
  return fresh;
}
