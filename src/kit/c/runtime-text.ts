/** What the C bindings of every world have: the allocator that the host calls, and functions for strings. */

/** Where the host puts what it returns; without it, jco's adapter of wasip1 takes memory of its own. */
export const memoryText: readonly string[] = [
  `__attribute__((__weak__, __export_name__("cabi_realloc")))
void *cabi_realloc(void *ptr, size_t old_size, size_t align, size_t new_size) {
  (void) old_size;
  if (new_size == 0) return (void *) align;
  void *ret = realloc(ptr, new_size);
  if (ret == NULL) abort();
  return ret;
}`,
];

/** Functions that make strings out of C's. */
export function stringText(
  type: string,
  name: (word: string) => string,
): { readonly prototypes: readonly string[]; readonly definitions: readonly string[] } {
  const heads = {
    set: `void ${name('set')}(${type} *ret, const char *s)`,
    dup: `void ${name('dup')}(${type} *ret, const char *s)`,
    dupN: `void ${name('dup_n')}(${type} *ret, const char *s, size_t len)`,
  };
  const copy = `  ret->len = len;
  ret->ptr = cabi_realloc(NULL, 0, 1, len);
  memcpy(ret->ptr, s, len);`;
  return {
    prototypes: [
      `/** Points to a string that stays the caller's: don't free \`ret\`. */\n${heads.set};`,
      `/** Copies a string. */\n${heads.dup};`,
      `/** Copies so many bytes of UTF-8. */\n${heads.dupN};`,
    ],
    definitions: [
      `${heads.set} {\n  ret->ptr = (uint8_t *) s;\n  ret->len = strlen(s);\n}`,
      `${heads.dup} {\n  size_t len = strlen(s);\n${copy}\n}`,
      `${heads.dupN} {\n${copy}\n}`,
    ],
  };
}
