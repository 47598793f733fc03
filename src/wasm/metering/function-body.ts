/** The walk over one function body: places charges, notes what must change, and measures the frame. */

import type { MeterCaps } from './caps.ts';
import {
  ALLOCATED_BYTES_PER_UNIT_LOG2,
  ALLOCATION_HEADER_BYTES,
  ARM_COST_MAX,
  COST_CATCH,
  COST_FUNCTION,
  COST_LOOP,
  FRAME_BYTES,
  FRAME_BYTES_PER_SLOT,
  LEAF_FRAME_BYTES_FREE,
  SLOTS_PER_UNIT,
} from './costs.ts';
import {
  CALL_INDEX_64,
  CHARGE_CHECKED,
  CHARGE_LOOP,
  CHARGE_RESTORE,
  EDIT,
  type EditList,
} from './edits.ts';
import { FRAME, type Frame, FrameStack } from './frames.ts';
import type { Helper, HelperSet } from './helpers.ts';
import { CATCH_KIND_ALL, readCastFlags, readCatchKind, skipImmediates } from './immediates.ts';
import {
  COST_IMPORTED_SURCHARGE,
  IMMEDIATE,
  type Instruction,
  OPCODE,
  readInstruction,
  skipSimpleImmediate,
} from './instructions.ts';
import { NO_LEAF } from './leaves.ts';
import { Locals } from './locals.ts';
import {
  type Composite,
  type DecodedModule,
  type Field,
  type FunctionType,
  NO_TYPE,
} from './module.ts';
import { OperandStack } from './operands.ts';
import { ByteReader } from './reader.ts';
import { ADDED_PARAMETERS, type References } from './references.ts';
import { invalid, refusedSize } from './refusals.ts';
import { Segments } from './segments.ts';
import {
  type BlockType,
  EXCEPTION_SLOTS,
  readBlockType,
  readHeapType,
  readValueType,
  slotsOf,
  type ValueType,
} from './value-types.ts';

/** Locals that are added besides, as {@link KeptIndex} says. */
const ADDED_LOCALS = 1;
const ADDED_LOCALS_64 = 2;

/** Which indices of tables must be kept in a local while a call through one is made. */
export interface KeptIndex {
  readonly of32: boolean;
  readonly of64: boolean;
}

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
  /** Parameters and locals. */
  readonly locals: number;
  /** Whether it is charged where it is called, and else as it was. */
  readonly leaf: boolean;
  /** Parameters: the index of the first that is added. */
  readonly parameters: number;
  /** What a call of it takes off the depth; 0: nothing, the depth isn't counted. */
  readonly frameBytes: number;
  /** Whether it calls through tables, and needs locals for that. */
  readonly keepsIndex: KeptIndex;
  /** Whether a branch goes to the function's own label. */
  readonly targeted: boolean;
  /** Whether an exception handler goes there. */
  readonly caught: boolean;
  /** (locals + operands) × merges: what compiling it may cost. */
  readonly merges: number;
  /** The most ways that lead to one place in it. */
  readonly ways: number;
  /** Parameters and results over all its calls. */
  readonly callOperands: number;
  /** Whether it may change a table, or drop a segment: no host can put that back. */
  readonly leavesTraces: boolean;
  /** Injected questions for the sign of fuel, those of a loop that suspends outside of itself twice. */
  readonly questions: number;
}

const OUT_OF_FUNCTION = -1;

/** Labels around a loop that suspends outside of itself. */
const LOOP_LABELS = 3;

/** So many slots of results leave no room in the caller's frame. */
const RESULT_SLOTS_IN_REGISTERS = 2;

function oneResult(type: ValueType): FunctionType {
  const resultSlots = slotsOf(type);
  return { ...NO_TYPE, results: [type], resultSlots, wide: resultSlots > 1 };
}

/** What a walk over a body may use of its module. */
export interface WalkInput {
  readonly module: DecodedModule;
  readonly caps: MeterCaps;
  /** What each function of the module's own costs where it is a leaf. */
  readonly leaves: Int8Array;
  readonly edits: EditList;
  readonly helpers: HelperSet;
  readonly references: References;
}

/** Walks over bodies of one module, one after another. */
export class BodyWalker {
  readonly #module: DecodedModule;
  readonly #caps: MeterCaps;
  readonly #leaves: Int8Array;
  readonly #edits: EditList;
  readonly #helpers: HelperSet;
  /** Whether bodies take fuel and depth. */
  readonly #threads: boolean;
  readonly #valueBlocks = new Map<ValueType, FunctionType>();
  readonly #resultTypes = new Map<FunctionType, FunctionType>();
  readonly #operands = new OperandStack();
  readonly #segments: Segments;
  readonly #locals = new Locals();
  #localsTotal = 0;

  #reader: ByteReader;
  #type: FunctionType = NO_TYPE;
  readonly #frames = new FrameStack();
  /** What a callee leaves in this frame besides the operands that it becomes, at most. */
  #returnedSlots = 0;
  #leaf = false;
  /** Whether what follows can't be reached, until the end of the block it stands in. */
  #dead = false;
  #deadDepth = 0;
  #deadFrom = 0;
  #calls = false;
  #keepsIndex32 = false;
  #keepsIndex64 = false;
  /** The innermost loop, as long as it can suspend outside of itself, and the labels that leave it. */
  #candidate: Frame | null = null;
  #candidatePlace = 0;
  readonly #candidateExits: number[] = [];
  /** Whether branches are noted, because a handler may lead to their labels. */
  #tracking = false;
  #needsTracking = false;
  /** The tries whose handlers what is here can lead to, the innermost last. */
  readonly #tries: Frame[] = [];
  #ways = 0;
  #merges = 0;
  #branchTargets = 0;
  #callOperands = 0;
  #leavesTraces = false;
  #questions = 0;
  /** Parameters and locals that are added to a function at most. */
  readonly #addedLocals: number;

  constructor({ module, caps, leaves, edits, helpers, references }: WalkInput) {
    this.#threads = references === 'threaded';
    this.#module = module;
    this.#caps = caps;
    this.#leaves = leaves;
    this.#edits = edits;
    this.#helpers = helpers;
    this.#segments = new Segments(edits);
    const tables64 = module.tables.some(({ is64 }) => is64);
    this.#addedLocals = ADDED_PARAMETERS + (tables64 ? ADDED_LOCALS_64 : ADDED_LOCALS);
    this.#reader = new ByteReader(module.bytes, 0, 0);
  }

  /** Walks over the body of the function `index` of the module's own; its edits are in the list then. */
  walk(index: number): FunctionPlan {
    this.#tracking = false;
    const plan = this.#walkOnce(index);
    if (plan !== null) return plan;
    // A `try_table` was met: branches before it may lead to where its handlers do.
    this.#tracking = true;
    return this.#walkOnce(index)!;
  }

  #walkOnce(index: number): FunctionPlan | null {
    const { start, end } = this.#module.bodies[index]!;
    const type = this.#module.functions[this.#module.imported.function + index]!;
    const leaf = this.#leaves[index] !== NO_LEAF;
    const reader = new ByteReader(this.#module.bytes, start, end, this.#module.use);
    this.#begin(reader, this.#module.functionType(type), leaf);
    const localGroups = reader.count();
    const localsStart = reader.position;
    const localSlots = this.#readLocals(localGroups);
    const codeStart = reader.position;
    const frame = this.#pushFrame(FRAME.function, this.#resultsOf(this.#type));
    const frameSlots = this.#type.parameterSlots + localSlots;
    this.#openSegment(codeStart, CHARGE_CHECKED);
    this.#segments.charge(COST_FUNCTION + Math.floor(frameSlots / SLOTS_PER_UNIT));
    while (this.#frames.height > 0) {
      this.#step();
      if (this.#needsTracking && !this.#tracking) return null;
    }
    if (!reader.atEnd) throw invalid('a function goes on after its end', reader.position);
    this.#localsTotal += this.#locals.count;
    const slots = frameSlots + this.#operands.slotsMax + this.#returnedSlots;
    const bytes = FRAME_BYTES + FRAME_BYTES_PER_SLOT * slots;
    const counts = this.#calls || bytes > LEAF_FRAME_BYTES_FREE;
    return {
      type,
      start,
      localGroups,
      localsStart,
      codeStart,
      end,
      leaf,
      parameters: this.#type.parameters.length,
      locals: this.#locals.count,
      frameBytes: counts && !leaf ? bytes : 0,
      keepsIndex: { of32: this.#keepsIndex32, of64: this.#keepsIndex64 },
      targeted: frame.targeted,
      caught: frame.caught,
      merges: this.#checkMerges(start),
      ways: this.#ways,
      callOperands: this.#callOperands,
      leavesTraces: this.#leavesTraces,
      questions: this.#checkQuestions(start),
    };
  }

  #begin(reader: ByteReader, type: FunctionType, leaf: boolean): void {
    this.#reader = reader;
    this.#type = type;
    this.#leaf = leaf;
    this.#edits.clear();
    this.#segments.begin(!leaf);
    this.#operands.clear();
    this.#frames.clear();
    this.#returnedSlots = 0;
    this.#dead = false;
    this.#calls = false;
    this.#keepsIndex32 = false;
    this.#keepsIndex64 = false;
    this.#candidate = null;
    this.#needsTracking = false;
    this.#tries.length = 0;
    this.#ways = 0;
    this.#merges = 0;
    this.#branchTargets = 0;
    this.#callOperands = 0;
    this.#leavesTraces = false;
    this.#questions = 0;
  }

  #readLocals(groups: number): number {
    const reader = this.#reader;
    const start = reader.position;
    const locals = this.#locals;
    const slots = locals.read(reader, groups, this.#type, this.#caps.locals);
    const withAdded = locals.count + this.#addedLocals;
    if (withAdded > this.#caps.locals) {
      throw this.#tooMany('locals in a function', 'locals', withAdded, start);
    }
    const total = this.#localsTotal + locals.count;
    if (total > this.#caps.localsTotal) {
      throw this.#tooMany('locals in its functions', 'localsTotal', total, start);
    }
    return slots;
  }

  #tooMany(what: string, cap: keyof MeterCaps, value: number, offset: number): Error {
    return refusedSize(what, cap, value, this.#caps[cap], offset);
  }

  #checkMerges(start: number): number {
    const merges = (this.#locals.count + this.#operands.slotsMax) * this.#merges;
    if (merges > this.#caps.merges) {
      throw this.#tooMany('locals times branches in a function', 'merges', merges, start);
    }
    return merges;
  }

  #checkHandlers(handlers: number, at: number): void {
    if (handlers > this.#caps.handlers) {
      throw this.#tooMany('handlers of one try', 'handlers', handlers, at);
    }
  }

  #checkQuestions(start: number): number {
    if (this.#questions > this.#caps.questions) {
      throw this.#tooMany(
        'loops, handlers and calls of imports in a function',
        'questions',
        this.#questions,
        start,
      );
    }
    return this.#questions;
  }

  // Operands

  #push(slots: number): void {
    this.#operands.push(slots);
    this.#checkSlots();
  }

  #checkSlots(): void {
    const { slots } = this.#operands;
    if (slots > this.#caps.operands) {
      throw this.#tooMany('operands at once', 'operands', slots, this.#reader.position);
    }
  }

  #pop(): number {
    const base = this.#frames.top.base;
    if (this.#operands.height <= base) {
      throw invalid('an operand is missing', this.#reader.position);
    }
    return this.#operands.pop();
  }

  #popMany(count: number): void {
    for (let index = 0; index < count; index++) this.#pop();
  }

  #pushTypes(types: readonly ValueType[]): void {
    for (let index = 0; index < types.length; index++) this.#push(slotsOf(types[index]!));
  }

  // Control

  #openSegment(at: number, flags: number): void {
    this.#segments.open(at, flags);
    if ((flags & CHARGE_CHECKED) === 0) return;
    this.#questions++;
    this.#mayThrow();
  }

  #pushFrame(kind: number, type: FunctionType): Frame {
    const base = this.#operands.height - type.parameters.length;
    if (base < 0) throw invalid('a block has too few operands', this.#reader.position);
    const frame = this.#frames.push(kind, type, base, this.#segments);
    this.#merges++;
    if (this.#frames.height > this.#caps.nesting) {
      const offset = this.#reader.position;
      throw this.#tooMany('blocks inside each other', 'nesting', this.#frames.height, offset);
    }
    return frame;
  }

  /** A block's type that leaves what functions of `type` do: their parameters are no operands. */
  #resultsOf(type: FunctionType): FunctionType {
    if (type.parameters.length === 0) return type;
    let found = this.#resultTypes.get(type);
    if (!found) {
      found = { ...type, parameters: [], parameterSlots: 0 };
      this.#resultTypes.set(type, found);
    }
    return found;
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

  /** Reads a label and notes a branch to it. */
  #branch(save: number): void {
    const at = this.#reader.position;
    const depth = this.#reader.u32();
    const place = this.#target(depth);
    if (save >= 0) this.#frames.at(place)!.saves.push(save);
    this.#noteLabel(at, depth);
  }

  /** The label `depth`, written at `at`, moves where it is outside of a loop that suspends outside of itself. */
  #noteLabel(at: number, depth: number): void {
    const place = this.#frames.height - 1 - depth;
    if (this.#candidate === null || place >= this.#candidatePlace) return;
    this.#candidateExits.push(this.#edits.add(EDIT.label, at, this.#reader.position, depth));
  }

  /** Notes a branch to the label `depth`; answers the place of its frame. */
  #target(depth: number): number {
    const place = this.#frames.height - 1 - depth;
    const frame = this.#frames.at(place);
    if (!frame) throw invalid(`there is no label ${depth}`, this.#reader.position);
    frame.targeted = true;
    frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, this.#segments.unchecked);
    this.#countWays(++frame.branches);
    this.#exitTo(place);
    this.#merges++;
    return place;
  }

  /** A place where fuel is kept if a handler leads to where control goes from there; -1: none can. */
  #savePlace(at: number): number {
    return this.#tracking ? this.#edits.add(EDIT.none, at, at, 0) : -1;
  }

  #keepFuelForHandlers(frame: Frame): void {
    if (!frame.caught) return;
    for (const edit of frame.saves) this.#edits.setKind(edit, EDIT.save);
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

  /** Begins a part that handlers are for. */
  #beginTry(frame: Frame): void {
    this.#tries.push(frame);
    this.#candidate = null;
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
    const frame = this.#frames.top;
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
    if (this.#segments.isFull(instruction.cost)) this.#openSegment(at, CHARGE_CHECKED);
    this.#segments.charge(instruction.cost);
    const { immediate } = instruction;
    if (immediate === IMMEDIATE.none && instruction.code > OPCODE.select) {
      this.#apply(instruction);
    } else if (immediate >= IMMEDIATE.index) {
      // `data.drop` and `elem.drop`.
      if (immediate === IMMEDIATE.index) this.#leavesTraces = true;
      if (immediate === IMMEDIATE.heapType) readHeapType(reader);
      else skipSimpleImmediate(reader, immediate);
      this.#apply(instruction);
    } else if (immediate >= IMMEDIATE.local) this.#stepIndexed(instruction, at);
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
    skipImmediates(this.#reader, instruction.immediate);
  }

  #stepControl(instruction: Instruction, at: number): void {
    switch (instruction.code) {
      case OPCODE.unreachable:
        this.#edits.add(EDIT.unreachable, at, this.#reader.position, 0);
        this.#die();
        return;
      case OPCODE.block:
      case OPCODE.loop:
      case OPCODE.if:
      case OPCODE.try:
        this.#beginBlock(instruction.code, at);
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
        this.#branch(this.#savePlace(at));
        this.#die();
        return;
      case OPCODE.brIf:
        this.#pop();
        this.#branch(this.#savePlace(at));
        this.#segments.mayLeave();
        return;
      case OPCODE.brTable:
        this.#branchTable(at);
        return;
      case OPCODE.brOnNull:
      case OPCODE.brOnNonNull:
      case OPCODE.brOnCast:
      case OPCODE.brOnCastFail:
        this.#branchOnReference(instruction.code, at);
        return;
      case OPCODE.return:
        if (!this.#leaf) this.#edits.add(EDIT.return, at, this.#reader.position, 0);
        this.#countWays(++this.#frames.at(0)!.branches);
        this.#exitTo(OUT_OF_FUNCTION);
        this.#die();
        return;
      case OPCODE.call:
      case OPCODE.callIndirect:
      case OPCODE.returnCall:
      case OPCODE.returnCallIndirect:
      case OPCODE.callReference:
      case OPCODE.returnCallReference:
        this.#call(instruction.code, at);
        return;
      case OPCODE.throw:
        this.#requireTag();
        this.#throw(at);
        return;
      case OPCODE.rethrow:
        this.#rethrow(at);
        return;
      case OPCODE.throwRef:
        this.#throw(at);
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

  #throw(at: number): void {
    this.#edits.add(EDIT.save, at, at, 0);
    this.#mayThrow();
    this.#exitTo(OUT_OF_FUNCTION);
    this.#die();
  }

  #rethrow(at: number): void {
    const labelAt = this.#reader.position;
    const depth = this.#reader.u32();
    this.#checkLabel(depth, 0);
    this.#throw(at);
    this.#noteLabel(labelAt, depth);
  }

  #checkLabel(depth: number, outside: number): void {
    if (depth + outside >= this.#frames.height) {
      throw invalid(`there is no label ${depth}`, this.#reader.position);
    }
  }

  #requireTag(): FunctionType {
    const at = this.#reader.position;
    const type = this.#module.tags[this.#reader.u32()];
    if (type === undefined) throw invalid('there is no such tag', at);
    return this.#module.functionType(type);
  }

  #beginBlock(code: number, at: number): void {
    const typeAt = this.#reader.position;
    if (code === OPCODE.if) this.#pop();
    const type = this.#blockType(readBlockType(this.#reader), typeAt);
    const inside = this.#reader.position;
    switch (code) {
      case OPCODE.block:
        this.#pushFrame(FRAME.block, type);
        return;
      case OPCODE.loop:
        this.#beginLoop(type, at, inside);
        return;
      case OPCODE.if: {
        const save = this.#savePlace(at);
        const frame = this.#pushFrame(FRAME.if, type);
        // Without an `else` this is a way to its label too.
        if (save >= 0) frame.saves.push(save);
        this.#openSegment(inside, 0);
        frame.header = this.#segments.segment;
        frame.firstArm = frame.header;
        frame.foldable = !this.#leaf;
        return;
      }
      default:
        this.#beginTry(this.#pushFrame(FRAME.try, type));
    }
  }

  #beginLoop(type: FunctionType, at: number, inside: number): void {
    const save = this.#savePlace(at);
    // One that takes parameters would have to take them again where it goes on.
    const opening = type.parameters.length > 0 ? -1 : this.#edits.add(EDIT.loop, at, inside, 0);
    const frame = this.#pushFrame(FRAME.loop, type);
    if (save >= 0) frame.saves.push(save);
    frame.opening = opening;
    this.#candidate = opening >= 0 ? frame : null;
    this.#candidatePlace = this.#frames.height - 1;
    this.#candidateExits.length = 0;
    this.#openSegment(inside, CHARGE_CHECKED);
    this.#segments.charge(COST_LOOP);
    frame.header = this.#segments.segment;
  }

  #beginTryTable(): void {
    this.#needsTracking = true;
    const at = this.#reader.position;
    const type = this.#blockType(readBlockType(this.#reader), at);
    const outermost = this.#readCatches();
    const frame = this.#pushFrame(FRAME.tryTable, type);
    frame.outermost = Math.min(frame.outermost, outermost);
    this.#beginTry(frame);
  }

  /** Reads the handlers of a `try_table`; answers the place of the outermost frame they lead to. */
  #readCatches(): number {
    const reader = this.#reader;
    let outermost = this.#frames.height;
    const count = reader.count();
    this.#checkHandlers(count, reader.position);
    for (let left = count; left > 0; left--) {
      if (readCatchKind(reader) < CATCH_KIND_ALL) this.#requireTag();
      const place = this.#target(reader.u32());
      const frame = this.#frames.at(place)!;
      frame.caught = true;
      if (frame.kind === FRAME.loop) this.#edits.flag(frame.header, CHARGE_RESTORE);
      outermost = Math.min(outermost, place);
    }
    return outermost;
  }

  /** Leaves one arm or handler of the innermost block at `at`, for another one. */
  #nextArm(at: number, kinds: readonly number[], kind: number): Frame {
    const frame = this.#frames.top;
    if (!kinds.includes(frame.kind)) throw invalid('an arm belongs to no block', at);
    this.#endArm(frame, at);
    this.#operands.dropTo(frame.base);
    frame.kind = kind;
    this.#merges++;
    return frame;
  }

  /** The end of a block, or of an arm or handler of it. */
  #endArm(frame: Frame, at: number): void {
    if (this.#dead) {
      this.#revive(at);
      return;
    }
    if (this.#operands.height !== frame.base + frame.type.results.length) {
      throw invalid('a block leaves another number of operands than its type says', at);
    }
    const save = this.#savePlace(at);
    if (save >= 0) frame.saves.push(save);
    frame.fellThrough = true;
    frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, this.#segments.unchecked);
  }

  /** Whether all of an if's arm stands in the segment that it began with, and is small. */
  #lookWhetherFoldable(frame: Frame): void {
    const { segment } = this.#segments;
    if (segment !== frame.header || this.#segments.costOf({ segment, splitAt: 0 }) > ARM_COST_MAX) {
      frame.foldable = false;
    }
  }

  #otherwise(at: number): void {
    const top = this.#frames.top;
    this.#lookWhetherFoldable(top);
    const frame = this.#nextArm(at, [FRAME.if], FRAME.else);
    this.#segments.unchecked = frame.uncheckedBefore;
    this.#pushTypes(frame.type.parameters);
    this.#openSegment(this.#reader.position, 0);
    frame.header = this.#segments.segment;
  }

  #handler(code: number, at: number): void {
    const first = this.#frames.top.kind === FRAME.try;
    if (first) this.#endTry(false);
    const frame = this.#nextArm(at, [FRAME.try, FRAME.catch], FRAME.catch);
    this.#checkHandlers(++frame.handlers, at);
    // A handler of the legacy form keeps its exception for a rethrow.
    if (first) {
      this.#operands.reserve(EXCEPTION_SLOTS);
      this.#checkSlots();
    }
    if (code === OPCODE.catch) this.#pushTypes(this.#requireTag().parameters);
    this.#openHandlerSegment(this.#reader.position);
  }

  /** Where control may come from an exception: the host may have thrown it, after it ended the agent. */
  #openHandlerSegment(at: number): void {
    this.#openSegment(at, CHARGE_CHECKED | CHARGE_RESTORE);
    this.#segments.charge(COST_CATCH);
  }

  #endBlock(at: number, delegated = false): void {
    const frame = this.#frames.top;
    if (frame.kind === FRAME.try || frame.kind === FRAME.tryTable) this.#endTry(delegated);
    if (frame.foldable) this.#lookWhetherFoldable(frame);
    this.#endArm(frame, at);
    this.#frames.pop();
    this.#keepFuelForHandlers(frame);
    if (this.#frames.height === 0) return;
    if (frame.kind === FRAME.catch) this.#operands.slots -= EXCEPTION_SLOTS;
    this.#operands.dropTo(frame.base);
    this.#pushTypes(frame.type.results);
    if (frame.kind === FRAME.if) {
      frame.fellThrough = true;
      frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, frame.uncheckedBefore);
    }
    if (frame.kind !== FRAME.loop) this.#segments.unchecked = frame.uncheckedAtEnd;
    const exits = frame.outermost < this.#frames.height;
    this.#exitTo(frame.outermost);
    if (frame.kind === FRAME.loop) this.#endLoop(frame);
    if (frame.foldable) this.#foldArms(frame);
    this.#continueAfter(frame, exits);
  }

  /** A loop without calls suspends outside of itself, so that the compiler unrolls it. */
  #endLoop(frame: Frame): void {
    if (this.#candidate !== frame) return;
    const after = this.#reader.position;
    this.#candidate = null;
    this.#questions++;
    this.#edits.setValue(frame.opening, 1);
    this.#edits.flag(frame.header, CHARGE_LOOP);
    this.#edits.add(EDIT.loopEnd, after, after, frame.header);
    for (const exit of this.#candidateExits) this.#edits.increase(exit, LOOP_LABELS);
  }

  /** Charges small arms of an if with what stands before it, as the dearer one. */
  #foldArms(frame: Frame): void {
    const costs = [frame.firstArm, frame.header].map((segment) =>
      this.#segments.costOf({ segment, splitAt: 0 }),
    );
    this.#segments.fold(frame.firstArm, frame, Math.max(...costs));
    if (frame.header !== frame.firstArm) this.#segments.fold(frame.header, frame, 0);
  }

  /** Decides which segment the code after a block belongs to. */
  #continueAfter(frame: Frame, exits: boolean): void {
    if (this.#leaf) return;
    const after = this.#reader.position;
    const { kind } = frame;
    if (frame.caught && kind !== FRAME.loop) {
      this.#openHandlerSegment(after);
      return;
    }
    if (kind === FRAME.try || kind === FRAME.catch) {
      this.#openSegment(after, 0);
      return;
    }
    const straight = kind === FRAME.block || kind === FRAME.tryTable;
    // Nobody branches to its end: what follows runs on from what stands in it.
    if (straight && !frame.targeted && frame.fellThrough) return;
    // All of it comes out here, so what follows runs whenever what stood before did.
    if (!exits) this.#segments.resume(frame);
    else if (!frame.fellThrough) this.#openSegment(after, 0);
    else {
      this.#segments.resume(frame);
      this.#segments.mayLeave();
    }
  }

  /** A branch that looks at a reference, which stays on one of both ways, or on both. */
  #branchOnReference(code: number, at: number): void {
    const slots = this.#pop();
    const cast = code === OPCODE.brOnCast || code === OPCODE.brOnCastFail;
    const save = this.#savePlace(at);
    if (cast) readCastFlags(this.#reader);
    this.#branch(save);
    if (cast) {
      readHeapType(this.#reader);
      readHeapType(this.#reader);
    }
    if (code !== OPCODE.brOnNonNull) this.#push(slots);
    this.#segments.mayLeave();
  }

  #branchTable(at: number): void {
    const reader = this.#reader;
    const countAt = reader.position;
    this.#pop();
    const count = reader.count() + 1;
    this.#branchTargets += count;
    if (this.#branchTargets > this.#caps.branchTargets) {
      const targets = this.#branchTargets;
      throw this.#tooMany('branch targets in a function', 'branchTargets', targets, countAt);
    }
    const save = this.#savePlace(at);
    for (let left = count; left > 0; left--) this.#branch(save);
    this.#die();
  }

  #call(code: number, at: number): void {
    const reader = this.#reader;
    const indexAt = reader.position;
    const index = reader.u32();
    const indexEnd = reader.position;
    const tail =
      code === OPCODE.returnCall ||
      code === OPCODE.returnCallIndirect ||
      code === OPCODE.returnCallReference;
    const direct = code === OPCODE.call || code === OPCODE.returnCall;
    const typeIndex = direct ? this.#module.functions[index] : index;
    const type = this.#module.types[typeIndex ?? -1];
    if (!type) throw invalid(`there is no function or type ${index}`, indexAt);
    if (direct) this.#noteCallee(index, tail, at);
    else if (code === OPCODE.callReference || code === OPCODE.returnCallReference) {
      this.#module.use.typedReferences = true;
      this.#pop();
      this.#candidate = null;
      this.#calls ||= !tail;
      this.#edits.add(tail ? EDIT.returnCallReference : EDIT.callReference, at, indexEnd, index);
    } else {
      const { is64 } = this.#module.tables[this.#requireTable()]!;
      this.#pop();
      if (is64) this.#keepsIndex64 = true;
      else this.#keepsIndex32 = true;
      this.#candidate = null;
      this.#calls ||= !tail;
      const kind = tail ? EDIT.returnCallIndirect : EDIT.callIndirect;
      this.#edits.add(is64 ? kind | CALL_INDEX_64 : kind, at, indexEnd, index);
    }
    const imported = direct && index < this.#module.imported.function;
    // With threaded fuel what is called last is a helper that charges for the import by itself.
    this.#countCall(type, imported && !(tail && this.#threads), at);
    if (tail) {
      this.#exitTo(OUT_OF_FUNCTION);
      this.#die();
      return;
    }
    const inMemory = type.resultSlots - RESULT_SLOTS_IN_REGISTERS;
    this.#returnedSlots = Math.max(this.#returnedSlots, inMemory);
    this.#popMany(type.parameters.length);
    this.#pushTypes(type.results);
    if (!direct) this.#edits.add(EDIT.afterCall, reader.position, reader.position, 0);
  }

  /** How a function of the module is called: by what it is. */
  #noteCallee(index: number, tail: boolean, at: number): void {
    const end = this.#reader.position;
    const own = index - this.#module.imported.function;
    const leafCost = own < 0 ? NO_LEAF : this.#leaves[own]!;
    if (leafCost !== NO_LEAF) {
      this.#segments.charge(leafCost);
      if (tail) this.#edits.add(EDIT.returnCallLeaf, at, end, index);
      else this.#edits.add(EDIT.functionIndex, at + 1, end, index);
      return;
    }
    this.#candidate = null;
    this.#calls ||= !tail;
    if (own < 0 && tail && this.#threads) {
      this.#helpers.needReference(this.#module, this.#leaves, index, at);
    }
    if (own < 0) this.#edits.add(tail ? EDIT.returnCallImport : EDIT.callImport, at, end, index);
    else this.#edits.add(tail ? EDIT.returnCall : EDIT.call, at, end, index);
  }

  #countCall(type: FunctionType, imported: boolean, at: number): void {
    const operands = type.parameterSlots + type.resultSlots;
    this.#segments.charge(Math.floor(operands / SLOTS_PER_UNIT));
    if (imported) this.#segments.charge(COST_IMPORTED_SURCHARGE);
    this.#mayThrow();
    if (imported || !this.#threads) {
      this.#questions++;
      this.#mayThrow();
    }
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

  #requireMemory(): number {
    const at = this.#reader.position;
    const index = this.#reader.u32();
    if (index >= this.#module.memories.length) throw invalid(`there is no memory ${index}`, at);
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
        if (this.#threads) {
          this.#helpers.needReference(this.#module, this.#leaves, index, indexAt);
          this.#helpers.declare(index);
        }
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
      case IMMEDIATE.structType:
        this.#newStruct(instruction, at);
        return;
      case IMMEDIATE.field:
        this.#field(instruction.code);
        return;
      case IMMEDIATE.arrayType:
        this.#array(instruction, at);
        return;
      case IMMEDIATE.arrayFixed: {
        const { element } = this.#requireArray();
        const count = reader.u32();
        this.#allocate(ALLOCATION_HEADER_BYTES + count * element.bytes, at);
        this.#popMany(count);
        this.#push(1);
        return;
      }
      case IMMEDIATE.arraySegment:
        this.#arraySegment(instruction, at);
        return;
      case IMMEDIATE.arrayCopy: {
        const destination = this.#requireArray().type;
        const source = this.#requireArray().type;
        this.#replaceByHelper({ kind: 'array.copy', destination, source }, at);
        this.#popMany(5);
        return;
      }
      default: {
        const helper = this.#readHelper(instruction);
        if (helper) this.#replaceByHelper(helper, at);
        if (helper?.kind.startsWith('table.') || instruction.code === OPCODE.tableSet) {
          this.#leavesTraces = true;
        }
        this.#apply(instruction);
      }
    }
  }

  #replaceByHelper(helper: Helper, at: number): void {
    this.#mayThrow();
    this.#candidate = null;
    this.#edits.add(EDIT.helper, at, this.#reader.position, this.#helpers.need(helper, at));
  }

  // Structs and arrays

  #requireStruct(): Extract<Composite, { kind: 'struct' }> {
    const at = this.#reader.position;
    const index = this.#reader.u32();
    const found = this.#module.composites.get(index);
    if (found?.kind !== 'struct') throw invalid(`there is no struct type ${index}`, at);
    return found;
  }

  #requireArray(): { readonly type: number; readonly element: Field } {
    const at = this.#reader.position;
    const type = this.#reader.u32();
    const found = this.#module.composites.get(type);
    if (found?.kind !== 'array') throw invalid(`there is no array type ${type}`, at);
    return { type, element: found.element };
  }

  /** Charges for so many bytes, besides the instruction itself, before it is run. */
  #allocate(bytes: number, at: number): void {
    const units = bytes >> ALLOCATED_BYTES_PER_UNIT_LOG2;
    if (this.#segments.isFull(units)) this.#openSegment(at, CHARGE_CHECKED);
    this.#segments.charge(units);
  }

  #newStruct({ code }: Instruction, at: number): void {
    const { fields, bytes } = this.#requireStruct();
    this.#allocate(bytes, at);
    if (code === OPCODE.structNew) this.#popMany(fields.length);
    this.#push(1);
  }

  #field(code: number): void {
    const { fields } = this.#requireStruct();
    const at = this.#reader.position;
    const index = this.#reader.u32();
    const field = fields[index];
    if (!field) throw invalid(`there is no field ${index}`, at);
    if (code === OPCODE.structSet) this.#popMany(2);
    else {
      this.#pop();
      this.#push(slotsOf(field.type));
    }
  }

  #array({ code }: Instruction, at: number): void {
    const { type, element } = this.#requireArray();
    switch (code) {
      case OPCODE.arrayNew:
        this.#replaceByHelper({ kind: 'array.new', type }, at);
        this.#popMany(2);
        this.#push(1);
        return;
      case OPCODE.arrayNewDefault:
        this.#replaceByHelper({ kind: 'array.new_default', type }, at);
        this.#pop();
        this.#push(1);
        return;
      case OPCODE.arrayFill:
        this.#replaceByHelper({ kind: 'array.fill', type }, at);
        this.#popMany(4);
        return;
      case OPCODE.arraySet:
        this.#popMany(3);
        return;
      default:
        this.#popMany(2);
        this.#push(slotsOf(element.type));
    }
  }

  #arraySegment({ code }: Instruction, at: number): void {
    const { type } = this.#requireArray();
    const ofData = code === OPCODE.arrayNewData || code === OPCODE.arrayInitData;
    const { dataSegments, elementSegments } = this.#module;
    const segment = this.#requireSegment((ofData ? dataSegments : elementSegments).length);
    if (code === OPCODE.arrayNewData || code === OPCODE.arrayNewElem) {
      const kind = ofData ? 'array.new_data' : 'array.new_elem';
      this.#replaceByHelper({ kind, type, segment }, at);
      this.#popMany(2);
      this.#push(1);
      return;
    }
    const kind = ofData ? 'array.init_data' : 'array.init_elem';
    this.#replaceByHelper({ kind, type, segment }, at);
    this.#popMany(4);
  }

  #local(code: number, at: number): void {
    const indexAt = this.#reader.position;
    const index = this.#reader.u32();
    if (index >= this.#locals.count) throw invalid(`there is no local ${index}`, at);
    if (this.#threads && !this.#leaf && index >= this.#type.parameters.length) {
      this.#edits.add(EDIT.local, indexAt, this.#reader.position, index + ADDED_PARAMETERS);
    }
    if (code !== OPCODE.localGet) this.#pop();
    if (code !== OPCODE.localSet) this.#push(this.#locals.slotsOf(index));
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
    switch (immediate) {
      case IMMEDIATE.memory: {
        const memory = this.#requireMemory();
        if (code === OPCODE.memoryGrow) return { kind: 'memory.grow', memory };
        return code === OPCODE.memoryFill ? { kind: 'memory.fill', memory } : null;
      }
      case IMMEDIATE.memoryCopy: {
        const destination = this.#requireMemory();
        return { kind: 'memory.copy', destination, source: this.#requireMemory() };
      }
      case IMMEDIATE.memoryInit: {
        const segment = this.#requireSegment(this.#module.dataSegments.length);
        return { kind: 'memory.init', segment, memory: this.#requireMemory() };
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
