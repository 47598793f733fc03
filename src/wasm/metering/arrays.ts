/** New arrays as injected functions: what one costs is known, and charged, before it is there. */

import {
  ALLOCATED_BYTES_PER_UNIT_LOG2,
  ALLOCATION_HEADER_BYTES,
  ALLOCATION_UNITS_MAX,
  COST_BULK_ELEMENT,
} from './costs.ts';
import { emitI32, emitIndexed, emitRefuelIfNegative, OP } from './emit.ts';
import type { Helper } from './helpers.ts';
import type { Layout } from './layout.ts';
import type { Field } from './module.ts';
import { referenceTo, VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

type NewArrayHelper = Extract<
  Helper,
  { kind: 'array.new' | 'array.new_default' | 'array.new_data' | 'array.new_elem' }
>;

const { i32 } = VALUE;

/** The prefix of the instructions, and their second bytes. */
export const ARRAY = {
  prefix: 0xfb,
  new: 6,
  newDefault: 7,
  newData: 9,
  newElem: 10,
  len: 15,
  fill: 16,
  copy: 17,
  initData: 18,
  initElem: 19,
} as const;

/** The elements of the array type with this index. */
export function elementOf(layout: Layout, type: number): Field {
  const found = layout.module.composites.get(type);
  if (found?.kind !== 'array') throw new Error(`type ${type} is no array`);
  return found.element;
}

function shapeOf(
  helper: NewArrayHelper,
  element: Field,
): { opcode: number; operands: readonly ValueType[] } {
  switch (helper.kind) {
    case 'array.new':
      return { opcode: ARRAY.new, operands: [element.type, i32] };
    case 'array.new_default':
      return { opcode: ARRAY.newDefault, operands: [i32] };
    case 'array.new_data':
      return { opcode: ARRAY.newData, operands: [i32, i32] };
    case 'array.new_elem':
      return { opcode: ARRAY.newElem, operands: [i32, i32] };
  }
}

/** The function that stands in for an instruction that makes an array; the length is its last operand. */
export function newArrayFunction(
  helper: NewArrayHelper,
  layout: Layout,
): { type: number; body: Uint8Array } {
  const out = new ByteWriter();
  const element = elementOf(layout, helper.type);
  const { opcode, operands } = shapeOf(helper, element);
  const fuel = operands.length;
  const units = fuel + 1;
  const ofElements = helper.kind === 'array.new_elem';
  out.raw(1, 1, VALUE.i64);
  emitIndexed(out, OP.localGet, fuel);
  // No more than what stops the counter from wrapping; the engine has no arrays as long as that.
  emitIndexed(out, OP.localGet, fuel - 1);
  out.raw(OP.i64ExtendI32U, OP.i64Const);
  out.signed(ofElements ? COST_BULK_ELEMENT : element.bytes);
  out.raw(OP.i64Mul, OP.i64Const);
  out.signed(ofElements ? 0 : ALLOCATION_HEADER_BYTES);
  out.raw(OP.i64Add, OP.i64Const);
  out.signed(ofElements ? 0 : ALLOCATED_BYTES_PER_UNIT_LOG2);
  out.u8(OP.i64ShrU);
  emitIndexed(out, OP.localTee, units);
  out.u8(OP.i32WrapI64);
  emitI32(out, ALLOCATION_UNITS_MAX);
  emitIndexed(out, OP.localGet, units);
  out.u8(OP.i64Const);
  out.signed(ALLOCATION_UNITS_MAX);
  out.raw(OP.i64LtU, OP.select, OP.i32Sub);
  emitIndexed(out, OP.localTee, fuel);
  emitRefuelIfNegative(out, layout, fuel);
  for (let operand = 0; operand < operands.length; operand++) {
    emitIndexed(out, OP.localGet, operand);
  }
  out.raw(ARRAY.prefix, opcode);
  out.u32(helper.type);
  if ('segment' in helper) out.u32(helper.segment);
  emitIndexed(out, OP.localGet, fuel);
  out.u8(OP.end);
  const type = layout.types.of([...operands, i32], [referenceTo(helper.type), i32]);
  return { type, body: out.bytes };
}
