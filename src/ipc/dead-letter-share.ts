/** The dead letters of one owner, the oldest first: any of them can be taken out at once. */

/** A letter in its owner's share. */
export interface HeldLetter<Letter> {
  readonly letter: Letter;
  readonly bytes: number;
  readonly share: DeadLetterShare<Letter>;
  older: HeldLetter<Letter> | null;
  newer: HeldLetter<Letter> | null;
}

/** What one owner has of the room for dead letters. */
export class DeadLetterShare<Letter> {
  readonly owner: string;
  letters = 0;
  bytes = 0;
  #oldest: HeldLetter<Letter> | null = null;
  #newest: HeldLetter<Letter> | null = null;

  constructor(owner: string) {
    this.owner = owner;
  }

  get oldest(): HeldLetter<Letter> | null {
    return this.#oldest;
  }

  add(letter: Letter, bytes: number): HeldLetter<Letter> {
    const held: HeldLetter<Letter> = {
      letter,
      bytes,
      share: this,
      older: this.#newest,
      newer: null,
    };
    if (this.#newest === null) {
      this.#oldest = held;
    } else {
      this.#newest.newer = held;
    }
    this.#newest = held;
    this.letters += 1;
    this.bytes += bytes;
    return held;
  }

  remove({ bytes, older, newer }: HeldLetter<Letter>): void {
    if (older === null) {
      this.#oldest = newer;
    } else {
      older.newer = newer;
    }
    if (newer === null) {
      this.#newest = older;
    } else {
      newer.older = older;
    }
    this.letters -= 1;
    this.bytes -= bytes;
  }
}
