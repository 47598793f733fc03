/** Ways out of blocks: branches, returns and throws. */

import { EDIT } from './edits.ts';
import { OUT_OF_FUNCTION } from './frames.ts';
import { readCastFlags } from './immediates.ts';
import { requireTag } from './index-spaces.ts';
import { OPCODE } from './instructions.ts';
import { invalid } from './refusals.ts';
import { readHeapType } from './value-types.ts';
import type { WalkedBody } from './walked-body.ts';

/** What branches mean to the body that is walked over. */
export class Branches {
  readonly #body: WalkedBody;

  constructor(body: WalkedBody) {
    this.#body = body;
  }

  always(at: number): void {
    const body = this.#body;
    this.#branch(body.savePlace(at));
    body.die();
  }

  conditional(at: number): void {
    const body = this.#body;
    body.pop();
    this.#branch(body.savePlace(at));
    body.segments.mayLeave();
  }

  return(at: number): void {
    const body = this.#body;
    if (!body.leaf) body.edits.add(EDIT.return, at, body.reader.position, 0);
    body.bounds.countWays(++body.frames.at(0)!.branches);
    body.exitTo(OUT_OF_FUNCTION);
    body.die();
  }

  /** Reads a label and notes a branch to it. */
  #branch(save: number): void {
    const body = this.#body;
    const at = body.reader.position;
    const depth = body.reader.u32();
    const place = this.target(depth);
    if (save >= 0) body.frames.at(place)!.saves.push(save);
    body.loops.noteLabel(at, body, depth);
  }

  /** Notes a branch to the label `depth`; answers the place of its frame. */
  target(depth: number): number {
    const body = this.#body;
    const place = body.frames.height - 1 - depth;
    const frame = body.frames.at(place);
    if (!frame) throw invalid(`there is no label ${depth}`, body.reader.position);
    frame.targeted = true;
    frame.uncheckedAtEnd = Math.max(frame.uncheckedAtEnd, body.segments.unchecked);
    body.bounds.countWays(++frame.branches);
    body.exitTo(place);
    body.bounds.merge();
    return place;
  }

  checkLabel(depth: number, outside: number): void {
    const body = this.#body;
    if (depth + outside >= body.frames.height) {
      throw invalid(`there is no label ${depth}`, body.reader.position);
    }
  }

  /** A branch that looks at a reference, which stays on one of both ways, or on both. */
  branchOnReference(code: number, at: number): void {
    const body = this.#body;
    const slots = body.pop();
    const cast = code === OPCODE.brOnCast || code === OPCODE.brOnCastFail;
    const save = body.savePlace(at);
    if (cast) readCastFlags(body.reader);
    this.#branch(save);
    if (cast) {
      readHeapType(body.reader);
      readHeapType(body.reader);
    }
    if (code !== OPCODE.brOnNonNull) body.push(slots);
    body.segments.mayLeave();
  }

  branchTable(at: number): void {
    const body = this.#body;
    const { reader } = body;
    const countAt = reader.position;
    body.pop();
    const count = reader.count() + 1;
    body.bounds.addBranchTargets(count, countAt);
    const save = body.savePlace(at);
    for (let left = count; left > 0; left--) this.#branch(save);
    body.die();
  }

  throw(at: number): void {
    const body = this.#body;
    body.edits.add(EDIT.save, at, at, 0);
    body.bounds.mayThrow();
    body.exitTo(OUT_OF_FUNCTION);
    body.die();
  }

  /** `throw`. */
  throwTag(at: number): void {
    requireTag(this.#body);
    this.throw(at);
  }

  rethrow(at: number): void {
    const body = this.#body;
    const labelAt = body.reader.position;
    const depth = body.reader.u32();
    this.checkLabel(depth, 0);
    this.throw(at);
    body.loops.noteLabel(labelAt, body, depth);
  }
}
