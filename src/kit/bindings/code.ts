/** Small pieces of generated code that lifting and lowering share. */

import type { ValueType } from '../../wasm/component/types.ts';
import {
  alignOf,
  type CoreType,
  casesOf,
  discriminantBytes,
  fieldTypesOf,
  sizeOf,
} from './layout.ts';

/** An address some bytes further on. */
export function plus(address: string, bytes: number): string {
  if (bytes === 0) {
    return address;
  }
  const sum = /^(\w+) \+ (\d+)$/.exec(address);
  return sum === null ? `${address} + ${bytes}` : `${sum[1]} + ${Number(sum[2]) + bytes}`;
}

/** Indents lines by so many steps of two spaces. */
export function indent(text: string, steps: number): string {
  const prefix = '  '.repeat(steps);
  return text
    .split('\n')
    .map((line) => (line === '' ? line : prefix + line))
    .join('\n');
}

/** The TypeScript type of a flat value. */
export function coreTypeOf(core: CoreType): string {
  return core === 'i64' ? 'bigint' : 'number';
}

/** Reads a discriminant. */
export function readDiscriminant(address: string, caseCount: number): string {
  const bytes = discriminantBytes(caseCount);
  return bytes === 1
    ? `memory.view.getUint8(${address})`
    : `memory.view.getUint${8 * bytes}(${address}, true)`;
}

/** Writes a discriminant. */
export function writeDiscriminant(address: string, caseCount: number, index: string): string {
  const bytes = discriminantBytes(caseCount);
  return bytes === 1
    ? `memory.view.setUint8(${address}, ${index});`
    : `memory.view.setUint${8 * bytes}(${address}, ${index}, true);`;
}

/** Whether some part of a type is what `is` looks for. */
export function contains(type: ValueType | null, is: (part: ValueType) => boolean): boolean {
  if (type === null) {
    return false;
  }
  if (is(type)) {
    return true;
  }
  const parts = fieldTypesOf(type) ?? casesOf(type)?.map((each) => each.type) ?? [];
  return type.kind === 'list'
    ? contains(type.element, is)
    : parts.some((part) => contains(part, is));
}

/** Whether lifting or lowering a type needs the guest's memory or its handles. */
export function needsMemory(type: ValueType | null): boolean {
  return contains(type, (part) => ['string', 'list', 'own', 'borrow'].includes(part.kind));
}

/**
 * What one lifted value makes the host hold, at least, in bytes: its slot in an array or object, and
 * the objects that it is made of, but not the text of strings and the elements of lists.
 */
export function heldBytes(type: ValueType | null): number {
  const slot = 8;
  const objectHeader = 32;
  if (type === null) {
    return slot;
  }
  const fields = fieldTypesOf(type);
  if (fields !== null) {
    return slot + objectHeader + fields.reduce((sum, field) => sum + heldBytes(field), 0);
  }
  const cases = casesOf(type);
  if (type.kind === 'enum') {
    return slot;
  }
  if (cases !== null) {
    return slot + objectHeader + Math.max(...cases.map((each) => heldBytes(each.type)));
  }
  switch (type.kind) {
    case 's64':
    case 'u64':
    case 'f32':
    case 'f64':
    case 'flags':
    case 'char':
      return slot + 24;
    default:
      return slot;
  }
}

/** The layout of an element of a list. */
export function elementLayout(type: ValueType): { readonly size: number; readonly align: number } {
  return { size: sizeOf(type), align: alignOf(type) };
}
