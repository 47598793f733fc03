/** Writes the code that lifts: from a guest's memory, or from flat values, to JavaScript values. */

import type { EnumType, FlagsType, ListType, ValueType } from '../../wasm/component/types.ts';
import {
  contains,
  coreTypeOf,
  elementLayout,
  heldBytes,
  indent,
  needsMemory,
  plus,
  readDiscriminant,
} from './code.ts';
import { type FileWriter, flatNames, structuralName } from './file-writer.ts';
import {
  type CoreType,
  casesOf,
  fieldTypesOf,
  flagWords,
  flatten,
  offsetsOf,
  payloadOffset,
} from './layout.ts';
import { resourceName } from './model.ts';
import { camelCase, constantCase, quoted } from './naming.ts';
import {
  elementTypeOf,
  isTagged,
  NUMBER_ARRAYS,
  NUMBER_FLAGS_MAX,
  typeOf,
} from './types-writer.ts';

/** How handles that are only lent are looked up: `lend` in calls that are given handles too. */
export type Lending = 'borrow' | 'lend';

/** Writes lifting code into one file. */
export interface Lifter {
  readonly file: FileWriter;
  readonly lending: Lending;
}

function variantOf(lifter: Lifter, type: ValueType): string {
  const lends = lifter.lending === 'lend' && contains(type, (part) => part.kind === 'borrow');
  return lends ? 'Lent' : '';
}

/** An expression for the value of a type that lies at an address that was checked. */
export function load(lifter: Lifter, type: ValueType, address: string): string {
  const { file } = lifter;
  const word = `memory.view.getUint32(${address}, true)`;
  switch (type.kind) {
    case 'bool':
      return `memory.view.getUint8(${address}) !== 0`;
    case 'u8':
      return `memory.view.getUint8(${address})`;
    case 's8':
      return `memory.view.getInt8(${address})`;
    case 'u16':
      return `memory.view.getUint16(${address}, true)`;
    case 's16':
      return `memory.view.getInt16(${address}, true)`;
    case 'u32':
      return word;
    case 's32':
      return `memory.view.getInt32(${address}, true)`;
    case 'u64':
      return `memory.view.getBigUint64(${address}, true)`;
    case 's64':
      return `memory.view.getBigInt64(${address}, true)`;
    case 'f32':
      return `memory.view.getFloat32(${address}, true)`;
    case 'f64':
      return `memory.view.getFloat64(${address}, true)`;
    case 'string':
      return `${file.runtime('strings', 'loadString')}(memory, ${address})`;
    case 'char':
    case 'own':
    case 'borrow':
      return lift(lifter, type, [word]);
    case 'list':
      return lift(lifter, type, [word, `memory.view.getUint32(${plus(address, 4)}, true)`]);
    case 'flags':
      return loadFlags(type, address);
    case 'enum':
      return lift(lifter, type, [readDiscriminant(address, type.names.length)]);
    default:
      return `${loadHelper(lifter, type)}(memory, ${address})`;
  }
}

function loadFlags(type: FlagsType, address: string): string {
  const count = type.names.length;
  if (count <= 16) {
    const bits = count <= 8 ? 8 : 16;
    const read = `memory.view.getUint${bits}(${address}${bits === 8 ? '' : ', true'})`;
    return count === bits ? read : `${read} & ${flagMask(count)}`;
  }
  const words = Array.from(
    { length: flagWords(count) },
    (_, index) => `memory.view.getInt32(${plus(address, 4 * index)}, true)`,
  );
  return liftFlags(type, words);
}

function flagMask(count: number): string {
  return `0x${(2 ** count - 1).toString(16)}`;
}

/** Flags beyond the declared ones are ignored, as the canonical ABI says. */
function liftFlags(type: FlagsType, words: readonly string[]): string {
  const count = type.names.length;
  if (count <= NUMBER_FLAGS_MAX) {
    const word = words[0]!;
    return count === 32 ? `${word} >>> 0` : `${word} & ${flagMask(count)}`;
  }
  const parts = words.map((word, index) =>
    index === 0 ? `BigInt(${word} >>> 0)` : `(BigInt(${word} >>> 0) << ${32 * index}n)`,
  );
  return `BigInt.asUintN(${count}, ${parts.join(' | ')})`;
}

/** An expression for the value of a type that is passed in flat values. */
export function lift(lifter: Lifter, type: ValueType, flat: readonly string[]): string {
  const { file } = lifter;
  const first = flat[0] ?? '';
  switch (type.kind) {
    case 'bool':
      return `${first} !== 0`;
    case 'u8':
      return `${first} & 0xff`;
    case 's8':
      return `(${first} << 24) >> 24`;
    case 'u16':
      return `${first} & 0xffff`;
    case 's16':
      return `(${first} << 16) >> 16`;
    case 'u32':
      return `${first} >>> 0`;
    case 's32':
    case 's64':
    case 'f32':
    case 'f64':
      return first;
    case 'u64':
      return `BigInt.asUintN(64, ${first})`;
    case 'char':
      return `${file.runtime('values', 'liftChar')}(${first})`;
    case 'string':
      return `${file.runtime('strings', 'liftString')}(memory, ${flat.join(', ')})`;
    case 'own':
    case 'borrow': {
      const owner = file.world.owners.get(type.resource)!;
      const method = type.kind === 'own' ? 'own' : lifter.lending;
      return `memory.handles.${method}(${quoted(resourceName(owner))}, ${first})`;
    }
    case 'flags':
      return liftFlags(type, flat);
    case 'list': {
      const array = NUMBER_ARRAYS[type.element.kind];
      const helper =
        array === undefined ? listHelper(lifter, type) : file.runtime('lists', `lift${array}`);
      return `${helper}(memory, ${flat.join(', ')})`;
    }
    default: {
      const args = needsMemory(type) ? ['memory', ...flat] : flat;
      return `${liftHelper(lifter, type)}(${args.join(', ')})`;
    }
  }
}

function header(
  file: FileWriter,
  exported: boolean,
  name: string,
  params: string[],
  type: string,
): string {
  const joined = params.join(', ');
  if (/\bmemory: GuestMemory\b/.test(joined)) {
    file.runtime('memory', 'type GuestMemory');
  }
  return `${exported ? 'export ' : ''}function ${name}(${joined}): ${type} {\n`;
}

function isExported(file: FileWriter, type: ValueType): boolean {
  return file.world.owners.get(type) !== undefined;
}

/** What error messages call a type. */
export function displayName(file: FileWriter, type: ValueType): string {
  return file.world.owners.get(type)?.named.name ?? type.kind;
}

function record(type: ValueType, values: readonly string[]): string {
  const isTuple = type.kind === 'tuple';
  const lines = values.map((value, index) => {
    const key = type.kind === 'record' ? `${camelCase(type.fields[index]!.name)}: ` : '';
    return `    ${key}${value},\n`;
  });
  return `  return ${isTuple ? '[' : '{'}\n${lines.join('')}  ${isTuple ? ']' : '}'};\n`;
}

function caseValue(type: ValueType, name: string, value: string | null): string {
  if (type.kind === 'option' && !isTagged(type)) {
    return value ?? 'undefined';
  }
  if (value === null) {
    return type.kind === 'result'
      ? `{ tag: ${quoted(name)}, val: undefined }`
      : `{ tag: ${quoted(name)} }`;
  }
  return `{ tag: ${quoted(name)}, val: ${value} }`;
}

function switchOnCase(
  file: FileWriter,
  type: ValueType,
  discriminant: string,
  payload: (type: ValueType) => string,
): string {
  const lines = casesOf(type)!.map((each, index) => {
    const value = each.type === null ? null : payload(each.type);
    return `    case ${index}:\n      return ${caseValue(type, each.name, value)};\n`;
  });
  const refuse = file.runtime('values', 'noSuchCase');
  const otherwise = `    default:\n      return ${refuse}(${quoted(displayName(file, type))}, ${discriminant});\n`;
  return `  switch (${discriminant}) {\n${lines.join('')}${otherwise}  }\n`;
}

function loadHelper(lifter: Lifter, type: ValueType): string {
  return lifter.file.helper('load', type, variantOf(lifter, type), (file, name) => {
    const inner = { ...lifter, file };
    const start = header(
      file,
      isExported(file, type),
      name,
      ['memory: GuestMemory', 'at: number'],
      typeOf(file, type),
    );
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      const values = fields.map((field, index) => load(inner, field, plus('at', offsets[index]!)));
      return `${start}${record(type, values)}}\n`;
    }
    const cases = casesOf(type)!;
    const payload = plus('at', payloadOffset(cases));
    const body = switchOnCase(file, type, 'discriminant', (part) => load(inner, part, payload));
    return `${start}  const discriminant = ${readDiscriminant('at', cases.length)};\n${body}}\n`;
  });
}

function liftHelper(lifter: Lifter, type: ValueType): string {
  return lifter.file.helper('lift', type, variantOf(lifter, type), (file, name) => {
    const inner = { ...lifter, file };
    const cores = flatten(type);
    const names = flatNames(cores.length);
    const params = names.map((param, index) => `${param}: ${coreTypeOf(cores[index]!)}`);
    const start = header(
      file,
      isExported(file, type),
      name,
      needsMemory(type) ? ['memory: GuestMemory', ...params] : params,
      typeOf(file, type),
    );
    if (type.kind === 'enum') {
      return enumTable(file, type) + start + liftEnum(file, type);
    }
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      let used = 0;
      const values = fields.map((field) => {
        const count = flatten(field).length;
        used += count;
        return lift(inner, field, names.slice(used - count, used));
      });
      return `${start}${record(type, values)}}\n`;
    }
    const body = switchOnCase(file, type, 'p0', (part) =>
      lift(inner, part, unjoined(file, part, cores.slice(1), names.slice(1))),
    );
    return `${start}${body}}\n`;
  });
}

/** The name of the constant with the cases of an enum. */
export function enumTableName(file: FileWriter, type: EnumType): string {
  const name = structuralName(file.world, type).replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-');
  return `${constantCase(name)}_CASES`;
}

function enumTable(file: FileWriter, type: EnumType): string {
  const names = type.names.map((name) => `  ${quoted(name)},\n`).join('');
  return `const ${enumTableName(file, type)} = [\n${names}] as const;\n\n`;
}

function liftEnum(file: FileWriter, type: EnumType): string {
  const refuse = file.runtime('values', 'noSuchCase');
  return `  return ${enumTableName(file, type)}[p0] ?? ${refuse}(${quoted(displayName(file, type))}, p0);\n}\n`;
}

/** The flat values of a case, out of the joined ones that carry them. */
function unjoined(
  file: FileWriter,
  type: ValueType,
  joined: readonly CoreType[],
  names: readonly string[],
): string[] {
  return flatten(type).map((wanted, index) => {
    const have = joined[index]!;
    const name = names[index]!;
    if (have === wanted) {
      return name;
    }
    if (have === 'i32') {
      return `${file.runtime('values', 'f32FromBits')}(${name})`;
    }
    if (wanted === 'f64') {
      return `${file.runtime('values', 'f64FromBits')}(${name})`;
    }
    const narrow = `${file.runtime('values', 'i32FromI64')}(${name})`;
    return wanted === 'i32' ? narrow : `${file.runtime('values', 'f32FromBits')}(${narrow})`;
  });
}

function listHelper(lifter: Lifter, type: ListType): string {
  return lifter.file.helper('lift', type, variantOf(lifter, type), (file, name) => {
    const { element } = type;
    const { size, align } = elementLayout(element);
    const elementType = `${elementTypeOf(file, element)}[]`;
    const start = header(
      file,
      isExported(file, type),
      name,
      ['memory: GuestMemory', 'pointer: number', 'length: number'],
      elementType,
    );
    const value = load({ ...lifter, file }, element, 'at');
    const body = [
      `const start = memory.list(pointer, length, ${size}, ${align}, ${heldBytes(element)});`,
      'const count = length >>> 0;',
      `const values: ${elementType} = [];`,
      `for (let index = 0, at = start; index < count; index += 1, at += ${size}) {`,
      `  values.push(${value});`,
      '}',
      'return values;',
    ].join('\n');
    return `${start}${indent(body, 1)}\n}\n`;
  });
}
