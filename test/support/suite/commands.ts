/** The commands of a test script: what its s-expressions say. */

import { type Atom, headOf, type List, type Node, readScript } from './script-reader.ts';

/** Where a module comes from; `unreadable`: text that isn't even UTF-8. */
export type ModuleSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Buffer }
  | { readonly kind: 'unreadable' };

/** A number or vector that the script wrote down; `text` is the whole instruction. */
export interface Constant {
  readonly kind: 'constant';
  readonly type: string;
  readonly text: string;
}

/** A reference that the script wrote down, as `ref.extern 1`; `value` is null where it says only the kind. */
export interface Reference {
  readonly kind: 'reference';
  readonly of: string;
  readonly value: string | null;
}

/** What a result should be. */
export type Expected =
  | Constant
  | Reference
  | { readonly kind: 'nan'; readonly type: string; readonly which: string }
  | { readonly kind: 'lanes'; readonly shape: string; readonly lanes: readonly Expected[] }
  | { readonly kind: 'either'; readonly choices: readonly Expected[] };

export interface Action {
  readonly kind: 'invoke' | 'get';
  /** Null: the latest module. */
  readonly module: string | null;
  readonly name: string;
  readonly values: readonly (Constant | Reference)[];
}

/** What an action or an instantiation should come to. */
export type Ending = 'return' | 'trap' | 'exception' | 'exhaustion';

export type Command = { readonly line: number } & (
  | {
      readonly kind: 'module';
      readonly id: string | null;
      readonly source: ModuleSource;
      readonly definition: boolean;
    }
  | { readonly kind: 'instance'; readonly id: string | null; readonly of: string | null }
  | { readonly kind: 'register'; readonly name: string; readonly id: string | null }
  | { readonly kind: 'action'; readonly action: Action }
  | {
      readonly kind: 'assert';
      readonly ending: Ending;
      readonly action: Action;
      readonly expected: readonly Expected[];
    }
  | {
      readonly kind: 'assertModule';
      readonly ending: 'trap' | 'link';
      readonly source: ModuleSource;
    }
  | { readonly kind: 'assertInvalid'; readonly custom: boolean; readonly source: ModuleSource }
  | { readonly kind: 'unknown'; readonly head: string }
);

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const ENDINGS: Readonly<Record<string, Ending>> = {
  assert_return: 'return',
  assert_trap: 'trap',
  assert_exception: 'exception',
  assert_exhaustion: 'exhaustion',
};

const INVALID = /^assert_(malformed|invalid)(_custom)?$/;
const LANES: Readonly<Record<string, string>> = { f32x4: 'f32', f64x2: 'f64' };

function idOf(node: Node | undefined): string | null {
  return node?.kind === 'atom' && node.text.startsWith('$') ? node.text : null;
}

function nameOf(node: Node | undefined): string {
  return node?.kind === 'text' ? node.bytes.toString('utf8') : '';
}

function words(list: List): string[] {
  return list.items.map((item) => (item.kind === 'atom' ? item.text : ''));
}

/** Reads the commands of one script. */
class CommandReader {
  readonly #script: string;

  constructor(script: string) {
    this.#script = script;
  }

  read(): Command[] {
    const nodes = readScript(this.#script);
    const known = /^(module|register|invoke|get|assert_.*|thread|wait|script|input|output)$/;
    if (nodes.length > 0 && !nodes.some((node) => known.test(headOf(node)))) {
      const source = { kind: 'text', text: this.#script } as const;
      return [{ kind: 'module', line: 1, id: null, source, definition: false }];
    }
    return nodes.filter((node) => node.kind === 'list').map((list) => this.#command(list));
  }

  #command(list: List): Command {
    const head = headOf(list);
    const { line, items } = list;
    if (head === 'module') return this.#module(list);
    if (head === 'register') {
      return { kind: 'register', line, name: nameOf(items[1]), id: idOf(items[2]) };
    }
    if (head === 'invoke' || head === 'get') {
      return { kind: 'action', line, action: this.#action(list) };
    }
    const inner = items[1];
    if (inner?.kind !== 'list') return { kind: 'unknown', line, head };
    if (headOf(inner) === 'module') return this.#assertModule(head, line, inner);
    const ending = ENDINGS[head];
    if (!ending) return { kind: 'unknown', line, head };
    const wanted = items.slice(2).filter((item) => item.kind === 'list');
    const expected = wanted.map((item) => this.#expected(item));
    return { kind: 'assert', line, ending, action: this.#action(inner), expected };
  }

  #assertModule(head: string, line: number, list: List): Command {
    const { source } = this.#moduleParts(list);
    const invalid = INVALID.exec(head);
    if (invalid) {
      return { kind: 'assertInvalid', line, custom: invalid[2] !== undefined, source };
    }
    if (head === 'assert_trap') return { kind: 'assertModule', line, ending: 'trap', source };
    if (head === 'assert_unlinkable') return { kind: 'assertModule', line, ending: 'link', source };
    return { kind: 'unknown', line, head };
  }

  #module(list: List): Command {
    const { line } = list;
    const [, second] = words(list);
    if (second === 'instance') {
      return { kind: 'instance', line, id: idOf(list.items[2]), of: idOf(list.items[3]) };
    }
    return { kind: 'module', line, ...this.#moduleParts(list) };
  }

  #moduleParts(list: List): { id: string | null; source: ModuleSource; definition: boolean } {
    let definition: Atom | null = null;
    let id: string | null = null;
    for (const item of list.items.slice(1)) {
      if (item.kind !== 'atom') break;
      if (item.text === 'definition') definition = item;
      else if (item.text.startsWith('$')) id = item.text;
      else return { id, definition: definition !== null, source: this.#quoted(list, item.text) };
    }
    const text = definition
      ? this.#script.slice(list.start, definition.start) +
        this.#script.slice(definition.end, list.end)
      : this.#script.slice(list.start, list.end);
    return { id, definition: definition !== null, source: { kind: 'text', text } };
  }

  #quoted(list: List, form: string): ModuleSource {
    const bytes = Buffer.concat(
      list.items.filter((item) => item.kind === 'text').map((item) => item.bytes),
    );
    if (form === 'binary') return { kind: 'binary', bytes };
    try {
      return { kind: 'text', text: UTF8.decode(bytes) };
    } catch {
      return { kind: 'unreadable' };
    }
  }

  #action(list: List): Action {
    const kind = headOf(list) === 'get' ? 'get' : 'invoke';
    const module = idOf(list.items[1]);
    const rest = list.items.slice(module === null ? 1 : 2);
    const values = rest.slice(1).map((item) => this.#value(item as List));
    return { kind, module, name: nameOf(rest[0]), values };
  }

  #value(list: List): Constant | Reference {
    const [head = '', value] = words(list);
    if (head.startsWith('ref.')) {
      return { kind: 'reference', of: head.slice('ref.'.length), value: value ?? null };
    }
    const text = this.#script.slice(list.start, list.end);
    return { kind: 'constant', type: head.slice(0, head.indexOf('.')), text };
  }

  #expected(list: List): Expected {
    const [head = '', first = '', ...lanes] = words(list);
    if (head === 'either') {
      const choices = list.items.slice(1).map((item) => this.#expected(item as List));
      return { kind: 'either', choices };
    }
    const type = head.slice(0, head.indexOf('.'));
    const nan = (word: string) => /^nan:(canonical|arithmetic)$/.exec(word)?.[1];
    const which = nan(first);
    if (which) return { kind: 'nan', type, which };
    const lane = LANES[first];
    if (!lane || !lanes.some(nan)) return this.#value(list);
    const wanted = lanes.map((word): Expected => {
      const laneWhich = nan(word);
      if (laneWhich) return { kind: 'nan', type: lane, which: laneWhich };
      return { kind: 'constant', type: lane, text: `(${lane}.const ${word})` };
    });
    return { kind: 'lanes', shape: first, lanes: wanted };
  }
}

/**
 * The commands of a script, in their order.
 *
 * @throws {Error} naming the line that can't be read.
 */
export function readCommands(script: string): Command[] {
  return new CommandReader(script).read();
}
