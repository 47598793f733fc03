/** Calls of every kind: what they cost, what they leave in the frame, and how they are to be written. */

import { SLOTS_PER_UNIT } from './costs.ts';
import { CALL_INDEX_64, EDIT } from './edits.ts';
import { OUT_OF_FUNCTION } from './frames.ts';
import { requireTable } from './index-spaces.ts';
import { COST_IMPORTED_SURCHARGE, OPCODE } from './instructions.ts';
import { NO_LEAF } from './leaves.ts';
import type { FunctionType } from './module.ts';
import { invalid } from './refusals.ts';
import type { WalkedBody } from './walked-body.ts';

/** So many slots of results leave no room in the caller's frame. */
const RESULT_SLOTS_IN_REGISTERS = 2;

/** What calls mean to the body that is walked over. */
export class Calls {
  readonly #body: WalkedBody;

  constructor(body: WalkedBody) {
    this.#body = body;
  }

  call(code: number, at: number): void {
    const body = this.#body;
    const { reader } = body;
    const indexAt = reader.position;
    const index = reader.u32();
    const indexEnd = reader.position;
    const tail =
      code === OPCODE.returnCall ||
      code === OPCODE.returnCallIndirect ||
      code === OPCODE.returnCallReference;
    const direct = code === OPCODE.call || code === OPCODE.returnCall;
    const typeIndex = direct ? body.module.functions[index] : index;
    const type = body.module.types[typeIndex ?? -1];
    if (!type) throw invalid(`there is no function or type ${index}`, indexAt);
    if (direct) this.#noteCallee(index, tail, at);
    else if (code === OPCODE.callReference || code === OPCODE.returnCallReference) {
      body.module.use.typedReferences = true;
      body.pop();
      body.loops.forbid();
      body.calls ||= !tail;
      body.edits.add(tail ? EDIT.returnCallReference : EDIT.callReference, at, indexEnd, index);
    } else {
      const { is64 } = body.module.tables[requireTable(body)]!;
      body.pop();
      if (is64) body.keepsIndex64 = true;
      else body.keepsIndex32 = true;
      body.loops.forbid();
      body.calls ||= !tail;
      const kind = tail ? EDIT.returnCallIndirect : EDIT.callIndirect;
      body.edits.add(is64 ? kind | CALL_INDEX_64 : kind, at, indexEnd, index);
    }
    const imported = direct && index < body.module.imported.function;
    // With threaded fuel what is called last is a helper that charges for the import by itself.
    this.#countCall(type, imported && !(tail && body.threads), at);
    if (tail) {
      body.exitTo(OUT_OF_FUNCTION);
      body.die();
      return;
    }
    const inMemory = type.resultSlots - RESULT_SLOTS_IN_REGISTERS;
    body.returnedSlots = Math.max(body.returnedSlots, inMemory);
    body.popMany(type.parameters.length);
    body.pushTypes(type.results);
    if (!direct) body.edits.add(EDIT.afterCall, reader.position, reader.position, 0);
  }

  /** How a function of the module is called: by what it is. */
  #noteCallee(index: number, tail: boolean, at: number): void {
    const body = this.#body;
    const end = body.reader.position;
    const own = index - body.module.imported.function;
    const leafCost = own < 0 ? NO_LEAF : body.leaves[own]!;
    if (leafCost !== NO_LEAF) {
      body.segments.charge(leafCost);
      if (tail) body.edits.add(EDIT.returnCallLeaf, at, end, index);
      else body.edits.add(EDIT.functionIndex, at + 1, end, index);
      return;
    }
    body.loops.forbid();
    body.calls ||= !tail;
    if (own < 0 && tail && body.threads) {
      body.helpers.needReference(body.module, body.leaves, index, at);
    }
    if (own < 0) body.edits.add(tail ? EDIT.returnCallImport : EDIT.callImport, at, end, index);
    else body.edits.add(tail ? EDIT.returnCall : EDIT.call, at, end, index);
  }

  #countCall(type: FunctionType, imported: boolean, at: number): void {
    const body = this.#body;
    const operands = type.parameterSlots + type.resultSlots;
    body.segments.charge(Math.floor(operands / SLOTS_PER_UNIT));
    if (imported) body.segments.charge(COST_IMPORTED_SURCHARGE);
    body.bounds.mayThrow();
    if (imported || !body.threads) {
      body.bounds.question();
    }
    body.bounds.addCallOperands(operands, at);
  }
}
