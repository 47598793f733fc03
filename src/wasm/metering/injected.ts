/** The functions that are injected: the one that gets more fuel, and those that stand in for instructions. */

import {
  BULK_BYTES_PER_UNIT_LOG2,
  BULK_PIECE_BYTES,
  BULK_PIECE_ELEMENTS,
  COST_BULK_ELEMENT,
  COST_CALL_IMPORTED,
  COST_FUNCTION,
  COST_GROWN_ELEMENT,
  COST_GROWN_PAGE,
  FRAME_BYTES,
  FRAME_BYTES_PER_SLOT,
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
import { VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

/** A function that is added to the module. */
export interface InjectedFunction {
  readonly type: number;
  /** Its body with its local declarations, without its size. */
  readonly body: Uint8Array;
}

const I32 = VALUE.i32;

/** `loop: if fuel >= 0 return it; check: stop → trap, suspend → suspend, else so much more` */
export function refuelFunction(layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  const fuel = 0;
  const answer = 1;
  out.raw(1, 1, I32);
  out.raw(OP.loop, OP.emptyBlock);
  out.raw(OP.localGet, fuel, OP.i32Const, 0, OP.i32GeS, OP.if, OP.emptyBlock);
  out.raw(OP.localGet, fuel, OP.return, OP.end, OP.localGet, fuel);
  emitIndexed(out, OP.call, layout.check);
  out.raw(OP.localTee, answer, OP.i32Const, 0, OP.i32LtS, OP.if, OP.emptyBlock, OP.unreachable);
  out.raw(OP.end, OP.localGet, answer, OP.if, OP.emptyBlock, OP.localGet, fuel);
  out.raw(OP.localGet, answer, OP.i32Add, OP.localSet, fuel, OP.else);
  emitIndexed(out, OP.call, layout.suspend);
  out.raw(OP.end, OP.br, 0, OP.end, OP.unreachable, OP.end);
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
      return memoryGrow(layout);
    case 'table.grow':
      return tableGrow(helper.table, layout);
    default:
      return new BulkFunction(helper, layout).build();
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
  const count = layout.module.types[type]!.parameters.length;
  const out = new ByteWriter();
  const imported = target < layout.module.imported.function;
  if (!imported && !layout.isLeaf(target)) {
    out.u8(0);
    emitParameters(out, count);
    emitIndexed(out, OP.globalGet, layout.fuel);
    emitIndexed(out, OP.globalGet, layout.depth);
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
  const { parameters, parameterSlots, resultSlots } = layout.module.types[type]!;
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
    emitParameters(out, fuel);
    emitIndexed(out, OP.call, layout.function(target));
    emitIndexed(out, OP.localGet, fuel);
    emitI32(out, leafUnits(layout, target));
    out.u8(OP.i32Sub);
  }
  out.u8(OP.end);
  return { type: layout.threadedType(type), body: out.bytes };
}

/** Locals of a function that grows something. */
interface GrowLocals {
  readonly count: number;
  readonly fuel: number;
  /** An f64. */
  readonly bytes: number;
  readonly result: number;
}

/** Takes what a grow asks for; answers -1 where it isn't granted. */
function emitAskToGrow(out: ByteWriter, layout: Layout, locals: GrowLocals, each: number): void {
  out.raw(OP.localGet, locals.count, OP.f64ConvertI32U, OP.f64Const);
  out.f64(each);
  out.raw(OP.f64Mul, OP.localTee, locals.bytes, OP.call);
  out.u32(layout.grow);
  out.raw(OP.i32Eqz, OP.if, OP.emptyBlock);
  emitPoll(out, layout, locals.fuel);
  emitI32(out, -1);
  out.raw(OP.localGet, locals.fuel, OP.return, OP.end);
}

/** Gives back what was taken where the engine could not grow, else charges for it. */
function emitAfterGrow(
  out: ByteWriter,
  layout: Layout,
  locals: GrowLocals,
  costEach: number,
): void {
  out.raw(OP.localTee, locals.result);
  emitI32(out, -1);
  out.raw(OP.i32Eq, OP.if, OP.emptyBlock, OP.localGet, locals.bytes, OP.call);
  out.u32(layout.ungrow);
  out.raw(OP.else, OP.localGet, locals.fuel, OP.localGet, locals.count);
  emitI32(out, costEach);
  out.raw(OP.i32Mul, OP.i32Sub, OP.localSet, locals.fuel, OP.end);
  emitPoll(out, layout, locals.fuel);
  out.raw(OP.localGet, locals.result, OP.localGet, locals.fuel, OP.end);
}

function memoryGrow(layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  out.raw(2, 1, VALUE.f64, 1, I32);
  const locals = { count: 0, fuel: 1, bytes: 2, result: 3 };
  emitAskToGrow(out, layout, locals, PAGE_BYTES);
  out.raw(OP.localGet, locals.count, OP.memoryGrow, 0);
  emitAfterGrow(out, layout, locals, COST_GROWN_PAGE);
  return { type: layout.types.of([I32, I32], [I32, I32]), body: out.bytes };
}

function tableGrow(table: number, layout: Layout): InjectedFunction {
  const out = new ByteWriter();
  out.raw(2, 1, VALUE.f64, 1, I32);
  const locals = { count: 1, fuel: 2, bytes: 3, result: 4 };
  emitAskToGrow(out, layout, locals, TABLE_ELEMENT_BYTES);
  out.raw(OP.localGet, 0, OP.localGet, locals.count, OP.bulk, BULK.tableGrow);
  out.u32(table);
  emitAfterGrow(out, layout, locals, COST_GROWN_ELEMENT);
  const { type } = layout.module.tables[table]!;
  return { type: layout.types.of([type, I32, I32], [I32, I32]), body: out.bytes };
}

/** Second bytes of the bulk opcodes. */
const BULK = {
  memoryInit: 8,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const;

type BulkHelper = Exclude<Helper, { kind: 'entry' | 'reference' | 'memory.grow' | 'table.grow' }>;

/** The first operand of every bulk operation is where it writes, the last how much. */
const DESTINATION = 0;
const SOURCE = 1;
const COUNT = 2;
/** The fuel comes after them, and goes back. */
const FUEL = 3;
/** A local: how much of it is done at a time. */
const PIECE = 4;

/**
 * A bulk operation in pieces, each charged and followed by a check. Where it is out of bounds, the
 * instruction itself is run whole: it traps before it writes anything, as it should.
 */
class BulkFunction {
  readonly #helper: BulkHelper;
  readonly #layout: Layout;
  readonly #out = new ByteWriter();
  readonly #ofMemory: boolean;

  constructor(helper: BulkHelper, layout: Layout) {
    this.#helper = helper;
    this.#layout = layout;
    this.#ofMemory = helper.kind.startsWith('memory');
  }

  build(): InjectedFunction {
    const out = this.#out;
    out.raw(1, 1, I32);
    // Most are short: one charge, and the instruction traps by itself.
    this.#get(COUNT);
    out.u8(OP.i32Const);
    out.signed(this.#pieceMost());
    out.raw(OP.i32LeU, OP.if, OP.emptyBlock);
    this.#emitCharge(COUNT);
    this.#emitOperation(() => this.#get(COUNT));
    out.raw(OP.localGet, FUEL, OP.return, OP.end);
    this.#emitOutOfBounds();
    out.raw(OP.if, OP.emptyBlock);
    emitSave(out, this.#layout, FUEL);
    this.#emitOperation(() => this.#get(COUNT));
    out.raw(OP.unreachable, OP.end);
    const { kind } = this.#helper;
    if (kind === 'memory.copy' || kind === 'table.copy') {
      // What moves to higher places is moved from its end on.
      this.#get(DESTINATION);
      this.#get(SOURCE);
      out.raw(OP.i32GtU, OP.if, OP.emptyBlock);
      this.#emitPieces(true);
      out.u8(OP.else);
      this.#emitPieces(false);
      out.u8(OP.end);
    } else {
      this.#emitPieces(false);
    }
    out.raw(OP.localGet, FUEL, OP.end);
    return { type: this.#layout.types.of([...this.#parameters(), I32], [I32]), body: out.bytes };
  }

  #parameters(): ValueType[] {
    if (this.#helper.kind !== 'table.fill') return [I32, I32, I32];
    return [I32, this.#layout.module.tables[this.#helper.table]!.type, I32];
  }

  #get(local: number): void {
    this.#out.raw(OP.localGet, local);
  }

  /** Whether the operation would trap, as an i32. */
  #emitOutOfBounds(): void {
    const helper = this.#helper;
    const { module } = this.#layout;
    this.#emitBeyond(DESTINATION, () => this.#emitSize(this.#destinationTable()));
    if (helper.kind === 'memory.fill' || helper.kind === 'table.fill') return;
    this.#emitBeyond(SOURCE, () => {
      if (helper.kind === 'memory.init') {
        this.#emitConstant(module.dataSegments[helper.segment]!);
      } else if (helper.kind === 'table.init') {
        this.#emitConstant(module.elementSegments[helper.segment]!);
      } else {
        this.#emitSize(helper.kind === 'table.copy' ? helper.source : null);
      }
    });
    this.#out.u8(OP.i32Or);
  }

  #destinationTable(): number | null {
    const helper = this.#helper;
    if (helper.kind === 'table.copy') return helper.destination;
    return helper.kind === 'table.fill' || helper.kind === 'table.init' ? helper.table : null;
  }

  #emitBeyond(start: number, size: () => void): void {
    this.#get(start);
    this.#out.u8(OP.i64ExtendI32U);
    this.#get(COUNT);
    this.#out.raw(OP.i64ExtendI32U, OP.i64Add);
    size();
    this.#out.u8(OP.i64GtU);
  }

  #emitConstant(value: number): void {
    this.#out.u8(OP.i64Const);
    this.#out.signed(value);
  }

  /** The size of a table, or of the memory, as an i64. */
  #emitSize(table: number | null): void {
    if (table === null) {
      this.#out.raw(OP.memorySize, 0, OP.i64ExtendI32U, OP.i64Const, 16, OP.i64Shl);
      return;
    }
    this.#out.raw(OP.bulk, BULK.tableSize);
    this.#out.u32(table);
    this.#out.u8(OP.i64ExtendI32U);
  }

  #pieceMost(): number {
    return this.#ofMemory ? BULK_PIECE_BYTES : BULK_PIECE_ELEMENTS;
  }

  /** `do { piece; } while (count != 0)`, upwards or downwards. */
  #emitPieces(downwards: boolean): void {
    const out = this.#out;
    const most = this.#pieceMost();
    out.raw(OP.loop, OP.emptyBlock, OP.localGet, COUNT, OP.i32Const);
    out.signed(most);
    out.raw(OP.localGet, COUNT, OP.i32Const);
    out.signed(most);
    out.raw(OP.i32LtU, OP.select, OP.localSet, PIECE);
    this.#emitCharge(PIECE);
    if (downwards) this.#emitTakeFromCount();
    this.#emitOperation(() => this.#get(PIECE), downwards);
    if (!downwards) {
      this.#emitAdvance(DESTINATION);
      if (this.#helper.kind !== 'memory.fill' && this.#helper.kind !== 'table.fill') {
        this.#emitAdvance(SOURCE);
      }
      this.#emitTakeFromCount();
    }
    out.raw(OP.localGet, COUNT, OP.brIf, 0, OP.end);
  }

  /** Charges for the length in the local `length`, and asks for the sign of fuel. */
  #emitCharge(length: number): void {
    const out = this.#out;
    out.raw(OP.localGet, FUEL, OP.localGet, length);
    emitI32(out, this.#ofMemory ? BULK_BYTES_PER_UNIT_LOG2 : COST_BULK_ELEMENT);
    out.raw(this.#ofMemory ? OP.i32ShrU : OP.i32Mul, OP.i32Sub, OP.localTee, FUEL);
    emitRefuelIfNegative(out, this.#layout, FUEL);
  }

  #emitAdvance(local: number): void {
    this.#out.raw(OP.localGet, local, OP.localGet, PIECE, OP.i32Add, OP.localSet, local);
  }

  #emitTakeFromCount(): void {
    this.#out.raw(OP.localGet, COUNT, OP.localGet, PIECE, OP.i32Sub, OP.localSet, COUNT);
  }

  /** The instruction, on `count` of what is left; `atEnd`: on the last ones, `count` being taken off. */
  #emitOperation(count: () => void, atEnd = false): void {
    const out = this.#out;
    for (const operand of [DESTINATION, SOURCE]) {
      this.#get(operand);
      if (atEnd) out.raw(OP.localGet, COUNT, OP.i32Add);
    }
    count();
    out.u8(OP.bulk);
    const helper = this.#helper;
    switch (helper.kind) {
      case 'memory.fill':
        out.raw(BULK.memoryFill, 0);
        return;
      case 'memory.copy':
        out.raw(BULK.memoryCopy, 0, 0);
        return;
      case 'memory.init':
        out.u8(BULK.memoryInit);
        out.u32(helper.segment);
        out.u8(0);
        return;
      case 'table.fill':
        out.u8(BULK.tableFill);
        out.u32(helper.table);
        return;
      case 'table.copy':
        out.u8(BULK.tableCopy);
        out.u32(helper.destination);
        out.u32(helper.source);
        return;
      case 'table.init':
        out.u8(BULK.tableInit);
        out.u32(helper.segment);
        out.u32(helper.table);
        return;
    }
  }
}
