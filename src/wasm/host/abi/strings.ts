/**
 * Strings between JavaScript and linear memory, in the three encodings of the canonical ABI.
 *
 * Lifting is strict: malformed UTF-8 and lone surrogates end the guest. Lowering asks the guest's
 * realloc once, for exactly the bytes that are needed; a lone surrogate in a host's string, which WIT
 * can't carry, becomes U+FFFD.
 */

import { Buffer } from 'node:buffer';
import type { GuestMemory } from './memory.ts';
import { AbiViolation } from './violation.ts';

/** In `latin1+utf16`, this bit of the length says that the string is UTF-16. */
const UTF16_TAG = 0x8000_0000;

/** Up to this many bytes a loop lifts faster than a call into the engine. */
const SHORT_LIFT_BYTES_MAX = 10;

/** Up to this many units a loop lowers faster than a call into the engine. */
const SHORT_UNITS_MAX = 24;

const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTF8_ENCODER = new TextEncoder();

/** Lifts the string that the guest names by a pointer and a length. */
export function liftString(memory: GuestMemory, pointer: number, length: number): string {
  if (memory.encoding === 'utf8') {
    return liftUtf8(memory, pointer, length >>> 0);
  }
  if (memory.encoding === 'utf16') {
    return liftUtf16(memory, pointer, length >>> 0);
  }
  const units = length >>> 0;
  return units >= UTF16_TAG
    ? liftUtf16(memory, pointer, units - UTF16_TAG)
    : liftLatin1(memory, pointer, units);
}

/** Lifts the string whose pointer and length stand at an address that was checked. */
export function loadString(memory: GuestMemory, address: number): string {
  const { view } = memory;
  return liftString(memory, view.getUint32(address, true), view.getUint32(address + 4, true));
}

/** Lowers a string; writes its pointer and its length at an address that was checked. */
export function storeString(memory: GuestMemory, address: number, text: string): void {
  if (typeof text !== 'string') {
    throw new TypeError(`A host function answered ${typeof text} where its type says string.`);
  }
  if (memory.encoding === 'utf8') {
    storeUtf8(memory, address, text);
  } else if (memory.encoding === 'utf16') {
    storeUtf16(memory, address, text, 0);
  } else if (isLatin1(text)) {
    storeLatin1(memory, address, text);
  } else {
    storeUtf16(memory, address, text, UTF16_TAG);
  }
}

function liftUtf8(memory: GuestMemory, pointer: number, bytes: number): string {
  // A byte becomes at most one unit, and a string of units beyond Latin-1 takes two bytes each.
  const start = memory.text(pointer, bytes, 1, 2 * bytes);
  const end = start + bytes;
  if (bytes <= SHORT_LIFT_BYTES_MAX) {
    const source = memory.bytes;
    let text = '';
    let at = start;
    for (; at < end; at += 1) {
      const byte = source[at]!;
      if (byte >= 0x80) {
        break;
      }
      text += String.fromCharCode(byte);
    }
    if (at === end) {
      return text;
    }
  }
  try {
    return UTF8_DECODER.decode(memory.bytes.subarray(start, end));
  } catch {
    throw new AbiViolation(`the string of ${bytes} bytes at ${start} is not valid UTF-8`);
  }
}

function liftUtf16(memory: GuestMemory, pointer: number, units: number): string {
  const start = memory.text(pointer, 2 * units, 2, 2 * units);
  const text = Buffer.from(memory.bytes.buffer, start, 2 * units).toString('utf16le');
  if (!text.isWellFormed()) {
    throw new AbiViolation(`the string of ${units} units at ${start} is not valid UTF-16`);
  }
  return text;
}

function liftLatin1(memory: GuestMemory, pointer: number, bytes: number): string {
  const start = memory.text(pointer, bytes, 2, bytes);
  return Buffer.from(memory.bytes.buffer, start, bytes).toString('latin1');
}

function storeUtf8(memory: GuestMemory, address: number, text: string): void {
  const bytes = Buffer.byteLength(text, 'utf8');
  const start = memory.allocate(1, bytes);
  if (bytes === text.length && bytes <= SHORT_UNITS_MAX) {
    const target = memory.bytes;
    for (let index = 0; index < bytes; index += 1) {
      target[start + index] = text.charCodeAt(index);
    }
  } else {
    UTF8_ENCODER.encodeInto(text, memory.bytes.subarray(start, start + bytes));
  }
  memory.view.setUint32(address, start, true);
  memory.view.setUint32(address + 4, bytes, true);
}

function storeUtf16(memory: GuestMemory, address: number, text: string, tag: number): void {
  const wellFormed = text.toWellFormed();
  const units = wellFormed.length;
  const start = memory.allocate(2, 2 * units);
  if (units <= SHORT_UNITS_MAX) {
    for (let index = 0; index < units; index += 1) {
      memory.view.setUint16(start + 2 * index, wellFormed.charCodeAt(index), true);
    }
  } else {
    Buffer.from(memory.bytes.buffer, start, 2 * units).write(wellFormed, 'utf16le');
  }
  memory.view.setUint32(address, start, true);
  memory.view.setUint32(address + 4, units + tag, true);
}

function storeLatin1(memory: GuestMemory, address: number, text: string): void {
  const bytes = text.length;
  const start = memory.allocate(2, bytes);
  if (bytes <= SHORT_UNITS_MAX) {
    const target = memory.bytes;
    for (let index = 0; index < bytes; index += 1) {
      target[start + index] = text.charCodeAt(index);
    }
  } else {
    Buffer.from(memory.bytes.buffer, start, bytes).write(text, 'latin1');
  }
  memory.view.setUint32(address, start, true);
  memory.view.setUint32(address + 4, bytes, true);
}

function isLatin1(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0xff) {
      return false;
    }
  }
  return true;
}
