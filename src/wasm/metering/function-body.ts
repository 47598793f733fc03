/** The walk over one function body: places charges, notes what must change, and measures the frame. */

import { Accesses } from './accesses.ts';
import { Blocks } from './blocks.ts';
import { Branches } from './branches.ts';
import { Calls } from './calls.ts';
import {
  COST_FUNCTION,
  FRAME_BYTES,
  FRAME_BYTES_PER_SLOT,
  LEAF_FRAME_BYTES_FREE,
  SLOTS_PER_UNIT,
} from './costs.ts';
import { CHARGE_CHECKED, EDIT } from './edits.ts';
import type { FunctionPlan } from './function-plan.ts';
import { HeapObjects } from './heap-objects.ts';
import { skipImmediates } from './immediates.ts';
import {
  IMMEDIATE,
  type Instruction,
  OPCODE,
  readInstruction,
  skipSimpleImmediate,
} from './instructions.ts';
import { NO_LEAF } from './leaves.ts';
import { ByteReader } from './reader.ts';
import { ADDED_PARAMETERS } from './references.ts';
import { beyondCap, invalid } from './refusals.ts';
import { readHeapType, readValueType, slotsOf } from './value-types.ts';
import { WalkedBody, type WalkInput } from './walked-body.ts';

/** Locals that are added besides, as {@link KeptIndex} says. */
const ADDED_LOCALS = 1;
const ADDED_LOCALS_64 = 2;

/** Walks over bodies of one module, one after another. */
export class BodyWalker {
  readonly #body: WalkedBody;
  readonly #branches: Branches;
  readonly #blocks: Blocks;
  readonly #calls: Calls;
  readonly #accesses: Accesses;
  readonly #heapObjects: HeapObjects;
  /** Parameters and locals that are added to a function at most. */
  readonly #addedLocals: number;
  /** Of all bodies so far. */
  #localsTotal = 0;
  /** Blocks that were begun in what can't be reached. */
  #deadDepth = 0;

  constructor(input: WalkInput) {
    this.#body = new WalkedBody(input);
    this.#branches = new Branches(this.#body);
    this.#blocks = new Blocks(this.#body, this.#branches);
    this.#calls = new Calls(this.#body);
    this.#accesses = new Accesses(this.#body);
    this.#heapObjects = new HeapObjects(this.#body);
    const tables64 = input.module.tables.some(({ is64 }) => is64);
    this.#addedLocals = ADDED_PARAMETERS + (tables64 ? ADDED_LOCALS_64 : ADDED_LOCALS);
  }

  /** Walks over the body of the function `index` of the module's own; its edits are in the list then. */
  walk(index: number): FunctionPlan {
    // A `try_table` may be met: branches before it may lead to where its handlers do.
    return this.#walkOnce(index, false) ?? this.#walkOnce(index, true)!;
  }

  /** Null: branches have to be noted (`tracking`), and were not. */
  #walkOnce(index: number, tracking: boolean): FunctionPlan | null {
    const body = this.#body;
    const { module, operands, bounds } = body;
    const { start, end } = module.bodies[index]!;
    const type = module.functions[module.imported.function + index]!;
    const leaf = body.leaves[index] !== NO_LEAF;
    const reader = new ByteReader(module.bytes, start, end, module.use);
    body.begin(reader, module.functionType(type), leaf, tracking);
    const localGroups = reader.count();
    const localsStart = reader.position;
    const localSlots = this.#readLocals(localGroups);
    const codeStart = reader.position;
    const frame = this.#blocks.beginFunction();
    const frameSlots = body.type.parameterSlots + localSlots;
    body.openSegment(codeStart, CHARGE_CHECKED);
    body.segments.charge(COST_FUNCTION + Math.floor(frameSlots / SLOTS_PER_UNIT));
    while (body.frames.height > 0) {
      this.#step();
      if (body.needsTracking && !tracking) return null;
    }
    if (!reader.atEnd) throw invalid('a function goes on after its end', reader.position);
    const locals = body.locals.count;
    this.#localsTotal += locals;
    const slots = frameSlots + operands.slotsMax + body.returnedSlots;
    const bytes = FRAME_BYTES + FRAME_BYTES_PER_SLOT * slots;
    const counts = body.calls || bytes > LEAF_FRAME_BYTES_FREE;
    return {
      type,
      start,
      localGroups,
      localsStart,
      codeStart,
      end,
      leaf,
      parameters: body.type.parameters.length,
      locals,
      frameBytes: counts && !leaf ? bytes : 0,
      keepsIndex: { of32: body.keepsIndex32, of64: body.keepsIndex64 },
      targeted: frame.targeted,
      caught: frame.caught,
      merges: bounds.checkMerges(locals + operands.slotsMax, start),
      ways: bounds.ways,
      callOperands: bounds.callOperands,
      leavesTraces: body.leavesTraces,
      questions: bounds.checkQuestions(start),
    };
  }

  #readLocals(groups: number): number {
    const { reader, locals, type, caps } = this.#body;
    const start = reader.position;
    const slots = locals.read(reader, groups, type, caps.locals);
    const withAdded = locals.count + this.#addedLocals;
    if (withAdded > caps.locals) {
      throw beyondCap(caps, 'locals', withAdded, 'locals in a function', start);
    }
    const total = this.#localsTotal + locals.count;
    if (total > caps.localsTotal) {
      throw beyondCap(caps, 'localsTotal', total, 'locals in its functions', start);
    }
    return slots;
  }

  #step(): void {
    const body = this.#body;
    const { reader, segments } = body;
    const at = reader.position;
    const instruction = readInstruction(reader);
    if (body.dead) {
      this.#stepDead(instruction, at);
      return;
    }
    if (segments.isFull(instruction.cost)) body.openSegment(at, CHARGE_CHECKED);
    segments.charge(instruction.cost);
    const { immediate } = instruction;
    if (immediate === IMMEDIATE.none && instruction.code > OPCODE.select) {
      body.apply(instruction);
    } else if (immediate >= IMMEDIATE.index) {
      // `data.drop` and `elem.drop`.
      if (immediate === IMMEDIATE.index) body.leavesTraces = true;
      if (immediate === IMMEDIATE.heapType) readHeapType(reader);
      else skipSimpleImmediate(reader, immediate);
      body.apply(instruction);
    } else if (immediate >= IMMEDIATE.local) this.#stepIndexed(instruction, at);
    else this.#stepControl(instruction, at);
  }

  /** Only finds the end of what can't be reached; all of it is left out. */
  #stepDead(instruction: Instruction, at: number): void {
    const { code } = instruction;
    const isArm = code === OPCODE.else || code === OPCODE.catch || code === OPCODE.catchAll;
    const isEnd = code === OPCODE.end || code === OPCODE.delegate;
    if (this.#deadDepth === 0 && (isArm || isEnd)) {
      this.#stepControl(instruction, at);
      return;
    }
    if (isEnd) this.#deadDepth--;
    else if (instruction.immediate === IMMEDIATE.block || code === OPCODE.tryTable) {
      this.#deadDepth++;
    }
    skipImmediates(this.#body.reader, instruction.immediate);
  }

  #stepControl(instruction: Instruction, at: number): void {
    switch (instruction.code) {
      case OPCODE.unreachable:
        this.#body.edits.add(EDIT.unreachable, at, this.#body.reader.position, 0);
        this.#body.die();
        return;
      case OPCODE.block:
      case OPCODE.loop:
      case OPCODE.if:
      case OPCODE.try:
        this.#blocks.beginBlock(instruction.code, at);
        return;
      case OPCODE.tryTable:
        this.#blocks.beginTryTable();
        return;
      case OPCODE.else:
        this.#blocks.otherwise(at);
        return;
      case OPCODE.catch:
      case OPCODE.catchAll:
        this.#blocks.handler(instruction.code, at);
        return;
      case OPCODE.delegate:
        this.#blocks.delegate(at);
        return;
      case OPCODE.end:
        this.#blocks.endBlock(at);
        return;
      case OPCODE.br:
        this.#branches.always(at);
        return;
      case OPCODE.brIf:
        this.#branches.conditional(at);
        return;
      case OPCODE.brTable:
        this.#branches.branchTable(at);
        return;
      case OPCODE.brOnNull:
      case OPCODE.brOnNonNull:
      case OPCODE.brOnCast:
      case OPCODE.brOnCastFail:
        this.#branches.branchOnReference(instruction.code, at);
        return;
      case OPCODE.return:
        this.#branches.return(at);
        return;
      case OPCODE.call:
      case OPCODE.callIndirect:
      case OPCODE.returnCall:
      case OPCODE.returnCallIndirect:
      case OPCODE.callReference:
      case OPCODE.returnCallReference:
        this.#calls.call(instruction.code, at);
        return;
      case OPCODE.throw:
        this.#branches.throwTag(at);
        return;
      case OPCODE.rethrow:
        this.#branches.rethrow(at);
        return;
      case OPCODE.throwRef:
        this.#branches.throw(at);
        return;
      case OPCODE.select:
        this.#select();
        return;
      default:
        this.#body.apply(instruction);
    }
  }

  /** Of the type of its operands. */
  #select(): void {
    const body = this.#body;
    body.pop();
    const slots = body.pop();
    body.pop();
    body.push(slots);
  }

  #stepIndexed(instruction: Instruction, at: number): void {
    switch (instruction.immediate) {
      case IMMEDIATE.local:
        this.#accesses.local(instruction.code, at);
        return;
      case IMMEDIATE.global:
        this.#accesses.global(instruction.code);
        return;
      case IMMEDIATE.function:
        this.#accesses.function(instruction);
        return;
      case IMMEDIATE.selectTypes:
        this.#selectOf(at);
        return;
      case IMMEDIATE.structType:
        this.#heapObjects.newStruct(instruction, at);
        return;
      case IMMEDIATE.field:
        this.#heapObjects.field(instruction.code);
        return;
      case IMMEDIATE.arrayType:
        this.#heapObjects.array(instruction, at);
        return;
      case IMMEDIATE.arrayFixed:
        this.#heapObjects.arrayFixed(at);
        return;
      case IMMEDIATE.arraySegment:
        this.#heapObjects.arraySegment(instruction, at);
        return;
      case IMMEDIATE.arrayCopy:
        this.#heapObjects.arrayCopy(at);
        return;
      default:
        this.#accesses.memoryOrTable(instruction, at);
    }
  }

  /** Of a type that it says. */
  #selectOf(at: number): void {
    const body = this.#body;
    if (body.reader.count() !== 1) throw invalid('a select has not one type', at);
    const slots = slotsOf(readValueType(body.reader));
    body.popMany(3);
    body.push(slots);
  }
}
