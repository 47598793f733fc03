/** What WIT's doc comments say, by what they stand at. */

/** The comments of one interface, or of one type in it. */
export class Docs {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #prefix: string;

  /**
   * @param texts - Comments by key: `wasi:io/streams@0.2.12` for an interface, behind it `#` and a name
   * for what it has, behind that `.` and a name for a field, a case or a flag. What a world has itself
   * begins with the `#`.
   */
  constructor(texts: ReadonlyMap<string, string> = new Map(), prefix: string = '') {
    this.#texts = texts;
    this.#prefix = prefix;
  }

  /** The comments of an interface; the empty name is the world. */
  interface(name: string): Docs {
    return new Docs(this.#texts, name);
  }

  /** The comments of a type of this interface. */
  type(name: string): Docs {
    return new Docs(this.#texts, `${this.#prefix}#${name}`);
  }

  /** The comment at a function of this interface or a part of this type; at itself where null. */
  of(name: string | null): string | null {
    if (name === null) return this.#texts.get(this.#prefix) ?? null;
    const mark = this.#prefix.includes('#') ? '.' : '#';
    return this.#texts.get(`${this.#prefix}${mark}${name}`) ?? null;
  }
}
