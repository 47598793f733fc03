/** What is to change where in the module's bytes: found on one pass over them, carried out on another. */

export const EDIT = {
  /** Charge `value` here. */
  charge: 0,
  /** Ask for the sign of fuel here. */
  poll: 1,
  /** Replace the index of a function that is called or exported. */
  functionIndex: 2,
  /** Replace the index of a function that becomes a reference: imported ones get their wrapper. */
  referenceIndex: 3,
  /** Replace the index of a global. */
  globalIndex: 4,
  /** Replace `return`; `value` is the depth of the function's label. */
  return: 5,
  /** Give back the frame, before a tail call. */
  leave: 6,
  /** Replace an instruction by the call of the helper `value`. */
  helper: 7,
  /** Leave these bytes out. */
  skip: 8,
} as const;

/** With `EDIT.charge`: ask for the sign of fuel after it. */
export const CHARGE_CHECKED = 0x100;
/** With `EDIT.charge`: control may have come from an exception, so the depth is this frame's again. */
export const CHARGE_RESTORE = 0x200;
export const EDIT_KIND_MASK = 0xff;

const STRIDE = 4;

/** A list of edits in the order of their places, packed because there are millions of them. */
export class EditList {
  #data = new Int32Array(1024 * STRIDE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds an edit that replaces `[at, resume)`; answers its number. */
  add(kind: number, at: number, resume: number, value: number): number {
    const base = this.#length * STRIDE;
    if (base === this.#data.length) {
      const grown = new Int32Array(this.#data.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[base] = kind;
    this.#data[base + 1] = at;
    this.#data[base + 2] = resume;
    this.#data[base + 3] = value;
    return this.#length++;
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
