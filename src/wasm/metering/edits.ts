/** What is to change where in a function's bytes: found on one pass over them, carried out on another. */

export const EDIT = {
  /** Nothing after all. */
  none: 0,
  /** Charge `value` here. */
  charge: 1,
  /** Replace the index of a local. */
  local: 2,
  /** Replace the depth of a label. */
  label: 3,
  /** Replace the call of a function whose body takes and returns fuel. */
  call: 4,
  /** … and its tail call. */
  returnCall: 5,
  /** Replace the call of an imported function. */
  callImport: 6,
  returnCallImport: 7,
  /** Replace the tail call of a leaf. */
  returnCallLeaf: 8,
  /** Replace a call through a table up to its type `value`; the table's index stays. */
  callIndirect: 9,
  returnCallIndirect: 10,
  /** What follows a call through a table or of a reference. */
  afterCall: 11,
  /** Replace `return`. */
  return: 12,
  /** Replace `unreachable`. */
  unreachable: 13,
  /** Keep the fuel where an exception handler finds it. */
  save: 14,
  /** Replace a loop's opcode and block type; `value` 1: by the form that suspends outside of it. */
  loop: 15,
  /** The end of a loop in that form; `value` is the edit that charges its header. */
  loopEnd: 16,
  /** Replace an instruction by the call of the helper `value`. */
  helper: 17,
  /** Replace the index of a function that is called as it is, or exported. */
  functionIndex: 18,
  /** Replace the index of a function that becomes a reference. */
  referenceIndex: 19,
  /** Replace the index of a global. */
  globalIndex: 20,
  /** Leave these bytes out. */
  skip: 21,
  /** Replace the call of a reference to a function of the type `value`. */
  callReference: 22,
  returnCallReference: 23,
} as const;

/** With `EDIT.charge`: ask for the sign of fuel after it. */
export const CHARGE_CHECKED = 0x100;
/** With `EDIT.charge`: control may have come from an exception, so fuel is what it was there. */
export const CHARGE_RESTORE = 0x200;
/** With `EDIT.charge`: the header of a loop that suspends outside of it. */
export const CHARGE_LOOP = 0x400;
/** With a call through a table: its indices are 64 bits long. */
export const CALL_INDEX_64 = 0x800;
export const EDIT_KIND_MASK = 0xff;

const STRIDE = 4;

/** A list of edits in the order of their places, packed because there are millions of them. */
export class EditList {
  #data = new Int32Array(256 * STRIDE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Forgets them all. */
  clear(): void {
    this.#length = 0;
  }

  /** Adds an edit that replaces `[at, resume)`; answers its number. */
  add(kind: number, at: number, resume: number, value: number): number {
    const base = this.#length * STRIDE;
    if (base === this.#data.length) this.#grow();
    const data = this.#data;
    data[base] = kind;
    data[base + 1] = at;
    data[base + 2] = resume;
    data[base + 3] = value;
    return this.#length++;
  }

  #grow(): void {
    const grown = new Int32Array(this.#data.length * 2);
    grown.set(this.#data);
    this.#data = grown;
  }

  kind(edit: number): number {
    return this.#data[edit * STRIDE]!;
  }

  at(edit: number): number {
    return this.#data[edit * STRIDE + 1]!;
  }

  resume(edit: number): number {
    return this.#data[edit * STRIDE + 2]!;
  }

  value(edit: number): number {
    return this.#data[edit * STRIDE + 3]!;
  }

  setKind(edit: number, kind: number): void {
    this.#data[edit * STRIDE] = kind;
  }

  setValue(edit: number, value: number): void {
    this.#data[edit * STRIDE + 3] = value;
  }

  /** Adds to a charge. */
  increase(edit: number, by: number): void {
    const index = edit * STRIDE + 3;
    this.#data[index] = this.#data[index]! + by;
  }

  /** Adds flags to a charge. */
  flag(edit: number, flags: number): void {
    const index = edit * STRIDE;
    this.#data[index] = this.#data[index]! | flags;
  }
}
