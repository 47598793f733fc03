/** The body that a walk is in: where it stands, what it has found so far, and what every instruction may do to it. */

import { BodyBounds } from './body-bounds.ts';
import type { MeterCaps } from './caps.ts';
import { CHARGE_CHECKED, EDIT, type EditList } from './edits.ts';
import { FrameStack } from './frames.ts';
import type { Helper, HelperSet } from './helpers.ts';
import type { Instruction } from './instructions.ts';
import { Locals } from './locals.ts';
import { type DecodedModule, type FunctionType, NO_TYPE } from './module.ts';
import { OperandStack } from './operands.ts';
import { ByteReader } from './reader.ts';
import type { References } from './references.ts';
import { beyondCap, invalid } from './refusals.ts';
import { Segments } from './segments.ts';
import { SuspendingLoops } from './suspending-loops.ts';
import { slotsOf, type ValueType } from './value-types.ts';

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

/** One body after another. */
export class WalkedBody {
  readonly module: DecodedModule;
  readonly caps: MeterCaps;
  readonly leaves: Int8Array;
  readonly edits: EditList;
  readonly helpers: HelperSet;
  /** Whether bodies take fuel and depth. */
  readonly threads: boolean;
  readonly operands = new OperandStack();
  readonly locals = new Locals();
  readonly frames = new FrameStack();
  readonly segments: Segments;
  readonly bounds: BodyBounds;
  readonly loops: SuspendingLoops;

  reader: ByteReader;
  type: FunctionType = NO_TYPE;
  /** Whether it is charged where it is called. */
  leaf = false;
  /** Whether it calls anything from its own frame. */
  calls = false;
  /** What a callee leaves in this frame besides the operands that it becomes, at most. */
  returnedSlots = 0;
  keepsIndex32 = false;
  keepsIndex64 = false;
  leavesTraces = false;
  /** Whether what follows can't be reached, until the end of the block it stands in, and from where on. */
  dead = false;
  deadFrom = 0;
  /** Whether branches are noted, because a handler may lead to their labels; and whether they have to be. */
  tracking = false;
  needsTracking = false;

  constructor({ module, caps, leaves, edits, helpers, references }: WalkInput) {
    this.module = module;
    this.caps = caps;
    this.leaves = leaves;
    this.edits = edits;
    this.helpers = helpers;
    this.threads = references === 'threaded';
    this.segments = new Segments(edits);
    this.bounds = new BodyBounds(caps);
    this.loops = new SuspendingLoops(edits);
    this.reader = new ByteReader(module.bytes, 0, 0);
  }

  /** Begins with the body that `reader` reads, of a function of this type. */
  begin(reader: ByteReader, type: FunctionType, leaf: boolean, tracking: boolean): void {
    this.reader = reader;
    this.type = type;
    this.leaf = leaf;
    this.tracking = tracking;
    this.needsTracking = false;
    this.edits.clear();
    this.segments.begin(!leaf);
    this.operands.clear();
    this.frames.clear();
    this.bounds.begin(reader);
    this.loops.forbid();
    this.dead = false;
    this.calls = false;
    this.returnedSlots = 0;
    this.keepsIndex32 = false;
    this.keepsIndex64 = false;
    this.leavesTraces = false;
  }

  push(slots: number): void {
    this.operands.push(slots);
    this.checkSlots();
  }

  checkSlots(): void {
    const { slots } = this.operands;
    if (slots > this.caps.operands) {
      throw beyondCap(this.caps, 'operands', slots, 'operands at once', this.reader.position);
    }
  }

  pop(): number {
    this.#requireOperands(1);
    return this.operands.pop();
  }

  popMany(count: number): void {
    if (count === 0) return;
    this.#requireOperands(count);
    this.operands.dropTo(this.operands.height - count);
  }

  /** Those of the block that stands here. */
  #requireOperands(count: number): void {
    if (this.operands.height - count < this.frames.top.base) {
      throw invalid('an operand is missing', this.reader.position);
    }
  }

  pushTypes(types: readonly ValueType[]): void {
    for (let index = 0; index < types.length; index++) this.push(slotsOf(types[index]!));
  }

  apply(instruction: Instruction): void {
    this.popMany(instruction.pops);
    if (instruction.pushes > 0) this.push(instruction.pushes);
  }

  openSegment(at: number, flags: number): void {
    this.segments.open(at, flags);
    if ((flags & CHARGE_CHECKED) === 0) return;
    this.bounds.question();
  }

  /** A place where fuel is kept if a handler leads to where control goes from there; -1: none can. */
  savePlace(at: number): number {
    return this.tracking ? this.edits.add(EDIT.none, at, at, 0) : -1;
  }

  /** Notes that control may go from here to the end of the frame at `place` or to its header. */
  exitTo(place: number): void {
    const frame = this.frames.top;
    if (place < frame.outermost) frame.outermost = place;
  }

  die(): void {
    this.dead = true;
    this.deadFrom = this.reader.position;
  }

  revive(at: number): void {
    if (this.dead && at > this.deadFrom) this.edits.add(EDIT.skip, this.deadFrom, at, 0);
    this.dead = false;
  }

  replaceByHelper(helper: Helper, at: number): void {
    this.bounds.mayThrow();
    this.loops.forbid();
    this.edits.add(EDIT.helper, at, this.reader.position, this.helpers.need(helper, at));
  }
}
