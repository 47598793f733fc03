/** The custom section that says which branches are likely, carried over to the rewritten bodies. */

import { RingfenceError } from '../../errors.ts';
import type { Layout } from './layout.ts';
import type { DecodedModule } from './module.ts';
import { ByteReader } from './reader.ts';
import type { ByteWriter } from './writer.ts';

/** Its name, by the branch hinting proposal. */
export const BRANCH_HINTS = 'metadata.code.branch_hint';

interface Hint {
  /** Of the branch, in the module's bytes. */
  readonly at: number;
  readonly value: number;
}

/** Follows the branches that are hinted at while bodies are written. */
export class BranchHints {
  readonly #module: DecodedModule;
  readonly #byFunction: ReadonlyMap<number, readonly Hint[]>;
  #hints: readonly Hint[] = [];
  #next = 0;
  /** Of each function written so far: its index, and its branches' new places and values. */
  readonly #written: { readonly index: number; readonly hints: number[] }[] = [];

  constructor(module: DecodedModule) {
    this.#module = module;
    this.#byFunction = readHints(module);
  }

  /** The body of the function `index` of the module's own is written from here on. */
  begin(index: number): void {
    this.#hints = this.#byFunction.get(index) ?? [];
    this.#next = 0;
    if (this.#hints.length > 0) this.#written.push({ index, hints: [] });
  }

  /** The bytes `[start, end)` come to stand at `position` of the body. */
  copied(start: number, end: number, position: number): void {
    while (this.#next < this.#hints.length && this.#hints[this.#next]!.at < end) {
      const { at, value } = this.#hints[this.#next++]!;
      // What can't be reached has been left out, and its hint is.
      if (at >= start) this.#written.at(-1)!.hints.push(position + at - start, value);
    }
  }

  get isEmpty(): boolean {
    return this.#written.every(({ hints }) => hints.length === 0);
  }

  /** The content of the section. */
  write(out: ByteWriter, layout: Layout): void {
    const functions = this.#written.filter(({ hints }) => hints.length > 0);
    out.name(BRANCH_HINTS);
    out.u32(functions.length);
    for (const { index, hints } of functions) {
      out.u32(layout.function(this.#module.imported.function + index));
      out.u32(hints.length / 2);
      for (let hint = 0; hint < hints.length; hint += 2) {
        out.u32(hints[hint]!);
        out.raw(1, hints[hint + 1]!);
      }
    }
  }
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
