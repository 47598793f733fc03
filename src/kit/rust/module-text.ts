/** The modules of the bindings of Rust: their texts, and how one names what is in another. */

/** A module and those within it. */
export class ModuleText {
  readonly #path: readonly string[];
  readonly #children = new Map<string, ModuleText>();
  readonly #items: string[] = [];
  #about: string | null = null;

  constructor(path: readonly string[] = []) {
    this.#path = path;
  }

  /** A module below this one, which is made where there is none. */
  at(path: readonly string[]): ModuleText {
    const [first, ...rest] = path;
    if (first === undefined) return this;
    const child = this.#children.get(first) ?? new ModuleText([...this.#path, first]);
    this.#children.set(first, child);
    return child.at(rest);
  }

  describe(about: string | null): void {
    this.#about = about;
  }

  /** Adds an item. */
  declare(text: string): void {
    this.#items.push(text);
  }

  /** How this module names an item of another; `path` is that module's. */
  name(path: readonly string[], item: string): string {
    if (path.join('::') === this.#path.join('::')) return item;
    const up = this.#path.length === 0 ? 'self::' : 'super::'.repeat(this.#path.length);
    return `${up}${[...path, item].join('::')}`;
  }

  /** How this module names something of the runtime. */
  runtime(item: string): string {
    return this.name(['_rt'], item);
  }

  toString(): string {
    const children = [...this.#children].map(
      ([name, child]) => `${doc(child.#about)}pub mod ${name} {\n${indent(child.toString())}\n}`,
    );
    return [...this.#items, ...children].join('\n\n');
  }
}

/** A doc comment and its end of line; nothing where there is no text. */
export function doc(text: string | null): string {
  if (text === null || text.trim() === '') return '';
  const lines = text.trim().split('\n');
  return `${lines.map((line) => `/// ${line}`.trimEnd()).join('\n')}\n`;
}

/** Indents the lines of a text by one step. */
export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}
