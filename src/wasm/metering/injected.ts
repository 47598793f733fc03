/** The functions that are injected: the one that gets more fuel, and those that stand in for instructions. */

import { newArrayFunction } from './arrays.ts';
import { BULK, bulkFunction } from './bulk.ts';
import {
  COST_CALL_IMPORTED,
  COST_FUNCTION,
  COST_GROWN_ELEMENT,
  COST_GROWN_PAGE,
  FRAME_BYTES,
  FRAME_BYTES_PER_SLOT,
  FUEL_STRIDE,
  PAGE_BYTES,
  TABLE_ELEMENT_BYTES,
} from './costs.ts';
import {
  emitCallImport,
  emitEnter,
  emitI32,
  emitIndexed,
  emitPoll,
  emitRefuelIfNegative,
  emitRestore,
  emitSave,
  OP,
} from './emit.ts';
import type { Helper } from './helpers.ts';
import type { Layout } from './layout.ts';
import { VALUE } from './value-types.ts';
import { ByteWriter } from './writer.ts';

/** A function that is added to the module. */
export interface InjectedFunction {
  readonly type: number;
  /** Its body with its local declarations, without its size. */
  readonly body: Uint8Array;
}

const I32 = VALUE.i32;

/**
 * `loop: if fuel >= 0 return it; check: stop → trap, suspend → suspend, else so much more`
 *
 * While the host is asked the global holds the fuel: what is thrown there (by JavaScript at the end of
 * its stack) finds handlers of the guest's, and must not give them what the global held before. It is as
 * far ahead of the fuel again afterwards, because where questions are asked depends on slices; but no
 * further than two strides, where its value counts for nothing any more and would only come to wrap.
 */
export function refuelFunction(layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  const fuel = 0;
  const answer = 1;
  const ahead = 2;
  out.raw(1, 2, I32);
  out.raw(OP.loop, OP.emptyBlock);
  out.raw(OP.localGet, fuel, OP.i32Const, 0, OP.i32GeS, OP.if, OP.emptyBlock);
  out.raw(OP.localGet, fuel, OP.return, OP.end);
  emitIndexed(out, OP.globalGet, layout.fuel);
  out.raw(OP.localGet, fuel, OP.i32Sub, OP.localTee, ahead);
  emitI32(out, 2 * FUEL_STRIDE);
  out.raw(OP.localGet, ahead);
  emitI32(out, 2 * FUEL_STRIDE);
  out.raw(OP.i32LtS, OP.select, OP.localSet, ahead);
  emitSave(out, layout, fuel);
  out.raw(OP.localGet, fuel);
  emitIndexed(out, OP.call, layout.check);
  out.raw(OP.localTee, answer, OP.i32Const, 0, OP.i32LtS, OP.if, OP.emptyBlock, OP.unreachable);
  out.raw(OP.end, OP.localGet, answer, OP.if, OP.emptyBlock, OP.localGet, fuel);
  out.raw(OP.localGet, answer, OP.i32Add, OP.localSet, fuel, OP.else);
  emitIndexed(out, OP.call, layout.suspend);
  out.u8(OP.end);
  emitIndexed(out, OP.globalGet, layout.fuel);
  out.raw(OP.localGet, ahead, OP.i32Add);
  emitIndexed(out, OP.globalSet, layout.fuel);
  out.raw(OP.br, 0, OP.end, OP.unreachable, OP.end);
  return { type: layout.types.of([I32], [I32]), body: out.bytes };
}

/** Where a function is entered with fuel or depth below zero. */
export function enterFunction(layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  const fuel = 0;
  const depth = 1;
  out.raw(0, OP.localGet, depth, OP.i32Const, 0, OP.i32LtS, OP.if, OP.emptyBlock);
  emitSave(out, layout, fuel);
  emitIndexed(out, OP.call, layout.exhaustedDepth);
  out.raw(OP.unreachable, OP.end, OP.localGet, fuel);
  emitIndexed(out, OP.call, layout.refuel);
  out.u8(OP.end);
  return { type: layout.types.of([I32, I32], [I32]), body: out.bytes };
}

/** The function that stands in for an instruction, or for a function where it is called from elsewhere. */
export function helperFunction(helper: Helper, layout: Layout): InjectedFunction {
  switch (helper.kind) {
    case 'entry':
      return entry(helper.target, layout);
    case 'reference':
      return reference(helper.target, layout);
    case 'memory.grow':
      return memoryGrow(helper.memory, layout);
    case 'table.grow':
      return tableGrow(helper.table, layout);
    case 'array.new':
    case 'array.new_default':
    case 'array.new_data':
    case 'array.new_elem':
      return newArrayFunction(helper, layout);
    default:
      return bulkFunction(helper, layout);
  }
}

function emitParameters(out: ByteWriter, count: number): void {
  for (let index = 0; index < count; index++) emitIndexed(out, OP.localGet, index);
}

/** What one call of a leaf costs. */
function leafUnits(layout: Layout, target: number): number {
  return COST_FUNCTION + layout.leaves[target - layout.module.imported.function]!;
}

/** A function as it is called from outside of the module: fuel and depth are in the globals. */
function entry(target: number, layout: Layout): InjectedFunction {
  const type = layout.module.functions[target]!;
  const { parameters, parameterSlots, resultSlots } = layout.module.functionType(type);
  const count = parameters.length;
  const out = new ByteWriter();
  const imported = target < layout.module.imported.function;
  if (!imported && !layout.isLeaf(target)) {
    out.u8(0);
    emitParameters(out, count);
    emitIndexed(out, OP.globalGet, layout.fuel);
    emitIndexed(out, OP.globalGet, layout.depth);
    // This frame holds everything twice; the body asks for the sign.
    emitI32(out, FRAME_BYTES + FRAME_BYTES_PER_SLOT * 2 * (parameterSlots + resultSlots));
    out.u8(OP.i32Sub);
    emitIndexed(out, OP.call, layout.function(target));
    emitIndexed(out, OP.globalSet, layout.fuel);
  } else {
    const fuel = count;
    out.raw(1, 1, I32);
    emitIndexed(out, OP.globalGet, layout.fuel);
    emitI32(out, imported ? COST_CALL_IMPORTED : leafUnits(layout, target));
    out.u8(OP.i32Sub);
    emitIndexed(out, OP.localTee, fuel);
    emitRefuelIfNegative(out, layout, fuel);
    emitSave(out, layout, fuel);
    emitParameters(out, count);
    emitIndexed(out, OP.call, layout.function(target));
    if (imported) {
      emitRestore(out, layout, fuel);
      emitPoll(out, layout, fuel);
      emitSave(out, layout, fuel);
    }
  }
  out.u8(OP.end);
  return { type, body: out.bytes };
}

/** A leaf or an imported function as one that takes and returns fuel. */
function reference(target: number, layout: Layout): InjectedFunction {
  const type = layout.module.functions[target]!;
  const { parameters, parameterSlots, resultSlots } = layout.module.functionType(type);
  const fuel = parameters.length;
  const out = new ByteWriter();
  out.u8(0);
  if (target < layout.module.imported.function) {
    const slots = parameterSlots + 2 * resultSlots;
    const frameBytes = FRAME_BYTES + FRAME_BYTES_PER_SLOT * slots;
    emitEnter(out, layout, fuel, COST_CALL_IMPORTED, frameBytes);
    emitParameters(out, fuel);
    emitCallImport(out, layout, fuel, target);
    emitIndexed(out, OP.localGet, fuel);
  } else {
    // Who calls by a reference doesn't know what this costs, so that it is asked for here.
    emitEnter(out, layout, fuel, leafUnits(layout, target), 0);
    emitParameters(out, fuel);
    emitIndexed(out, OP.call, layout.function(target));
    emitIndexed(out, OP.localGet, fuel);
  }
  out.u8(OP.end);
  return { type: layout.threadedType(type), body: out.bytes };
}

/** How something grows: its locals, and the size and cost of what is added. */
interface Growth {
  /** Whether sizes are 64 bits long. */
  readonly wide: boolean;
  readonly count: number;
  readonly fuel: number;
  /** An f64. */
  readonly bytes: number;
  readonly result: number;
  readonly bytesEach: number;
  readonly costEach: number;
}

/** More than anything can grow by; what is asked for above it is refused without a question. */
const GROWTH_MAX = 0xffff_ffff;

/** Refuses: polls, and answers -1. */
function emitRefuseToGrow(out: ByteWriter, layout: Layout, { wide, fuel }: Growth): void {
  emitPoll(out, layout, fuel);
  out.u8(wide ? OP.i64Const : OP.i32Const);
  out.signed(-1);
  out.raw(OP.localGet, fuel, OP.return, OP.end);
}

/** Takes what a grow asks for; answers -1 where it isn't granted. */
function emitAskToGrow(out: ByteWriter, layout: Layout, growth: Growth): void {
  if (growth.wide) {
    out.raw(OP.localGet, growth.count, OP.i64Const);
    out.signed(GROWTH_MAX);
    out.raw(OP.i64GtU, OP.if, OP.emptyBlock);
    emitRefuseToGrow(out, layout, growth);
  }
  // What the host throws, at the end of its stack, comes to handlers of the guest's.
  emitSave(out, layout, growth.fuel);
  out.raw(OP.localGet, growth.count, growth.wide ? OP.f64ConvertI64U : OP.f64ConvertI32U);
  out.u8(OP.f64Const);
  out.f64(growth.bytesEach);
  out.raw(OP.f64Mul, OP.localTee, growth.bytes, OP.call);
  out.u32(layout.grow);
  // The host may have ended the slice: what is grown and first written to takes time that fuel doesn't see.
  emitRestore(out, layout, growth.fuel);
  out.raw(OP.i32Eqz, OP.if, OP.emptyBlock);
  emitRefuseToGrow(out, layout, growth);
}

/** Gives back what was taken where the engine could not grow, else charges for it. */
function emitAfterGrow(out: ByteWriter, layout: Layout, growth: Growth): void {
  const { wide, fuel, count, result } = growth;
  out.raw(OP.localTee, result, wide ? OP.i64Const : OP.i32Const);
  out.signed(-1);
  out.raw(wide ? OP.i64Eq : OP.i32Eq, OP.if, OP.emptyBlock, OP.localGet, growth.bytes, OP.call);
  out.u32(layout.ungrow);
  out.raw(OP.else, OP.localGet, fuel, OP.localGet, count);
  if (wide) out.u8(OP.i32WrapI64);
  emitI32(out, growth.costEach);
  out.raw(OP.i32Mul, OP.i32Sub, OP.localSet, fuel, OP.end);
  emitPoll(out, layout, fuel);
  out.raw(OP.localGet, result, OP.localGet, fuel, OP.end);
}

function memoryGrow(memory: number, layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  const wide = layout.module.memories[memory]!.is64;
  const size = wide ? VALUE.i64 : I32;
  const locals = { count: 0, fuel: 1, bytes: 2, result: 3 };
  const growth = { ...locals, wide, bytesEach: PAGE_BYTES, costEach: COST_GROWN_PAGE };
  out.raw(2, 1, VALUE.f64, 1, size);
  emitAskToGrow(out, layout, growth);
  out.raw(OP.localGet, growth.count, OP.memoryGrow);
  out.u32(memory);
  emitAfterGrow(out, layout, growth);
  return { type: layout.types.of([size, I32], [size, I32]), body: out.bytes };
}

function tableGrow(table: number, layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  const { type, is64: wide } = layout.module.tables[table]!;
  const size = wide ? VALUE.i64 : I32;
  const locals = { count: 1, fuel: 2, bytes: 3, result: 4 };
  const growth = { ...locals, wide, bytesEach: TABLE_ELEMENT_BYTES, costEach: COST_GROWN_ELEMENT };
  out.raw(2, 1, VALUE.f64, 1, size);
  emitAskToGrow(out, layout, growth);
  out.raw(OP.localGet, 0, OP.localGet, growth.count, OP.bulk, BULK.tableGrow);
  out.u32(table);
  emitAfterGrow(out, layout, growth);
  return { type: layout.types.of([type, size, I32], [size, I32]), body: out.bytes };
}
