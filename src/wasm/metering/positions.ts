/**
 * Where the code of a metered module stands in the module that it was made of: what a trace shows of a
 * trap, in the terms of who wrote the module.
 */

/** A place of a module as it was before it was metered. */
export interface CodePosition {
  /** Index of the function, imported ones counted. */
  readonly function: number;
  /** Of the instruction, from the beginning of the module's bytes. */
  readonly offset: number;
}

/** Numbers that an entry of the list takes: its place in the metered code, and in the module. */
const PLACE = 2;

/** Notes, while the functions of one module are written, where each piece of them comes from. */
export class CodePositions {
  #bodies: number[] = [];
  #starts: number[] = [];
  /** For each piece: where it begins in its body, and where it comes from, negated where that is one instruction. */
  #pieces: number[] = [];
  #piecesOfBodies: number[][] = [];
  #codeStart = 0;

  /** The module is written from its beginning, possibly again. */
  restart(): void {
    this.#bodies = [];
    this.#starts = [];
    this.#pieces = [];
    this.#piecesOfBodies = [];
  }

  /** The bytes from `start` on come to stand at `position` of the body that is written. */
  copied(start: number, position: number): void {
    this.#pieces.push(position, start);
  }

  /** What stands at `position` of the body is written for the instruction at `at`. */
  edited(at: number, position: number): void {
    this.#pieces.push(position, -at);
  }

  /** The body of the function `index` is written, and begins at `position` of the code section's content. */
  body(index: number, position: number): void {
    this.#bodies.push(index);
    this.#starts.push(position);
    this.#piecesOfBodies.push(this.#pieces);
    this.#pieces = [];
  }

  /** All are written: from here on nobody's code. */
  end(position: number): void {
    this.#starts.push(position);
  }

  /** The code section's content begins at `offset` of the metered module. */
  begin(offset: number): void {
    this.#codeStart = offset;
  }

  /** Where what stands at `offset` of the metered module comes from; null: it was injected as a function of its own. */
  locate(offset: number): CodePosition | null {
    const position = offset - this.#codeStart;
    const body = lastAtMost(this.#starts.length, position, (index) => this.#starts[index]!);
    const index = this.#bodies[body];
    const pieces = this.#piecesOfBodies[body];
    if (index === undefined || pieces === undefined) {
      return null;
    }
    const within = position - this.#starts[body]!;
    const piece = lastAtMost(pieces.length / PLACE, within, (number) => pieces[number * PLACE]!);
    if (piece < 0) {
      return { function: index, offset: Math.abs(pieces[1] ?? 0) };
    }
    const from = pieces[piece * PLACE + 1]!;
    const into = within - pieces[piece * PLACE]!;
    return { function: index, offset: from < 0 ? -from : from + into };
  }
}

/** The last of `count` rising numbers that is at most `wanted`; -1: none is. */
function lastAtMost(count: number, wanted: number, at: (index: number) => number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
