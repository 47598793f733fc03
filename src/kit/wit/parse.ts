/**
 * Reads the structure of WIT text: which packages, interfaces and worlds a file has, what its doc comments
 * say, and where each name stands.
 *
 * What the text means is decided by jco's tools. They give neither comments nor places, so that these
 * are taken from here; the grammar is that of the component model's WIT.md.
 */

import { placeOf, type Token, tokensOf, type WitFile, witError } from './tokens.ts';

/** A name in the text. */
export interface Mention {
  readonly name: string;
  /** It stands there to be defined, not to be used. */
  readonly defines: boolean;
  /** It has a `%` before it. */
  readonly escaped: boolean;
  readonly file: WitFile;
  readonly offset: number;
}

/** The part of a file that belongs to one package. */
export interface PackagePart {
  /** With its version: `wasi:io@0.2.12`. Null: the file doesn't say. */
  readonly name: string | null;
  /** The text between the package's name and the end of what belongs to it. */
  readonly body: string;
  readonly worlds: readonly string[];
}

/** What a file says. */
export interface ParsedFile {
  readonly file: WitFile;
  readonly parts: readonly PackagePart[];
  /** Doc comments by key (see `Docs`), a world's own under its full name. */
  readonly docs: ReadonlyMap<string, string>;
  readonly mentions: readonly Mention[];
}

/**
 * Reads a file.
 *
 * @param folderPackage - The package that the file belongs to if it names none itself.
 * @throws RingfenceError `RF_WIT_INVALID` with line and column of what isn't WIT.
 */
export function parseWit(file: WitFile, folderPackage: string | null = null): ParsedFile {
  return new Parser(file, folderPackage).file();
}

const VERSION =
  /\d+\.\d+\.\d+(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?/y;
/** More than these no tool of the component model takes. */
const FLAGS_MAX = 32;
/** Types around a type, without a name between them: each is a call on the stack of whoever reads them. */
const TYPE_DEPTH_MAX = 100;
const TYPE_ITEMS = new Set(['record', 'variant', 'enum', 'flags', 'resource', 'type']);
/** Types with parameters, and how many they may have. */
const GENERIC: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ['list', [1, 2]],
  ['option', [1, 1]],
  ['result', [0, 2]],
  ['tuple', [1, Number.POSITIVE_INFINITY]],
  ['own', [1, 1]],
  ['borrow', [1, 1]],
  ['future', [0, 1]],
  ['stream', [0, 1]],
  ['map', [2, 2]],
]);

class Parser {
  readonly #file: WitFile;
  readonly #tokens: readonly Token[];
  readonly #docs = new Map<string, string>();
  readonly #mentions: Mention[] = [];
  readonly #parts: PackagePart[] = [];
  #package: string | null;
  #worlds: string[] = [];
  #position = 0;

  constructor(file: WitFile, folderPackage: string | null) {
    this.#file = file;
    this.#tokens = tokensOf(file);
    this.#package = folderPackage;
  }

  file(): ParsedFile {
    let name: string | null = null;
    let start = 0;
    const nested: [number, number][] = [];
    if (this.#is('package') && !this.#isNested()) {
      this.#next();
      name = this.#packageName();
      this.#package = name;
      start = this.#expect(';').end;
    }
    while (this.#peek().kind !== 'end') {
      const from = this.#peek().start;
      if (this.#is('package')) {
        this.#nestedPackage();
        nested.push([from, this.#tokens[this.#position - 1]?.end ?? from]);
      } else this.#item();
    }
    let body = '';
    for (const [from, end] of nested) {
      body += this.#file.text.slice(start, from);
      start = end;
    }
    body += this.#file.text.slice(start);
    this.#parts.unshift({ name, body, worlds: this.#worlds });
    return {
      file: this.#file,
      parts: this.#parts,
      docs: this.#docs,
      mentions: this.#mentions,
    };
  }

  /** Whether the `package` here has a body of its own. */
  #isNested(): boolean {
    for (let at = this.#position; at < this.#tokens.length; at += 1) {
      const text = this.#tokens[at]?.text;
      if (text === '{' || text === ';') return text === '{';
    }
    return false;
  }

  #nestedPackage(): void {
    const outer = [this.#package, this.#worlds] as const;
    this.#next();
    this.#package = this.#packageName();
    this.#worlds = [];
    const start = this.#expect('{').end;
    while (!this.#is('}')) this.#item();
    const body = this.#file.text.slice(start, this.#next().start);
    this.#parts.push({ name: this.#package, body, worlds: this.#worlds });
    [this.#package, this.#worlds] = outer;
  }

  #packageName(): string {
    let name = this.#word();
    while (this.#accept(':')) name += `:${this.#word()}`;
    while (this.#accept('/')) name += `/${this.#word()}`;
    return this.#accept('@') ? `${name}@${this.#version()}` : name;
  }

  #version(): string {
    const start = this.#tokens[this.#position - 1]?.end ?? 0;
    VERSION.lastIndex = start;
    const version = VERSION.exec(this.#file.text)?.[0];
    if (version === undefined) {
      throw this.#error(`expected a version such as '1.0.0' after the '@'`, this.#peek());
    }
    while (this.#peek().kind !== 'end' && this.#peek().start < start + version.length) this.#next();
    return version;
  }

  #item(): void {
    const docs = this.#head();
    if (this.#accept('use')) {
      this.#path();
      if (this.#accept('as')) this.#word();
      this.#expect(';');
    } else if (this.#accept('interface')) {
      const key = this.#fullName(this.#define());
      this.#note(key, docs);
      this.#interfaceBody(key);
    } else if (this.#accept('world')) {
      const name = this.#define();
      this.#worlds.push(name);
      const key = this.#fullName(name);
      this.#note(key, docs);
      this.#worldBody(key);
    } else throw this.#expected(`'interface', 'world', 'use' or 'package'`);
  }

  #interfaceBody(key: string): void {
    this.#expect('{');
    while (!this.#accept('}')) {
      const docs = this.#head();
      if (this.#accept('use')) this.#useTypes();
      else if (this.#isTypeItem()) this.#typeItem(key, docs);
      else {
        const name = this.#define();
        this.#note(`${key}#${name}`, docs);
        this.#expect(':');
        this.#functionType();
        this.#expect(';');
      }
    }
  }

  #worldBody(key: string): void {
    this.#expect('{');
    while (!this.#accept('}')) {
      const docs = this.#head();
      if (this.#accept('use')) this.#useTypes();
      else if (this.#accept('include')) this.#include();
      else if (this.#accept('import') || this.#accept('export')) this.#extern(key, docs);
      else if (this.#isTypeItem()) this.#typeItem(key, docs);
      else throw this.#expected(`'import', 'export', 'include', 'use' or a type`);
    }
  }

  #extern(key: string, docs: string | null): void {
    const named = this.#peek(1).text === ':' && /^(func|async|interface)$/.test(this.#peek(2).text);
    if (!named) {
      this.#path();
      this.#expect(';');
      return;
    }
    const name = this.#define();
    this.#note(`${key}#${name}`, docs);
    this.#expect(':');
    if (this.#accept('interface')) this.#interfaceBody(`${key}#${name}`);
    else {
      this.#functionType();
      this.#expect(';');
    }
  }

  #include(): void {
    this.#path();
    if (this.#accept('with')) {
      this.#expect('{');
      this.#list('}', () => {
        this.#word();
        this.#expect('as');
        this.#word();
      });
    } else this.#expect(';');
  }

  /** `use path.{a, b as c};` */
  #useTypes(): void {
    this.#path();
    this.#expect('.');
    this.#expect('{');
    this.#list('}', () => {
      this.#word();
      if (this.#accept('as')) this.#define();
    });
    this.#expect(';');
  }

  /** `wasi:io/streams@0.2.12`, or a name alone. */
  #path(): void {
    const { start } = this.#peek();
    let name = this.#word();
    const isPackage = this.#is(':');
    while (this.#accept(':')) name += `:${this.#word()}`;
    const packageName = name;
    while (this.#accept('/')) this.#word();
    const version = this.#accept('@') ? `@${this.#version()}` : '';
    if (isPackage) this.#usesPackage(packageName, start);
    if (isPackage && version !== '') this.#usesPackage(`${packageName}${version}`, start);
  }

  #isTypeItem(): boolean {
    const token = this.#peek();
    return TYPE_ITEMS.has(token.text) && !token.escaped && this.#peek(1).kind === 'word';
  }

  #typeItem(key: string, docs: string | null): void {
    const kind = this.#word();
    const name = this.#define();
    const own = `${key}#${name}`;
    this.#note(own, docs);
    switch (kind) {
      case 'type':
        this.#expect('=');
        this.#type();
        this.#expect(';');
        return;
      case 'resource':
        if (this.#accept(';')) return;
        this.#resourceBody(key, name);
        return;
      default: {
        this.#expect('{');
        let count = 0;
        this.#list('}', () => {
          const about = this.#head();
          count += 1;
          if (kind === 'flags' && count > FLAGS_MAX) {
            throw this.#error(`'${name}' has more than ${FLAGS_MAX} flags`, this.#peek());
          }
          this.#note(`${own}.${this.#word()}`, about);
          if (kind === 'record') {
            this.#expect(':');
            this.#type();
          } else if (kind === 'variant' && this.#accept('(')) {
            this.#type();
            this.#expect(')');
          }
        });
      }
    }
  }

  #resourceBody(key: string, resource: string): void {
    this.#expect('{');
    while (!this.#accept('}')) {
      const docs = this.#head();
      if (this.#is('constructor') && this.#peek(1).text === '(') {
        this.#next();
        this.#note(`${key}#[constructor]${resource}`, docs);
        this.#parameters();
        if (this.#accept('->')) this.#type();
      } else {
        const name = this.#define();
        this.#expect(':');
        const kind = this.#accept('static') ? 'static' : 'method';
        this.#note(`${key}#[${kind}]${resource}.${name}`, docs);
        this.#functionType();
      }
      this.#expect(';');
    }
  }

  #functionType(): void {
    this.#accept('async');
    this.#expect('func');
    this.#parameters();
    if (this.#accept('->')) this.#type();
  }

  #parameters(): void {
    this.#expect('(');
    this.#list(')', () => {
      this.#word();
      this.#expect(':');
      this.#type();
    });
  }

  #type(depth = 0): void {
    if (this.#accept('_')) return;
    if (depth > TYPE_DEPTH_MAX) {
      throw this.#error(
        `a type has more than ${TYPE_DEPTH_MAX} others around it: give one of them a name`,
        this.#peek(),
      );
    }
    const { text, escaped } = this.#peek();
    const parameters = escaped ? undefined : GENERIC.get(text);
    this.#word();
    if (parameters === undefined) return;
    const [least, most] = parameters;
    if (least === 0 && !this.#is('<')) return;
    this.#expect('<');
    let count = 0;
    this.#list('>', () => {
      count += 1;
      if (count > most) throw this.#error(`'${text}' has too many types in its '<>'`, this.#peek());
      if (text === 'list' && count === 2) this.#next();
      else this.#type(depth + 1);
    });
    if (count < least) {
      throw this.#error(`'${text}' has too few types in its '<>'`, this.#peek(-1));
    }
  }

  /** Items with commas between them, one after the last being allowed too, and what closes them. */
  #list(close: string, item: () => void): void {
    while (!this.#accept(close)) {
      item();
      if (this.#accept(close)) return;
      if (!this.#accept(',')) throw this.#expected(`',' or '${close}'`);
    }
  }

  /** The doc comment of an item, and its attributes, which say nothing of its shape. */
  #head(): string | null {
    const { docs } = this.#peek();
    let last = docs;
    while (this.#accept('@')) {
      this.#word();
      if (this.#accept('(')) while (this.#next().text !== ')') this.#notEnd();
      last ??= this.#peek().docs;
    }
    return last;
  }

  #note(key: string, docs: string | null): void {
    if (docs !== null) this.#docs.set(key, docs);
  }

  #fullName(name: string): string {
    const [own = '', version] = (this.#package ?? '').split('@');
    return version === undefined ? `${own}/${name}` : `${own}/${name}@${version}`;
  }

  /** The name of what is defined here. */
  #define(): string {
    return this.#word(true);
  }

  #peek(ahead = 0): Token {
    return this.#tokens[this.#position + ahead] ?? this.#tokens[this.#tokens.length - 1]!;
  }

  #next(): Token {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.text === text && !token.escaped && token.kind !== 'end';
  }

  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next();
    return true;
  }

  #expect(text: string): Token {
    if (!this.#is(text)) throw this.#expected(`'${text}'`);
    return this.#next();
  }

  #notEnd(): void {
    if (this.#peek().kind === 'end') throw this.#expected(`')'`);
  }

  #word(defines = false): string {
    const token = this.#peek();
    if (token.kind !== 'word') throw this.#expected('a name');
    const name = this.#next().text;
    const { escaped, start: offset } = token;
    this.#mentions.push({ name, defines, escaped, file: this.#file, offset });
    return name;
  }

  #usesPackage(name: string, offset: number): void {
    this.#mentions.push({ name, defines: false, escaped: false, file: this.#file, offset });
  }

  #expected(what: string): Error {
    const token = this.#peek();
    const found = token.kind === 'end' ? 'the file ends' : `'${token.text}' stands there`;
    return this.#error(`${what} is expected here, but ${found}`, token);
  }

  #error(problem: string, token: Token): Error {
    return witError(placeOf(this.#file, token.start), `${problem}.`);
  }
}
