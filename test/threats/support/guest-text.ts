/**
 * Guests of many acts: one agent, made and prepared once, whose first argument says which of its acts
 * it does. Preparing a module takes most of a second; so a whole family shares one.
 *
 * An act is the body of a function in WebAssembly text; falling out of it is the agent's ok. It has
 * the locals `$i`, `$j`, `$k` (i32) and `$n` (i64), and may call:
 *
 * - `$say (at, bytes)`: logs a text; `$say_number (i64)`: logs it as 16 hexadecimal digits;
 * - `$fail (at, bytes) -> i32`: makes the error that `run` returns, for `(return (call $fail …))`.
 *
 * The host's calls back into it are acts as well: see {@link GuestText.reallocation}.
 */

import { assemble, componentFromCore } from '../../../src/kit/build/make-component.ts';
import { offeredWorld } from '../../../src/wasm/component/offered.ts';
import { BINDINGS } from '../../../src/wasm/host/generated/index.ts';

/** A text in the guest's memory. */
export interface TextAt {
  readonly at: number;
  readonly bytes: number;
  /** Both as operands: `(i32.const …) (i32.const …)`. */
  readonly operands: string;
}

/** Where a guest keeps what: the texts, then what its realloc hands out. */
const TEXTS_START = 4096;
const HEAP_START = 512 * 1024;

/** The memory that the guest starts with: 1 MiB. */
export const GUEST_PAGES = 16;

/** A free place for results, for acts to use: 1024 bytes at 1024. */
export const PLACE = 1024;

/** The address of the result `ok`. */
const OK = 64;
const FAILURE = 80;

/** The cases of `ringfence:agent/types.error`, in their order. */
const ERROR_CASES = [
  ...['denied', 'limit-exceeded', 'mailbox-full', 'not-found', 'timeout', 'invalid', 'closed'],
  ...['unavailable', 'cancelled'],
];

const OFFERED = offeredWorld();

/** An import as text, with the signature that the host's own binding has. */
export function importText(interfaceName: string, name: string, id: string): string {
  const binding = BINDINGS.get(interfaceName)?.get(name);
  const version = OFFERED.get(interfaceName)?.version;
  if (binding === undefined || version === undefined) {
    throw new Error(`${interfaceName}#${name} is not offered.`);
  }
  const params = binding.params.length === 0 ? '' : ` (param ${binding.params.join(' ')})`;
  const results = binding.results.length === 0 ? '' : ` (result ${binding.results.join(' ')})`;
  return `(import "${interfaceName}@${version}" "${name}" (func ${id}${params}${results}))`;
}

/** Bytes as a string of WebAssembly text. */
export function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}

const LOCALS = '(local $i i32) (local $j i32) (local $k i32) (local $n i64)';

/** Says a number, as 16 digits at 128. */
const SAY_NUMBER = `
  (func $say_number (param $number i64) (local $at i32) (local $digit i32)
    (local.set $at (i32.const 144))
    (loop $again
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $digit (i32.and (i32.wrap_i64 (local.get $number)) (i32.const 15)))
      (i32.store8 (local.get $at) (i32.add (local.get $digit)
        (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
      (br_if $again (i32.gt_u (local.get $at) (i32.const 128))))
    (call $say (i32.const 128) (i32.const 16)))`;

/** Hands out memory, and begins anew where it would end: whoever calls often may overlap himself. */
const BUMP = `
  (func $bump (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (if (i32.gt_u (i32.add (local.get $at) (local.get $bytes)) (i32.const ${GUEST_PAGES * 65_536}))
      (then (local.set $at (i32.const ${HEAP_START}))))
    (global.set $heap (i32.add (local.get $at) (local.get $bytes)))
    (local.get $at))`;

/** The act's number in decimal, from the first argument. */
const CHOOSE = `
  (func $choose (result i32) (local $at i32) (local $end i32) (local $act i32)
    (call $get_arguments (i32.const 96))
    (local.set $at (i32.load (i32.load (i32.const 96))))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (i32.load (i32.const 96)))))
    (loop $again
      (local.set $act (i32.add (i32.mul (local.get $act) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $act))`;

/** Collects texts, imports and acts, and makes the component. */
export class GuestText {
  readonly #pages: string;
  readonly #imports: string[] = [];
  readonly #imported = new Map<string, string>();
  readonly #definitions: string[] = [];
  readonly #data: string[] = [];
  readonly #acts = new Map<string, string>();
  readonly #reallocations: string[] = [];
  readonly #postReturns: string[] = [];
  #textsEnd = TEXTS_START;

  /** `pages`: limits of the memory, as text. */
  constructor(pages = String(GUEST_PAGES)) {
    this.#pages = pages;
    this.use('wasi:cli/environment', 'get-arguments', '$get_arguments');
    this.use('ringfence:agent/log', 'log', '$log');
  }

  /** Names an imported function. The same may be named again, with the same name. */
  use(interfaceName: string, name: string, id: string): this {
    const key = `${interfaceName}#${name}`;
    const known = this.#imported.get(key);
    if (known === undefined) {
      this.#imported.set(key, id);
      this.#imports.push(importText(interfaceName, name, id));
    } else if (known !== id) {
      throw new Error(`${key} is ${known} already.`);
    }
    return this;
  }

  /**
   * Adds `$say_outcome (place)`: logs `ok`, or the case of our contract's error and then its sentence,
   * of a `result<_, error>` or `result<string, error>` at a place.
   */
  sayOutcomes(): this {
    const ok = this.text('ok');
    const cases = ERROR_CASES.map((name, index) => {
      const { operands } = this.text(name);
      return `(if (i32.eq (i32.load8_u offset=4 (local.get 0)) (i32.const ${index}))
        (then (call $say ${operands})))`;
    });
    return this.define(`(func $say_outcome (param i32)
      (if (i32.eqz (i32.load8_u (local.get 0))) (then (call $say ${ok.operands}) (return)))
      ${cases.join('\n')}
      (call $say (i32.load offset=8 (local.get 0)) (i32.load offset=12 (local.get 0))))`);
  }

  /** Globals, functions, types, tables: whatever a module may define. */
  define(text: string): this {
    this.#definitions.push(text);
    return this;
  }

  /** Puts a text, or bytes, into memory. */
  text(content: string | Uint8Array): TextAt {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    const at = this.#textsEnd;
    this.#textsEnd += Math.ceil(bytes.length / 8) * 8;
    if (this.#textsEnd > HEAP_START) {
      throw new Error('The texts of this guest do not fit.');
    }
    this.#data.push(`(data (i32.const ${at}) "${escaped(bytes)}")`);
    return {
      at,
      bytes: bytes.length,
      operands: `(i32.const ${at}) (i32.const ${bytes.length})`,
    };
  }

  /** Adds an act. */
  act(name: string, body: string): this {
    if (this.#acts.has(name)) {
      throw new Error(`There is an act '${name}' already.`);
    }
    this.#acts.set(name, body);
    return this;
  }

  /**
   * Adds a body for `cabi_realloc` (parameters `$old $old_bytes $align $bytes`); answers the
   * instruction by which an act takes it into use.
   */
  reallocation(body: string): string {
    this.#reallocations.push(body);
    return `(global.set $reallocation (i32.const ${this.#reallocations.length}))`;
  }

  /** Adds a body for `cabi_post_run`; answers the instruction that takes it into use. */
  postReturn(body: string): string {
    this.#postReturns.push(body);
    return `(global.set $post_return (i32.const ${this.#postReturns.length}))`;
  }

  /** The argument that chooses an act. */
  number(act: string): string {
    const index = [...this.#acts.keys()].indexOf(act);
    if (index < 0) {
      throw new Error(`There is no act '${act}'.`);
    }
    return String(index);
  }

  get acts(): readonly string[] {
    return [...this.#acts.keys()];
  }

  /** The text of the core module. */
  get core(): string {
    const names = [...this.#acts.keys()].map((_, index) => `$act_${index}`);
    const acts = [...this.#acts.values()].map(
      (body, index) => `(func $act_${index} (result i32) ${LOCALS}\n${body}\n(i32.const ${OK}))`,
    );
    const reallocations = this.#reallocations.map(
      (body, index) => `(func $realloc_${index}
        (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32) (result i32)
        ${body})`,
    );
    const postReturns = this.#postReturns.map(
      (body, index) => `(func $post_${index} ${LOCALS} ${body})`,
    );
    const postReturnNames = ['$nothing', ...postReturns.map((_, index) => `$post_${index}`)];
    const reallocationNames = ['$bump', ...reallocations.map((_, index) => `$realloc_${index}`)];
    return `(module
      (type $act (func (result i32)))
      (type $realloc (func (param i32 i32 i32 i32) (result i32)))
      (type $nothing (func))
      ${this.#imports.join('\n')}
      (memory (export "memory") ${this.#pages})
      (global $heap (mut i32) (i32.const ${HEAP_START}))
      (global $reallocation (mut i32) (i32.const 0))
      (table $acts ${names.length} funcref) (elem (table $acts) (i32.const 0) func ${names.join(' ')})
      (table $reallocs ${reallocationNames.length} funcref)
      (elem (table $reallocs) (i32.const 0) func ${reallocationNames.join(' ')})
      (global $post_return (mut i32) (i32.const 0))
      (table $posts ${postReturnNames.length} funcref)
      (elem (table $posts) (i32.const 0) func ${postReturnNames.join(' ')})
      (func $nothing)
      ${this.#data.join('\n')}
      ${this.#definitions.join('\n')}
      (func $say (param $at i32) (param $bytes i32)
        (call $log (i32.const 2) (local.get $at) (local.get $bytes)))
      (func $fail (param $at i32) (param $bytes i32) (result i32)
        (i32.store (i32.const ${FAILURE}) (i32.const 1))
        (i32.store (i32.const ${FAILURE + 4}) (local.get $at))
        (i32.store (i32.const ${FAILURE + 8}) (local.get $bytes))
        (i32.const ${FAILURE}))
      ${SAY_NUMBER} ${BUMP} ${CHOOSE}
      (func (export "cabi_realloc") (type $realloc)
        (call_indirect $reallocs (type $realloc)
          (local.get 0) (local.get 1) (local.get 2) (local.get 3) (global.get $reallocation)))
      ${reallocations.join('\n')}
      (func (export "cabi_post_run") (param i32)
        (call_indirect $posts (type $nothing) (global.get $post_return)))
      ${postReturns.join('\n')}
      ${acts.join('\n')}
      (func (export "run") (result i32)
        (call_indirect $acts (type $act) (call $choose))))`;
  }

  /** The component. */
  component(): Promise<Uint8Array> {
    return agentOf(this.core);
  }
}

/** An agent that may import our contract and all of WASI, from the text of its core module. */
export async function agentOf(coreText: string): Promise<Uint8Array> {
  const core = await assemble(coreText, 'a guest of the tests');
  const options = { world: 'agent', stringEncoding: 'utf8', file: 'a guest of the tests' } as const;
  return new Uint8Array(await componentFromCore(core, options));
}

/** A WASI command, from the text of its core module. */
export async function commandOf(coreText: string): Promise<Uint8Array> {
  const core = await assemble(coreText, 'a command of the tests');
  const options = { world: 'command', stringEncoding: 'utf8', file: 'a command' } as const;
  return new Uint8Array(await componentFromCore(core, options));
}

/** A component from its own text: whatever the world's tools would not make. */
export async function componentOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await assemble(text, 'a component of the tests'));
}

/** `count` times a text, numbered. */
export const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join('\n');
