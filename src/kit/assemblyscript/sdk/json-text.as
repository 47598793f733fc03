// A text that grows unit by unit, without a string for each step.

export class TextBuilder {
  private buffer: ArrayBuffer = new ArrayBuffer(128);
  private _length: i32 = 0;

  /** In UTF-16 units. */
  get length(): i32 {
    return this._length;
  }

  unit(code: u16): void {
    this.reserve(1);
    store<u16>(changetype<usize>(this.buffer) + (<usize>this._length << 1), code);
    this._length += 1;
  }

  text(text: string): void {
    this.part(text, 0, text.length);
  }

  /** The units of a text from `start` to before `end`. */
  part(text: string, start: i32, end: i32): void {
    const units = end - start;
    this.reserve(units);
    memory.copy(
      changetype<usize>(this.buffer) + (<usize>this._length << 1),
      changetype<usize>(text) + (<usize>start << 1),
      <usize>units << 1,
    );
    this._length += units;
  }

  toString(): string {
    return String.UTF16.decodeUnsafe(changetype<usize>(this.buffer), <usize>this._length << 1);
  }

  private reserve(units: i32): void {
    const wanted = (this._length + units) << 1;
    if (wanted <= this.buffer.byteLength) return;
    const grown = new ArrayBuffer(max(wanted, this.buffer.byteLength << 1));
    memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), <usize>this._length << 1);
    this.buffer = grown;
  }
}
