/** How fuel and depth go from function to function: as parameters and results, or through globals. */

import {
  emitCallImport,
  emitEnter,
  emitI32,
  emitIndexed,
  emitPoll,
  emitRestore,
  emitSave,
  OP,
} from './emit.ts';
import type { FunctionPlan } from './function-plan.ts';
import type { Layout } from './layout.ts';
import { ADDED_PARAMETERS } from './references.ts';
import { VALUE, type ValueType } from './value-types.ts';
import type { ByteWriter } from './writer.ts';

/** What differs between bodies that take fuel and those that don't, where they are entered, left and call. */
export interface Calling {
  /** The local that holds the fuel. */
  readonly fuel: number;
  /** Locals that are added, in groups. */
  readonly addedLocals: readonly (readonly [count: number, type: ValueType])[];
  /** From here on `plan` is written. */
  begin(plan: FunctionPlan): void;
  /** Enters the function: charges, takes its frame, asks for the signs of both. */
  enter(units: number): void;
  /** Gives fuel and frame back; the results are on the stack. `saved`: the global says what fuel is. */
  leave(saved: boolean): void;
  /** Control may have come from an exception. */
  restore(): void;
  call(target: number): void;
  callImport(target: number): void;
  /** Calls as the last thing that the function does, and leaves it. */
  tailCall(target: number): void;
  tailCallImport(target: number): void;
  /** A call through a table, up to its type; `wide`: its index is an i64. */
  callThrough(type: number, wide: boolean): void;
  tailCallThrough(type: number, wide: boolean): void;
  callReference(type: number): void;
  tailCallReference(type: number): void;
  /** What follows a call through a table or of a reference. */
  afterCall(): void;
}

/** Fuel and depth are parameters after the function's own, fuel is a result after its own. */
export class ThreadedCalling implements Calling {
  readonly #layout: Layout;
  readonly #out: ByteWriter;
  fuel = 0;
  addedLocals: readonly (readonly [number, ValueType])[] = [];
  /** The locals that keep an index while a call through a table is made. */
  #kept = 0;
  #kept64 = 0;
  #frameBytes = 0;

  constructor(layout: Layout, out: ByteWriter) {
    this.#layout = layout;
    this.#out = out;
  }

  begin({ parameters, locals, frameBytes, keepsIndex: { of32, of64 } }: FunctionPlan): void {
    this.fuel = parameters;
    this.#frameBytes = frameBytes;
    this.#kept = locals + ADDED_PARAMETERS;
    this.#kept64 = this.#kept + (of32 ? 1 : 0);
    this.addedLocals = [
      ...(of32 ? [[1, VALUE.i32] as const] : []),
      ...(of64 ? [[1, VALUE.i64] as const] : []),
    ];
  }

  enter(units: number): void {
    emitEnter(this.#out, this.#layout, this.fuel, units, this.#frameBytes);
  }

  leave(saved: boolean): void {
    if (saved) emitIndexed(this.#out, OP.globalGet, this.#layout.fuel);
    else emitIndexed(this.#out, OP.localGet, this.fuel);
  }

  restore(): void {
    emitRestore(this.#out, this.#layout, this.fuel);
  }

  call(target: number): void {
    this.#pass(0);
    emitIndexed(this.#out, OP.call, this.#layout.function(target));
    this.afterCall();
  }

  callImport(target: number): void {
    emitCallImport(this.#out, this.#layout, this.fuel, target);
  }

  tailCall(target: number): void {
    this.#pass(this.#frameBytes);
    emitIndexed(this.#out, OP.returnCall, this.#layout.function(target));
  }

  /**
   * By way of its reference, which looks at fuel after it: called from here, what it throws would come
   * to the handlers around, which a function that is left no longer has.
   */
  tailCallImport(target: number): void {
    this.#pass(this.#frameBytes);
    emitIndexed(this.#out, OP.returnCall, this.#layout.reference(target));
  }

  callThrough(type: number, wide: boolean): void {
    this.#through(OP.callIndirect, type, wide ? this.#kept64 : this.#kept, 0);
  }

  tailCallThrough(type: number, wide: boolean): void {
    const kept = wide ? this.#kept64 : this.#kept;
    this.#through(OP.returnCallIndirect, type, kept, this.#frameBytes);
  }

  callReference(): void {
    throw new Error('a reference is called in a module whose functions take fuel');
  }

  tailCallReference(): void {
    this.callReference();
  }

  afterCall(): void {
    emitIndexed(this.#out, OP.localSet, this.fuel);
  }

  #through(opcode: number, type: number, kept: number, givenBack: number): void {
    emitIndexed(this.#out, OP.localSet, kept);
    this.#pass(givenBack);
    emitIndexed(this.#out, OP.localGet, kept);
    emitIndexed(this.#out, opcode, this.#layout.threadedType(type));
  }

  /** The fuel and the depth that a callee takes. */
  #pass(givenBack: number): void {
    const out = this.#out;
    emitIndexed(out, OP.localGet, this.fuel);
    emitIndexed(out, OP.localGet, this.fuel + 1);
    if (givenBack > 0) {
      emitI32(out, givenBack);
      out.u8(OP.i32Add);
    }
  }
}

/**
 * Functions keep their types. Fuel is in its global wherever a function is entered or left; depth is in
 * its global always, and a function leaves it as it was found.
 */
export class UnthreadedCalling implements Calling {
  readonly #layout: Layout;
  readonly #out: ByteWriter;
  readonly addedLocals = [[2, VALUE.i32]] as const;
  fuel = 0;
  #frameBytes = 0;

  constructor(layout: Layout, out: ByteWriter) {
    this.#layout = layout;
    this.#out = out;
  }

  begin({ locals, frameBytes }: FunctionPlan): void {
    this.fuel = locals;
    this.#frameBytes = frameBytes;
  }

  enter(units: number): void {
    const out = this.#out;
    emitRestore(out, this.#layout, this.fuel);
    const counts = this.#frameBytes > 0;
    if (counts) {
      emitIndexed(out, OP.globalGet, this.#layout.depth);
      emitIndexed(out, OP.localSet, this.fuel + 1);
    }
    emitEnter(out, this.#layout, this.fuel, units, this.#frameBytes);
    this.#setDepth(0);
  }

  leave(saved: boolean): void {
    if (!saved) emitSave(this.#out, this.#layout, this.fuel);
    this.#setDepth(this.#frameBytes);
  }

  restore(): void {
    emitRestore(this.#out, this.#layout, this.fuel);
    this.#setDepth(0);
  }

  call(target: number): void {
    this.#callBy(OP.call, this.#layout.function(target));
    this.afterCall();
  }

  callImport(target: number): void {
    this.call(target);
  }

  tailCall(target: number): void {
    this.#tailCallBy(OP.returnCall, this.#layout.function(target));
  }

  tailCallImport(target: number): void {
    this.tailCall(target);
  }

  callThrough(type: number): void {
    this.#callBy(OP.callIndirect, type);
  }

  tailCallThrough(type: number): void {
    this.#tailCallBy(OP.returnCallIndirect, type);
  }

  callReference(type: number): void {
    this.#callBy(OP.callReference, type);
  }

  tailCallReference(type: number): void {
    this.#tailCallBy(OP.returnCallReference, type);
  }

  /** Whatever was called may have been an imported function, or have called one last. */
  afterCall(): void {
    emitRestore(this.#out, this.#layout, this.fuel);
    emitPoll(this.#out, this.#layout, this.fuel);
  }

  #callBy(opcode: number, index: number): void {
    emitSave(this.#out, this.#layout, this.fuel);
    emitIndexed(this.#out, opcode, index);
  }

  #tailCallBy(opcode: number, index: number): void {
    this.leave(false);
    emitIndexed(this.#out, opcode, index);
  }

  /** The depth that this function leaves to others, and what of its own frame is given back. */
  #setDepth(givenBack: number): void {
    if (this.#frameBytes === 0) return;
    const out = this.#out;
    emitIndexed(out, OP.localGet, this.fuel + 1);
    if (givenBack > 0) {
      emitI32(out, givenBack);
      out.u8(OP.i32Add);
    }
    emitIndexed(out, OP.globalSet, this.#layout.depth);
  }
}
