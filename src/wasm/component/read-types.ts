/**
 * Decodes what a component's type sections hold, and the declarations of imports and exports.
 */

import type { Cursor } from './cursor.ts';
import { invalid, refusedAsync, refusedCap, refusedFeature } from './refuse.ts';
import type {
  AliasSyntax,
  ComponentSort,
  CoreSort,
  DeclarationSyntax,
  ExternSyntax,
  LabelSyntax,
  Sort,
  TypeSyntax,
  ValueSyntax,
} from './syntax.ts';
import type { PrimitiveKind } from './types.ts';

const PRIMITIVES: ReadonlyMap<number, PrimitiveKind> = new Map([
  [0x7f, 'bool'],
  [0x7e, 's8'],
  [0x7d, 'u8'],
  [0x7c, 's16'],
  [0x7b, 'u16'],
  [0x7a, 's32'],
  [0x79, 'u32'],
  [0x78, 's64'],
  [0x77, 'u64'],
  [0x76, 'f32'],
  [0x75, 'f64'],
  [0x74, 'char'],
  [0x73, 'string'],
]);

const CORE_SORTS: ReadonlyMap<number, CoreSort> = new Map([
  [0x00, 'func'],
  [0x01, 'table'],
  [0x02, 'memory'],
  [0x03, 'global'],
  [0x04, 'tag'],
  [0x10, 'type'],
  [0x11, 'module'],
  [0x12, 'instance'],
]);

const SORTS: ReadonlyMap<number, ComponentSort> = new Map([
  [0x01, 'func'],
  [0x03, 'type'],
  [0x04, 'component'],
  [0x05, 'instance'],
]);

const FLAGS_MAX = 32;

export function readCoreSort(cursor: Cursor): CoreSort {
  const byte = cursor.byte('a core sort');
  return CORE_SORTS.get(byte) ?? invalid(`there is no core sort ${byte}`, cursor.offset - 1);
}

export function readSort(cursor: Cursor): Sort {
  const byte = cursor.byte('a sort');
  if (byte === 0x00) return { core: true, sort: readCoreSort(cursor) };
  if (byte === 0x02) refusedFeature('component values', cursor.offset - 1);
  const sort = SORTS.get(byte) ?? invalid(`there is no sort ${byte}`, cursor.offset - 1);
  return { core: false, sort };
}

/** The name of an import, export or inline export of a component. */
export function readExternName(cursor: Cursor): string {
  const kind = cursor.byte('a name');
  if (kind === 0x02) refusedFeature('attributes of names', cursor.offset - 1);
  if (kind > 0x02) invalid(`a name has the kind ${kind}`, cursor.offset - 1);
  return cursor.name('a name');
}

export function readAlias(cursor: Cursor): AliasSyntax {
  const { offset } = cursor;
  const sort = readSort(cursor);
  const target = cursor.byte('an alias');
  switch (target) {
    case 0x00: {
      const instance = cursor.u32('an instance index');
      return { kind: 'export', sort, instance, name: cursor.name("an alias's name"), offset };
    }
    case 0x01: {
      const instance = cursor.u32('a core instance index');
      const name = cursor.name("an alias's name");
      if (!sort.core) return invalid('a core export is aliased as a component thing', offset);
      return { kind: 'core-export', sort: sort.sort, instance, name, offset };
    }
    case 0x02: {
      const count = cursor.u32('an outer count');
      return { kind: 'outer', sort, count, index: cursor.u32('an outer index'), offset };
    }
    default:
      return invalid(`an alias has the target ${target}`, cursor.offset - 1);
  }
}

export function readExtern(cursor: Cursor): ExternSyntax {
  const { offset } = cursor;
  const kind = cursor.byte('the type of an import or export');
  switch (kind) {
    case 0x00: {
      const sort = cursor.byte('the type of an import or export');
      if (sort !== 0x11) invalid(`an import or export is of the core sort ${sort}`, offset);
      return { kind: 'module', index: cursor.u32('a core type index'), offset };
    }
    case 0x01:
      return { kind: 'func', index: cursor.u32('a type index'), offset };
    case 0x02:
      return refusedFeature('component values', offset);
    case 0x03: {
      const bound = cursor.byte('the bound of a type');
      if (bound === 0x00) return { kind: 'type-equal', index: cursor.u32('a type index'), offset };
      if (bound === 0x01) return { kind: 'type-resource', offset };
      return invalid(`a type has the bound ${bound}`, cursor.offset - 1);
    }
    case 0x04:
      return { kind: 'component', index: cursor.u32('a type index'), offset };
    case 0x05:
      return { kind: 'instance', index: cursor.u32('a type index'), offset };
    default:
      return invalid(`an import or export is of the sort ${kind}`, offset);
  }
}

function primitive(code: number, offset: number): PrimitiveKind {
  if (code === 0x64) return refusedAsync("the type 'error-context'", offset);
  return PRIMITIVES.get(code) ?? invalid(`there is no type 0x${code.toString(16)}`, offset);
}

function readValueType(cursor: Cursor): ValueSyntax {
  const { offset } = cursor;
  const code = cursor.indexOrOpcode('a type');
  return code < 0 ? primitive(-code, offset) : code;
}

function readOptionalValueType(cursor: Cursor): ValueSyntax | null {
  return cursor.optional('an optional type', () => readValueType(cursor));
}

function readLabels(cursor: Cursor, what: string): LabelSyntax[] {
  return cursor.list(what, () => ({ name: cursor.name('a label'), type: readValueType(cursor) }));
}

function notEmpty<Item>(items: Item[], what: string, offset: number): Item[] {
  if (items.length === 0) invalid(`a type has no ${what}`, offset);
  return items;
}

function readResult(cursor: Cursor): ValueSyntax | null {
  const kind = cursor.byte("a function's result");
  if (kind === 0x00) return readValueType(cursor);
  if (kind === 0x01) {
    const count = cursor.byte("a function's result");
    if (count !== 0) refusedFeature('named results', cursor.offset - 1);
    return null;
  }
  return invalid(`a function's result is of the kind ${kind}`, cursor.offset - 1);
}

function readCase(cursor: Cursor): { name: string; type: ValueSyntax | null } {
  const name = cursor.name('a label');
  const type = readOptionalValueType(cursor);
  const refines = cursor.byte('a case');
  if (refines !== 0) invalid('a case refines another', cursor.offset - 1);
  return { name, type };
}

function readResource(cursor: Cursor, offset: number): TypeSyntax {
  const representation = cursor.byte('a resource');
  // 0x7f is i32; the others come with the 64-bit ABI.
  if (representation !== 0x7f) refusedFeature('a resource that is not an i32', offset);
  cursor.optional('a destructor', () => cursor.u32('a core function index'));
  return { kind: 'resource', offset };
}

/** One definition of a type section, or inside of another type. */
export function readType(cursor: Cursor, depth: number): TypeSyntax {
  const { offset } = cursor;
  const code = cursor.byte('a type');
  switch (code) {
    case 0x72:
      return {
        kind: 'record',
        fields: notEmpty(readLabels(cursor, 'fields'), 'fields', offset),
        offset,
      };
    case 0x71: {
      const cases = cursor.list('cases', () => readCase(cursor));
      return { kind: 'variant', cases: notEmpty(cases, 'cases', offset), offset };
    }
    case 0x70:
      return { kind: 'list', element: readValueType(cursor), offset };
    case 0x6f: {
      const elements = cursor.list('elements', () => readValueType(cursor));
      return { kind: 'tuple', elements: notEmpty(elements, 'elements', offset), offset };
    }
    case 0x6e: {
      const names = cursor.list('flags', () => cursor.name('a label'));
      if (names.length > FLAGS_MAX) invalid(`a type has more than ${FLAGS_MAX} flags`, offset);
      return { kind: 'flags', names: notEmpty(names, 'flags', offset), offset };
    }
    case 0x6d: {
      const names = cursor.list('cases', () => cursor.name('a label'));
      return { kind: 'enum', names: notEmpty(names, 'cases', offset), offset };
    }
    case 0x6b:
      return { kind: 'option', element: readValueType(cursor), offset };
    case 0x6a: {
      const ok = readOptionalValueType(cursor);
      return { kind: 'result', ok, err: readOptionalValueType(cursor), offset };
    }
    case 0x69:
      return { kind: 'own', resource: cursor.u32('a type index'), offset };
    case 0x68:
      return { kind: 'borrow', resource: cursor.u32('a type index'), offset };
    case 0x67:
      return refusedFeature('lists of a fixed length', offset);
    case 0x66:
      return refusedAsync('streams', offset);
    case 0x65:
      return refusedAsync('futures', offset);
    case 0x63:
      return refusedFeature('maps', offset);
    case 0x3f:
      return readResource(cursor, offset);
    case 0x3e:
      return refusedAsync('a resource with an async destructor', offset);
    case 0x40: {
      const params = readLabels(cursor, 'parameters');
      return { kind: 'func', params, result: readResult(cursor), offset };
    }
    case 0x43:
      return refusedAsync('async functions', offset);
    case 0x41:
      return { kind: 'component', declarations: readDeclarations(cursor, depth + 1, true), offset };
    case 0x42:
      return { kind: 'instance', declarations: readDeclarations(cursor, depth + 1, false), offset };
    default:
      return { kind: 'primitive', primitive: primitive(code, offset), offset };
  }
}

function readDeclarations(
  cursor: Cursor,
  depth: number,
  importsAllowed: boolean,
): DeclarationSyntax[] {
  const { nesting } = cursor.budget.caps;
  if (depth > nesting) refusedCap('types inside of each other', depth, nesting, cursor.offset);
  return cursor.list('declarations', (): DeclarationSyntax => {
    const { offset } = cursor;
    const kind = cursor.byte('a declaration');
    switch (kind) {
      case 0x00:
        readCoreType(cursor);
        return { kind: 'core-type', offset };
      case 0x01:
        return { kind: 'type', type: readType(cursor, depth), offset };
      case 0x02:
        return { kind: 'alias', alias: readAlias(cursor), offset };
      case 0x03:
        if (!importsAllowed) return invalid("an instance's type has an import", offset);
        return { kind: 'import', name: readExternName(cursor), extern: readExtern(cursor), offset };
      case 0x04:
        return { kind: 'export', name: readExternName(cursor), extern: readExtern(cursor), offset };
      default:
        return invalid(`there is no declaration ${kind}`, offset);
    }
  });
}

/**
 * Reads past a core type. Nothing that is offered refers to one (core modules are neither imported
 * nor exported), so only its index counts.
 */
export function readCoreType(cursor: Cursor): void {
  const { offset } = cursor;
  const code = cursor.byte('a core type');
  if (code === 0x60) readCoreFunctionType(cursor);
  else if (code === 0x50) cursor.list('declarations', () => readModuleDeclaration(cursor));
  else refusedFeature('core types of garbage collection', offset);
}

function readCoreFunctionType(cursor: Cursor): void {
  cursor.list('parameters', () => readCoreValueType(cursor));
  cursor.list('results', () => readCoreValueType(cursor));
}

function readCoreValueType(cursor: Cursor): void {
  const { offset } = cursor;
  const code = cursor.byte('a core value type');
  // i32, i64, f32, f64, v128, funcref, externref; references by index need core types of their own.
  if ((code < 0x7b || code > 0x7f) && code !== 0x70 && code !== 0x6f) {
    refusedFeature('core types of garbage collection', offset);
  }
}

function readModuleDeclaration(cursor: Cursor): void {
  const { offset } = cursor;
  const kind = cursor.byte('a declaration');
  switch (kind) {
    case 0x00:
      cursor.name('a module name');
      cursor.name('a name');
      readCoreExternType(cursor);
      return;
    case 0x01:
      if (cursor.byte('a core type') !== 0x60) {
        refusedFeature('core types of garbage collection', offset);
      }
      readCoreFunctionType(cursor);
      return;
    case 0x02:
      if (cursor.byte('an alias') !== 0x10 || cursor.byte('an alias') !== 0x01) {
        invalid("a module's type has an alias of another kind than an outer type", offset);
      }
      cursor.u32('an outer count');
      cursor.u32('an outer index');
      return;
    case 0x03:
      cursor.name('a name');
      readCoreExternType(cursor);
      return;
    default:
      invalid(`there is no declaration ${kind} in a module's type`, offset);
  }
}

function readCoreExternType(cursor: Cursor): void {
  const { offset } = cursor;
  const kind = cursor.byte('a core import or export');
  switch (kind) {
    case 0x00:
      cursor.u32('a core type index');
      return;
    case 0x01:
      readCoreValueType(cursor);
      readLimits(cursor);
      return;
    case 0x02:
      readLimits(cursor);
      return;
    case 0x03:
      readCoreValueType(cursor);
      cursor.byte('a global');
      return;
    case 0x04:
      cursor.byte('a tag');
      cursor.u32('a core type index');
      return;
    default:
      invalid(`a core import or export is of the sort ${kind}`, offset);
  }
}

function readLimits(cursor: Cursor): void {
  const { offset } = cursor;
  const flags = cursor.byte('limits');
  if (flags > 0x01) refusedFeature('shared or 64-bit memories and tables', offset);
  cursor.u32('a minimum');
  if (flags === 0x01) cursor.u32('a maximum');
}
