/** The one opcode table: every instruction that is run, with its immediates, stack effect and cost. */

import {
  COST_ALLOCATION,
  COST_BULK,
  COST_CALL,
  COST_CALL_IMPORTED,
  COST_CALL_INDIRECT,
  COST_CAST,
  COST_DIVISION,
  COST_FREE,
  COST_GROW,
  COST_REFERENCE,
  COST_SIMPLE,
  COST_TABLE_ACCESS,
  COST_THROW,
  COST_TRY,
} from './costs.ts';
import type { Feature } from './features.ts';
import type { ByteReader } from './reader.ts';
import { invalid, notAllowed, refusedFeature } from './refusals.ts';

/** What follows an opcode. The kinds whose instructions need more than their table entry come first. */
export const IMMEDIATE = {
  none: 0,
  block: 1,
  tryTable: 2,
  tag: 3,
  label: 4,
  labels: 5,
  call: 6,
  callIndirect: 7,
  callReference: 8,
  castLabel: 9,
  local: 10,
  global: 11,
  function: 12,
  selectTypes: 13,
  memory: 14,
  memoryCopy: 15,
  memoryInit: 16,
  table: 17,
  tableCopy: 18,
  tableInit: 19,
  structType: 20,
  field: 21,
  arrayType: 22,
  arrayFixed: 23,
  arraySegment: 24,
  arrayCopy: 25,
  index: 26,
  access: 27,
  accessLane: 28,
  signed32: 29,
  signed64: 30,
  fixed4: 31,
  fixed8: 32,
  fixed16: 33,
  lane: 34,
  heapType: 35,
} as const;

export type Immediate = (typeof IMMEDIATE)[keyof typeof IMMEDIATE];

/** One instruction. What control instructions and calls do to the stack is not here: it depends on types. */
export interface Instruction {
  readonly name: string;
  /** The opcode; prefixed ones are `prefix << 16 | number`. */
  readonly code: number;
  readonly immediate: Immediate;
  /** How many operands it takes. */
  readonly pops: number;
  /** Slots of what it leaves: 0 nothing, 1 a scalar or reference, 2 a v128. */
  readonly pushes: 0 | 1 | 2;
  readonly cost: number;
  /** What must be allowed for it to be run. */
  readonly feature: Feature | null;
}

/** Opcodes that the walk over a body treats by themselves. */
export const OPCODE = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callReference: 0x14,
  returnCallReference: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  drop: 0x1a,
  select: 0x1b,
  selectTyped: 0x1c,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  refNull: 0xd0,
  refFunc: 0xd2,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  memoryInit: 0xfc_0008,
  memoryCopy: 0xfc_000a,
  memoryFill: 0xfc_000b,
  tableInit: 0xfc_000c,
  tableCopy: 0xfc_000e,
  tableGrow: 0xfc_000f,
  tableSize: 0xfc_0010,
  tableFill: 0xfc_0011,
  structNew: 0xfb_0000,
  structNewDefault: 0xfb_0001,
  structSet: 0xfb_0005,
  arrayNew: 0xfb_0006,
  arrayNewDefault: 0xfb_0007,
  arrayNewData: 0xfb_0009,
  arrayNewElem: 0xfb_000a,
  arraySet: 0xfb_000e,
  arrayFill: 0xfb_0010,
  arrayInitData: 0xfb_0012,
  arrayInitElem: 0xfb_0013,
  brOnCast: 0xfb_0018,
  brOnCastFail: 0xfb_0019,
  tableSet: 0x26,
  v128Const: 0xfd_000c,
} as const;

const GC_PREFIX = 0xfb;
const BULK_PREFIX = 0xfc;
const VECTOR_PREFIX = 0xfd;

const plain: (Instruction | undefined)[] = new Array(256);
const collected: (Instruction | undefined)[] = new Array(31);
const bulk: (Instruction | undefined)[] = new Array(18);
const vector: (Instruction | undefined)[] = new Array(0x114);

function tableOf(prefix: number): (Instruction | undefined)[] {
  if (prefix === GC_PREFIX) return collected;
  if (prefix === BULK_PREFIX) return bulk;
  return prefix === VECTOR_PREFIX ? vector : plain;
}

interface Shape {
  readonly immediate?: Immediate;
  readonly pops?: number;
  readonly pushes?: 0 | 1 | 2;
  readonly cost?: number;
  readonly feature?: Feature;
}

/** Enters instructions of one shape under consecutive codes; an empty name leaves its code unknown. */
function define(first: number, names: string, shape: Shape): void {
  const table = tableOf(first >> 16);
  names.split(' ').forEach((name, index) => {
    if (name === '-') return;
    const code = first + index;
    const entry: Instruction = {
      name,
      code,
      immediate: shape.immediate ?? IMMEDIATE.none,
      pops: shape.pops ?? 0,
      pushes: shape.pushes ?? 0,
      cost: shape.cost ?? COST_SIMPLE,
      feature: shape.feature ?? null,
    };
    table[code & 0xffff] = entry;
  });
}

function defineControl(): void {
  define(0x00, 'unreachable', {});
  define(0x01, 'nop', { cost: COST_FREE });
  define(0x02, 'block loop', { immediate: IMMEDIATE.block, cost: COST_FREE });
  define(0x04, 'if', { immediate: IMMEDIATE.block });
  define(0x05, 'else', { cost: COST_FREE });
  define(0x06, 'try', { immediate: IMMEDIATE.block, cost: COST_TRY });
  define(0x07, 'catch', { immediate: IMMEDIATE.tag, cost: COST_FREE });
  define(0x08, 'throw', { immediate: IMMEDIATE.tag, cost: COST_THROW });
  define(0x09, 'rethrow', { immediate: IMMEDIATE.label, cost: COST_THROW });
  define(0x0a, 'throw_ref', { pops: 1, cost: COST_THROW });
  define(0x0b, 'end', { cost: COST_FREE });
  define(0x0c, 'br br_if', { immediate: IMMEDIATE.label });
  define(0x0e, 'br_table', { immediate: IMMEDIATE.labels, pops: 1 });
  define(0x0f, 'return', {});
  define(0x10, 'call', { immediate: IMMEDIATE.call, cost: COST_CALL });
  define(0x11, 'call_indirect', { immediate: IMMEDIATE.callIndirect, cost: COST_CALL_INDIRECT });
  define(0x12, 'return_call', { immediate: IMMEDIATE.call, cost: COST_CALL });
  define(0x13, 'return_call_indirect', {
    immediate: IMMEDIATE.callIndirect,
    cost: COST_CALL_INDIRECT,
  });
  define(0x14, 'call_ref return_call_ref', {
    immediate: IMMEDIATE.callReference,
    cost: COST_CALL_INDIRECT,
  });
  define(0xd5, 'br_on_null br_on_non_null', { immediate: IMMEDIATE.label });
  define(0x18, 'delegate', { immediate: IMMEDIATE.label, cost: COST_FREE });
  define(0x19, 'catch_all', { cost: COST_FREE });
  define(0x1f, 'try_table', { immediate: IMMEDIATE.tryTable, cost: COST_TRY });
}

function defineVariablesAndMemory(): void {
  define(0x1a, 'drop', { pops: 1 });
  define(0x1b, 'select', {});
  define(0x1c, 'select', { immediate: IMMEDIATE.selectTypes });
  define(0x20, 'local.get local.set local.tee', { immediate: IMMEDIATE.local });
  define(0x23, 'global.get global.set', { immediate: IMMEDIATE.global });
  const element = { immediate: IMMEDIATE.table, cost: COST_TABLE_ACCESS };
  define(0x25, 'table.get', { ...element, pops: 1, pushes: 1 });
  define(0x26, 'table.set', { ...element, pops: 2 });
  define(
    0x28,
    'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u ' +
      'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u',
    { immediate: IMMEDIATE.access, pops: 1, pushes: 1 },
  );
  define(
    0x36,
    'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32',
    { immediate: IMMEDIATE.access, pops: 2 },
  );
  define(0x3f, 'memory.size', { immediate: IMMEDIATE.memory, pushes: 1 });
  define(0x40, 'memory.grow', {
    immediate: IMMEDIATE.memory,
    pops: 1,
    pushes: 1,
    cost: COST_GROW,
  });
  define(0xd0, 'ref.null', { immediate: IMMEDIATE.heapType, pushes: 1 });
  define(0xd1, 'ref.is_null', { pops: 1, pushes: 1 });
  define(0xd4, 'ref.as_non_null', { pops: 1, pushes: 1 });
  define(0xd2, 'ref.func', { immediate: IMMEDIATE.function, pushes: 1, cost: COST_REFERENCE });
}

function defineCollected(): void {
  const feature = 'gc';
  const allocation = { feature, cost: COST_ALLOCATION } as const;
  define(0xd3, 'ref.eq', { feature, pops: 2, pushes: 1 });
  define(OPCODE.structNew, 'struct.new struct.new_default', {
    ...allocation,
    immediate: IMMEDIATE.structType,
  });
  define(0xfb_0002, 'struct.get struct.get_s struct.get_u struct.set', {
    feature,
    immediate: IMMEDIATE.field,
  });
  define(OPCODE.arrayNew, 'array.new array.new_default', {
    ...allocation,
    immediate: IMMEDIATE.arrayType,
  });
  define(0xfb_0008, 'array.new_fixed', { ...allocation, immediate: IMMEDIATE.arrayFixed });
  define(OPCODE.arrayNewData, 'array.new_data array.new_elem', {
    ...allocation,
    immediate: IMMEDIATE.arraySegment,
  });
  define(0xfb_000b, 'array.get array.get_s array.get_u array.set', {
    feature,
    immediate: IMMEDIATE.arrayType,
  });
  define(0xfb_000f, 'array.len', { feature, pops: 1, pushes: 1 });
  const bulk = { feature, cost: COST_BULK } as const;
  define(OPCODE.arrayFill, 'array.fill', { ...bulk, immediate: IMMEDIATE.arrayType });
  define(0xfb_0011, 'array.copy', { ...bulk, immediate: IMMEDIATE.arrayCopy });
  define(OPCODE.arrayInitData, 'array.init_data array.init_elem', {
    ...bulk,
    immediate: IMMEDIATE.arraySegment,
  });
  const unary = { feature, pops: 1, pushes: 1 } as const;
  define(0xfb_0014, 'ref.test ref.test ref.cast ref.cast', {
    ...unary,
    immediate: IMMEDIATE.heapType,
    cost: COST_CAST,
  });
  define(OPCODE.brOnCast, 'br_on_cast br_on_cast_fail', {
    feature,
    immediate: IMMEDIATE.castLabel,
    cost: COST_CAST,
  });
  define(0xfb_001a, 'any.convert_extern extern.convert_any', { ...unary, cost: COST_REFERENCE });
  define(0xfb_001c, 'ref.i31 i31.get_s i31.get_u', unary);
}

function defineNumbers(): void {
  define(0x41, 'i32.const', { immediate: IMMEDIATE.signed32, pushes: 1 });
  define(0x42, 'i64.const', { immediate: IMMEDIATE.signed64, pushes: 1 });
  define(0x43, 'f32.const', { immediate: IMMEDIATE.fixed4, pushes: 1 });
  define(0x44, 'f64.const', { immediate: IMMEDIATE.fixed8, pushes: 1 });
  const unary = { pops: 1, pushes: 1 } as const;
  const binary = { pops: 2, pushes: 1 } as const;
  const division = { ...binary, cost: COST_DIVISION };
  const compareIntegers = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
  const compareFloats = 'eq ne lt gt le ge';
  const of = (type: string, names: string) => names.replaceAll(/\S+/g, (name) => `${type}.${name}`);
  define(0x45, 'i32.eqz', unary);
  define(0x46, of('i32', compareIntegers), binary);
  define(0x50, 'i64.eqz', unary);
  define(0x51, of('i64', compareIntegers), binary);
  define(0x5b, of('f32', compareFloats), binary);
  define(0x61, of('f64', compareFloats), binary);
  for (const [type, first] of [
    ['i32', 0x67],
    ['i64', 0x79],
  ] as const) {
    define(first, of(type, 'clz ctz popcnt'), unary);
    define(first + 3, of(type, 'add sub mul'), binary);
    define(first + 6, of(type, 'div_s div_u rem_s rem_u'), division);
    define(first + 10, of(type, 'and or xor shl shr_s shr_u rotl rotr'), binary);
  }
  for (const [type, first] of [
    ['f32', 0x8b],
    ['f64', 0x99],
  ] as const) {
    define(first, of(type, 'abs neg ceil floor trunc nearest'), unary);
    define(first + 6, of(type, 'sqrt'), { ...unary, cost: COST_DIVISION });
    define(first + 7, of(type, 'add sub mul'), binary);
    define(first + 10, of(type, 'div'), division);
    define(first + 11, of(type, 'min max copysign'), binary);
  }
  define(
    0xa7,
    'i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s ' +
      'i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u ' +
      'f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64 ' +
      'f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32 ' +
      'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64 ' +
      'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s',
    unary,
  );
  define(
    0xfc_0000,
    'i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u ' +
      'i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u',
    unary,
  );
}

function defineBulk(): void {
  const three = { pops: 3, cost: COST_BULK };
  define(OPCODE.memoryInit, 'memory.init', { ...three, immediate: IMMEDIATE.memoryInit });
  define(0xfc_0009, 'data.drop', { immediate: IMMEDIATE.index, cost: COST_BULK });
  define(OPCODE.memoryCopy, 'memory.copy', { ...three, immediate: IMMEDIATE.memoryCopy });
  define(OPCODE.memoryFill, 'memory.fill', { ...three, immediate: IMMEDIATE.memory });
  define(OPCODE.tableInit, 'table.init', { ...three, immediate: IMMEDIATE.tableInit });
  define(0xfc_000d, 'elem.drop', { immediate: IMMEDIATE.index, cost: COST_BULK });
  define(OPCODE.tableCopy, 'table.copy', { ...three, immediate: IMMEDIATE.tableCopy });
  define(OPCODE.tableGrow, 'table.grow', {
    immediate: IMMEDIATE.table,
    pops: 2,
    pushes: 1,
    cost: COST_GROW,
  });
  define(OPCODE.tableSize, 'table.size', { immediate: IMMEDIATE.table, pushes: 1 });
  define(OPCODE.tableFill, 'table.fill', { ...three, immediate: IMMEDIATE.table });
}

const V = VECTOR_PREFIX << 16;
const VECTOR_UNARY = { pops: 1, pushes: 2 } as const;
const VECTOR_BINARY = { pops: 2, pushes: 2 } as const;
const VECTOR_TEST = { pops: 1, pushes: 1 } as const;
const VECTOR_DIVISION = { pops: 2, pushes: 2, cost: COST_DIVISION } as const;
const VECTOR_ROOT = { pops: 1, pushes: 2, cost: COST_DIVISION } as const;

function defineVectorAccess(): void {
  define(
    V | 0,
    'v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s ' +
      'v128.load32x2_u v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat',
    { immediate: IMMEDIATE.access, pops: 1, pushes: 2 },
  );
  define(V | 11, 'v128.store', { immediate: IMMEDIATE.access, pops: 2 });
  define(V | 12, 'v128.const', { immediate: IMMEDIATE.fixed16, pushes: 2 });
  define(V | 13, 'i8x16.shuffle', { immediate: IMMEDIATE.fixed16, pops: 2, pushes: 2 });
  define(V | 14, 'i8x16.swizzle', VECTOR_BINARY);
  define(
    V | 15,
    'i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat',
    VECTOR_UNARY,
  );
  const extract = { immediate: IMMEDIATE.lane, pops: 1, pushes: 1 } as const;
  const replace = { immediate: IMMEDIATE.lane, pops: 2, pushes: 2 } as const;
  for (const [type, first] of [
    ['i8x16', 21],
    ['i16x8', 24],
  ] as const) {
    define(V | first, `${type}.extract_lane_s ${type}.extract_lane_u`, extract);
    define(V | (first + 2), `${type}.replace_lane`, replace);
  }
  for (const [type, first] of [
    ['i32x4', 27],
    ['i64x2', 29],
    ['f32x4', 31],
    ['f64x2', 33],
  ] as const) {
    define(V | first, `${type}.extract_lane`, extract);
    define(V | (first + 1), `${type}.replace_lane`, replace);
  }
  define(V | 84, 'v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane', {
    immediate: IMMEDIATE.accessLane,
    pops: 2,
    pushes: 2,
  });
  define(V | 88, 'v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane', {
    immediate: IMMEDIATE.accessLane,
    pops: 2,
  });
  define(V | 92, 'v128.load32_zero v128.load64_zero', {
    immediate: IMMEDIATE.access,
    pops: 1,
    pushes: 2,
  });
}

function defineVectorIntegers(): void {
  const of = (type: string, names: string) =>
    names.replaceAll(/\S+/g, (name) => (name === '-' ? name : `${type}.${name}`));
  const compare = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
  define(V | 35, of('i8x16', compare), VECTOR_BINARY);
  define(V | 45, of('i16x8', compare), VECTOR_BINARY);
  define(V | 55, of('i32x4', compare), VECTOR_BINARY);
  define(V | 214, of('i64x2', 'eq ne lt_s gt_s le_s ge_s'), VECTOR_BINARY);
  define(V | 77, 'v128.not', VECTOR_UNARY);
  define(V | 78, 'v128.and v128.andnot v128.or v128.xor', VECTOR_BINARY);
  define(V | 82, 'v128.bitselect', { pops: 3, pushes: 2 });
  define(V | 83, 'v128.any_true', VECTOR_TEST);
  for (const [type, first] of [
    ['i8x16', 96],
    ['i16x8', 128],
    ['i32x4', 160],
    ['i64x2', 192],
  ] as const) {
    define(V | first, of(type, 'abs neg'), VECTOR_UNARY);
    define(V | (first + 3), of(type, 'all_true bitmask'), VECTOR_TEST);
    define(V | (first + 11), of(type, 'shl shr_s shr_u add'), VECTOR_BINARY);
    define(V | (first + 17), of(type, 'sub'), VECTOR_BINARY);
  }
  define(V | 98, 'i8x16.popcnt', VECTOR_UNARY);
  define(V | 101, 'i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u', VECTOR_BINARY);
  define(V | 111, of('i8x16', 'add_sat_s add_sat_u'), VECTOR_BINARY);
  define(V | 114, of('i8x16', 'sub_sat_s sub_sat_u'), VECTOR_BINARY);
  define(V | 118, of('i8x16', 'min_s min_u max_s max_u'), VECTOR_BINARY);
  define(V | 123, 'i8x16.avgr_u', VECTOR_BINARY);
  define(
    V | 124,
    'i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u ' +
      'i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u',
    VECTOR_UNARY,
  );
  define(V | 130, 'i16x8.q15mulr_sat_s', VECTOR_BINARY);
  define(V | 133, 'i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u', VECTOR_BINARY);
  define(V | 143, of('i16x8', 'add_sat_s add_sat_u'), VECTOR_BINARY);
  define(V | 146, of('i16x8', 'sub_sat_s sub_sat_u'), VECTOR_BINARY);
  define(V | 149, of('i16x8', 'mul min_s min_u max_s max_u - avgr_u'), VECTOR_BINARY);
  define(V | 181, of('i32x4', 'mul min_s min_u max_s max_u dot_i16x8_s'), VECTOR_BINARY);
  define(V | 213, 'i64x2.mul', VECTOR_BINARY);
  for (const [type, source, extend, multiply] of [
    ['i16x8', 'i8x16', 135, 156],
    ['i32x4', 'i16x8', 167, 188],
    ['i64x2', 'i32x4', 199, 220],
  ] as const) {
    const halves = (name: string) =>
      `${name}_low_${source}_s ${name}_high_${source}_s ${name}_low_${source}_u ${name}_high_${source}_u`;
    define(V | extend, of(type, halves('extend')), VECTOR_UNARY);
    define(V | multiply, of(type, halves('extmul')), VECTOR_BINARY);
  }
}

function defineVectorFloats(): void {
  const of = (type: string, names: string) => names.replaceAll(/\S+/g, (name) => `${type}.${name}`);
  define(V | 65, of('f32x4', 'eq ne lt gt le ge'), VECTOR_BINARY);
  define(V | 71, of('f64x2', 'eq ne lt gt le ge'), VECTOR_BINARY);
  define(V | 94, 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4', VECTOR_UNARY);
  define(V | 103, of('f32x4', 'ceil floor trunc nearest'), VECTOR_UNARY);
  define(V | 116, of('f64x2', 'ceil floor'), VECTOR_UNARY);
  define(V | 122, 'f64x2.trunc', VECTOR_UNARY);
  define(V | 148, 'f64x2.nearest', VECTOR_UNARY);
  for (const [type, first] of [
    ['f32x4', 224],
    ['f64x2', 236],
  ] as const) {
    define(V | first, of(type, 'abs neg'), VECTOR_UNARY);
    define(V | (first + 3), of(type, 'sqrt'), VECTOR_ROOT);
    define(V | (first + 4), of(type, 'add sub mul'), VECTOR_BINARY);
    define(V | (first + 7), of(type, 'div'), VECTOR_DIVISION);
    define(V | (first + 8), of(type, 'min max pmin pmax'), VECTOR_BINARY);
  }
  define(
    V | 248,
    'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u ' +
      'i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero ' +
      'f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u',
    VECTOR_UNARY,
  );
}

function defineRelaxed(): void {
  const feature = 'relaxedSimd';
  const unary = { ...VECTOR_UNARY, feature } as const;
  const binary = { ...VECTOR_BINARY, feature } as const;
  const ternary = { feature, pops: 3, pushes: 2 } as const;
  define(V | 0x100, 'i8x16.relaxed_swizzle', binary);
  define(
    V | 0x101,
    'i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u ' +
      'i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero',
    unary,
  );
  define(
    V | 0x105,
    'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd ' +
      'i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect',
    ternary,
  );
  define(
    V | 0x10d,
    'f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max ' +
      'i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s',
    binary,
  );
  define(V | 0x113, 'i32x4.relaxed_dot_i8x16_i7x16_add_s', ternary);
}

defineControl();
defineVariablesAndMemory();
defineNumbers();
defineBulk();
defineVectorAccess();
defineVectorIntegers();
defineVectorFloats();
defineCollected();
defineRelaxed();

/** All instructions that are run, in the order of their codes: what the published table is made from. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...plain,
  ...collected,
  ...bulk,
  ...vector,
].filter((entry) => entry !== undefined);

/** A call of an imported function costs so much more than {@link COST_CALL}. */
export const COST_IMPORTED_SURCHARGE = COST_CALL_IMPORTED - COST_CALL;

/** What opcodes belong to that are known but never run, for refusals by name. */
const REFUSED: readonly (readonly [first: number, last: number, feature: string])[] = [
  [0xe0, 0xe6, 'stack switching'],
  [0xfe, 0xfe, 'threads (atomic instructions)'],
];

function refusedOpcode(opcode: number, offset: number): Error {
  const known = REFUSED.find(([first, last]) => opcode >= first && opcode <= last);
  if (known) return refusedFeature(known[2], offset);
  return refusedFeature(`an unknown instruction (opcode 0x${opcode.toString(16)})`, offset);
}

function prefixed(reader: ByteReader, prefix: number, start: number): Instruction {
  const number = reader.u32();
  const found = tableOf(prefix)[number];
  if (found) return found;
  const code = `0x${prefix.toString(16)} ${number}`;
  throw refusedFeature(`an unknown instruction (opcode ${code})`, start);
}

function isPrefix(opcode: number): boolean {
  return opcode === GC_PREFIX || opcode === BULK_PREFIX || opcode === VECTOR_PREFIX;
}

/** Reads one opcode; refuses what isn't in the table or isn't allowed, by name where it has one. */
export function readInstruction(reader: ByteReader): Instruction {
  const start = reader.position;
  const opcode = reader.u8();
  let found = plain[opcode];
  if (!found) {
    if (!isPrefix(opcode)) throw refusedOpcode(opcode, start);
    found = prefixed(reader, opcode, start);
  }
  const { feature } = found;
  if (feature !== null && !reader.use.use(feature)) throw notAllowed(feature, found.name, start);
  return found;
}

/** A memory access with this flag names its memory; without, it is the first. */
const ACCESS_NAMES_MEMORY = 0x40;

/** Passes the alignment, memory and offset of a memory access. */
function skipAccess(reader: ByteReader): void {
  const start = reader.position;
  const flags = reader.u32();
  if (flags >= 0x80) throw invalid('a memory access has unknown flags', start);
  if (flags & 0x20) throw refusedFeature('atomic memory accesses', start);
  if (flags & ACCESS_NAMES_MEMORY) reader.u32();
  reader.u64();
}

/** Passes the immediates that need no more than their shape. */
export function skipSimpleImmediate(reader: ByteReader, immediate: Immediate): void {
  switch (immediate) {
    case IMMEDIATE.none:
      return;
    case IMMEDIATE.index:
      reader.u32();
      return;
    case IMMEDIATE.access:
      skipAccess(reader);
      return;
    case IMMEDIATE.accessLane:
      skipAccess(reader);
      reader.skip(1);
      return;
    case IMMEDIATE.signed32:
      reader.skipSigned(32);
      return;
    case IMMEDIATE.signed64:
      reader.skipSigned(64);
      return;
    case IMMEDIATE.fixed4:
      reader.skip(4);
      return;
    case IMMEDIATE.fixed8:
      reader.skip(8);
      return;
    case IMMEDIATE.fixed16:
      reader.skip(16);
      return;
    case IMMEDIATE.lane:
      reader.skip(1);
      return;
    default:
      throw invalid(`an instruction has no simple immediate (${immediate})`, reader.position);
  }
}
