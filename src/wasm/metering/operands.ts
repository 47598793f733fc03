/** The operands on a function's stack, as far as frames are concerned: how many slots each takes. */

/** A stack of slot counts, with the most that it ever held. */
export class OperandStack {
  #slotsOfEach = new Uint8Array(256);
  /** Operands now. */
  height = 0;
  /** Their slots now, and at most. */
  slots = 0;
  slotsMax = 0;

  clear(): void {
    this.height = 0;
    this.slots = 0;
    this.slotsMax = 0;
  }

  push(slots: number): void {
    if (this.height >= this.#slotsOfEach.length) {
      const grown = new Uint8Array(this.#slotsOfEach.length * 2);
      grown.set(this.#slotsOfEach);
      this.#slotsOfEach = grown;
    }
    this.#slotsOfEach[this.height++] = slots;
    this.reserve(slots);
  }

  /** Takes slots that are no operand's. */
  reserve(slots: number): void {
    this.slots += slots;
    if (this.slots > this.slotsMax) this.slotsMax = this.slots;
  }

  /** Takes one off; answers its slots. The caller has checked that there is one. */
  pop(): number {
    const slots = this.#slotsOfEach[--this.height]!;
    this.slots -= slots;
    return slots;
  }

  dropTo(height: number): void {
    while (this.height > height) this.slots -= this.#slotsOfEach[--this.height]!;
  }
}
