/** Passes what follows an opcode, where nothing but its end matters. */

import { IMMEDIATE, type Immediate, skipSimpleImmediate } from './instructions.ts';
import type { ByteReader } from './reader.ts';
import { refusedFeature } from './refusals.ts';
import { readBlockType, readHeapType, readValueType } from './value-types.ts';

/** Handlers of a `try_table`: 0 and 1 name a tag, 2 and 3 take every exception. */
export const CATCH_KIND_ALL = 2;
const CATCH_KIND_MAX = 3;

/** Reads the kind of a handler of a `try_table`. */
export function readCatchKind(reader: ByteReader): number {
  const at = reader.position;
  const kind = reader.u8();
  if (kind > CATCH_KIND_MAX) throw refusedFeature(`an unknown kind of handler (${kind})`, at);
  return kind;
}

/** What of a cast's two types is nullable. */
const CAST_FLAGS_MAX = 3;

/** Reads the flags of a branch on a cast, which change nothing but its types. */
export function readCastFlags(reader: ByteReader): void {
  const at = reader.position;
  const flags = reader.u8();
  if (flags > CAST_FLAGS_MAX) throw refusedFeature(`an unknown kind of cast (${flags})`, at);
}

function skipCatches(reader: ByteReader): void {
  for (let left = reader.count(); left > 0; left--) {
    if (readCatchKind(reader) < CATCH_KIND_ALL) reader.u32();
    reader.u32();
  }
}

/** Passes the immediates of one instruction. */
export function skipImmediates(reader: ByteReader, immediate: Immediate): void {
  switch (immediate) {
    case IMMEDIATE.block:
      readBlockType(reader);
      return;
    case IMMEDIATE.tryTable:
      readBlockType(reader);
      skipCatches(reader);
      return;
    case IMMEDIATE.tag:
    case IMMEDIATE.label:
    case IMMEDIATE.call:
    case IMMEDIATE.local:
    case IMMEDIATE.global:
    case IMMEDIATE.function:
    case IMMEDIATE.table:
    case IMMEDIATE.memory:
    case IMMEDIATE.structType:
    case IMMEDIATE.arrayType:
      reader.u32();
      return;
    case IMMEDIATE.labels:
      for (let left = reader.count() + 1; left > 0; left--) reader.u32();
      return;
    case IMMEDIATE.callIndirect:
    case IMMEDIATE.field:
    case IMMEDIATE.arrayFixed:
    case IMMEDIATE.arraySegment:
    case IMMEDIATE.arrayCopy:
    case IMMEDIATE.tableCopy:
    case IMMEDIATE.tableInit:
    case IMMEDIATE.memoryCopy:
    case IMMEDIATE.memoryInit:
      reader.u32();
      reader.u32();
      return;
    case IMMEDIATE.selectTypes:
      for (let left = reader.count(); left > 0; left--) readValueType(reader);
      return;
    case IMMEDIATE.callReference:
      reader.u32();
      reader.use.typedReferences = true;
      return;
    case IMMEDIATE.castLabel:
      readCastFlags(reader);
      reader.u32();
      readHeapType(reader);
      readHeapType(reader);
      return;
    case IMMEDIATE.heapType:
      readHeapType(reader);
      return;
    default:
      skipSimpleImmediate(reader, immediate);
  }
}
