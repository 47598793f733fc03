/** Writes WIT types as TypeScript types. */

import type { OptionType, PrimitiveKind, ValueType } from '../../wasm/component/types.ts';
import type { FileWriter } from './file-writer.ts';
import { type NamedFunction, type NamedType, resourceName } from './model.ts';
import { camelCase, constantCase, parameterName, propertyKey, quoted } from './naming.ts';

/** Lists of these are typed arrays. */
export const NUMBER_ARRAYS: Partial<Readonly<Record<ValueType['kind'], string>>> = {
  u8: 'Uint8Array',
  s8: 'Int8Array',
  u16: 'Uint16Array',
  s16: 'Int16Array',
  u32: 'Uint32Array',
  s32: 'Int32Array',
  u64: 'BigUint64Array',
  s64: 'BigInt64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

const PRIMITIVE_TYPES: Readonly<Record<PrimitiveKind, string>> = {
  bool: 'boolean',
  s8: 'number',
  u8: 'number',
  s16: 'number',
  u16: 'number',
  s32: 'number',
  u32: 'number',
  s64: 'bigint',
  u64: 'bigint',
  f32: 'number',
  f64: 'number',
  char: 'string',
  string: 'string',
};

/** Flags up to this many are a number, more are a bigint. */
export const NUMBER_FLAGS_MAX = 32;

/**
 * Whether an option is a tagged object instead of a value or `undefined`: where its element can be
 * `undefined` itself.
 */
export function isTagged(option: OptionType): boolean {
  return option.element.kind === 'option' && !isTagged(option.element);
}

/** The TypeScript type of a value, by name where it has one. */
export function typeOf(file: FileWriter, type: ValueType): string {
  const owner = file.world.owners.get(type);
  return owner === undefined ? structureOf(file, type) : file.exported(owner, owner.named.typeName);
}

/** The TypeScript type of a list's element, so that `[]` can follow. */
export function elementTypeOf(file: FileWriter, type: ValueType): string {
  const text = typeOf(file, type);
  return /^[\w.]+$/.test(text) ? text : `(${text})`;
}

/** The TypeScript type of a value whose type may be absent. */
export function optionalTypeOf(file: FileWriter, type: ValueType | null): string {
  return type === null ? 'undefined' : typeOf(file, type);
}

function resultOf(file: FileWriter, okType: ValueType | null, errType: ValueType | null): string {
  const result = file.runtime('binding', 'type Result');
  return `${result}<${optionalTypeOf(file, okType)}, ${optionalTypeOf(file, errType)}>`;
}

function structureOf(file: FileWriter, type: ValueType): string {
  switch (type.kind) {
    case 'record': {
      const fields = type.fields.map(
        (field) => `  readonly ${camelCase(field.name)}: ${typeOf(file, field.type)};\n`,
      );
      return `{\n${fields.join('')}}`;
    }
    case 'variant':
      return type.cases
        .map((each) =>
          each.type === null
            ? `\n  | { readonly tag: ${quoted(each.name)} }`
            : `\n  | { readonly tag: ${quoted(each.name)}; readonly val: ${typeOf(file, each.type)} }`,
        )
        .join('');
    case 'enum':
      return type.names.map((name) => `\n  | ${quoted(name)}`).join('');
    case 'flags':
      return type.names.length <= NUMBER_FLAGS_MAX ? 'number' : 'bigint';
    case 'list':
      return NUMBER_ARRAYS[type.element.kind] ?? `readonly ${elementTypeOf(file, type.element)}[]`;
    case 'tuple':
      return `readonly [${type.elements.map((element) => typeOf(file, element)).join(', ')}]`;
    case 'option':
      return isTagged(type)
        ? `${file.runtime('binding', 'type NestedOption')}<${typeOf(file, type.element)}>`
        : `${typeOf(file, type.element)} | undefined`;
    case 'result':
      return resultOf(file, type.ok, type.err);
    case 'own':
    case 'borrow': {
      const owner = file.world.owners.get(type.resource);
      if (owner === undefined) {
        throw new TypeError(`The resource ${type.resource.name} belongs to no interface.`);
      }
      return file.exported(owner, owner.named.typeName);
    }
    default:
      return PRIMITIVE_TYPES[type.kind];
  }
}

/** The declaration of a named type. */
export function declareType(file: FileWriter, named: NamedType): string {
  const { type, typeName } = named;
  const owner = file.world.owners.get(type);
  if (type.kind === 'resource') {
    if (owner === undefined || owner.named !== named) {
      return `export type ${typeName} = ${owner === undefined ? 'object' : file.exported(owner, owner.named.typeName)};\n`;
    }
    const hostResource = file.runtime('binding', 'type HostResource');
    return `/** The host's object for the resource \`${named.name}\`. */\nexport type ${typeName} = ${hostResource}<${quoted(resourceName(owner))}>;\n`;
  }
  if (owner !== undefined && owner.named !== named) {
    return `export type ${typeName} = ${file.exported(owner, owner.named.typeName)};\n`;
  }
  const structure = structureOf(file, type);
  const declaration =
    type.kind === 'record'
      ? `export interface ${typeName} ${structure}\n`
      : `export type ${typeName} =${structure.startsWith('\n') ? '' : ' '}${structure};\n`;
  return type.kind === 'flags' ? declaration + flagConstants(typeName, type.names) : declaration;
}

function flagConstants(typeName: string, names: readonly string[]): string {
  const asBigInt = names.length > NUMBER_FLAGS_MAX;
  const lines = names.map((name, bit) => {
    const value = asBigInt ? `0x${(1n << BigInt(bit)).toString(16)}n` : String(2 ** bit);
    return `  ${propertyKey(camelCase(name))}: ${value},\n`;
  });
  return `export const ${constantCase(typeName.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-'))} = {\n${lines.join('')}} as const;\n`;
}

/** The member of an interface's function types for one function. */
export function declareFunction(file: FileWriter, named: NamedFunction): string {
  const params = named.type.params.map(
    (param) => `${parameterName(param.name)}: ${typeOf(file, param.type)}`,
  );
  const result = named.type.result === null ? 'void' : typeOf(file, named.type.result);
  return `  ${quoted(named.name)}: (${params.join(', ')}) => ${result};\n`;
}
