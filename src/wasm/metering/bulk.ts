/** Bulk operations as injected functions: in pieces, each charged and followed by a check. */

import { ARRAY, elementOf } from './arrays.ts';
import {
  BULK_BYTES_PER_UNIT_LOG2,
  BULK_PIECE_BYTES,
  BULK_PIECE_ELEMENTS,
  COST_BULK_ELEMENT,
  FILLED_ELEMENT_BYTES_MIN,
  REFERENCE_BYTES_MOVED,
} from './costs.ts';
import { emitI32, emitIndexed, emitRefuelIfNegative, emitSave, OP } from './emit.ts';
import type { Helper } from './helpers.ts';
import type { Layout } from './layout.ts';
import { isReference, referenceTo, VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

/** Helpers that stand in for bulk operations. */
export type BulkHelper = Extract<
  Helper,
  {
    kind:
      | 'memory.fill'
      | 'memory.copy'
      | 'memory.init'
      | 'table.fill'
      | 'table.copy'
      | 'table.init'
      | 'array.fill'
      | 'array.copy'
      | 'array.init_data'
      | 'array.init_elem';
  }
>;

/** Second bytes of the bulk opcodes. */
export const BULK = {
  memoryInit: 8,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

const { i32, i64 } = VALUE;

/** One bulk instruction: its operands, how large what it writes and reads is, and what it costs. */
interface Shape {
  readonly operands: readonly ValueType[];
  /** The operands that say where it writes and reads, and how much. */
  readonly destination: number;
  readonly source: number | null;
  readonly count: number;
  /** How many places further the source is for each that is done. @default 1 */
  readonly sourceBytesEach?: number;
  /** Emits the size of what it writes to, and of what it reads from, as an i64. */
  readonly destinationSize: () => void;
  readonly sourceSize: () => void;
  /** It reads from what it may write to. */
  readonly overlaps: boolean;
  /** The instruction itself. */
  readonly instruction: readonly number[];
  /** How many are done at a time. */
  readonly pieceMost: number;
  /** So many of them cost `unitsEach >> unitsShift`. */
  readonly unitsEach: number;
  readonly unitsShift: number;
}

/** The function that stands in for a bulk operation. */
export function bulkFunction(
  helper: BulkHelper,
  layout: Layout,
): { type: number; body: Uint8Array } {
  return new BulkFunction(helper, layout).build();
}

/**
 * Where an operation is out of bounds, the instruction itself is run whole: it traps before it writes
 * anything, as it should.
 */
class BulkFunction {
  readonly #layout: Layout;
  readonly #out = new ByteWriter();
  readonly #shape: Shape;
  /** The fuel comes after the operands, and goes back. */
  readonly #fuel: number;
  /** A local: how much is done at a time, an i32. */
  readonly #piece: number;

  constructor(helper: BulkHelper, layout: Layout) {
    this.#layout = layout;
    this.#shape = this.#shapeOf(helper);
    this.#fuel = this.#shape.operands.length;
    this.#piece = this.#fuel + 1;
  }

  build(): { type: number; body: Uint8Array } {
    const out = this.#out;
    const { operands, count, overlaps, destination, source } = this.#shape;
    out.raw(1, 1, i32);
    // Most are short: one charge, and the instruction traps by itself.
    this.#get(count);
    this.#constant(this.#typeOf(count), this.#shape.pieceMost);
    out.raw(this.#typeOf(count) === i64 ? OP.i64LeU : OP.i32LeU, OP.if, OP.emptyBlock);
    this.#emitCharge(count);
    this.#emitOperation(() => this.#get(count));
    out.raw(OP.localGet, this.#fuel, OP.return, OP.end);
    this.#emitOutOfBounds();
    out.raw(OP.if, OP.emptyBlock);
    emitSave(out, this.#layout, this.#fuel);
    this.#emitOperation(() => this.#get(count));
    out.raw(OP.unreachable, OP.end);
    if (overlaps) {
      // What moves to higher places is moved from its end on.
      this.#getAs(destination, i64);
      this.#getAs(source!, i64);
      out.raw(OP.i64GtU, OP.if, OP.emptyBlock);
      this.#emitPieces(true);
      out.u8(OP.else);
      this.#emitPieces(false);
      out.u8(OP.end);
    } else {
      this.#emitPieces(false);
    }
    out.raw(OP.localGet, this.#fuel, OP.end);
    return { type: this.#layout.types.of([...operands, i32], [i32]), body: out.bytes };
  }

  #shapeOf(helper: BulkHelper): Shape {
    const layout = this.#layout;
    const { module } = layout;
    const memory = (index: number) => (module.memories[index]!.is64 ? i64 : i32);
    const table = (index: number) => (module.tables[index]!.is64 ? i64 : i32);
    const none = () => {};
    const bytes = {
      pieceMost: BULK_PIECE_BYTES,
      unitsEach: 1,
      unitsShift: BULK_BYTES_PER_UNIT_LOG2,
    };
    const elements = {
      pieceMost: BULK_PIECE_ELEMENTS,
      unitsEach: COST_BULK_ELEMENT,
      unitsShift: 0,
    };
    const places = { destination: 0, source: 1, count: 2 };
    switch (helper.kind) {
      case 'memory.fill':
        return {
          ...bytes,
          ...places,
          operands: [memory(helper.memory), i32, memory(helper.memory)],
          source: null,
          destinationSize: () => this.#memorySize(helper.memory),
          sourceSize: none,
          overlaps: false,
          instruction: encode(BULK.memoryFill, helper.memory),
        };
      case 'memory.copy': {
        const { destination, source } = helper;
        return {
          ...bytes,
          ...places,
          operands: lengthOf(memory(destination), memory(source)),
          destinationSize: () => this.#memorySize(destination),
          sourceSize: () => this.#memorySize(source),
          overlaps: true,
          instruction: encode(BULK.memoryCopy, destination, source),
        };
      }
      case 'memory.init':
        return {
          ...bytes,
          ...places,
          operands: [memory(helper.memory), i32, i32],
          destinationSize: () => this.#memorySize(helper.memory),
          sourceSize: () => this.#constant(i64, module.dataSegments[helper.segment]!),
          overlaps: false,
          instruction: encode(BULK.memoryInit, helper.segment, helper.memory),
        };
      case 'table.fill':
        return {
          ...elements,
          ...places,
          operands: [table(helper.table), module.tables[helper.table]!.type, table(helper.table)],
          source: null,
          destinationSize: () => this.#tableSize(helper.table),
          sourceSize: none,
          overlaps: false,
          instruction: encode(BULK.tableFill, helper.table),
        };
      case 'table.copy': {
        const { destination, source } = helper;
        return {
          ...elements,
          ...places,
          operands: lengthOf(table(destination), table(source)),
          destinationSize: () => this.#tableSize(destination),
          sourceSize: () => this.#tableSize(source),
          overlaps: true,
          instruction: encode(BULK.tableCopy, destination, source),
        };
      }
      case 'table.init':
        return {
          ...elements,
          ...places,
          operands: [table(helper.table), i32, i32],
          destinationSize: () => this.#tableSize(helper.table),
          sourceSize: () => this.#constant(i64, module.elementSegments[helper.segment]!),
          overlaps: false,
          instruction: encode(BULK.tableInit, helper.segment, helper.table),
        };
      case 'array.fill':
        return {
          ...this.#arrayPieces(helper.type, FILLED_ELEMENT_BYTES_MIN),
          operands: [referenceTo(helper.type, true), i32, elementOf(layout, helper.type).type, i32],
          destination: 1,
          source: null,
          count: 3,
          destinationSize: () => this.#arraySize(0),
          sourceSize: none,
          overlaps: false,
          instruction: encodeArray(ARRAY.fill, helper.type),
        };
      case 'array.copy': {
        const { destination, source } = helper;
        return {
          ...this.#arrayPieces(destination),
          operands: [referenceTo(destination, true), i32, referenceTo(source, true), i32, i32],
          destination: 1,
          source: 3,
          count: 4,
          destinationSize: () => this.#arraySize(0),
          sourceSize: () => this.#arraySize(2),
          overlaps: true,
          instruction: encodeArray(ARRAY.copy, destination, source),
        };
      }
      case 'array.init_data':
      case 'array.init_elem': {
        const { type, segment } = helper;
        const ofData = helper.kind === 'array.init_data';
        return {
          ...(ofData ? this.#arrayPieces(type) : elements),
          operands: [referenceTo(type, true), i32, i32, i32],
          destination: 1,
          source: 2,
          sourceBytesEach: ofData ? elementOf(layout, type).bytes : 1,
          count: 3,
          destinationSize: () => this.#arraySize(0),
          sourceSize: () => {
            const segments = ofData ? module.dataSegments : module.elementSegments;
            this.#constant(i64, segments[segment]!);
          },
          overlaps: false,
          instruction: encodeArray(ofData ? ARRAY.initData : ARRAY.initElem, type, segment),
        };
      }
    }
  }

  #typeOf(operand: number): ValueType {
    return this.#shape.operands[operand] ?? i32;
  }

  #get(local: number): void {
    emitIndexed(this.#out, OP.localGet, local);
  }

  /** A local of one of both integer types as one of the type `wanted`. */
  #getAs(local: number, wanted: ValueType): void {
    this.#get(local);
    const type = this.#typeOf(local);
    if (type === i32 && wanted === i64) this.#out.u8(OP.i64ExtendI32U);
    if (type === i64 && wanted === i32) this.#out.u8(OP.i32WrapI64);
  }

  #constant(type: ValueType, value: number): void {
    this.#out.u8(type === i64 ? OP.i64Const : OP.i32Const);
    this.#out.signed(value);
  }

  #memorySize(memory: number): void {
    emitIndexed(this.#out, OP.memorySize, memory);
    if (!this.#layout.module.memories[memory]!.is64) this.#out.u8(OP.i64ExtendI32U);
    this.#out.raw(OP.i64Const, 16, OP.i64Shl);
  }

  #tableSize(table: number): void {
    this.#out.raw(OP.bulk, BULK.tableSize);
    this.#out.u32(table);
    if (!this.#layout.module.tables[table]!.is64) this.#out.u8(OP.i64ExtendI32U);
  }

  /** The length of the array that is an operand; it traps where that is null, as the operation does. */
  #arraySize(operand: number): void {
    this.#get(operand);
    this.#out.raw(ARRAY.prefix, ARRAY.len, OP.i64ExtendI32U);
  }

  #arrayPieces(type: number, bytesMin = 1): Pick<Shape, 'pieceMost' | 'unitsEach' | 'unitsShift'> {
    const { type: held, bytes } = elementOf(this.#layout, type);
    const unitsEach = isReference(held) ? REFERENCE_BYTES_MOVED : Math.max(bytes, bytesMin);
    const pieceMost = BULK_PIECE_BYTES / unitsEach;
    return { pieceMost, unitsEach, unitsShift: BULK_BYTES_PER_UNIT_LOG2 };
  }

  /** Whether the operation would trap, as an i32. */
  #emitOutOfBounds(): void {
    const { destination, source, destinationSize, sourceSize } = this.#shape;
    this.#emitBeyond(destination, destinationSize, 1);
    if (source === null) return;
    this.#emitBeyond(source, sourceSize, this.#shape.sourceBytesEach ?? 1);
    this.#out.u8(OP.i32Or);
  }

  /** Whether `count > size || start > size - count`, which nothing wraps in. */
  #emitBeyond(start: number, size: () => void, bytesEach: number): void {
    const out = this.#out;
    this.#getCount(bytesEach);
    size();
    out.u8(OP.i64GtU);
    this.#getAs(start, i64);
    size();
    this.#getCount(bytesEach);
    out.raw(OP.i64Sub, OP.i64GtU, OP.i32Or);
  }

  /** The count as an i64; more than one place for each only where it is an i32. */
  #getCount(bytesEach: number): void {
    this.#getAs(this.#shape.count, i64);
    if (bytesEach === 1) return;
    this.#constant(i64, bytesEach);
    this.#out.u8(OP.i64Mul);
  }

  /** `do { piece; } while (count != 0)`, upwards or downwards. */
  #emitPieces(downwards: boolean): void {
    const out = this.#out;
    const { destination, source, count, pieceMost } = this.#shape;
    const wide = this.#typeOf(count) === i64;
    out.raw(OP.loop, OP.emptyBlock);
    this.#getAs(count, i32);
    this.#constant(i32, pieceMost);
    this.#get(count);
    this.#constant(this.#typeOf(count), pieceMost);
    out.raw(wide ? OP.i64LtU : OP.i32LtU, OP.select);
    emitIndexed(out, OP.localSet, this.#piece);
    this.#emitCharge(this.#piece);
    if (downwards) this.#emitTakeFromCount();
    this.#emitOperation((type) => this.#getAs(this.#piece, type), downwards);
    if (!downwards) {
      this.#emitAdvance(destination);
      if (source !== null) this.#emitAdvance(source, this.#shape.sourceBytesEach);
      this.#emitTakeFromCount();
    }
    this.#get(count);
    if (wide) out.raw(OP.i64Const, 0, OP.i64Ne);
    out.raw(OP.brIf, 0, OP.end);
  }

  /** Charges for the length in the local `length`, which is no more than a piece; asks for the sign of fuel. */
  #emitCharge(length: number): void {
    const out = this.#out;
    const { unitsEach, unitsShift } = this.#shape;
    this.#get(this.#fuel);
    this.#getAs(length, i32);
    if (unitsEach > 1) {
      emitI32(out, unitsEach);
      out.u8(OP.i32Mul);
    }
    if (unitsShift > 0) {
      emitI32(out, unitsShift);
      out.u8(OP.i32ShrU);
    }
    out.u8(OP.i32Sub);
    emitIndexed(out, OP.localTee, this.#fuel);
    emitRefuelIfNegative(out, this.#layout, this.#fuel);
  }

  #emitAdvance(local: number, each = 1): void {
    const type = this.#typeOf(local);
    this.#get(local);
    this.#getAs(this.#piece, type);
    if (each > 1) {
      emitI32(this.#out, each);
      this.#out.u8(OP.i32Mul);
    }
    this.#out.u8(type === i64 ? OP.i64Add : OP.i32Add);
    emitIndexed(this.#out, OP.localSet, local);
  }

  #emitTakeFromCount(): void {
    const { count } = this.#shape;
    const type = this.#typeOf(count);
    this.#get(count);
    this.#getAs(this.#piece, type);
    this.#out.u8(type === i64 ? OP.i64Sub : OP.i32Sub);
    emitIndexed(this.#out, OP.localSet, count);
  }

  /** The instruction, on `length` of what is left; `atEnd`: on the last ones, `length` being taken off. */
  #emitOperation(length: (type: ValueType) => void, atEnd = false): void {
    const out = this.#out;
    const { operands, destination, source, count, instruction } = this.#shape;
    for (const [operand, type] of operands.entries()) {
      if (operand === count) {
        length(type);
        continue;
      }
      this.#get(operand);
      if (!atEnd || (operand !== destination && operand !== source)) continue;
      this.#getAs(count, type);
      out.u8(type === i64 ? OP.i64Add : OP.i32Add);
    }
    out.raw(...instruction);
  }
}

/** Operands of a copy: its length is an i64 only where both places are. */
function lengthOf(destination: ValueType, source: ValueType): ValueType[] {
  return [destination, source, destination === i64 && source === i64 ? i64 : i32];
}

function encodeArray(opcode: number, ...immediates: number[]): number[] {
  return [ARRAY.prefix, ...encode(opcode, ...immediates).slice(1)];
}

function encode(opcode: number, ...immediates: number[]): number[] {
  const out = new ByteWriter(16);
  out.raw(OP.bulk, opcode);
  for (const immediate of immediates) out.u32(immediate);
  return [...out.bytes];
}
