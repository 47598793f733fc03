/** Structs and arrays: what they allocate is charged before it is there. */

import { ALLOCATED_BYTES_PER_UNIT_LOG2, ALLOCATION_HEADER_BYTES } from './costs.ts';
import { CHARGE_CHECKED } from './edits.ts';
import { requireArray, requireSegment, requireStruct } from './index-spaces.ts';
import { type Instruction, OPCODE } from './instructions.ts';
import { invalid } from './refusals.ts';
import { slotsOf } from './value-types.ts';
import type { WalkedBody } from './walked-body.ts';

/** What structs and arrays mean to the body that is walked over. */
export class HeapObjects {
  readonly #body: WalkedBody;

  constructor(body: WalkedBody) {
    this.#body = body;
  }

  /** Charges for so many bytes, besides the instruction itself, before it is run. */
  #allocate(bytes: number, at: number): void {
    const body = this.#body;
    const units = bytes >> ALLOCATED_BYTES_PER_UNIT_LOG2;
    if (body.segments.isFull(units)) body.openSegment(at, CHARGE_CHECKED);
    body.segments.charge(units);
  }

  newStruct({ code }: Instruction, at: number): void {
    const body = this.#body;
    const { fields, bytes } = requireStruct(body);
    this.#allocate(bytes, at);
    if (code === OPCODE.structNew) body.popMany(fields.length);
    body.push(1);
  }

  field(code: number): void {
    const body = this.#body;
    const { fields } = requireStruct(body);
    const at = body.reader.position;
    const index = body.reader.u32();
    const field = fields[index];
    if (!field) throw invalid(`there is no field ${index}`, at);
    if (code === OPCODE.structSet) body.popMany(2);
    else {
      body.pop();
      body.push(slotsOf(field.type));
    }
  }

  array({ code }: Instruction, at: number): void {
    const body = this.#body;
    const { type, element } = requireArray(body);
    switch (code) {
      case OPCODE.arrayNew:
        body.replaceByHelper({ kind: 'array.new', type }, at);
        body.popMany(2);
        body.push(1);
        return;
      case OPCODE.arrayNewDefault:
        body.replaceByHelper({ kind: 'array.new_default', type }, at);
        body.pop();
        body.push(1);
        return;
      case OPCODE.arrayFill:
        body.replaceByHelper({ kind: 'array.fill', type }, at);
        body.popMany(4);
        return;
      case OPCODE.arraySet:
        body.popMany(3);
        return;
      default:
        body.popMany(2);
        body.push(slotsOf(element.type));
    }
  }

  arraySegment({ code }: Instruction, at: number): void {
    const body = this.#body;
    const { type } = requireArray(body);
    const ofData = code === OPCODE.arrayNewData || code === OPCODE.arrayInitData;
    const { dataSegments, elementSegments } = body.module;
    const segment = requireSegment(body, (ofData ? dataSegments : elementSegments).length);
    if (code === OPCODE.arrayNewData || code === OPCODE.arrayNewElem) {
      const kind = ofData ? 'array.new_data' : 'array.new_elem';
      body.replaceByHelper({ kind, type, segment }, at);
      body.popMany(2);
      body.push(1);
      return;
    }
    const kind = ofData ? 'array.init_data' : 'array.init_elem';
    body.replaceByHelper({ kind, type, segment }, at);
    body.popMany(4);
  }

  /** `array.new_fixed`. */
  arrayFixed(at: number): void {
    const body = this.#body;
    const { element } = requireArray(body);
    const count = body.reader.u32();
    this.#allocate(ALLOCATION_HEADER_BYTES + count * element.bytes, at);
    body.popMany(count);
    body.push(1);
  }

  arrayCopy(at: number): void {
    const body = this.#body;
    const destination = requireArray(body).type;
    const source = requireArray(body).type;
    body.replaceByHelper({ kind: 'array.copy', destination, source }, at);
    body.popMany(5);
  }
}
