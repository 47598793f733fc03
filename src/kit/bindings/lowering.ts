/** Writes the code that lowers: from JavaScript values to a guest's memory, or to one flat value. */

import type { EnumType, FlagsType, ListType, ValueType } from '../../wasm/component/types.ts';
import { elementLayout, indent, needsMemory, plus, writeDiscriminant } from './code.ts';
import type { FileWriter } from './file-writer.ts';
import { casesOf, fieldTypesOf, flagWords, flatten, offsetsOf, payloadOffset } from './layout.ts';
import { displayName, enumTableName } from './lifting.ts';
import { resourceName } from './model.ts';
import { camelCase, quoted } from './naming.ts';
import { isTagged, NUMBER_ARRAYS, NUMBER_FLAGS_MAX, typeOf } from './types-writer.ts';

const SETTERS: Partial<Readonly<Record<ValueType['kind'], string>>> = {
  u8: 'setUint8',
  s8: 'setInt8',
  u16: 'setUint16',
  s16: 'setInt16',
  u32: 'setUint32',
  s32: 'setInt32',
  u64: 'setBigUint64',
  s64: 'setBigInt64',
  f32: 'setFloat32',
  f64: 'setFloat64',
};

function set(setter: string, address: string, value: string): string {
  const order = setter.endsWith('8') ? '' : ', true';
  return `memory.view.${setter}(${address}, ${value}${order});`;
}

/** A statement that writes a value at an address that was checked. */
export function store(file: FileWriter, type: ValueType, address: string, value: string): string {
  const setter = SETTERS[type.kind];
  if (setter !== undefined) {
    return set(setter, address, value);
  }
  switch (type.kind) {
    case 'bool':
      return set('setUint8', address, `${value} ? 1 : 0`);
    case 'char':
    case 'own':
    case 'borrow':
      return set('setUint32', address, lower(file, type, value));
    case 'string':
      return `${file.runtime('strings', 'storeString')}(memory, ${address}, ${value});`;
    case 'enum':
      return writeDiscriminant(address, type.names.length, lower(file, type, value));
    case 'flags':
      return storeFlags(type, address, value);
    case 'list': {
      const array = NUMBER_ARRAYS[type.element.kind];
      const helper =
        array === undefined ? listHelper(file, type) : file.runtime('lists', 'storeNumbers');
      return array === undefined
        ? `${helper}(memory, ${address}, ${value});`
        : `${helper}(memory, ${address}, ${value}, ${elementLayout(type.element).size});`;
    }
    default:
      return `${storeHelper(file, type)}(memory, ${address}, ${value});`;
  }
}

function storeFlags(type: FlagsType, address: string, value: string): string {
  const count = type.names.length;
  if (count <= 16) {
    return set(count <= 8 ? 'setUint8' : 'setUint16', address, value);
  }
  if (count <= NUMBER_FLAGS_MAX) {
    return set('setUint32', address, value);
  }
  return Array.from({ length: flagWords(count) }, (_, index) =>
    set(
      'setUint32',
      plus(address, 4 * index),
      `Number(BigInt.asUintN(32, ${index === 0 ? value : `${value} >> ${32 * index}n`}))`,
    ),
  ).join('\n');
}

/** An expression for the only flat value of a type that has just one. */
export function lower(file: FileWriter, type: ValueType, value: string): string {
  switch (type.kind) {
    case 'bool':
      return `${value} ? 1 : 0`;
    case 'u8':
      return `${value} & 0xff`;
    case 's8':
      return `(${value} << 24) >> 24`;
    case 'u16':
      return `${value} & 0xffff`;
    case 's16':
      return `(${value} << 16) >> 16`;
    case 'char':
      return `${file.runtime('values', 'lowerChar')}(${value})`;
    case 'own': {
      const owner = file.world.owners.get(type.resource)!;
      return `memory.handles.add(${quoted(resourceName(owner))}, ${value})`;
    }
    case 'borrow':
      throw new TypeError('A function can not return a borrow: WIT has no such function.');
    case 'record':
    case 'tuple':
    case 'variant':
    case 'result':
    case 'enum': {
      const args = needsMemory(type) ? ['memory', value] : [value];
      return `${lowerHelper(file, type)}(${args.join(', ')})`;
    }
    default:
      return value;
  }
}

function exportKeyword(file: FileWriter, type: ValueType): string {
  return file.world.owners.get(type) === undefined ? '' : 'export ';
}

function fieldAccess(type: ValueType, index: number): string {
  return type.kind === 'record'
    ? `value.${camelCase(type.fields[index]!.name)}`
    : `value[${index}]`;
}

function storeHelper(file: FileWriter, type: ValueType): string {
  return file.helper('store', type, '', (inside, name) => {
    inside.runtime('memory', 'type GuestMemory');
    const start = `${exportKeyword(inside, type)}function ${name}(memory: GuestMemory, at: number, value: ${typeOf(inside, type)}): void {\n`;
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const { offsets } = offsetsOf(fields);
      const lines = fields.map((field, index) =>
        store(inside, field, plus('at', offsets[index]!), fieldAccess(type, index)),
      );
      return `${start}${indent(lines.join('\n'), 1)}\n}\n`;
    }
    return `${start}${indent(storeCases(inside, type), 1)}\n}\n`;
  });
}

function storeCases(file: FileWriter, type: ValueType): string {
  const cases = casesOf(type)!;
  const payload = plus('at', payloadOffset(cases));
  if (type.kind === 'option' && !isTagged(type)) {
    return [
      'if (value === undefined) {',
      `  ${writeDiscriminant('at', 2, '0')}`,
      '} else {',
      `  ${writeDiscriminant('at', 2, '1')}`,
      indent(store(file, type.element, payload, 'value'), 1),
      '}',
    ].join('\n');
  }
  const branches = cases.map((each, index) => {
    const lines = [writeDiscriminant('at', cases.length, String(index))];
    if (each.type !== null) {
      lines.push(store(file, each.type, payload, 'value.val'));
    }
    return `  case ${quoted(each.name)}:\n${indent([...lines, 'break;'].join('\n'), 2)}`;
  });
  const refuse = `${file.runtime('values', 'notACase')}(${quoted(displayName(file, type))});`;
  return `switch (value.tag) {\n${branches.join('\n')}\n  default:\n    ${refuse}\n}`;
}

function lowerHelper(file: FileWriter, type: ValueType): string {
  return file.helper('lower', type, '', (inside, name) => {
    const params = [`value: ${typeOf(inside, type)}`];
    if (needsMemory(type)) {
      inside.runtime('memory', 'type GuestMemory');
      params.unshift('memory: GuestMemory');
    }
    const core = flatten(type)[0] === 'i64' ? 'bigint' : 'number';
    const start = `${exportKeyword(inside, type)}function ${name}(${params.join(', ')}): ${core} {\n`;
    if (type.kind === 'enum') {
      return enumIndexTable(inside, type) + start + lowerEnum(inside, type);
    }
    const fields = fieldTypesOf(type);
    if (fields !== null) {
      const index = fields.findIndex((field) => flatten(field).length === 1);
      return `${start}  return ${lower(inside, fields[index]!, fieldAccess(type, index))};\n}\n`;
    }
    const lines = casesOf(type)!.map(
      (each, index) => `    case ${quoted(each.name)}:\n      return ${index};\n`,
    );
    const refuse = `${inside.runtime('values', 'notACase')}(${quoted(displayName(inside, type))})`;
    return `${start}  switch (value.tag) {\n${lines.join('')}    default:\n      return ${refuse};\n  }\n}\n`;
  });
}

function enumIndexTable(file: FileWriter, type: EnumType): string {
  const cases = type.names.map((name) => `  ${quoted(name)},\n`).join('');
  return `const ${enumTableName(file, type)}_INDEX = ${file.runtime('values', 'enumIndexes')}([\n${cases}]);\n\n`;
}

function lowerEnum(file: FileWriter, type: EnumType): string {
  const index = file.runtime('values', 'enumIndex');
  return `  return ${index}(${quoted(displayName(file, type))}, ${enumTableName(file, type)}_INDEX, value);\n}\n`;
}

function listHelper(file: FileWriter, type: ListType): string {
  return file.helper('store', type, '', (inside, name) => {
    inside.runtime('memory', 'type GuestMemory');
    const { element } = type;
    const { size, align } = elementLayout(element);
    const elementType = typeOf(inside, element);
    const body = [
      'const count = values.length;',
      `const start = memory.allocate(${align}, count * ${size});`,
      `for (let index = 0, element = start; index < count; index += 1, element += ${size}) {`,
      `  const value = values[index] as ${elementType};`,
      indent(store(inside, element, 'element', 'value'), 1),
      '}',
      'memory.view.setUint32(at, start, true);',
      'memory.view.setUint32(at + 4, count, true);',
    ].join('\n');
    const start = `${exportKeyword(inside, type)}function ${name}(memory: GuestMemory, at: number, values: ${typeOf(inside, type)}): void {\n`;
    return `${start}${indent(body, 1)}\n}\n`;
  });
}
