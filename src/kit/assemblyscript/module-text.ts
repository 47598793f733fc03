/** The text of one generated AssemblyScript module: what it imports, declares and needs in helpers. */

import { comment } from '../generated-text.ts';

/** Collects the parts of a module and puts them together. */
export class ModuleText {
  /** Path below the folder of bindings, without an extension: `wasi/io/streams`. */
  readonly path: string;
  readonly #imports = new Map<string, Map<string, string>>();
  readonly #reExports = new Map<string, Map<string, string>>();
  readonly #renamed = new Map<string, string>();
  readonly #taken = new Map<string, string>();
  readonly #about: string | null;
  readonly #declarations: string[] = [];
  readonly #helpers = new Map<string, string>();
  readonly #helperTexts: string[] = [];

  /** @param about - What the module is, for people. */
  constructor(path: string, about: string | null = null) {
    this.path = path;
    this.#about = about;
  }

  /** Keeps a name for a declaration of this module; answers it, or with a number where it is taken. */
  reserve(name: string): string {
    return this.#take(name, this.path);
  }

  /**
   * Imports a symbol of another module and answers what it is called here.
   *
   * @param wanted - What it is called here if that is free.
   */
  use(path: string, symbol: string, wanted: string = symbol): string {
    if (path === this.path) return symbol;
    const symbols = this.#imports.get(path) ?? new Map<string, string>();
    this.#imports.set(path, symbols);
    const known = symbols.get(symbol);
    if (known !== undefined) return known;
    const local = this.#take(wanted, path);
    symbols.set(symbol, local);
    return local;
  }

  /** Imports a function of the runtime. Its `_` keeps it apart from all names that come of WIT. */
  useRuntime(path: string, symbol: string): string {
    return this.use(path, symbol, `_${symbol}`);
  }

  /** Offers a declaration of this module under another name than its own. */
  exportAs(own: string, as: string): void {
    this.#renamed.set(own, as);
  }

  /** Offers a symbol of another module under this module's path too. */
  reExport(path: string, symbol: string, as: string): void {
    const symbols = this.#reExports.get(path) ?? new Map<string, string>();
    this.#reExports.set(path, symbols.set(symbol, as));
  }

  /** Adds a declaration at the end. */
  declare(text: string): void {
    this.#declarations.push(text);
  }

  /** Answers the name of the helper with this key; makes it at its first use. */
  helper(key: string, name: string, make: (name: string) => string): string {
    const known = this.#helpers.get(key);
    if (known !== undefined) return known;
    const taken = this.reserve(name);
    this.#helpers.set(key, taken);
    this.#helperTexts.push(make(taken));
    return taken;
  }

  /** The whole module. */
  toString(): string {
    const renamed = [...this.#renamed].map(([own, as]) => `export { ${own} as ${as} };`);
    const parts = [...this.#declarations, ...renamed, ...this.#helperTexts];
    const clausesText = [
      ...clauses('import', this.#imports),
      ...clauses('export', this.#reExports),
    ];
    const blocks = [comment(this.#about).trimEnd(), clausesText.join('\n'), ...parts];
    return `${blocks.filter((each) => each !== '').join('\n\n')}\n`;
  }

  #take(name: string, owner: string): string {
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? name : `${name}${number}`;
      if (this.#taken.has(candidate)) continue;
      this.#taken.set(candidate, owner);
      return candidate;
    }
  }
}

/** Import or export clauses. Modules are named as packages, so that each has one identity. */
function clauses(
  word: 'import' | 'export',
  symbolsByPath: ReadonlyMap<string, ReadonlyMap<string, string>>,
): string[] {
  return [...symbolsByPath].map(([path, symbols]) => {
    const list = [...symbols].map(([from, to]) => (from === to ? from : `${from} as ${to}`));
    return `${word} { ${list.join(', ')} } from '${path}';`;
  });
}
