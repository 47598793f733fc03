/**
 * The names in a directory in memory, in the order in which they were made.
 *
 * Each has a number, so a reader keeps where it was without keeping anything else: names may come and
 * go meanwhile, and any number of readers cost nothing.
 */

interface Entry<Value> {
  readonly name: string;
  readonly number: number;
  value: Value;
  gone: boolean;
}

/** Removed entries are kept until they are as many as the others, and more than so many. */
const GONE_KEPT = 16;

export class Entries<Value> {
  readonly #byName = new Map<string, Entry<Value>>();
  /** By number; with those that are gone. */
  #ordered: Entry<Value>[] = [];
  #lastNumber = 0;

  get count(): number {
    return this.#byName.size;
  }

  get(name: string): Value | undefined {
    return this.#byName.get(name)?.value;
  }

  /** A name that isn't there yet. */
  add(name: string, value: Value): void {
    this.#lastNumber += 1;
    // A copy: a part of a path would keep the whole of it.
    const own = Buffer.from(name).toString();
    const entry = { name: own, number: this.#lastNumber, value, gone: false };
    this.#byName.set(own, entry);
    this.#ordered.push(entry);
  }

  remove(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) {
      return;
    }
    this.#byName.delete(name);
    entry.gone = true;
    if (this.#ordered.length > 2 * this.#byName.size + GONE_KEPT) {
      this.#ordered = this.#ordered.filter(({ gone }) => !gone);
    }
  }

  /** The first one with a number above. */
  after(number: number): { readonly name: string; readonly number: number; value: Value } | null {
    const ordered = this.#ordered;
    let low = 0;
    let high = ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ordered[middle] as Entry<Value>).number > number) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    for (let index = low; index < ordered.length; index += 1) {
      const entry = ordered[index] as Entry<Value>;
      if (!entry.gone) {
        return entry;
      }
    }
    return null;
  }
}
