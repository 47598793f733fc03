/**
 * Where the values of the component model's types lie: alignment and size in linear memory, and the
 * core types they become when they are passed flat.
 *
 * After "Alignment", "Element Size" and "Flattening" of the canonical ABI
 * (https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md), for 32-bit
 * memories. Types are those of our own WIT and WASI's: nothing here is bounded against hostile ones.
 */

import type { ValueType } from '../../wasm/component/types.ts';

/** The types of core WebAssembly values that the canonical ABI uses. */
export type CoreType = 'i32' | 'i64' | 'f32' | 'f64';

/** More flat parameters than this are passed in memory. */
export const FLAT_PARAMS_MAX = 16;
/** More flat results than this are returned in memory. */
export const FLAT_RESULTS_MAX = 1;

/** A case of a variant, or of a type that is one underneath. */
export interface Case {
  readonly name: string;
  readonly type: ValueType | null;
}

/** The cases of a type that is a variant underneath; null where it is none. */
export function casesOf(type: ValueType): readonly Case[] | null {
  switch (type.kind) {
    case 'variant':
      return type.cases;
    case 'enum':
      return type.names.map((name) => ({ name, type: null }));
    case 'option':
      return [
        { name: 'none', type: null },
        { name: 'some', type: type.element },
      ];
    case 'result':
      return [
        { name: 'ok', type: type.ok },
        { name: 'err', type: type.err },
      ];
    default:
      return null;
  }
}

/** The fields, in order, of a type that is a record underneath; null where it is none. */
export function fieldTypesOf(type: ValueType): readonly ValueType[] | null {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'tuple':
      return type.elements;
    default:
      return null;
  }
}

/** Bytes of the discriminant of a variant with so many cases. */
export function discriminantBytes(caseCount: number): 1 | 2 | 4 {
  if (caseCount <= 0x100) {
    return 1;
  }
  return caseCount <= 0x1_0000 ? 2 : 4;
}

/** 32-bit words that flags take, where they take more than 16 bits. */
export function flagWords(count: number): number {
  return Math.ceil(count / 32);
}

function flagBytes(count: number): Layout {
  if (count <= 8) {
    return { align: 1, size: 1 };
  }
  return count <= 16 ? { align: 2, size: 2 } : { align: 4, size: 4 * flagWords(count) };
}

/** The next multiple of an alignment. */
export function alignTo(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

/** The alignment of a type. */
export const alignOf = (type: ValueType): number => layoutOf(type).align;

/** The size of a type, padded to its alignment. */
export const sizeOf = (type: ValueType): number => layoutOf(type).size;

interface Layout {
  readonly align: number;
  readonly size: number;
}

const ofSize = (size: number): Layout => ({ align: size, size });

/** Both in one walk: types may be nested in a thousand others, and each walk by two functions would be two. */
function layoutOf(type: ValueType): Layout {
  const fields = fieldTypesOf(type);
  if (fields !== null) {
    const { end, align } = offsetsOf(fields);
    return { align, size: alignTo(end, align) };
  }
  const cases = casesOf(type);
  if (cases !== null) {
    const payload = payloadLayout(cases);
    const tag = discriminantBytes(cases.length);
    const align = Math.max(tag, payload.align);
    return { align, size: alignTo(alignTo(tag, payload.align) + payload.size, align) };
  }
  switch (type.kind) {
    case 'bool':
    case 's8':
    case 'u8':
      return ofSize(1);
    case 's16':
    case 'u16':
      return ofSize(2);
    case 's32':
    case 'u32':
    case 'f32':
    case 'char':
    case 'own':
    case 'borrow':
      return ofSize(4);
    case 's64':
    case 'u64':
    case 'f64':
      return ofSize(8);
    case 'string':
    case 'list':
      return { align: 4, size: 8 };
    case 'flags':
      return flagBytes(type.names.length);
    default:
      throw new TypeError(`Cannot lay out a ${type.kind}: add it to the layout.`);
  }
}

/** What is large enough for each of the payloads; its size is not padded. */
function payloadLayout(cases: readonly Case[]): Layout {
  let [align, size] = [1, 0];
  for (const { type } of cases) {
    if (type === null) continue;
    const payload = layoutOf(type);
    align = Math.max(align, payload.align);
    size = Math.max(size, payload.size);
  }
  return { align, size };
}

/** Where the fields of a record lie, and its alignment. */
export function offsetsOf(fields: readonly ValueType[]): {
  readonly offsets: readonly number[];
  readonly end: number;
  readonly align: number;
} {
  const offsets: number[] = [];
  let [end, align] = [0, 1];
  for (const field of fields) {
    const layout = layoutOf(field);
    end = alignTo(end, layout.align);
    offsets.push(end);
    end += layout.size;
    align = Math.max(align, layout.align);
  }
  return { offsets, end, align };
}

/** Where the payload of a variant lies, the same for each of its cases. */
export function payloadOffset(cases: readonly Case[]): number {
  return alignTo(discriminantBytes(cases.length), payloadLayout(cases).align);
}

/** The core type that can carry either of two. */
export function join(one: CoreType, other: CoreType): CoreType {
  if (one === other) {
    return one;
  }
  const both = new Set([one, other]);
  return both.has('i32') && both.has('f32') ? 'i32' : 'i64';
}

/** The core types of a value that is passed flat. */
export function flatten(type: ValueType): readonly CoreType[] {
  const fields = fieldTypesOf(type);
  if (fields !== null) {
    return fields.flatMap(flatten);
  }
  const cases = casesOf(type);
  if (cases !== null) {
    return ['i32', ...joinPayloads(cases)];
  }
  switch (type.kind) {
    case 's64':
    case 'u64':
      return ['i64'];
    case 'f32':
      return ['f32'];
    case 'f64':
      return ['f64'];
    case 'string':
    case 'list':
      return ['i32', 'i32'];
    case 'flags':
      return Array.from({ length: flagWords(type.names.length) }, () => 'i32' as const);
    default:
      return ['i32'];
  }
}

function joinPayloads(cases: readonly Case[]): readonly CoreType[] {
  const joined: CoreType[] = [];
  for (const each of cases) {
    const flat = each.type === null ? [] : flatten(each.type);
    flat.forEach((core, index) => {
      const before = joined[index];
      joined[index] = before === undefined ? core : join(before, core);
    });
  }
  return joined;
}

/** The core function of a lowered function. */
export interface CoreSignature {
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
  /** The parameters are passed as a tuple in memory, by one pointer. */
  readonly spilled: boolean;
  /** The result is written to the place that the last parameter points to. */
  readonly returnsInMemory: boolean;
}

/** The signature that `canon lower` gives a function. */
export function signatureOf(params: readonly ValueType[], result: ValueType | null): CoreSignature {
  const flatParams = params.flatMap(flatten);
  const flatResults = result === null ? [] : flatten(result);
  const spilled = flatParams.length > FLAT_PARAMS_MAX;
  const returnsInMemory = flatResults.length > FLAT_RESULTS_MAX;
  const passed: readonly CoreType[] = spilled ? ['i32'] : flatParams;
  return {
    params: returnsInMemory ? [...passed, 'i32'] : passed,
    results: returnsInMemory ? [] : flatResults,
    spilled,
    returnsInMemory,
  };
}
