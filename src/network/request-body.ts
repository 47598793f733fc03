/** The body of a request between whoever writes it and the connection that it goes to. */

/** Pieces in order, for one reader; each is told to be taken when the reader asks for the next. */
export class RequestBodyQueue implements AsyncIterable<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  readonly #pieces: Uint8Array[] = [];
  #underWay = 0;
  #ended = false;
  #isBroken = false;
  #wake: (() => void) | null = null;

  /** `taken` hears how many bytes have left it. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  /** Bytes that were written and not taken yet. */
  get underWay(): number {
    return this.#underWay;
  }

  push(bytes: Uint8Array): void {
    if (!this.#ended && bytes.length > 0) {
      this.#underWay += bytes.length;
      this.#pieces.push(bytes);
      this.#wake?.();
    }
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** It will not be whole: whoever reads it is told so, and must not take what it has for all. */
  abandon(): void {
    this.#pieces.length = 0;
    this.#isBroken = true;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        yield piece;
        this.#underWay -= piece.length;
        this.#taken(piece.length);
      } else if (this.#isBroken) {
        throw new Error('the body was given up');
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}
