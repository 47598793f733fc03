/** The walk over one function body: places charges, notes what must change, and measures the frame. */

import type { MeterCaps } from './caps.ts';
import {
  COST_CATCH,
  COST_FUNCTION,
  COST_LOOP,
  FRAME_BYTES,
  FRAME_BYTES_PER_SLOT,
  LEAF_FRAME_BYTES_FREE,
  SEGMENT_COST_AFTER_BRANCH_MAX,
  SEGMENT_COST_MAX,
  SLOTS_PER_UNIT,
} from './costs.ts';
import { CHARGE_CHECKED, CHARGE_RESTORE, EDIT, type EditList } from './edits.ts';
import type { Helper, HelperSet } from './helpers.ts';
import {
  COST_IMPORTED_SURCHARGE,
  IMMEDIATE,
  type Instruction,
  OPCODE,
  readInstruction,
  readMemoryIndex,
  skipSimpleImmediate,
} from './instructions.ts';
import type { DecodedModule, FunctionType } from './module.ts';
import { ByteReader } from './reader.ts';
import { invalid, refusedFeature, refusedSize } from './refusals.ts';
import {
  type BlockType,
  EXCEPTION_SLOTS,
  readBlockType,
  readHeapType,
  readValueType,
  slotsOf,
  type ValueType,
} from './value-types.ts';

/** What the rewriter must know of a body besides its edits. */
export interface FunctionPlan {
  readonly type: number;
  /** Where the body begins, with its local declarations. */
  readonly start: number;
  /** Groups of locals in the declarations. */
  readonly localGroups: number;
  /** Where the first group begins, after their count. */
  readonly localsStart: number;
  /** Where the instructions begin. */
  readonly codeStart: number;
  /** After the last `end`. */
  readonly end: number;
  /** Parameters and locals: the index of the first local that is added. */
  readonly locals: number;
  /** Its edits: `[firstEdit, lastEdit)`. */
  readonly firstEdit: number;
  readonly lastEdit: number;
  /** What a call of it adds to the depth; 0: nothing, the depth isn't counted. */
  readonly frameBytes: number;
  /** (locals + operands) × merges: what compiling it may cost. */
  readonly merges: number;
  /** The most ways that lead to one place in it. */
  readonly ways: number;
  /** Parameters and results over all its calls. */
  readonly callOperands: number;
}

const FRAME = { function: 0, block: 1, loop: 2, if: 3, else: 4, try: 5, catch: 6, tryTable: 7 };

interface Frame {
  kind: number;
  type: FunctionType;
  /** Operands below the block's own. */
  base: number;
  /** Whether a branch goes to the label. */
  targeted: boolean;
  /** Whether an exception handler of a `try_table` goes to the label. */
  caught: boolean;
  /** The place of the outermost block that a branch inside goes to; -1: out of the function. */
  outermost: number;
  /** The segment that the block stands in, and the cost at which that one is to be split. */
  readonly segment: number;
  readonly splitAt: number;
  /** A loop's own charge, at its header. */
  header: number;
  /** Branches to the label. */
  branches: number;
  /** In a try: calls that may lead to its handlers. */
  throws: number;
}

const OUT_OF_FUNCTION = -1;

/** So many slots of results leave no room in the caller's frame. */
const RESULT_SLOTS_IN_REGISTERS = 2;

/** Handlers of a `try_table`: 0 and 1 name a tag, 2 and 3 take every exception. */
const CATCH_KIND_ALL = 2;
const CATCH_KIND_MAX = 3;

const NO_TYPE: FunctionType = {
  parameters: [],
  results: [],
  parameterSlots: 0,
  resultSlots: 0,
  wide: false,
};

function oneResult(type: ValueType): FunctionType {
  const resultSlots = slotsOf(type);
  return { ...NO_TYPE, results: [type], resultSlots, wide: resultSlots > 1 };
}

/** Walks over bodies of one module, one after another. */
export class BodyWalker {
  readonly #module: DecodedModule;
  readonly #caps: MeterCaps;
  readonly #edits: EditList;
  readonly #helpers: HelperSet;
  readonly #valueBlocks = new Map<ValueType, FunctionType>();
  #localsTotal = 0;

  #reader: ByteReader;
  #type: FunctionType = NO_TYPE;
  readonly #frames: Frame[] = [];
  /** Slots of each operand. */
  #operands = new Uint8Array(256);
  #height = 0;
  #slots = 0;
  #slotsMax = 0;
  /** What a callee leaves in this frame besides the operands that it becomes, at most. */
  #returnedSlots = 0;
  /** Ends of the groups of locals by index, parameters included, and the slots of each one's locals. */
  readonly #groupEnds: number[] = [];
  readonly #groupSlots: number[] = [];
  #locals = 0;
  #wideLocals = false;
  /** Whether what follows can't be reached, until the end of the block it stands in. */
  #dead = false;
  #deadDepth = 0;
  #deadFrom = 0;
  /** The charge that instructions are added to, its cost so far, and the cost at which it is split. */
  #segment = 0;
  #segmentCost = 0;
  #splitAt = 0;
  #calls = false;
  /** The tries whose handlers what is here can lead to, the innermost last. */
  readonly #tries: Frame[] = [];
  #ways = 0;
  #merges = 0;
  #branchTargets = 0;
  #callOperands = 0;

  constructor(module: DecodedModule, caps: MeterCaps, edits: EditList, helpers: HelperSet) {
    this.#module = module;
    this.#caps = caps;
    this.#edits = edits;
    this.#helpers = helpers;
    this.#reader = new ByteReader(module.bytes, 0, 0);
  }

  /** Walks over `[start, end)`, the body of a function of the type with index `type`. */
  walk(type: number, start: number, end: number): FunctionPlan {
    const reader = new ByteReader(this.#module.bytes, start, end);
    const firstEdit = this.#edits.length;
    this.#begin(reader, this.#module.types[type]!);
    const localGroups = reader.count();
    const localsStart = reader.position;
    const localSlots = this.#readLocals(localGroups);
    const codeStart = reader.position;
    this.#pushFrame(FRAME.function, { ...this.#type, parameters: [], parameterSlots: 0 });
    const frameSlots = this.#type.parameterSlots + localSlots;
    this.#openSegment(codeStart, CHARGE_CHECKED);
    this.#charge(COST_FUNCTION + Math.floor(frameSlots / SLOTS_PER_UNIT));
    while (this.#frames.length > 0) this.#step();
    if (!reader.atEnd) throw invalid('a function goes on after its end', reader.position);
    const slots = frameSlots + this.#slotsMax + this.#returnedSlots;
    const bytes = FRAME_BYTES + FRAME_BYTES_PER_SLOT * slots;
    const counts = this.#calls || bytes > LEAF_FRAME_BYTES_FREE;
    return {
      type,
      start,
      localGroups,
      localsStart,
      codeStart,
      end,
      locals: this.#locals,
      firstEdit,
      lastEdit: this.#edits.length,
      frameBytes: counts ? bytes : 0,
      merges: this.#checkMerges(start),
      ways: this.#ways,
      callOperands: this.#callOperands,
    };
  }

  #begin(reader: ByteReader, type: FunctionType): void {
    this.#reader = reader;
    this.#type = type;
    this.#frames.length = 0;
    this.#height = 0;
    this.#slots = 0;
    this.#slotsMax = 0;
    this.#returnedSlots = 0;
    this.#dead = false;
    this.#calls = false;
    this.#tries.length = 0;
    this.#ways = 0;
    this.#merges = 0;
    this.#branchTargets = 0;
    this.#callOperands = 0;
  }

  #readLocals(groups: number): number {
    const reader = this.#reader;
    const start = reader.position;
    this.#groupEnds.length = 0;
    this.#groupSlots.length = 0;
    this.#locals = this.#type.parameters.length;
    this.#wideLocals = this.#type.wide;
    let slots = 0;
    for (let group = 0; group < groups; group++) {
      const count = reader.u32();
      const each = slotsOf(readValueType(reader));
      this.#locals += count;
      slots += count * each;
      if (this.#locals > this.#caps.locals) break;
      this.#groupEnds.push(this.#locals);
      this.#groupSlots.push(each);
      if (each > 1) this.#wideLocals = true;
    }
    // Two more are added.
    if (this.#locals + 2 > this.#caps.locals) {
      throw this.#tooMany('locals in a function', 'locals', this.#locals + 2, start);
    }
    this.#localsTotal += this.#locals;
    if (this.#localsTotal > this.#caps.localsTotal) {
      throw this.#tooMany('locals in its functions', 'localsTotal', this.#localsTotal, start);
    }
    return slots;
  }

  #tooMany(what: string, cap: keyof MeterCaps, value: number, offset: number): Error {
    return refusedSize(what, cap, value, this.#caps[cap], offset);
  }

  #checkMerges(start: number): number {
    const merges = (this.#locals + this.#slotsMax) * this.#merges;
    if (merges > this.#caps.merges) {
      throw this.#tooMany('locals times branches in a function', 'merges', merges, start);
    }
    return merges;
  }

  #slotsOfLocal(index: number): number {
    if (!this.#wideLocals) return 1;
    const { parameters } = this.#type;
    if (index < parameters.length) return slotsOf(parameters[index]!);
    let low = 0;
    let high = this.#groupEnds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#groupEnds[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return this.#groupSlots[low] ?? 1;
  }

  // Operands

  #push(slots: number): void {
    if (this.#height >= this.#operands.length) {
      const grown = new Uint8Array(this.#operands.length * 2);
      grown.set(this.#operands);
      this.#operands = grown;
    }
    this.#operands[this.#height++] = slots;
    this.#growSlots(slots);
  }

  #growSlots(slots: number): void {
    this.#slots += slots;
    if (this.#slots <= this.#slotsMax) return;
    this.#slotsMax = this.#slots;
    if (this.#slots > this.#caps.operands) {
      throw this.#tooMany('operands at once', 'operands', this.#slots, this.#reader.position);
    }
  }

  #pop(): number {
    const base = this.#frames[this.#frames.length - 1]!.base;
    if (this.#height <= base) throw invalid('an operand is missing', this.#reader.position);
    const slots = this.#operands[--this.#height]!;
    this.#slots -= slots;
    return slots;
  }

  #popMany(count: number): void {
    for (let index = 0; index < count; index++) this.#pop();
  }

  #pushTypes(types: readonly ValueType[]): void {
    for (let index = 0; index < types.length; index++) this.#push(slotsOf(types[index]!));
  }

  #dropTo(height: number): void {
    while (this.#height > height) this.#slots -= this.#operands[--this.#height]!;
  }

  // Segments

  #openSegment(at: number, flags: number): void {
    this.#segment = this.#edits.add(EDIT.charge | flags, at, at, 0);
    if ((flags & CHARGE_CHECKED) !== 0) this.#mayThrow();
    this.#splitAt = SEGMENT_COST_MAX;
    this.#segmentCost = 0;
  }

  #charge(cost: number): void {
    this.#segmentCost += cost;
    if (cost > 0) this.#edits.increase(this.#segment, cost);
  }

  /** Goes on in the segment that the block of `frame` stands in. */
  #resumeSegment(frame: Frame): void {
    this.#segment = frame.segment;
    this.#splitAt = frame.splitAt;
    this.#segmentCost = this.#edits.value(frame.segment);
  }

  // Control

  #pushFrame(kind: number, type: FunctionType): Frame {
    const base = this.#height - type.parameters.length;
    if (base < 0) throw invalid('a block has too few operands', this.#reader.position);
    const frame = {
      kind,
      type,
      base,
      targeted: false,
      caught: false,
      outermost: this.#frames.length,
      segment: this.#segment,
      splitAt: this.#splitAt,
      header: this.#segment,
      branches: 0,
      throws: 0,
    };
    this.#frames.push(frame);
    this.#merges++;
    if (this.#frames.length > this.#caps.nesting) {
      const offset = this.#reader.position;
      throw this.#tooMany('blocks inside each other', 'nesting', this.#frames.length, offset);
    }
    return frame;
  }

  #blockType(type: BlockType, offset: number): FunctionType {
    if (type.kind === 'empty') return NO_TYPE;
    if (type.kind === 'index') {
      const found = this.#module.types[type.index];
      if (!found) throw invalid(`there is no type ${type.index}`, offset);
      return found;
    }
    let known = this.#valueBlocks.get(type.type);
    if (!known) {
      known = oneResult(type.type);
      this.#valueBlocks.set(type.type, known);
    }
    return known;
  }

  /** Notes a branch to the label `depth`; answers the place of its frame. */
  #target(depth: number): number {
    const place = this.#frames.length - 1 - depth;
    const frame = this.#frames[place];
    if (!frame) throw invalid(`there is no label ${depth}`, this.#reader.position);
    frame.targeted = true;
    this.#countWays(++frame.branches);
    this.#exitTo(place);
    this.#merges++;
    return place;
  }

  /** Bounds the ways to one place: with more than 65,535 of them V8's compiler aborts the process. */
  #countWays(ways: number): void {
    if (ways <= this.#ways) return;
    this.#ways = ways;
    if (ways > this.#caps.ways) {
      throw this.#tooMany('branches to one place', 'ways', ways, this.#reader.position);
    }
  }

  /** Notes a call, one that is injected too: it may lead to the handlers of the innermost try. */
  #mayThrow(): void {
    const frame = this.#tries[this.#tries.length - 1];
    if (!frame) return;
    this.#countWays(++frame.throws);
    this.#merges++;
  }

  /** Ends the part of a try that its handlers are for; what they don't take goes to those around. */
  #endTry(delegated: boolean): void {
    const frame = this.#tries.pop();
    const outer = this.#tries[this.#tries.length - 1];
    if (!frame || !outer) return;
    outer.throws += delegated ? frame.throws : 1;
    this.#countWays(outer.throws);
  }

  /** Notes that control may go from here to the end of the frame at `place` or to its header. */
  #exitTo(place: number): void {
    const frame = this.#frames[this.#frames.length - 1]!;
    if (place < frame.outermost) frame.outermost = place;
  }

  #die(): void {
    this.#dead = true;
    this.#deadDepth = 0;
    this.#deadFrom = this.#reader.position;
  }

  #revive(at: number): void {
    if (this.#dead && at > this.#deadFrom) this.#edits.add(EDIT.skip, this.#deadFrom, at, 0);
    this.#dead = false;
  }

  #step(): void {
    const reader = this.#reader;
    const at = reader.position;
    const instruction = readInstruction(reader);
    if (this.#dead) {
      this.#stepDead(instruction, at);
      return;
    }
    if (this.#segmentCost + instruction.cost > this.#splitAt && this.#segmentCost > 0) {
      this.#openSegment(at, CHARGE_CHECKED);
    }
    this.#charge(instruction.cost);
    if (instruction.immediate === IMMEDIATE.none && instruction.code > OPCODE.select) {
      this.#apply(instruction);
    } else if (instruction.immediate >= IMMEDIATE.index) {
      if (instruction.immediate === IMMEDIATE.heapType) readHeapType(reader);
      else skipSimpleImmediate(reader, instruction.immediate);
      this.#apply(instruction);
    } else if (instruction.immediate >= IMMEDIATE.local) this.#stepIndexed(instruction, at);
    else this.#stepControl(instruction, at);
  }

  #apply(instruction: Instruction): void {
    this.#popMany(instruction.pops);
    if (instruction.pushes > 0) this.#push(instruction.pushes);
  }

  /** Only finds the end of what can't be reached; all of it is left out. */
  #stepDead(instruction: Instruction, at: number): void {
    const { code } = instruction;
    if (code === OPCODE.end || code === OPCODE.delegate) {
      if (this.#deadDepth === 0) {
        this.#stepControl(instruction, at);
        return;
      }
      this.#deadDepth--;
    } else if (code === OPCODE.else || code === OPCODE.catch || code === OPCODE.catchAll) {
      if (this.#deadDepth === 0) {
        this.#stepControl(instruction, at);
        return;
      }
    } else if (instruction.immediate === IMMEDIATE.block || code === OPCODE.tryTable) {
      this.#deadDepth++;
    }
    this.#skipImmediates(instruction.immediate);
  }

  #skipImmediates(immediate: number): void {
    const reader = this.#reader;
    switch (immediate) {
      case IMMEDIATE.block:
        readBlockType(reader);
        return;
      case IMMEDIATE.tryTable:
        readBlockType(reader);
        this.#readCatches(false);
        return;
      case IMMEDIATE.tag:
      case IMMEDIATE.label:
      case IMMEDIATE.call:
      case IMMEDIATE.local:
      case IMMEDIATE.global:
      case IMMEDIATE.function:
      case IMMEDIATE.table:
        reader.u32();
        return;
      case IMMEDIATE.labels:
        for (let left = reader.count() + 1; left > 0; left--) reader.u32();
        return;
      case IMMEDIATE.callIndirect:
      case IMMEDIATE.tableCopy:
      case IMMEDIATE.tableInit:
        reader.u32();
        reader.u32();
        return;
      case IMMEDIATE.selectTypes:
        for (let left = reader.count(); left > 0; left--) readValueType(reader);
        return;
      case IMMEDIATE.memory:
        readMemoryIndex(reader);
        return;
      case IMMEDIATE.memoryCopy:
        readMemoryIndex(reader);
        readMemoryIndex(reader);
        return;
      case IMMEDIATE.memoryInit:
        reader.u32();
        readMemoryIndex(reader);
        return;
      case IMMEDIATE.heapType:
        readHeapType(reader);
        return;
      default:
        skipSimpleImmediate(reader, immediate as Instruction['immediate']);
    }
  }

  #stepControl(instruction: Instruction, at: number): void {
    switch (instruction.code) {
      case OPCODE.unreachable:
        this.#die();
        return;
      case OPCODE.block:
      case OPCODE.loop:
      case OPCODE.if:
      case OPCODE.try:
        this.#beginBlock(instruction.code);
        return;
      case OPCODE.tryTable:
        this.#beginTryTable();
        return;
      case OPCODE.else:
        this.#otherwise(at);
        return;
      case OPCODE.catch:
      case OPCODE.catchAll:
        this.#handler(instruction.code, at);
        return;
      case OPCODE.delegate:
        this.#checkLabel(this.#reader.u32(), 1);
        this.#endBlock(at, true);
        return;
      case OPCODE.end:
        this.#endBlock(at);
        return;
      case OPCODE.br:
        this.#target(this.#reader.u32());
        this.#die();
        return;
      case OPCODE.brIf:
        this.#pop();
        this.#target(this.#reader.u32());
        this.#splitAt = Math.min(this.#splitAt, this.#segmentCost + SEGMENT_COST_AFTER_BRANCH_MAX);
        return;
      case OPCODE.brTable:
        this.#branchTable();
        return;
      case OPCODE.return:
        this.#edits.add(EDIT.return, at, this.#reader.position, this.#frames.length - 1);
        this.#countWays(++this.#frames[0]!.branches);
        this.#exitTo(OUT_OF_FUNCTION);
        this.#die();
        return;
      case OPCODE.call:
      case OPCODE.callIndirect:
      case OPCODE.returnCall:
      case OPCODE.returnCallIndirect:
        this.#call(instruction.code, at);
        return;
      case OPCODE.throw:
        this.#requireTag();
        this.#mayThrow();
        this.#exitTo(OUT_OF_FUNCTION);
        this.#die();
        return;
      case OPCODE.rethrow:
        this.#checkLabel(this.#reader.u32(), 0);
        this.#mayThrow();
        this.#exitTo(OUT_OF_FUNCTION);
        this.#die();
        return;
      case OPCODE.throwRef:
        this.#mayThrow();
        this.#exitTo(OUT_OF_FUNCTION);
        this.#die();
        return;
      case OPCODE.select: {
        this.#pop();
        const slots = this.#pop();
        this.#pop();
        this.#push(slots);
        return;
      }
      default:
        this.#apply(instruction);
    }
  }

  #checkLabel(depth: number, outside: number): void {
    if (depth + outside >= this.#frames.length) {
      throw invalid(`there is no label ${depth}`, this.#reader.position);
    }
  }

  #requireTag(): FunctionType {
    const at = this.#reader.position;
    const type = this.#module.tags[this.#reader.u32()];
    if (type === undefined) throw invalid('there is no such tag', at);
    return this.#module.types[type]!;
  }

  #beginBlock(code: number): void {
    const at = this.#reader.position;
    if (code === OPCODE.if) this.#pop();
    const type = this.#blockType(readBlockType(this.#reader), at);
    if (code === OPCODE.block) {
      this.#pushFrame(FRAME.block, type);
      return;
    }
    const inside = this.#reader.position;
    if (code === OPCODE.loop) {
      const frame = this.#pushFrame(FRAME.loop, type);
      this.#openSegment(inside, CHARGE_CHECKED);
      this.#charge(COST_LOOP);
      frame.header = this.#segment;
      return;
    }
    const frame = this.#pushFrame(code === OPCODE.if ? FRAME.if : FRAME.try, type);
    if (code === OPCODE.if) this.#openSegment(inside, 0);
    else this.#tries.push(frame);
  }

  #beginTryTable(): void {
    const at = this.#reader.position;
    const type = this.#blockType(readBlockType(this.#reader), at);
    const outermost = this.#readCatches(true);
    const frame = this.#pushFrame(FRAME.tryTable, type);
    frame.outermost = Math.min(frame.outermost, outermost);
    this.#tries.push(frame);
  }

  /** Reads the handlers of a `try_table`; answers the place of the outermost frame they lead to. */
  #readCatches(live: boolean): number {
    const reader = this.#reader;
    let outermost = this.#frames.length;
    for (let left = reader.count(); left > 0; left--) {
      const at = reader.position;
      const kind = reader.u8();
      if (kind > CATCH_KIND_MAX) throw refusedFeature(`an unknown kind of handler (${kind})`, at);
      if (kind < CATCH_KIND_ALL) this.#requireTag();
      const label = reader.u32();
      if (!live) continue;
      const place = this.#target(label);
      const frame = this.#frames[place]!;
      frame.caught = true;
      if (frame.kind === FRAME.loop) this.#edits.flag(frame.header, CHARGE_RESTORE);
      outermost = Math.min(outermost, place);
    }
    return outermost;
  }

  /** Leaves one arm or handler of the innermost block at `at`, for another one. */
  #nextArm(at: number, kinds: readonly number[], kind: number): Frame {
    const frame = this.#frames[this.#frames.length - 1]!;
    if (!kinds.includes(frame.kind)) throw invalid('an arm belongs to no block', at);
    this.#checkArmEnd(frame, at);
    this.#revive(at);
    this.#dropTo(frame.base);
    frame.kind = kind;
    this.#merges++;
    return frame;
  }

  #checkArmEnd(frame: Frame, at: number): void {
    if (!this.#dead && this.#height !== frame.base + frame.type.results.length) {
      throw invalid('a block leaves another number of operands than its type says', at);
    }
  }

  #otherwise(at: number): void {
    const frame = this.#nextArm(at, [FRAME.if], FRAME.else);
    this.#pushTypes(frame.type.parameters);
    this.#openSegment(this.#reader.position, 0);
  }

  #handler(code: number, at: number): void {
    const first = this.#frames[this.#frames.length - 1]!.kind === FRAME.try;
    if (first) this.#endTry(false);
    this.#nextArm(at, [FRAME.try, FRAME.catch], FRAME.catch);
    // A handler of the legacy form keeps its exception for a rethrow.
    if (first) this.#growSlots(EXCEPTION_SLOTS);
    if (code === OPCODE.catch) this.#pushTypes(this.#requireTag().parameters);
    this.#openHandlerSegment(this.#reader.position);
  }

  /** Where control may come from an exception: the host may have thrown it, after it ended the agent. */
  #openHandlerSegment(at: number): void {
    this.#openSegment(at, CHARGE_CHECKED | CHARGE_RESTORE);
    this.#charge(COST_CATCH);
  }

  #endBlock(at: number, delegated = false): void {
    const frame = this.#frames[this.#frames.length - 1]!;
    if (frame.kind === FRAME.try || frame.kind === FRAME.tryTable) this.#endTry(delegated);
    this.#checkArmEnd(frame, at);
    const fallsThrough = !this.#dead;
    this.#revive(at);
    this.#frames.pop();
    if (this.#frames.length === 0) return;
    if (frame.kind === FRAME.catch) this.#slots -= EXCEPTION_SLOTS;
    this.#dropTo(frame.base);
    this.#pushTypes(frame.type.results);
    const exits = frame.outermost < this.#frames.length;
    this.#exitTo(frame.outermost);
    this.#continueAfter(frame, exits, fallsThrough);
  }

  /** Decides which segment the code after a block belongs to. */
  #continueAfter(frame: Frame, exits: boolean, fallsThrough: boolean): void {
    const after = this.#reader.position;
    const { kind } = frame;
    const legacyTry = kind === FRAME.try || kind === FRAME.catch;
    if (kind === FRAME.loop) {
      if (exits) this.#openSegment(after, 0);
      else this.#resumeSegment(frame);
    } else if (frame.caught) {
      this.#openHandlerSegment(after);
    } else if (kind === FRAME.if || kind === FRAME.else) {
      // Both arms come out here, so what follows runs whenever what stood before did.
      if (exits) this.#openSegment(after, 0);
      else this.#resumeSegment(frame);
    } else if (legacyTry || frame.targeted || !fallsThrough) {
      this.#openSegment(after, 0);
    }
  }

  #branchTable(): void {
    const reader = this.#reader;
    const at = reader.position;
    this.#pop();
    const count = reader.count() + 1;
    this.#branchTargets += count;
    if (this.#branchTargets > this.#caps.branchTargets) {
      throw this.#tooMany('branch targets in a function', 'branchTargets', this.#branchTargets, at);
    }
    for (let left = count; left > 0; left--) this.#target(reader.u32());
    this.#die();
  }

  #call(code: number, at: number): void {
    const reader = this.#reader;
    const indexAt = reader.position;
    const index = reader.u32();
    const indexEnd = reader.position;
    const tail = code === OPCODE.returnCall || code === OPCODE.returnCallIndirect;
    const direct = code === OPCODE.call || code === OPCODE.returnCall;
    const typeIndex = direct ? this.#module.functions[index] : index;
    const type = this.#module.types[typeIndex ?? -1];
    if (!type) throw invalid(`there is no function or type ${index}`, indexAt);
    if (!direct) {
      this.#requireTable();
      this.#pop();
    }
    const imported = direct && index < this.#module.imported.function;
    if (tail) this.#edits.add(EDIT.leave, at, at, 0);
    if (direct) this.#noteCallee(index, imported && tail, indexAt, indexEnd);
    this.#countCall(type, imported, at);
    if (tail) {
      this.#exitTo(OUT_OF_FUNCTION);
      this.#die();
      return;
    }
    this.#calls = true;
    const inMemory = type.resultSlots - RESULT_SLOTS_IN_REGISTERS;
    this.#returnedSlots = Math.max(this.#returnedSlots, inMemory);
    this.#popMany(type.parameters.length);
    this.#pushTypes(type.results);
    if (imported) this.#edits.add(EDIT.poll, reader.position, reader.position, 0);
  }

  /** The new index of a callee: an imported one that is called last is called through its wrapper. */
  #noteCallee(index: number, wrapped: boolean, at: number, end: number): void {
    if (wrapped) this.#helpers.need({ kind: 'wrapper', target: index }, at);
    this.#edits.add(wrapped ? EDIT.referenceIndex : EDIT.functionIndex, at, end, index);
  }

  #countCall(type: FunctionType, imported: boolean, at: number): void {
    const operands = type.parameterSlots + type.resultSlots;
    this.#charge(Math.floor(operands / SLOTS_PER_UNIT));
    if (imported) this.#charge(COST_IMPORTED_SURCHARGE);
    this.#mayThrow();
    if (imported) this.#mayThrow();
    this.#callOperands += operands;
    if (this.#callOperands > this.#caps.callOperands) {
      throw this.#tooMany(
        'parameters and results in the calls of a function',
        'callOperands',
        this.#callOperands,
        at,
      );
    }
  }

  #requireTable(): number {
    const at = this.#reader.position;
    const index = this.#reader.u32();
    if (index >= this.#module.tables.length) throw invalid(`there is no table ${index}`, at);
    return index;
  }

  #requireSegment(count: number): number {
    const at = this.#reader.position;
    const index = this.#reader.u32();
    if (index >= count) throw invalid(`there is no segment ${index}`, at);
    return index;
  }

  // Instructions with an index

  #stepIndexed(instruction: Instruction, at: number): void {
    const reader = this.#reader;
    switch (instruction.immediate) {
      case IMMEDIATE.local:
        this.#local(instruction.code, at);
        return;
      case IMMEDIATE.global:
        this.#global(instruction.code);
        return;
      case IMMEDIATE.function: {
        const indexAt = reader.position;
        const index = reader.u32();
        if (index >= this.#module.functions.length) {
          throw invalid(`there is no function ${index}`, indexAt);
        }
        const imported = index < this.#module.imported.function;
        if (imported) this.#helpers.need({ kind: 'wrapper', target: index }, indexAt);
        this.#edits.add(EDIT.referenceIndex, indexAt, reader.position, index);
        this.#apply(instruction);
        return;
      }
      case IMMEDIATE.selectTypes: {
        if (reader.count() !== 1) throw invalid('a select has not one type', at);
        const slots = slotsOf(readValueType(reader));
        this.#popMany(3);
        this.#push(slots);
        return;
      }
      default: {
        const helper = this.#readHelper(instruction);
        if (helper) {
          this.#mayThrow();
          this.#edits.add(EDIT.helper, at, reader.position, this.#helpers.need(helper, at));
        }
        this.#apply(instruction);
      }
    }
  }

  #local(code: number, at: number): void {
    const index = this.#reader.u32();
    if (index >= this.#locals) throw invalid(`there is no local ${index}`, at);
    if (code !== OPCODE.localGet) this.#pop();
    if (code !== OPCODE.localSet) this.#push(this.#slotsOfLocal(index));
  }

  #global(code: number): void {
    const at = this.#reader.position;
    const index = this.#reader.u32();
    const slots = this.#module.globals[index];
    if (slots === undefined) throw invalid(`there is no global ${index}`, at);
    if (index >= this.#module.imported.global) {
      this.#edits.add(EDIT.globalIndex, at, this.#reader.position, index);
    }
    if (code === OPCODE.globalSet) this.#pop();
    else this.#push(slots);
  }

  /** Reads the immediates of memory and table instructions; answers the helper that replaces it, if any. */
  #readHelper({ code, immediate }: Instruction): Helper | null {
    const reader = this.#reader;
    switch (immediate) {
      case IMMEDIATE.memory:
        readMemoryIndex(reader);
        if (code === OPCODE.memoryGrow) return { kind: 'memory.grow' };
        return code === OPCODE.memoryFill ? { kind: 'memory.fill' } : null;
      case IMMEDIATE.memoryCopy:
        readMemoryIndex(reader);
        readMemoryIndex(reader);
        return { kind: 'memory.copy' };
      case IMMEDIATE.memoryInit: {
        const segment = this.#requireSegment(this.#module.dataSegments.length);
        readMemoryIndex(reader);
        return { kind: 'memory.init', segment };
      }
      case IMMEDIATE.tableCopy: {
        const destination = this.#requireTable();
        return { kind: 'table.copy', destination, source: this.#requireTable() };
      }
      case IMMEDIATE.tableInit: {
        const segment = this.#requireSegment(this.#module.elementSegments.length);
        return { kind: 'table.init', segment, table: this.#requireTable() };
      }
      default: {
        const table = this.#requireTable();
        if (code === OPCODE.tableGrow) return { kind: 'table.grow', table };
        return code === OPCODE.tableFill ? { kind: 'table.fill', table } : null;
      }
    }
  }
}
