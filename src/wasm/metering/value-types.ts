/** The value types that are run, and block types, as far as the rewriter must know them. */

import type { ByteReader } from './reader.ts';
import { invalid, refusedFeature } from './refusals.ts';

/**
 * A value type as it is encoded: one byte, or for the long form of a reference
 * `0x63 << 8 | heap type` (nullable) and `0x64 << 8 | heap type`.
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

/** Whether the type holds exceptions, however it is written. */
export function isException(type: ValueType): boolean {
  return (type & 0xff) === VALUE.exceptionReference;
}

function isRunHeapType(byte: number): boolean {
  return (
    byte === VALUE.functionReference ||
    byte === VALUE.externalReference ||
    byte === VALUE.exceptionReference
  );
}

/** The type after `ref.null` or in the long form of a reference type. */
export function readHeapType(reader: ByteReader): number {
  const start = reader.position;
  const byte = reader.u8();
  if (isRunHeapType(byte)) return byte;
  if (byte >= 0x80 || byte < 0x40) throw refusedFeature('typed function references', start);
  throw refusedFeature(`GC types (heap type 0x${byte.toString(16)})`, start);
}

function valueTypeFrom(byte: number, reader: ByteReader, start: number): ValueType {
  if (byte >= VALUE.v128 && byte <= VALUE.i32) return byte;
  if (isRunHeapType(byte)) return byte;
  if (byte === NULLABLE || byte === NON_NULLABLE) return (byte << 8) | readHeapType(reader);
  if (byte >= 0x67 && byte <= 0x78) {
    throw refusedFeature(`GC types (type 0x${byte.toString(16)})`, start);
  }
  throw refusedFeature(`an unknown type (0x${byte.toString(16)})`, start);
}

export function readValueType(reader: ByteReader): ValueType {
  const start = reader.position;
  return valueTypeFrom(reader.u8(), reader, start);
}

/** The type of a table's elements. */
export function readReferenceType(reader: ByteReader): ValueType {
  const start = reader.position;
  const type = readValueType(reader);
  if (type >= VALUE.v128 && type <= VALUE.i32) throw invalid('a reference type is none', start);
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
  // A positive signed number of 33 bits; everything a module can have fits 28 of them.
  let index = byte & 0x7f;
  let last = byte;
  for (let shift = 7; last >= 0x80; shift += 7) {
    if (shift > 28) throw invalid('a block type is too long', start);
    last = reader.u8();
    index += (last & 0x7f) * 2 ** shift;
  }
  if ((last & 0x40) !== 0) throw invalid('a block type is negative', start);
  return { kind: 'index', index };
}

/** The bytes of a value type. */
export function encodeValueType(type: ValueType): number[] {
  return type > 0xff ? [type >> 8, type & 0xff] : [type];
}
