/*
 * What code compiled with -mllvm -wasm-enable-sjlj calls: a function that calls setjmp keeps a table
 * of its setjmps, longjmp is a wasm exception, and who catches it looks up its table.
 */
#include <stdint.h>
#include <stdlib.h>

/* One setjmp that a function has done; id 0 ends the table. */
typedef struct {
  uint32_t id;
  uint32_t label;
} Entry;

typedef struct {
  void *buffer;
  int value;
} Jump;

/* clang's number of the tag of longjmp's exceptions. */
enum { TAG_LONGJMP = 1 };

static uint32_t second_result;
static uint32_t last_id;
static Jump jump;

void setTempRet0(uint32_t value) { second_result = value; }
uint32_t getTempRet0(void) { return second_result; }

/* Notes a setjmp in the table, which has room for `size` entries and the end. Answers the table, and
 * as second result its size. */
Entry *saveSetjmp(uint32_t *buffer, uint32_t label, Entry *table, uint32_t size) {
  uint32_t at = 0;
  while (at < size && table[at].id != 0) at++;
  if (at == size) {
    size *= 2;
    table = realloc(table, (size + 1) * sizeof *table);
    if (table == NULL) abort();
  }
  *buffer = ++last_id;
  table[at].id = last_id;
  table[at].label = label;
  table[at + 1].id = 0;
  setTempRet0(size);
  return table;
}

/* The label of a setjmp in this table; 0 where it is of another function. */
uint32_t testSetjmp(uint32_t id, Entry *table, uint32_t size) {
  for (uint32_t at = 0; at < size && table[at].id != 0; at++) {
    if (table[at].id == id) return table[at].label;
  }
  return 0;
}

_Noreturn void __wasm_longjmp(void *buffer, int value) {
  jump.buffer = buffer;
  jump.value = value == 0 ? 1 : value;
  __builtin_wasm_throw(TAG_LONGJMP, &jump);
}
