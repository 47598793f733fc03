/** The custom section that says which branches are likely, carried over to the rewritten bodies. */

import { RingfenceError } from '../../errors.ts';
import type { DecodedModule } from './module.ts';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

/** Its name, by the branch hinting proposal. */
export const BRANCH_HINTS = 'metadata.code.branch_hint';

interface Hint {
  /** Of the branch, in the module's bytes. */
  readonly at: number;
  readonly value: number;
}

const UNLIKELY = 0;

/**
 * Gathers hints while bodies are written: those that the module had, at their branches' new places, and
 * that what is injected is hardly ever taken. The compiler puts that out of the way then, and saves no
 * registers for it where code runs straight on.
 */
export class BranchHints {
  readonly #byFunction: ReadonlyMap<number, readonly Hint[]>;
  #own: readonly Hint[] = [];
  #next = 0;
  /** New places and values of the module's own hints in the body that is written. */
  readonly #moved: number[] = [];
  readonly #written = new ByteWriter(1024);
  #functions = 0;

  constructor(module: DecodedModule) {
    this.#byFunction = readHints(module);
  }

  /** The body of the function `index` of the module's own is written from here on. */
  begin(index: number): void {
    this.#own = this.#byFunction.get(index) ?? [];
    this.#next = 0;
    this.#moved.length = 0;
  }

  /** The bytes `[start, end)` come to stand at `position` of the body. */
  copied(start: number, end: number, position: number): void {
    while (this.#next < this.#own.length && this.#own[this.#next]!.at < end) {
      const { at, value } = this.#own[this.#next++]!;
      // What can't be reached has been left out, and its hint is.
      if (at >= start) this.#moved.push(position + at - start, value);
    }
  }

  /** The body is written; `unlikely` are the places of branches that were injected. */
  finish(index: number, unlikely: readonly number[]): void {
    const count = unlikely.length + this.#moved.length / 2;
    if (count === 0) return;
    const out = this.#written;
    this.#functions++;
    out.u32(index);
    out.u32(count);
    let moved = 0;
    for (const place of unlikely) {
      while (moved < this.#moved.length && this.#moved[moved]! < place) {
        writeHint(out, this.#moved[moved]!, this.#moved[moved + 1]!);
        moved += 2;
      }
      writeHint(out, place, UNLIKELY);
    }
    for (; moved < this.#moved.length; moved += 2) {
      writeHint(out, this.#moved[moved]!, this.#moved[moved + 1]!);
    }
  }

  get isEmpty(): boolean {
    return this.#functions === 0;
  }

  /** The content of the section. */
  write(out: ByteWriter): void {
    out.name(BRANCH_HINTS);
    out.u32(this.#functions);
    out.copy(this.#written.bytes, 0, this.#written.length);
  }
}

function writeHint(out: ByteWriter, place: number, value: number): void {
  out.u32(place);
  out.u8(1);
  out.u8(value);
}

/** A section that can't be read is left out: it never changes what a module does. */
function readHints(module: DecodedModule): ReadonlyMap<number, readonly Hint[]> {
  const range = module.custom.get(BRANCH_HINTS);
  const found = new Map<number, readonly Hint[]>();
  if (range === undefined) return found;
  try {
    const reader = new ByteReader(module.bytes, range.start, range.end);
    for (let functions = reader.count(); functions > 0; functions--) {
      const index = reader.u32() - module.imported.function;
      const body = module.bodies[index];
      const hints: Hint[] = [];
      for (let left = reader.count(); left > 0; left--) {
        const offset = reader.u32();
        reader.u32();
        const value = reader.u8();
        if (body !== undefined && value <= 1) hints.push({ at: body.start + offset, value });
      }
      if (body !== undefined) found.set(index, hints);
    }
    return found;
  } catch (error) {
    if (error instanceof RingfenceError) return new Map();
    throw error;
  }
}
