/** The short sequences that are injected: charges, the question for the sign of fuel, call depth. */

import { DEPTH_LIMIT_BYTES } from './costs.ts';
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
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32LeU: 0x4d,
  i64LtS: 0x53,
  i64GtU: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Or: 0x72,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i64ExtendI32U: 0xad,
  bulk: 0xfc,
  emptyBlock: 0x40,
} as const;

/** Charges a constant. */
export function emitCharge(out: ByteWriter, layout: Layout, units: number): void {
  out.u8(OP.globalGet);
  out.u32(layout.fuel);
  out.u8(OP.i64Const);
  out.signed(units);
  out.u8(OP.i64Sub);
  out.u8(OP.globalSet);
  out.u32(layout.fuel);
}

/** Asks for the sign of fuel, and for more where it is below zero. */
export function emitPoll(out: ByteWriter, layout: Layout): void {
  out.u8(OP.globalGet);
  out.u32(layout.fuel);
  out.raw(OP.i64Const, 0, OP.i64LtS, OP.if, OP.emptyBlock, OP.call);
  out.u32(layout.refuel);
  out.u8(OP.end);
}

/** Takes a frame's bytes at a function's entry; `saved` is the i32 local that keeps what it is now. */
export function emitEnter(
  out: ByteWriter,
  layout: Layout,
  frameBytes: number,
  saved: number,
): void {
  out.u8(OP.globalGet);
  out.u32(layout.depth);
  out.u8(OP.i32Const);
  out.signed(frameBytes);
  out.u8(OP.i32Add);
  out.u8(OP.localTee);
  out.u32(saved);
  out.u8(OP.globalSet);
  out.u32(layout.depth);
  out.u8(OP.localGet);
  out.u32(saved);
  out.u8(OP.i32Const);
  out.signed(DEPTH_LIMIT_BYTES);
  out.raw(OP.i32GtU, OP.if, OP.emptyBlock, OP.call);
  out.u32(layout.exhaustedDepth);
  out.raw(OP.unreachable, OP.end);
}

/** Gives a frame's bytes back, before a function is left. */
export function emitLeave(
  out: ByteWriter,
  layout: Layout,
  frameBytes: number,
  saved: number,
): void {
  out.u8(OP.localGet);
  out.u32(saved);
  out.u8(OP.i32Const);
  out.signed(frameBytes);
  out.u8(OP.i32Sub);
  out.u8(OP.globalSet);
  out.u32(layout.depth);
}

/** Sets the depth to this frame's, where control may have come from an exception further down. */
export function emitRestore(out: ByteWriter, layout: Layout, saved: number): void {
  out.u8(OP.localGet);
  out.u32(saved);
  out.u8(OP.globalSet);
  out.u32(layout.depth);
}
