/** Reads the s-expressions of a test script of the official WebAssembly test suite. */

/** A word: a keyword, a number or an `$id`. */
export interface Atom {
  readonly kind: 'atom';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A string with its escapes resolved: any bytes. */
export interface Text {
  readonly kind: 'text';
  readonly bytes: Buffer;
}

/** What stands in a pair of parentheses. `start` and `end` are places in the script. */
export interface List {
  readonly kind: 'list';
  readonly items: Node[];
  readonly start: number;
  end: number;
  readonly line: number;
}

export type Node = Atom | Text | List;

const SPACE = /(?:\s|;;[^\n]*)+/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const WORD = /[^\s()";]+/y;
const ESCAPE = /\\(?:u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2})|(.))/gs;
const CONTROL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };

function bytesOf(quoted: string): Buffer {
  const parts: Buffer[] = [];
  let at = 1;
  for (const match of quoted.matchAll(ESCAPE)) {
    const [whole, codePoint, byte, letter = ''] = match;
    parts.push(Buffer.from(quoted.slice(at, match.index)));
    if (codePoint) {
      parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(codePoint, 16))));
    } else {
      parts.push(byte ? Buffer.from(byte, 'hex') : Buffer.from(CONTROL[letter] ?? letter));
    }
    at = match.index + whole.length;
  }
  parts.push(Buffer.from(quoted.slice(at, -1)));
  return Buffer.concat(parts);
}

/** One pass over a script. */
class ScriptReader {
  readonly #script: string;
  #at = 0;
  #line = 1;
  #lineCountedTo = 0;

  constructor(script: string) {
    this.#script = script;
  }

  read(): Node[] {
    const top: Node[] = [];
    const open: List[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#at >= this.#script.length) break;
      const into = open.at(-1)?.items ?? top;
      const character = this.#script[this.#at];
      if (character === '(') {
        const list: List = {
          kind: 'list',
          items: [],
          start: this.#at++,
          end: 0,
          line: this.#here(),
        };
        into.push(list);
        open.push(list);
      } else if (character === ')') {
        const closed = open.pop();
        if (!closed) throw new Error(`line ${this.#here()}: a parenthesis that nothing opened`);
        closed.end = ++this.#at;
        if (headOf(closed).startsWith('@')) (open.at(-1)?.items ?? top).pop();
      } else {
        into.push(this.#leaf());
      }
    }
    if (open.length > 0) throw new Error(`line ${open.at(-1)!.line}: it is never closed`);
    return top;
  }

  #leaf(): Atom | Text {
    const start = this.#at;
    const string = this.#take(STRING);
    if (string !== null) return { kind: 'text', bytes: bytesOf(string) };
    let text = this.#take(WORD) ?? this.#script[this.#at++]!;
    if (text === '$') text += this.#take(STRING) ?? '';
    return { kind: 'atom', text, start, end: this.#at };
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#script)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #skipSpace(): void {
    while (this.#take(SPACE) !== null || this.#skipBlockComment());
  }

  #skipBlockComment(): boolean {
    if (!this.#script.startsWith('(;', this.#at)) return false;
    let depth = 0;
    do {
      const [opens, closes] = [
        this.#script.startsWith('(;', this.#at),
        this.#script.startsWith(';)', this.#at),
      ];
      depth += Number(opens) - Number(closes);
      this.#at += opens || closes ? 2 : 1;
    } while (depth > 0 && this.#at < this.#script.length);
    return true;
  }

  #here(): number {
    for (; this.#lineCountedTo < this.#at; this.#lineCountedTo++) {
      if (this.#script[this.#lineCountedTo] === '\n') this.#line++;
    }
    return this.#line;
  }
}

/**
 * The script's top level, in its order; annotations, `(@name …)`, are left out.
 *
 * @throws {Error} naming the line where parentheses don't match.
 */
export function readScript(script: string): Node[] {
  return new ScriptReader(script).read();
}

/** The word at the head of a list, or of none. */
export function headOf(node: Node | undefined): string {
  const first = node?.kind === 'list' ? node.items[0] : undefined;
  return first?.kind === 'atom' ? first.text : '';
}
