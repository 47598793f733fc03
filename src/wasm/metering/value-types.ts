/** The value types that are run, and block types, as far as the rewriter must know them. */

import type { ByteReader } from './reader.ts';
import { invalid, notAllowed, refusedFeature } from './refusals.ts';
import { ByteWriter } from './writer.ts';

/**
 * A value type: its byte, or for the long form of a reference `0x63 << 24 | heap type` (nullable) and
 * `0x64 << 24 | heap type`, where a heap type is its byte, or 256 and the index of the type.
 */
export type ValueType = number;

export const VALUE = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  functionReference: 0x70,
  externalReference: 0x6f,
  exceptionReference: 0x69,
} as const;

const NULLABLE = 0x63;
const NON_NULLABLE = 0x64;
const EMPTY_BLOCK = 0x40;
const NO_EXCEPTION = 0x74;

/**
 * Slots of 8 bytes that an exception counts as where it is held: what it holds lies on the host's heap,
 * where nothing else bounds how many of them live.
 */
export const EXCEPTION_SLOTS = 8;

/** Slots of 8 bytes that a value takes in a frame. */
export function slotsOf(type: ValueType): number {
  if (type === VALUE.v128) return 2;
  return isException(type) ? EXCEPTION_SLOTS : 1;
}

const HEAP_MASK = 0xff_ffff;
const FIRST_INDEX = 0x100;

/** Whether the type holds exceptions, however it is written. */
export function isException(type: ValueType): boolean {
  const heap = type & HEAP_MASK;
  return heap === VALUE.exceptionReference || heap === NO_EXCEPTION;
}

/** Whether it is a reference. */
export function isReference(type: ValueType): boolean {
  return type < VALUE.v128 || type > VALUE.i32;
}

function isRunHeapType(byte: number): boolean {
  return (
    byte === VALUE.functionReference ||
    byte === VALUE.externalReference ||
    byte === VALUE.exceptionReference
  );
}

/** `array` … `any`, and `none` … `noexn`. */
function isGcHeapType(byte: number): boolean {
  return (byte >= 0x6a && byte <= 0x6e) || (byte >= 0x71 && byte <= NO_EXCEPTION);
}

function requireGc(reader: ByteReader, what: string, start: number): void {
  if (!reader.use.use('gc')) throw notAllowed('gc', what, start);
}

/** The type after `ref.null` or in the long form of a reference type: see {@link ValueType}. */
export function readHeapType(reader: ByteReader): number {
  const start = reader.position;
  const byte = reader.u8();
  if (isRunHeapType(byte)) return byte;
  if (isGcHeapType(byte)) {
    requireGc(reader, `heap type 0x${byte.toString(16)}`, start);
    return byte;
  }
  if (byte >= 0x40 && byte < 0x80) {
    throw refusedFeature(`an unknown heap type (0x${byte.toString(16)})`, start);
  }
  const index = restOfIndex(byte, reader, start);
  if (index > HEAP_MASK - FIRST_INDEX) throw invalid(`there is no type ${index}`, start);
  reader.use.typedReferences = true;
  return FIRST_INDEX + index;
}

function valueTypeFrom(byte: number, reader: ByteReader, start: number): ValueType {
  if (byte >= VALUE.v128 && byte <= VALUE.i32) return byte;
  if (isRunHeapType(byte)) return byte;
  if (byte === NULLABLE || byte === NON_NULLABLE) return (byte << 24) | readHeapType(reader);
  if (isGcHeapType(byte)) {
    requireGc(reader, `type 0x${byte.toString(16)}`, start);
    return byte;
  }
  throw refusedFeature(`an unknown type (0x${byte.toString(16)})`, start);
}

/** The type of references to what the type with this index describes, which aren't null. */
export function referenceTo(index: number, nullable = false): ValueType {
  return ((nullable ? NULLABLE : NON_NULLABLE) << 24) | (FIRST_INDEX + index);
}

export function readValueType(reader: ByteReader): ValueType {
  const start = reader.position;
  return valueTypeFrom(reader.u8(), reader, start);
}

/** The type of a table's elements. */
export function readReferenceType(reader: ByteReader): ValueType {
  const start = reader.position;
  const type = readValueType(reader);
  if (!isReference(type)) throw invalid('a reference type is none', start);
  return type;
}

/** What a block takes and leaves: nothing, one value, or what the type at `index` says. */
export type BlockType =
  | { readonly kind: 'empty' }
  | { readonly kind: 'value'; readonly type: ValueType }
  | { readonly kind: 'index'; readonly index: number };

const EMPTY: BlockType = { kind: 'empty' };

export function readBlockType(reader: ByteReader): BlockType {
  const start = reader.position;
  const byte = reader.u8();
  if (byte === EMPTY_BLOCK) return EMPTY;
  if (byte > EMPTY_BLOCK && byte < 0x80) {
    return { kind: 'value', type: valueTypeFrom(byte, reader, start) };
  }
  return { kind: 'index', index: restOfIndex(byte, reader, start) };
}

/** A positive signed number of 33 bits; everything a module can have fits 28 of them. */
function restOfIndex(first: number, reader: ByteReader, start: number): number {
  let index = first & 0x7f;
  let last = first;
  for (let shift = 7; last >= 0x80; shift += 7) {
    if (shift > 28) throw invalid('the index of a type is too long', start);
    last = reader.u8();
    index += (last & 0x7f) * 2 ** shift;
  }
  if ((last & 0x40) !== 0) throw invalid('the index of a type is negative', start);
  return index;
}

/** The bytes of a value type. */
export function encodeValueType(type: ValueType): number[] {
  if (type <= 0xff) return [type];
  const heap = type & HEAP_MASK;
  if (heap < FIRST_INDEX) return [type >>> 24, heap];
  const out = new ByteWriter(8);
  out.u8(type >>> 24);
  out.signed(heap - FIRST_INDEX);
  return [...out.bytes];
}
