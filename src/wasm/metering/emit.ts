/** The short sequences that are injected: charges, the question for the sign of fuel, call depth. */

import type { Layout } from './layout.ts';
import type { ByteWriter } from './writer.ts';

/** Opcodes of what is injected. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callReference: 0x14,
  returnCallReference: 0x15,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32LeU: 0x4d,
  i32GeS: 0x4e,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtU: 0x54,
  i64GtU: 0x56,
  i64LeU: 0x58,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32Or: 0x72,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  f64Mul: 0xa2,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  f64ConvertI32U: 0xb8,
  f64ConvertI64U: 0xba,
  bulk: 0xfc,
  emptyBlock: 0x40,
} as const;

/** An instruction with one index. */
export function emitIndexed(out: ByteWriter, opcode: number, index: number): void {
  out.u8(opcode);
  out.u32(index);
}

export function emitI32(out: ByteWriter, value: number): void {
  out.u8(OP.i32Const);
  out.signed(value);
}

/** Charges a constant; `fuel` is the local that holds the fuel. Leaves what is left on the stack. */
export function emitChargeToStack(out: ByteWriter, fuel: number, units: number): void {
  emitIndexed(out, OP.localGet, fuel);
  if (units === 0) return;
  emitI32(out, units);
  out.u8(OP.i32Sub);
  emitIndexed(out, OP.localTee, fuel);
}

/** Charges a constant. */
export function emitCharge(out: ByteWriter, fuel: number, units: number): void {
  if (units === 0) return;
  emitIndexed(out, OP.localGet, fuel);
  emitI32(out, units);
  out.u8(OP.i32Sub);
  emitIndexed(out, OP.localSet, fuel);
}

/** Whether the fuel on the stack is used up: gets more. */
export function emitRefuelIfNegative(out: ByteWriter, layout: Layout, fuel: number): void {
  out.raw(OP.i32Const, 0, OP.i32LtS);
  out.unlikelyBranch(OP.if, OP.emptyBlock);
  emitRefuel(out, layout, fuel);
  out.u8(OP.end);
}

export function emitRefuel(out: ByteWriter, layout: Layout, fuel: number): void {
  emitIndexed(out, OP.localGet, fuel);
  emitIndexed(out, OP.call, layout.refuel);
  emitIndexed(out, OP.localSet, fuel);
}

/** Asks for the sign of fuel, and for more where it is below zero. */
export function emitPoll(out: ByteWriter, layout: Layout, fuel: number): void {
  emitIndexed(out, OP.localGet, fuel);
  emitRefuelIfNegative(out, layout, fuel);
}

/**
 * A function's entry: charges, takes its frame off the depth (the local after the fuel), and asks for the
 * signs of both at once.
 */
export function emitEnter(
  out: ByteWriter,
  layout: Layout,
  fuel: number,
  units: number,
  frameBytes: number,
): void {
  const depth = fuel + 1;
  emitChargeToStack(out, fuel, units);
  if (frameBytes === 0) {
    emitRefuelIfNegative(out, layout, fuel);
    return;
  }
  emitIndexed(out, OP.localGet, depth);
  emitI32(out, frameBytes);
  out.u8(OP.i32Sub);
  emitIndexed(out, OP.localTee, depth);
  out.raw(OP.i32Or, OP.i32Const, 0, OP.i32LtS);
  out.unlikelyBranch(OP.if, OP.emptyBlock);
  emitIndexed(out, OP.localGet, fuel);
  emitIndexed(out, OP.localGet, depth);
  emitIndexed(out, OP.call, layout.enter);
  emitIndexed(out, OP.localSet, fuel);
  out.u8(OP.end);
}

/** Keeps the fuel in its global, for who reads it from there. */
export function emitSave(out: ByteWriter, layout: Layout, fuel: number): void {
  emitIndexed(out, OP.localGet, fuel);
  emitIndexed(out, OP.globalSet, layout.fuel);
}

/** Fuel is what the global says. */
export function emitRestore(out: ByteWriter, layout: Layout, fuel: number): void {
  emitIndexed(out, OP.globalGet, layout.fuel);
  emitIndexed(out, OP.localSet, fuel);
}

/** Calls an imported function: fuel and depth are in the globals meanwhile, and fuel is looked at after it. */
export function emitCallImport(
  out: ByteWriter,
  layout: Layout,
  fuel: number,
  target: number,
): void {
  emitSave(out, layout, fuel);
  emitIndexed(out, OP.localGet, fuel + 1);
  emitIndexed(out, OP.globalSet, layout.depth);
  emitIndexed(out, OP.call, target);
  emitIndexed(out, OP.globalGet, layout.fuel);
  emitIndexed(out, OP.localTee, fuel);
  emitRefuelIfNegative(out, layout, fuel);
}
