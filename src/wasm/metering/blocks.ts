/** Where blocks, their arms and their handlers begin and end, and which segment the code behind them belongs to. */

import { BlockTypes } from './block-types.ts';
import type { Branches } from './branches.ts';
import { ARM_COST_MAX, COST_CATCH, COST_LOOP } from './costs.ts';
import { CHARGE_CHECKED, CHARGE_RESTORE, EDIT } from './edits.ts';
import { FRAME, type Frame } from './frames.ts';
import { CATCH_KIND_ALL, readCatchKind } from './immediates.ts';
import { requireTag } from './index-spaces.ts';
import { OPCODE } from './instructions.ts';
import type { FunctionType } from './module.ts';
import { beyondCap, invalid } from './refusals.ts';
import { EXCEPTION_SLOTS, readBlockType } from './value-types.ts';
import type { WalkedBody } from './walked-body.ts';

/** What blocks mean to the body that is walked over. */
export class Blocks {
  readonly #body: WalkedBody;
  readonly #branches: Branches;
  readonly #types: BlockTypes;

  constructor(body: WalkedBody, branches: Branches) {
    this.#body = body;
    this.#branches = branches;
    this.#types = new BlockTypes(body.module);
  }

  /** The body as a block, which the function's label belongs to. */
  beginFunction(): Frame {
    return this.#pushFrame(FRAME.function, this.#types.resultsOf(this.#body.type));
  }

  #pushFrame(kind: number, type: FunctionType): Frame {
    const body = this.#body;
    const base = body.operands.height - type.parameters.length;
    if (base < 0) throw invalid('a block has too few operands', body.reader.position);
    const frame = body.frames.push(kind, type, base, body.segments);
    body.bounds.merge();
    if (body.frames.height > body.caps.nesting) {
      const offset = body.reader.position;
      throw beyondCap(body.caps, 'nesting', body.frames.height, 'blocks inside each other', offset);
    }
    return frame;
  }

  beginBlock(code: number, at: number): void {
    const body = this.#body;
    const typeAt = body.reader.position;
    if (code === OPCODE.if) body.pop();
    const type = this.#types.of(readBlockType(body.reader), typeAt);
    const inside = body.reader.position;
    switch (code) {
      case OPCODE.block:
        this.#pushFrame(FRAME.block, type);
        return;
      case OPCODE.loop:
        this.#beginLoop(type, at, inside);
        return;
      case OPCODE.if: {
        const save = body.savePlace(at);
        const frame = this.#pushFrame(FRAME.if, type);
        // Without an `else` this is a way to its label too.
        if (save >= 0) frame.saves.push(save);
        body.openSegment(inside, 0);
        frame.header = body.segments.segment;
        frame.firstArm = frame.header;
        frame.foldable = !body.leaf;
        return;
      }
      default:
        body.module.use.legacyExceptions = true;
        this.#beginTry(this.#pushFrame(FRAME.try, type));
    }
  }

  /** Begins a part that handlers are for. */
  #beginTry(frame: Frame): void {
    const body = this.#body;
    body.bounds.beginTry(frame);
    body.loops.forbid();
  }

  #beginLoop(type: FunctionType, at: number, inside: number): void {
    const body = this.#body;
    const save = body.savePlace(at);
    // One that takes parameters would have to take them again where it goes on.
    const opening = type.parameters.length > 0 ? -1 : body.edits.add(EDIT.loop, at, inside, 0);
    const frame = this.#pushFrame(FRAME.loop, type);
    if (save >= 0) frame.saves.push(save);
    frame.opening = opening;
    body.loops.begin(frame, body.frames);
    body.openSegment(inside, CHARGE_CHECKED);
    body.segments.charge(COST_LOOP);
    frame.header = body.segments.segment;
  }

  beginTryTable(): void {
    const body = this.#body;
    body.needsTracking = true;
    const at = body.reader.position;
    const type = this.#types.of(readBlockType(body.reader), at);
    const outermost = this.#readCatches();
    const frame = this.#pushFrame(FRAME.tryTable, type);
    frame.outermost = Math.min(frame.outermost, outermost);
    this.#beginTry(frame);
  }

  /** Reads the handlers of a `try_table`; answers the place of the outermost frame they lead to. */
  #readCatches(): number {
    const body = this.#body;
    const { reader } = body;
    let outermost = body.frames.height;
    const count = reader.count();
    body.bounds.checkHandlers(count, reader.position);
    for (let left = count; left > 0; left--) {
      if (readCatchKind(reader) < CATCH_KIND_ALL) requireTag(body);
      const place = this.#branches.target(reader.u32());
      const frame = body.frames.at(place)!;
      frame.caught = true;
      if (frame.kind === FRAME.loop) body.edits.flag(frame.header, CHARGE_RESTORE);
      outermost = Math.min(outermost, place);
    }
    return outermost;
  }

  /** Leaves one arm or handler of the innermost block at `at`, for another one. */
  #nextArm(at: number, kinds: readonly number[], kind: number): Frame {
    const body = this.#body;
    const frame = body.frames.top;
    if (!kinds.includes(frame.kind)) throw invalid('an arm belongs to no block', at);
    this.#endArm(frame, at);
    body.operands.dropTo(frame.base);
    frame.kind = kind;
    body.bounds.merge();
    return frame;
  }

  otherwise(at: number): void {
    const body = this.#body;
    const top = body.frames.top;
    this.#lookWhetherFoldable(top);
    const frame = this.#nextArm(at, [FRAME.if], FRAME.else);
    body.segments.unchecked = frame.uncheckedBefore;
    body.pushTypes(frame.type.parameters);
    body.openSegment(body.reader.position, 0);
    frame.header = body.segments.segment;
  }

  handler(code: number, at: number): void {
    const body = this.#body;
    const first = body.frames.top.kind === FRAME.try;
    if (first) body.bounds.endTry(false);
    const frame = this.#nextArm(at, [FRAME.try, FRAME.catch], FRAME.catch);
    body.bounds.checkHandlers(++frame.handlers, at);
    // A handler of the legacy form keeps its exception for a rethrow.
    if (first) {
      body.operands.reserve(EXCEPTION_SLOTS);
      body.checkSlots();
    }
    if (code === OPCODE.catch) body.pushTypes(requireTag(body).parameters);
    this.#openHandlerSegment(body.reader.position);
  }

  /** Where control may come from an exception: the host may have thrown it, after it ended the agent. */
  #openHandlerSegment(at: number): void {
    const body = this.#body;
    body.openSegment(at, CHARGE_CHECKED | CHARGE_RESTORE);
    body.segments.charge(COST_CATCH);
  }

  /** Ends a `try` whose exceptions go to the handlers of another one. */
  delegate(at: number): void {
    this.#branches.checkLabel(this.#body.reader.u32(), 1);
    this.endBlock(at, true);
  }

  endBlock(at: number, delegated = false): void {
    const body = this.#body;
    const frame = body.frames.top;
    if (frame.kind === FRAME.try || frame.kind === FRAME.tryTable) body.bounds.endTry(delegated);
    if (frame.foldable) this.#lookWhetherFoldable(frame);
    this.#endArm(frame, at);
    body.frames.pop();
    this.#keepFuelForHandlers(frame);
    if (body.frames.height === 0) return;
    if (frame.kind === FRAME.catch) body.operands.slots -= EXCEPTION_SLOTS;
    body.operands.dropTo(frame.base);
    body.pushTypes(frame.type.results);
    if (frame.kind === FRAME.if) {
      frame.fellThrough = true;
      frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, frame.uncheckedBefore);
    }
    if (frame.kind !== FRAME.loop) body.segments.unchecked = frame.uncheckedAtEnd;
    const exits = frame.outermost < body.frames.height;
    body.exitTo(frame.outermost);
    if (frame.kind === FRAME.loop && body.loops.end(frame, body.reader.position)) {
      body.bounds.questionOutside();
    }
    if (frame.foldable) this.#foldArms(frame);
    this.#continueAfter(frame, exits);
  }

  /** The end of a block, or of an arm or handler of it. */
  #endArm(frame: Frame, at: number): void {
    const body = this.#body;
    if (body.dead) {
      body.revive(at);
      return;
    }
    if (body.operands.height !== frame.base + frame.type.results.length) {
      throw invalid('a block leaves another number of operands than its type says', at);
    }
    const save = body.savePlace(at);
    if (save >= 0) frame.saves.push(save);
    frame.fellThrough = true;
    frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, body.segments.unchecked);
  }

  #keepFuelForHandlers(frame: Frame): void {
    if (!frame.caught) return;
    for (const edit of frame.saves) this.#body.edits.setKind(edit, EDIT.save);
  }

  /** Whether all of an if's arm stands in the segment that it began with, and is small. */
  #lookWhetherFoldable(frame: Frame): void {
    const body = this.#body;
    const { segment } = body.segments;
    if (segment !== frame.header || body.segments.costOf({ segment, splitAt: 0 }) > ARM_COST_MAX) {
      frame.foldable = false;
    }
  }

  /** Charges small arms of an if with what stands before it, as the dearer one. */
  #foldArms(frame: Frame): void {
    const body = this.#body;
    const costs = [frame.firstArm, frame.header].map((segment) =>
      body.segments.costOf({ segment, splitAt: 0 }),
    );
    body.segments.fold(frame.firstArm, frame, Math.max(...costs));
    if (frame.header !== frame.firstArm) body.segments.fold(frame.header, frame, 0);
  }

  /** Decides which segment the code after a block belongs to. */
  #continueAfter(frame: Frame, exits: boolean): void {
    const body = this.#body;
    if (body.leaf) return;
    const after = body.reader.position;
    const { kind } = frame;
    if (frame.caught && kind !== FRAME.loop) {
      this.#openHandlerSegment(after);
      return;
    }
    if (kind === FRAME.try || kind === FRAME.catch) {
      body.openSegment(after, 0);
      return;
    }
    const straight = kind === FRAME.block || kind === FRAME.tryTable;
    // Nobody branches to its end: what follows runs on from what stands in it.
    if (straight && !frame.targeted && frame.fellThrough) return;
    // All of it comes out here, so what follows runs whenever what stood before did.
    if (!exits) body.segments.resume(frame);
    else if (!frame.fellThrough) body.openSegment(after, 0);
    else {
      body.segments.resume(frame);
      body.segments.mayLeave();
    }
  }
}
