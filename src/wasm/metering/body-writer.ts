/** Writes one metered body: its bytes with the edits that the walk over it has found. */

import type { BranchHints } from './branch-hints.ts';
import { type Calling, ThreadedCalling, UnthreadedCalling } from './calling.ts';
import {
  CALL_INDEX_64,
  CHARGE_CHECKED,
  CHARGE_LOOP,
  CHARGE_RESTORE,
  EDIT,
  EDIT_KIND_MASK,
  type EditList,
} from './edits.ts';
import {
  emitCharge,
  emitChargeToStack,
  emitIndexed,
  emitRefuel,
  emitRefuelIfNegative,
  emitSave,
  OP,
} from './emit.ts';
import type { FunctionPlan } from './function-plan.ts';
import type { Layout } from './layout.ts';
import type { CodePositions } from './positions.ts';
import { encodeValueType } from './value-types.ts';
import type { ByteWriter } from './writer.ts';

/** Writes bodies, one after another. */
export class BodyWriter {
  readonly #layout: Layout;
  readonly #edits: EditList;
  readonly #hints: BranchHints;
  readonly #out: ByteWriter;
  readonly #calling: Calling;
  readonly #positions: CodePositions | null;

  /** `positions` hears where everything comes from; null: nobody wants to know. */
  constructor(
    layout: Layout,
    edits: EditList,
    hints: BranchHints,
    out: ByteWriter,
    positions: CodePositions | null,
  ) {
    this.#layout = layout;
    this.#edits = edits;
    this.#hints = hints;
    this.#out = out;
    this.#positions = positions;
    this.#calling = layout.threads
      ? new ThreadedCalling(layout, out)
      : new UnthreadedCalling(layout, out);
  }

  write(plan: FunctionPlan): void {
    this.#calling.begin(plan);
    this.#writeLocals(plan);
    if (plan.leaf) {
      this.#writeCode(plan, 0, plan.end);
      return;
    }
    this.#writeCharged(plan);
  }

  #writeLocals(plan: FunctionPlan): void {
    const out = this.#out;
    const added = plan.leaf ? [] : this.#calling.addedLocals;
    out.u32(plan.localGroups + added.length);
    out.copy(this.#layout.module.bytes, plan.localsStart, plan.codeStart);
    for (const [count, type] of added) out.raw(count, type);
  }

  #writeCharged(plan: FunctionPlan): void {
    const out = this.#out;
    // The first edit is the charge at the entry.
    this.#calling.enter(this.#edits.value(0));
    if (plan.targeted) {
      // Branches to the function's label come out of this block, where fuel and frame are given back.
      out.u8(OP.block);
      this.#writeResultType(plan);
    }
    this.#writeCode(plan, 1, plan.targeted ? plan.end : plan.end - 1);
    this.#calling.leave(plan.caught);
    out.u8(OP.end);
  }

  #writeResultType(plan: FunctionPlan): void {
    const { results } = this.#layout.module.functionType(plan.type);
    const [result] = results;
    if (results.length > 1) this.#out.signed(this.#layout.resultsType(plan.type));
    else if (result === undefined) this.#out.u8(OP.emptyBlock);
    else this.#out.raw(...encodeValueType(result));
  }

  #writeCode(plan: FunctionPlan, firstEdit: number, end: number): void {
    const edits = this.#edits;
    let position = plan.codeStart;
    for (let edit = firstEdit; edit < edits.length; edit++) {
      this.#copy(position, edits.at(edit));
      this.#positions?.edited(edits.at(edit), this.#out.length);
      this.#writeEdit(edit, edits.kind(edit), edits.value(edit));
      position = edits.resume(edit);
    }
    this.#copy(position, end);
  }

  #copy(start: number, end: number): void {
    this.#hints.copied(start, end, this.#out.length);
    this.#positions?.copied(start, this.#out.length);
    this.#out.copy(this.#layout.module.bytes, start, end);
  }

  #writeEdit(edit: number, flaggedKind: number, value: number): void {
    const out = this.#out;
    const layout = this.#layout;
    const calling = this.#calling;
    const { fuel } = calling;
    switch (flaggedKind & EDIT_KIND_MASK) {
      case EDIT.none:
      case EDIT.skip:
        return;
      case EDIT.local:
      case EDIT.label:
        out.u32(value);
        return;
      case EDIT.charge:
        this.#writeCharge(flaggedKind, value);
        return;
      case EDIT.call:
        calling.call(value);
        return;
      case EDIT.returnCall:
        calling.tailCall(value);
        return;
      case EDIT.callImport:
        calling.callImport(value);
        return;
      case EDIT.returnCallImport:
        calling.tailCallImport(value);
        return;
      case EDIT.returnCallLeaf:
        emitIndexed(out, OP.call, layout.function(value));
        this.#writeReturn();
        return;
      case EDIT.callIndirect:
        calling.callThrough(value, (flaggedKind & CALL_INDEX_64) !== 0);
        return;
      case EDIT.returnCallIndirect:
        calling.tailCallThrough(value, (flaggedKind & CALL_INDEX_64) !== 0);
        return;
      case EDIT.callReference:
        calling.callReference(value);
        return;
      case EDIT.returnCallReference:
        calling.tailCallReference(value);
        return;
      case EDIT.afterCall:
        calling.afterCall();
        return;
      case EDIT.return:
        this.#writeReturn();
        return;
      case EDIT.unreachable:
        emitSave(out, layout, fuel);
        out.u8(OP.unreachable);
        return;
      case EDIT.save:
        emitSave(out, layout, fuel);
        return;
      case EDIT.loop:
        this.#writeLoop(edit, value === 1);
        return;
      case EDIT.loopEnd:
        this.#writeLoopEnd(this.#edits.value(value));
        return;
      case EDIT.helper:
        emitIndexed(out, OP.localGet, fuel);
        emitIndexed(out, OP.call, layout.helperNumber(value));
        emitIndexed(out, OP.localSet, fuel);
        return;
      case EDIT.functionIndex:
        out.u32(layout.function(value));
        return;
      case EDIT.referenceIndex:
        out.u32(layout.reference(value));
        return;
      case EDIT.globalIndex:
        out.u32(layout.global(value));
        return;
      default:
        throw new Error(`no such edit: ${flaggedKind}`);
    }
  }

  #writeCharge(flags: number, units: number): void {
    const out = this.#out;
    const { fuel } = this.#calling;
    if (flags & CHARGE_RESTORE) this.#calling.restore();
    if (flags & CHARGE_LOOP) {
      emitChargeToStack(out, fuel, units);
      // Out of the loop, where it suspends: see #writeLoop.
      out.raw(OP.i32Const, 0, OP.i32LtS);
      out.unlikelyBranch(OP.brIf, 1);
    } else if (flags & CHARGE_CHECKED) {
      emitChargeToStack(out, fuel, units);
      emitRefuelIfNegative(out, this.#layout, fuel);
    } else emitCharge(out, fuel, units);
  }

  #writeReturn(): void {
    this.#calling.leave(false);
    this.#out.u8(OP.return);
  }

  /**
   * A loop whose body calls nothing: `block $exit loop $again block $suspend loop … end br $exit end
   * suspend br $again end end`. A call inside of it would keep the compiler from unrolling it.
   */
  #writeLoop(edit: number, suspendsOutside: boolean): void {
    const { bytes } = this.#layout.module;
    const typeStart = this.#edits.at(edit) + 1;
    const typeEnd = this.#edits.resume(edit);
    const out = this.#out;
    if (suspendsOutside) {
      out.u8(OP.block);
      out.copy(bytes, typeStart, typeEnd);
      out.u8(OP.loop);
      out.copy(bytes, typeStart, typeEnd);
      out.raw(OP.block, OP.emptyBlock);
    }
    out.u8(OP.loop);
    out.copy(bytes, typeStart, typeEnd);
  }

  /** `headerUnits` are charged again where the loop is entered again. */
  #writeLoopEnd(headerUnits: number): void {
    const out = this.#out;
    out.raw(OP.br, 2, OP.end);
    emitRefuel(out, this.#layout, this.#calling.fuel);
    emitCharge(out, this.#calling.fuel, -headerUnits);
    out.raw(OP.br, 0, OP.end, OP.end);
  }
}
