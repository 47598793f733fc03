/**
 * The guest that calls every host function there is with random arguments.
 *
 * A generator in the guest, seeded by its first argument, chooses functions and values. Most values
 * are of the right kind, so that calls get somewhere: handles of the resource that is asked for, texts
 * that lie in memory, cases that exist. Every so often one is any number at all. Before each call the
 * guest logs `#` and the function's number, so that it is known which one ended it. A second argument
 * is the number of the function that it calls first, whether that has a sense or not.
 */

import {
  alignOf,
  type CoreType,
  casesOf,
  discriminantBytes,
  fieldTypesOf,
  flatten,
  offsetsOf,
  payloadOffset,
  signatureOf,
  sizeOf,
} from '../../../src/kit/bindings/layout.ts';
import { offeredWorld } from '../../../src/wasm/component/offered.ts';
import type { FunctionType, ResourceType, ValueType } from '../../../src/wasm/component/types.ts';
import { BINDINGS } from '../../../src/wasm/host/generated/index.ts';
import { agentOf, escaped, importText, many } from './guest-text.ts';

/** One function, as the guest calls it. */
export interface Fuzzed {
  readonly interface: string;
  readonly name: string;
}

/** Calls that one agent makes at the most, if none ends it. */
export const CALLS_PER_AGENT = 150;

/** One value of so many is any number at all: for one half of the agents, and for the tame half. */
const ONE_HOSTILE_OF = [40, 500] as const;
/** One call of so many is made though there is no handle for it, or it would end the agent. */
const ONE_HOPELESS_OF = 400;

const RECORD = 512;
const RESULT = 1024;
const SPILLED = 2048;
const LIST = 4096;
const TEXTS = 8192;
const TEXT_SLOT = 64;
const TEXT_LENGTHS = 12_288;
const RING_COUNTS = 13_312;
const EDGES = 14_336;
const LONG_EDGES = 14_592;
const RINGS = 20_480;
const RING_SLOTS = 16;
const HEAP = 65_536;
const PAGES = 4;

/** Texts that some function understands, and some that none should. */
const TEXTS_GIVEN = [
  ...['', 'a', 'echo', 'fails', '{}', '{"a":[1,2]}', 'null', '__proto__', 'constructor'],
  ...[
    'GET',
    'http',
    'https',
    'example.org:80',
    '/path?query=1',
    '*',
    'content-length',
    '12',
    'host',
  ],
  ...['x-header', 'no header', 'a/../../b', '/', '.', '..', 'file.txt', 'nul\0byte', '[::1]:99999'],
  ...['\u001b[2J', '東京', 'x'.repeat(TEXT_SLOT), '127.0.0.1', 'can_ipc', 'ipc', 'all', 'tools'],
];
const BYTES_GIVEN = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0, 0, 0], [0xf4, 0x90, 0x80, 0x80]];

const EDGES_GIVEN = [
  ...[0, 1, 2, 3, 4, 7, 8, 16, 255, 256, 4096, 65_535, 65_536, PAGES * 65_536 - 8],
  ...[PAGES * 65_536 - 4, PAGES * 65_536, PAGES * 65_536 + 4, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
  ...[
    2 ** 32 - 4,
    2 ** 32 - 8,
    2 ** 28 - 1,
    2 ** 28,
    2 ** 20,
    2 ** 20 + 1,
    (1 << 20) | 1,
    0x5555_5556,
  ],
];
const LONG_EDGES_GIVEN = [
  ...[0n, 1n, 2n, 3n, 7n, 255n, 65_536n, 65_537n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n],
  ...[2n ** 53n - 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

const keyOf = ({ interfaceName, name }: ResourceType): string => `${interfaceName}/${name}`;

/** Everything about what is offered that the guest's text is made of. */
class FuzzText {
  readonly functions: Fuzzed[] = [];
  readonly #imports: string[] = [];
  readonly #calls: string[] = [];
  /** The resources that a call has no sense without, two of each; -1: none, -2: it ends the agent. */
  readonly #needs: number[] = [];
  readonly #resources: string[] = [];
  readonly #offered = offeredWorld();

  constructor() {
    for (const [interfaceName, functions] of BINDINGS) {
      for (const name of functions.keys()) {
        this.#add(interfaceName, name);
      }
    }
  }

  #resource(key: string): number {
    const at = this.#resources.indexOf(key);
    return at < 0 ? this.#resources.push(key) - 1 : at;
  }

  #add(interfaceName: string, name: string): void {
    const index = this.functions.push({ interface: interfaceName, name }) - 1;
    this.#imports.push(importText(interfaceName, name, `$f${index}`));
    const dropped = /^\[resource-drop\](.*)$/.exec(name)?.[1];
    if (dropped !== undefined) {
      const resource = this.#resource(`${interfaceName}/${dropped}`);
      this.#needs.push(resource, -1);
      this.#calls.push(
        `(call $f${index} ${hostile('i32', `(call $take (i32.const ${resource}))`)})`,
      );
      return;
    }
    const type = this.#offered.get(interfaceName)?.type.exports.get(name);
    if (type?.kind !== 'func') {
      throw new Error(`${interfaceName}#${name} is bound and not offered.`);
    }
    this.#needs.push(...this.#need(name, type));
    this.#calls.push(this.#call(index, type));
  }

  #need(name: string, type: FunctionType): [number, number] {
    if (/^exit/.test(name)) return [-2, -1];
    const handles = new Set(type.params.flatMap((param) => this.#handlesOf(param.type)));
    const [first = -1, second = -1] = handles;
    return [first, second];
  }

  /** The resources that a value has handles of. */
  #handlesOf(type: ValueType): number[] {
    if (type.kind === 'own' || type.kind === 'borrow') {
      return [this.#resource(keyOf(type.resource))];
    }
    const parts = type.kind === 'list' ? [type.element] : (fieldTypesOf(type) ?? []);
    const payloads = (casesOf(type) ?? []).map((each) => each.type);
    return [...parts, ...payloads].flatMap((part) => (part === null ? [] : this.#handlesOf(part)));
  }

  #call(index: number, type: FunctionType): string {
    const params = type.params.map((param) => param.type);
    const signature = signatureOf(params, type.result);
    const values = signature.spilled
      ? [hostile('i32', `(i32.const ${SPILLED})`)]
      : params.flatMap((param) => this.#values(param));
    const place = signature.returnsInMemory ? [hostile('i32', `(i32.const ${RESULT})`)] : [];
    const called = `(call $f${index} ${[...values, ...place].join(' ')})`;
    const before = signature.spilled
      ? `(drop (call $list)) ${this.#store({ kind: 'tuple', elements: params }, SPILLED)}`
      : '';
    if (type.result === null) return `${before} ${called}`;
    if (signature.returnsInMemory) return `${before} ${called} ${this.#keep(type.result, RESULT)}`;
    return type.result.kind === 'own'
      ? `${before} (call $put (i32.const ${this.#resource(keyOf(type.result.resource))}) ${called})`
      : `${before} (drop ${called})`;
  }

  /** Operands for a value, one for each core value that it is flattened to. */
  #values(type: ValueType): string[] {
    return this.#plain(type).map((value, at) => hostile(flatten(type)[at]!, value));
  }

  #plain(type: ValueType): string[] {
    const fields = fieldTypesOf(type);
    if (fields !== null) return fields.flatMap((field) => this.#plain(field));
    const cases = casesOf(type);
    if (cases !== null) {
      // The payload is that of the first case which has one; the others get values of another kind.
      const [, ...joined] = flatten(type);
      const payload = cases.find((each) => each.type !== null)?.type ?? null;
      const own = payload === null ? [] : this.#plain(payload);
      const cores = payload === null ? [] : flatten(payload);
      return [
        `(call $below (i32.const ${cases.length}))`,
        ...joined.map((core, at) => widened(own[at], cores[at], core)),
      ];
    }
    switch (type.kind) {
      case 'own':
        return [`(call $take (i32.const ${this.#resource(keyOf(type.resource))}))`];
      case 'borrow':
        return [`(call $peek (i32.const ${this.#resource(keyOf(type.resource))}))`];
      case 'string':
        return ['(call $text)', '(global.get $length)'];
      case 'list': {
        const { element } = type;
        const of = element.kind === 'borrow' || element.kind === 'own' ? element.resource : null;
        return of === null
          ? ['(call $list)', '(global.get $length)']
          : [`(call $handles (i32.const ${this.#resource(keyOf(of))}))`, '(global.get $length)'];
      }
      case 'bool':
        return ['(call $below (i32.const 2))'];
      default:
        return flatten(type).map(anything);
    }
  }

  /** Puts a value into memory. */
  #store(type: ValueType, at: number): string {
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      return fields.map((field, index) => this.#store(field, at + offsets[index]!)).join('\n');
    }
    const cases = casesOf(type);
    if (cases !== null) {
      const payload = cases.find((each) => each.type !== null)?.type ?? null;
      const chosen = hostile('i32', `(call $below (i32.const ${cases.length}))`);
      return `(i32.store8 (i32.const ${at}) ${chosen})
        ${payload === null ? '' : this.#store(payload, at + payloadOffset(cases))}`;
    }
    const values = this.#values(type);
    if (values.length === 2) {
      return `(i32.store (i32.const ${at}) ${values[0]})
        (i32.store offset=4 (i32.const ${at}) ${values[1]})`;
    }
    const [core] = flatten(type);
    const size = sizeOf(type);
    return size < 4
      ? `(i32.store8 (i32.const ${at}) ${values[0]})`
      : `(${core}.store (i32.const ${at}) ${values[0]})`;
  }

  /** Takes the handles out of a result in memory. */
  #keep(type: ValueType, at: number): string {
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      return fields.map((field, index) => this.#keep(field, at + offsets[index]!)).join(' ');
    }
    const cases = casesOf(type);
    if (cases !== null) {
      const payload = at + payloadOffset(cases);
      const load = discriminantBytes(cases.length) === 1 ? 'i32.load8_u' : 'i32.load16_u';
      return cases
        .map((each, index) => {
          const kept = each.type === null ? '' : this.#keep(each.type, payload);
          return kept === ''
            ? ''
            : `(if (i32.eq (${load} (i32.const ${at})) (i32.const ${index})) (then ${kept}))`;
        })
        .join(' ');
    }
    if (type.kind === 'own') {
      const resource = this.#resource(keyOf(type.resource));
      return `(call $put (i32.const ${resource}) (i32.load (i32.const ${at})))`;
    }
    if (type.kind === 'list' && alignOf(type.element) === 4) {
      const first = fieldTypesOf(type.element)?.[0];
      if (first?.kind === 'own') {
        const resource = this.#resource(keyOf(first.resource));
        return `(if (i32.load offset=4 (i32.const ${at}))
          (then (call $put (i32.const ${resource}) (i32.load (i32.load (i32.const ${at}))))))`;
      }
    }
    return '';
  }

  /** The core module. */
  get text(): string {
    const count = this.functions.length;
    const texts = [
      ...TEXTS_GIVEN.map((given) => new TextEncoder().encode(given).subarray(0, TEXT_SLOT)),
      ...BYTES_GIVEN.map((given) => Uint8Array.from(given)),
    ];
    const needs = Int32Array.from(this.#needs);
    return `(module
      (type $thunk (func))
      ${this.#imports.join('\n')}
      ${importText('ringfence:agent/log', 'log', '$log')}
      ${importText('wasi:cli/environment', 'get-arguments', '$get_arguments')}
      (memory (export "memory") ${PAGES})
      (global $state (mut i64) (i64.const 0))
      (global $length (mut i32) (i32.const 0))
      (global $heap (mut i32) (i32.const ${HEAP}))
      (global $one_of (mut i32) (i32.const 0))
      ${texts.map((bytes, at) => `(data (i32.const ${TEXTS + at * TEXT_SLOT}) "${escaped(bytes)}")`).join('\n')}
      ${dataOf(
        TEXT_LENGTHS,
        Int32Array.from(texts, (bytes) => bytes.length),
      )}
      ${dataOf(
        EDGES,
        Int32Array.from(EDGES_GIVEN, (edge) => edge | 0),
      )}
      ${dataOf(
        LONG_EDGES,
        BigInt64Array.from(LONG_EDGES_GIVEN, (edge) => BigInt.asIntN(64, edge)),
      )}
      ${dataOf(RINGS - needs.byteLength - (needs.byteLength % 8), needs)}
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get 2) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get 2))))
        (if (i32.gt_u (i32.add (local.get $at) (local.get 3)) (i32.const ${PAGES * 65_536}))
          (then (local.set $at (i32.const ${HEAP}))))
        (global.set $heap (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
      ${GENERATOR}
      (func $text (result i32) (local $slot i32)
        (local.set $slot (call $below (i32.const ${TEXTS_GIVEN.length})))
        (if (i32.eqz (call $below (global.get $one_of)))
          (then (local.set $slot (call $below (i32.const ${texts.length})))))
        (global.set $length
          (i32.load (i32.add (i32.const ${TEXT_LENGTHS}) (i32.shl (local.get $slot) (i32.const 2)))))
        (i32.add (i32.const ${TEXTS}) (i32.mul (local.get $slot) (i32.const ${TEXT_SLOT}))))
      ${RINGS_TEXT}
      ${many(count, (index) => `(func $thunk${index} (type $thunk) ${this.#calls[index]})`)}
      (table ${count} funcref)
      (elem (i32.const 0) func ${many(count, (index) => `$thunk${index}`)})
      (func $hopeless (param $index i32) (result i32) (local $need i32)
        (local.set $need (i32.load (i32.add
          (i32.const ${RINGS - needs.byteLength - (needs.byteLength % 8)})
          (i32.shl (local.get $index) (i32.const 3)))))
        (if (i32.eqz (call $below (i32.const ${ONE_HOPELESS_OF}))) (then (return (i32.const 0))))
        (if (i32.eq (local.get $need) (i32.const -1)) (then (return (i32.const 0))))
        (if (i32.eq (local.get $need) (i32.const -2)) (then (return (i32.const 1))))
        (if (i32.eqz (i32.load (call $count_of (local.get $need)))) (then (return (i32.const 1))))
        (local.set $need (i32.load offset=4 (i32.add
          (i32.const ${RINGS - needs.byteLength - (needs.byteLength % 8)})
          (i32.shl (local.get $index) (i32.const 3)))))
        (if (i32.lt_s (local.get $need) (i32.const 0)) (then (return (i32.const 0))))
        (i32.eqz (i32.load (call $count_of (local.get $need)))))
      (func $record (param $index i32)
        (i32.store8 (i32.const ${RECORD}) (i32.const 35))
        (i32.store8 (i32.const ${RECORD + 1})
          (i32.add (i32.const 48) (i32.div_u (local.get $index) (i32.const 100))))
        (i32.store8 (i32.const ${RECORD + 2}) (i32.add (i32.const 48)
          (i32.rem_u (i32.div_u (local.get $index) (i32.const 10)) (i32.const 10))))
        (i32.store8 (i32.const ${RECORD + 3})
          (i32.add (i32.const 48) (i32.rem_u (local.get $index) (i32.const 10))))
        (call $log (i32.const 0) (i32.const ${RECORD}) (i32.const 4)))
      (func (export "run") (result i32) (local $at i32) (local $end i32) (local $index i32)
        (local $arguments i32)
        (call $get_arguments (i32.const ${RESULT}))
        (local.set $arguments (i32.load (i32.const ${RESULT})))
        (local.set $at (i32.load (local.get $arguments)))
        (local.set $end
          (i32.add (local.get $at) (i32.load offset=4 (local.get $arguments))))
        (global.set $state (i64.const 1))
        (loop $digits
          (global.set $state (i64.add (i64.mul (global.get $state) (i64.const 0x5851f42d4c957f2d))
            (i64.load8_u (local.get $at))))
          (br_if $digits
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
        (global.set $one_of (select (i32.const ${ONE_HOSTILE_OF[0]}) (i32.const ${ONE_HOSTILE_OF[1]})
          (call $below (i32.const 2))))
        (if (i32.eq (i32.load offset=4 (i32.const ${RESULT})) (i32.const 2)) (then
          (local.set $at (i32.load offset=8 (local.get $arguments)))
          (local.set $end
            (i32.add (local.get $at) (i32.load offset=12 (local.get $arguments))))
          (loop $digits
            (local.set $index (i32.add (i32.mul (local.get $index) (i32.const 10))
              (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
            (br_if $digits
              (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
          (call $record (local.get $index))
          (call_indirect (type $thunk) (local.get $index))))
        (local.set $end (i32.const ${CALLS_PER_AGENT}))
        (loop $calls
          (local.set $index (call $below (i32.const ${count})))
          (br_if $calls (call $hopeless (local.get $index)))
          (call $record (local.get $index))
          (call_indirect (type $thunk) (local.get $index))
          (br_if $calls (local.tee $end (i32.sub (local.get $end) (i32.const 1)))))
        (i32.const 64)))`;
  }
}

/** A value that is any number now and then. */
function hostile(core: CoreType, value: string): string {
  if (core !== 'i32' && core !== 'i64') return value;
  return `(call $or_any_${core} ${value})`;
}

/** A value of another core type than its own: the types of cases are joined. */
function widened(value: string | undefined, from: CoreType | undefined, to: CoreType): string {
  if (value === undefined || from === undefined) return anything(to);
  if (from === to) return value;
  return from === 'i32' && to === 'i64' ? `(i64.extend_i32_u ${value})` : anything(to);
}

function anything(core: CoreType): string {
  switch (core) {
    case 'i32':
      return '(call $number)';
    case 'i64':
      return '(call $long)';
    case 'f32':
      return '(f32.reinterpret_i32 (call $next))';
    case 'f64':
      return '(f64.reinterpret_i64 (call $long))';
  }
}

function dataOf(at: number, values: Int32Array | BigInt64Array): string {
  return `(data (i32.const ${at}) "${escaped(new Uint8Array(values.buffer))}")`;
}

/** Numbers: of the generator, small, at the edges, or what stands where results stand. */
const GENERATOR = `
  (func $next (result i32)
    (global.set $state (i64.add (i64.const 0x14057b7ef767814f)
      (i64.mul (global.get $state) (i64.const 0x5851f42d4c957f2d))))
    (i32.wrap_i64 (i64.shr_u (global.get $state) (i64.const 32))))
  (func $below (param $limit i32) (result i32) (i32.rem_u (call $next) (local.get $limit)))
  (func $edge (result i32)
    (i32.load (i32.add (i32.const ${EDGES})
      (i32.shl (call $below (i32.const ${EDGES_GIVEN.length})) (i32.const 2)))))
  (func $any (result i32) (local $way i32)
    (local.set $way (call $below (i32.const 4)))
    (if (i32.eqz (local.get $way)) (then (return (call $next))))
    (if (i32.eq (local.get $way) (i32.const 1)) (then (return
      (i32.load (i32.add (i32.const ${RESULT}) (i32.shl (call $below (i32.const 8)) (i32.const 2)))))))
    (call $edge))
  (func $number (result i32)
    (if (call $below (i32.const 4)) (then (return (call $below (i32.const 12)))))
    (call $any))
  (func $long (result i64)
    (if (call $below (i32.const 3))
      (then (return (i64.extend_i32_u (call $below (i32.const 12))))))
    (i64.load (i32.add (i32.const ${LONG_EDGES})
      (i32.shl (call $below (i32.const ${LONG_EDGES_GIVEN.length})) (i32.const 3)))))
  (func $or_any_i32 (param $value i32) (result i32)
    (if (result i32) (call $below (global.get $one_of))
      (then (local.get $value)) (else (call $any))))
  (func $or_any_i64 (param $value i64) (result i64)
    (if (result i64) (call $below (global.get $one_of))
      (then (local.get $value)) (else (call $long))))`;

/** The handles that it holds, by resource, and the lists that it passes. */
const RINGS_TEXT = `
  (func $count_of (param $resource i32) (result i32)
    (i32.add (i32.const ${RING_COUNTS}) (i32.shl (local.get $resource) (i32.const 2))))
  (func $slot_of (param $resource i32) (param $slot i32) (result i32)
    (i32.add (i32.const ${RINGS}) (i32.shl
      (i32.add (i32.mul (local.get $resource) (i32.const ${RING_SLOTS})) (local.get $slot))
      (i32.const 2))))
  (func $put (param $resource i32) (param $handle i32) (local $count i32)
    (local.set $count (i32.load (call $count_of (local.get $resource))))
    (if (i32.lt_u (local.get $count) (i32.const ${RING_SLOTS})) (then
      (i32.store (call $slot_of (local.get $resource) (local.get $count)) (local.get $handle))
      (i32.store (call $count_of (local.get $resource)) (i32.add (local.get $count) (i32.const 1))))))
  (func $peek (param $resource i32) (result i32) (local $count i32)
    (local.set $count (i32.load (call $count_of (local.get $resource))))
    (if (i32.eqz (local.get $count)) (then (return (call $any))))
    (i32.load (call $slot_of (local.get $resource) (call $below (local.get $count)))))
  ;; The last one takes the place of what is given away; at times it is kept, and used again.
  (func $take (param $resource i32) (result i32) (local $count i32) (local $slot i32) (local $handle i32)
    (local.set $count (i32.load (call $count_of (local.get $resource))))
    (if (i32.eqz (local.get $count)) (then (return (call $any))))
    (local.set $slot (call $slot_of (local.get $resource) (call $below (local.get $count))))
    (local.set $handle (i32.load (local.get $slot)))
    (if (call $below (global.get $one_of)) (then
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (i32.store (local.get $slot)
        (i32.load (call $slot_of (local.get $resource) (local.get $count))))
      (i32.store (call $count_of (local.get $resource)) (local.get $count))))
    (local.get $handle))
  (func $handles (param $resource i32) (result i32) (local $at i32)
    (global.set $length (i32.add (call $below (i32.const 4)) (i32.const 1)))
    (loop $l (if (i32.lt_u (local.get $at) (global.get $length)) (then
      (i32.store (i32.add (i32.const ${LIST}) (i32.shl (local.get $at) (i32.const 2)))
        (call $peek (local.get $resource)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $l))))
    (i32.const ${LIST}))
  ;; Texts, one after another: they do for lists of texts, of pairs of them, and of bytes.
  (func $fill_list (local $at i32)
    (local.set $at (i32.const ${LIST}))
    (loop $l
      (i32.store (local.get $at) (call $text))
      (i32.store offset=4 (local.get $at) (global.get $length))
      (br_if $l (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const ${LIST + 256})))))
  (func $list (result i32)
    (call $fill_list)
    (global.set $length (call $below (i32.const 12)))
    (if (i32.eqz (call $below (i32.const 8)))
      (then (global.set $length (call $below (i32.const 5000)))))
    (i32.const ${LIST}))`;

/** The component, and the functions that its lines name by their number. */
export async function fuzzGuest(): Promise<{
  readonly component: Uint8Array;
  readonly functions: readonly Fuzzed[];
}> {
  const fuzz = new FuzzText();
  return { component: await agentOf(fuzz.text), functions: fuzz.functions };
}
