/** Lists of numbers, which cross as they lie in memory: always as a copy, never as a view. */

import type { GuestMemory } from './memory.ts';

function copy(memory: GuestMemory, pointer: number, length: number, bytes: number): ArrayBuffer {
  const start = memory.numbers(pointer, length, bytes);
  return memory.bytes.slice(start, start + (length >>> 0) * bytes).buffer as ArrayBuffer;
}

/** Lifts a `list<u8>`. */
export function liftUint8Array(memory: GuestMemory, pointer: number, length: number): Uint8Array {
  const start = memory.numbers(pointer, length, 1);
  return memory.bytes.slice(start, start + (length >>> 0));
}

/** Lifts a `list<s8>`. */
export function liftInt8Array(memory: GuestMemory, pointer: number, length: number): Int8Array {
  return new Int8Array(copy(memory, pointer, length, 1));
}

/** Lifts a `list<u16>`. */
export function liftUint16Array(memory: GuestMemory, pointer: number, length: number): Uint16Array {
  return new Uint16Array(copy(memory, pointer, length, 2));
}

/** Lifts a `list<s16>`. */
export function liftInt16Array(memory: GuestMemory, pointer: number, length: number): Int16Array {
  return new Int16Array(copy(memory, pointer, length, 2));
}

/** Lifts a `list<u32>`. */
export function liftUint32Array(memory: GuestMemory, pointer: number, length: number): Uint32Array {
  return new Uint32Array(copy(memory, pointer, length, 4));
}

/** Lifts a `list<s32>`. */
export function liftInt32Array(memory: GuestMemory, pointer: number, length: number): Int32Array {
  return new Int32Array(copy(memory, pointer, length, 4));
}

/** Lifts a `list<u64>`. */
export function liftBigUint64Array(
  memory: GuestMemory,
  pointer: number,
  length: number,
): BigUint64Array {
  return new BigUint64Array(copy(memory, pointer, length, 8));
}

/** Lifts a `list<s64>`. */
export function liftBigInt64Array(
  memory: GuestMemory,
  pointer: number,
  length: number,
): BigInt64Array {
  return new BigInt64Array(copy(memory, pointer, length, 8));
}

/** Lifts a `list<f32>`. */
export function liftFloat32Array(
  memory: GuestMemory,
  pointer: number,
  length: number,
): Float32Array {
  return new Float32Array(copy(memory, pointer, length, 4));
}

/** Lifts a `list<f64>`. */
export function liftFloat64Array(
  memory: GuestMemory,
  pointer: number,
  length: number,
): Float64Array {
  return new Float64Array(copy(memory, pointer, length, 8));
}

/**
 * Lowers a list of numbers; writes its pointer and its length at an address that was checked.
 *
 * @throws TypeError where the array's elements do not have the size that the type says.
 */
export function storeNumbers(
  memory: GuestMemory,
  address: number,
  values: ArrayBufferView & { readonly length: number; readonly BYTES_PER_ELEMENT: number },
  elementBytes: number,
): void {
  if (!ArrayBuffer.isView(values) || values.BYTES_PER_ELEMENT !== elementBytes) {
    throw new TypeError(
      `A host function answered no typed array of ${elementBytes}-byte elements where its type says so.`,
    );
  }
  const { byteLength, length } = values;
  const start = memory.allocate(elementBytes, byteLength);
  memory.bytes.set(
    values instanceof Uint8Array
      ? values
      : new Uint8Array(values.buffer, values.byteOffset, byteLength),
    start,
  );
  memory.view.setUint32(address, start, true);
  memory.view.setUint32(address + 4, length, true);
}
