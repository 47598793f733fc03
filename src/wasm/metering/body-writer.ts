/** Writes one metered body: its bytes with the edits that the walk over it has found. */

import type { BranchHints } from './branch-hints.ts';
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
  emitCallImport,
  emitCharge,
  emitChargeToStack,
  emitEnter,
  emitI32,
  emitIndexed,
  emitRefuel,
  emitRefuelIfNegative,
  emitRestore,
  emitSave,
  OP,
} from './emit.ts';
import { ADDED_PARAMETERS, type FunctionPlan } from './function-body.ts';
import type { Layout } from './layout.ts';
import { encodeValueType, VALUE } from './value-types.ts';
import type { ByteWriter } from './writer.ts';

/** Writes bodies, one after another. */
export class BodyWriter {
  readonly #layout: Layout;
  readonly #edits: EditList;
  readonly #hints: BranchHints;
  readonly #out: ByteWriter;
  /** Parameters of the function: the index of the local that holds the fuel. */
  #fuel = 0;
  /** The local that keeps an index while a call through a table is made. */
  #kept = 0;
  #kept64 = 0;
  #frameBytes = 0;

  constructor(layout: Layout, edits: EditList, hints: BranchHints, out: ByteWriter) {
    this.#layout = layout;
    this.#edits = edits;
    this.#hints = hints;
    this.#out = out;
  }

  write(plan: FunctionPlan): void {
    this.#fuel = plan.parameters;
    this.#kept = plan.locals + ADDED_PARAMETERS;
    this.#kept64 = this.#kept + (plan.keepsIndex.of32 ? 1 : 0);
    this.#frameBytes = plan.frameBytes;
    this.#writeLocals(plan);
    if (plan.leaf) {
      this.#writeCode(plan, 0, plan.end);
      return;
    }
    this.#writeThreaded(plan);
  }

  #writeLocals(plan: FunctionPlan): void {
    const out = this.#out;
    const { of32, of64 } = plan.keepsIndex;
    out.u32(plan.localGroups + (of32 ? 1 : 0) + (of64 ? 1 : 0));
    out.copy(this.#layout.module.bytes, plan.localsStart, plan.codeStart);
    if (of32) out.raw(1, VALUE.i32);
    if (of64) out.raw(1, VALUE.i64);
  }

  #writeThreaded(plan: FunctionPlan): void {
    const out = this.#out;
    // The first edit is the charge at the entry.
    emitEnter(out, this.#layout, this.#fuel, this.#edits.value(0), plan.frameBytes);
    if (plan.targeted) {
      // Branches to the function's label come out of this block, where fuel is put beside the results.
      out.u8(OP.block);
      this.#writeResultType(plan);
    }
    this.#writeCode(plan, 1, plan.targeted ? plan.end : plan.end - 1);
    if (plan.caught) emitIndexed(out, OP.globalGet, this.#layout.fuel);
    else emitIndexed(out, OP.localGet, this.#fuel);
    out.u8(OP.end);
  }

  #writeResultType(plan: FunctionPlan): void {
    const { results } = this.#layout.module.types[plan.type]!;
    const [result] = results;
    if (results.length > 1) this.#out.signed(this.#layout.types.of([], results));
    else if (result === undefined) this.#out.u8(OP.emptyBlock);
    else this.#out.raw(...encodeValueType(result));
  }

  #writeCode(plan: FunctionPlan, firstEdit: number, end: number): void {
    const edits = this.#edits;
    let position = plan.codeStart;
    for (let edit = firstEdit; edit < edits.length; edit++) {
      this.#copy(position, edits.at(edit));
      this.#writeEdit(edit, edits.kind(edit), edits.value(edit));
      position = edits.resume(edit);
    }
    this.#copy(position, end);
  }

  #copy(start: number, end: number): void {
    this.#hints.copied(start, end, this.#out.length);
    this.#out.copy(this.#layout.module.bytes, start, end);
  }

  #writeEdit(edit: number, flaggedKind: number, value: number): void {
    const out = this.#out;
    const layout = this.#layout;
    const fuel = this.#fuel;
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
        this.#writePassed(0);
        emitIndexed(out, OP.call, layout.function(value));
        emitIndexed(out, OP.localSet, fuel);
        return;
      case EDIT.returnCall:
        this.#writePassed(this.#frameBytes);
        emitIndexed(out, OP.returnCall, layout.function(value));
        return;
      case EDIT.callImport:
        emitCallImport(out, layout, fuel, value);
        return;
      case EDIT.returnCallImport:
        emitCallImport(out, layout, fuel, value);
        this.#writeReturn();
        return;
      case EDIT.returnCallLeaf:
        emitIndexed(out, OP.call, layout.function(value));
        this.#writeReturn();
        return;
      case EDIT.callIndirect:
      case EDIT.returnCallIndirect: {
        const tail = (flaggedKind & EDIT_KIND_MASK) === EDIT.returnCallIndirect;
        const kept = flaggedKind & CALL_INDEX_64 ? this.#kept64 : this.#kept;
        emitIndexed(out, OP.localSet, kept);
        this.#writePassed(tail ? this.#frameBytes : 0);
        emitIndexed(out, OP.localGet, kept);
        const opcode = tail ? OP.returnCallIndirect : OP.callIndirect;
        emitIndexed(out, opcode, layout.threadedType(value));
        return;
      }
      case EDIT.afterCall:
        emitIndexed(out, OP.localSet, fuel);
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
    if (flags & CHARGE_RESTORE) emitRestore(out, this.#layout, this.#fuel);
    if (flags & CHARGE_LOOP) {
      emitChargeToStack(out, this.#fuel, units);
      // Out of the loop, where it suspends: see #writeLoop.
      out.raw(OP.i32Const, 0, OP.i32LtS);
      out.unlikelyBranch(OP.brIf, 1);
    } else if (flags & CHARGE_CHECKED) {
      emitChargeToStack(out, this.#fuel, units);
      emitRefuelIfNegative(out, this.#layout, this.#fuel);
    } else emitCharge(out, this.#fuel, units);
  }

  /** The fuel and the depth that a callee takes. */
  #writePassed(givenBack: number): void {
    const out = this.#out;
    emitIndexed(out, OP.localGet, this.#fuel);
    emitIndexed(out, OP.localGet, this.#fuel + 1);
    if (givenBack > 0) {
      emitI32(out, givenBack);
      out.u8(OP.i32Add);
    }
  }

  #writeReturn(): void {
    emitIndexed(this.#out, OP.localGet, this.#fuel);
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
    emitRefuel(out, this.#layout, this.#fuel);
    emitCharge(out, this.#fuel, -headerUnits);
    out.raw(OP.br, 0, OP.end, OP.end);
  }
}
