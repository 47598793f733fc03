/** The text of the guest that calls host functions with random values: its memory, generator and loop. */

import { escaped, importText, many } from './guest-text.ts';

/** Calls that one agent makes at the most, if none ends it. */
export const CALLS_PER_AGENT = 150;

/** One value of so many is any number at all: for one half of the agents, and for the tame half. */
const ONE_HOSTILE_OF = [40, 500] as const;
/** One call of so many is made though there is no handle for it, or it would end the agent. */
const ONE_HOPELESS_OF = 400;

const RECORD = 512;
export const RESULT = 1024;
export const SPILLED = 2048;
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
  ;; Not 0 but for one of 6, and one of 63 for a tame one.
  (func $mostly (result i32)
    (call $below (i32.add (i32.const 1) (i32.shr_u (global.get $one_of) (i32.const 3)))))
  (func $number (result i32)
    (if (call $mostly) (then (return (call $below (i32.const 12)))))
    (call $any))
  (func $long (result i64)
    (if (call $mostly)
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

/**
 * The core module. `calls` has the body of one function each that calls a host function; `needsOf` two
 * resources for each of them, without whose handles the call makes no sense: -1 none, -2 it ends the
 * agent.
 */
export function fuzzModule(
  imports: readonly string[],
  calls: readonly string[],
  needsOf: readonly number[],
): string {
  const count = calls.length;
  const texts = [
    ...TEXTS_GIVEN.map((given) => new TextEncoder().encode(given).subarray(0, TEXT_SLOT)),
    ...BYTES_GIVEN.map((given) => Uint8Array.from(given)),
  ];
  const needs = Int32Array.from(needsOf);
  return `(module
    (type $thunk (func))
    ${imports.join('\n')}
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
    ${many(count, (index) => `(func $thunk${index} (type $thunk) ${calls[index]})`)}
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
