/** The guest of the torture world in C, over the generated header: it hands everything on. */

import { ALL, type Sample } from './world.ts';

const PRIMITIVES: Readonly<Record<string, string>> = {
  bool: 'bool',
  s8: 'int8_t',
  u8: 'uint8_t',
  s16: 'int16_t',
  u16: 'uint16_t',
  s32: 'int32_t',
  u32: 'uint32_t',
  s64: 'int64_t',
  u64: 'uint64_t',
  f32: 'float',
  f64: 'double',
  char: 'uint32_t',
};

/** How a value crosses: as it is, by its address, or by its address and with memory to free. */
function passed({ name, wit }: Sample): string {
  const snake = name.replaceAll('-', '_');
  const call = (mark: string) => `${mark}torture_chamber_pass_pass_${snake}`;
  const types = 'torture_chamber_types_';
  const own = wit.replaceAll('-', '_');
  const byValue = PRIMITIVES[wit] ?? (/^(colour|flags\d+)$/.test(wit) ? `${types}${own}_t` : null);
  if (byValue !== null) {
    return `${byValue} ${call('exports_')}(${byValue} value) { return ${call('')}(value); }`;
  }
  const list = /^list<(.*)>$/.exec(wit)?.[1]?.replace('char', 'char32');
  const stem =
    list === undefined
      ? wit === 'string'
        ? 'torture_string'
        : `${types}${own}`
      : `torture_list_${list}`;
  const free = wit === 'many-cases' ? '' : ` ${stem}_free(value);`;
  return `void ${call('exports_')}(${stem}_t *value, ${stem}_t *ret) { ${call('')}(value, ret);${free} }`;
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f'];

export const C_GUEST = `
#include "torture.h"
#include <stdlib.h>
#include <string.h>

${ALL.map(passed).join('\n')}

void exports_torture_chamber_pass_spill(
    ${letters.map((each) => `torture_string_t *p${each}, uint64_t q${each}`).join(', ')},
    torture_tuple2_string_u64_t *ret) {
  torture_chamber_pass_spill(${letters.map((each) => `p${each}, q${each}`).join(', ')}, ret);
${letters.map((each) => `  torture_string_free(p${each});`).join('\n')}
}

void exports_torture_chamber_left_get(
    exports_torture_chamber_left_item_t *load, uint32_t memory, exports_torture_chamber_left_item_t *ret) {
  torture_chamber_left_item_t item = { load->value };
  torture_chamber_left_get(&item, memory, &item);
  ret->value = item.value;
}
uint32_t exports_torture_chamber_left_load(uint32_t store) { return torture_chamber_left_load(store); }
void exports_torture_chamber_right_get(
    exports_torture_chamber_right_item_t *load, uint32_t memory, exports_torture_chamber_right_item_t *ret) {
  torture_chamber_right_item_t item = { load->value }, answer;
  torture_chamber_right_get(&item, memory, &answer);
  exports_torture_chamber_right_item_free(load);
  ret->value = answer.value;
}
uint32_t exports_torture_chamber_right_load(uint32_t store) { return torture_chamber_right_load(store); }

typedef exports_torture_chamber_counters_own_counter_t own_counter_t;
typedef exports_torture_chamber_counters_borrow_counter_t borrow_counter_t;
typedef torture_chamber_counters_own_counter_t host_counter_t;
#define borrowed torture_chamber_counters_borrow_counter

struct exports_torture_chamber_counters_counter_t {
  uint32_t count;
  uint32_t handles;
};
static uint32_t alive = 0;

own_counter_t exports_torture_chamber_counters_constructor_counter(uint32_t start) {
  exports_torture_chamber_counters_counter_t *made = malloc(sizeof *made);
  made->count = start;
  made->handles = 1;
  alive += 1;
  return exports_torture_chamber_counters_counter_new(made);
}
uint32_t exports_torture_chamber_counters_method_counter_add(borrow_counter_t self, uint32_t by) {
  return self->count += by;
}
uint32_t exports_torture_chamber_counters_method_counter_value(borrow_counter_t self) { return self->count; }
own_counter_t exports_torture_chamber_counters_static_counter_merge(own_counter_t one, borrow_counter_t other) {
  uint32_t sum = exports_torture_chamber_counters_counter_rep(one)->count + other->count;
  exports_torture_chamber_counters_counter_drop_own(one);
  return exports_torture_chamber_counters_constructor_counter(sum);
}
void exports_torture_chamber_counters_method_counter_twin(
    borrow_counter_t self,
    torture_tuple2_exports_torture_chamber_counters_own_counter_exports_torture_chamber_counters_own_counter_t *ret) {
  self->handles += 2;
  ret->f0 = exports_torture_chamber_counters_counter_new(self);
  ret->f1 = exports_torture_chamber_counters_counter_new(self);
}
void exports_torture_chamber_counters_counter_destructor(exports_torture_chamber_counters_counter_t *rep) {
  alive -= 1;
  rep->handles -= 1;
  if (rep->handles == 0) free(rep);
}
void exports_torture_chamber_counters_make(
    torture_list_u32_t *starts, torture_list_exports_torture_chamber_counters_own_counter_t *ret) {
  ret->len = starts->len;
  ret->ptr = malloc(starts->len * sizeof *ret->ptr);
  for (size_t index = 0; index < starts->len; index++) {
    ret->ptr[index] = exports_torture_chamber_counters_constructor_counter(starts->ptr[index]);
  }
  torture_list_u32_free(starts);
}
/* Counts with counters of the host, which are made, lent, given away and dropped. */
uint32_t exports_torture_chamber_counters_total(
    torture_list_exports_torture_chamber_counters_borrow_counter_t *counters) {
  size_t count = counters->len;
  host_counter_t made[count + 1];
  torture_chamber_counters_borrow_counter_t lent[count + 1];
  for (size_t index = 0; index < count; index++) {
    made[index] = torture_chamber_counters_constructor_counter(counters->ptr[index]->count);
    lent[index] = borrowed(made[index]);
  }
  torture_list_torture_chamber_counters_borrow_counter_t all = { lent, count };
  uint32_t sum = torture_chamber_counters_total(&all);
  host_counter_t last = torture_chamber_counters_constructor_counter(0);
  for (size_t index = 0; index < count; index++) {
    torture_chamber_counters_method_counter_add(
        borrowed(last), torture_chamber_counters_method_counter_value(lent[index]));
  }
  if (count > 0) {
    torture_chamber_counters_counter_drop_own(torture_chamber_counters_static_counter_merge(
        torture_chamber_counters_constructor_counter(1), lent[0]));
    torture_list_torture_chamber_counters_own_counter_t given = { made, 1 };
    torture_chamber_counters_take(&given);
  }
  torture_chamber_counters_counter_drop_own(last);
  for (size_t index = 1; index < count; index++) torture_chamber_counters_counter_drop_own(made[index]);
  torture_list_exports_torture_chamber_counters_borrow_counter_free(counters);
  return sum;
}
uint32_t exports_torture_chamber_counters_take(
    torture_list_exports_torture_chamber_counters_own_counter_t *counters) {
  uint32_t sum = 0;
  for (size_t index = 0; index < counters->len; index++) {
    sum += exports_torture_chamber_counters_counter_rep(counters->ptr[index])->count;
  }
  torture_list_exports_torture_chamber_counters_own_counter_free(counters);
  return sum;
}
uint32_t exports_torture_chamber_counters_live(void) { return alive; }

#define value_of torture_chamber_tokens_method_token_value

uint32_t exports_torture_chamber_lending_look(
    torture_list_torture_chamber_tokens_borrow_token_t *tokens, exports_torture_chamber_lending_pair_t *pair) {
  uint32_t sum = value_of(pair->first);
  if (pair->second.is_some) sum += value_of(pair->second.val);
  for (size_t index = 0; index < tokens->len; index++) sum += value_of(tokens->ptr[index]);
  torture_list_torture_chamber_tokens_borrow_token_free(tokens);
  exports_torture_chamber_lending_pair_free(pair);
  return sum;
}
uint32_t exports_torture_chamber_lending_keep(torture_chamber_tokens_own_token_t token) {
  uint32_t value = value_of(torture_chamber_tokens_borrow_token(token));
  torture_chamber_tokens_token_drop_own(token);
  return value;
}
torture_chamber_tokens_own_token_t exports_torture_chamber_lending_pass_on(
    torture_chamber_tokens_own_token_t token) {
  return token;
}

void exports_torture_move(torture_own_t *by, torture_chamber_types_point_t *from, torture_own_t *ret) {
  uint32_t sum = torture_add(from->x, 1);
  size_t length = by->name.len;
  char text[length + 12];
  memcpy(text, by->name.ptr, length);
  text[length++] = ' ';
  for (uint32_t unit = sum < 10 ? 1 : sum < 100 ? 10 : 100; unit > 0; unit /= 10) {
    text[length++] = '0' + sum / unit % 10;
  }
  torture_string_dup_n(&ret->name, text, length);
  torture_own_free(by);
  torture_chamber_types_point_free(from);
}
uint32_t exports_torture_sum(uint32_t a, uint32_t b) { return torture_add(a, b); }
void exports_torture_both_versions(torture_string_t *ret) {
  torture_string_t first, second;
  torture_other1_0_0_versioned_name(&first);
  torture_other2_0_0_versioned_name(&second);
  ret->len = first.len + 1 + second.len;
  ret->ptr = malloc(ret->len);
  memcpy(ret->ptr, first.ptr, first.len);
  ret->ptr[first.len] = ' ';
  memcpy(ret->ptr + first.len + 1, second.ptr, second.len);
  torture_string_free(&first);
  torture_string_free(&second);
}
uint32_t exports_torture_pages(void) { return __builtin_wasm_memory_size(0); }
`;
