/**
 * Decodes the binary format of the component model (0.2) into its definitions, index by index, with
 * every byte accounted for: what is broken is RF_MODULE_INVALID, what is valid but isn't offered
 * RF_MODULE_REFUSED, both with the offset. Nothing is followed or instantiated here.
 *
 * The format: github.com/WebAssembly/component-model, design/mvp/Binary.md.
 */

import { type ComponentCaps, DEFAULT_COMPONENT_CAPS } from './caps.ts';
import { Cursor, newReadBudget } from './cursor.ts';
import {
  readAlias,
  readCoreSort,
  readCoreType,
  readExtern,
  readExternName,
  readSort,
  readType,
} from './read-types.ts';
import { invalid, refusedAsync, refusedCap, refusedFeature } from './refuse.ts';
import type {
  CanonicalOptions,
  Component,
  ComponentSyntax,
  CoreModule,
  Definition,
  SortIndex,
} from './syntax.ts';
import type { StringEncoding } from './types.ts';

const PREAMBLE_BYTES = 8;

/** What the first eight bytes say that a file is. */
export type FileKind = 'component' | 'core-module' | 'other';

/** Tells a component from a core module and from anything else. */
export function fileKind(bytes: Uint8Array): FileKind {
  const [a, b, c, d, version, versionHigh, layer, layerHigh] = bytes;
  if (a !== 0x00 || b !== 0x61 || c !== 0x73 || d !== 0x6d) return 'other';
  if (version === 0x0d && versionHigh === 0 && layer === 1 && layerHigh === 0) return 'component';
  return version === 1 && versionHigh === 0 && layer === 0 && layerHigh === 0
    ? 'core-module'
    : 'other';
}

/**
 * Reads a component.
 *
 * @throws RingfenceError RF_MODULE_INVALID where it is broken, RF_MODULE_REFUSED where it uses what
 * isn't offered or passes a cap.
 */
export function readComponent(bytes: Uint8Array, caps: Partial<ComponentCaps> = {}): Component {
  const budget = newReadBudget({ ...DEFAULT_COMPONENT_CAPS, ...caps });
  const modules: CoreModule[] = [];
  const cursor = new Cursor(bytes, 0, bytes.length, budget);
  return { ...readNested(cursor, 0, modules), modules };
}

function readNested(cursor: Cursor, depth: number, modules: CoreModule[]): ComponentSyntax {
  const { offset } = cursor;
  const { nesting } = cursor.budget.caps;
  if (depth > nesting) refusedCap('components inside of each other', depth, nesting, offset);
  const preamble = cursor.take(PREAMBLE_BYTES, "a component's preamble");
  const kind = fileKind(cursor.bytes.subarray(offset, preamble.end));
  if (kind !== 'component') invalid('there is no component, its first bytes are others', offset);
  const definitions: Definition[] = [];
  while (!cursor.atEnd) readSection(cursor, depth, modules, definitions);
  return { offset, definitions };
}

function readSection(
  cursor: Cursor,
  depth: number,
  modules: CoreModule[],
  definitions: Definition[],
): void {
  const { offset } = cursor;
  const id = cursor.byte('a section');
  const section = cursor.take(cursor.u32("a section's size"), 'a section');
  cursor.spend(1, offset);
  const each = (what: string, read: (offset: number) => Definition): void => {
    for (const item of section.list(what, () => read(section.offset))) definitions.push(item);
  };
  switch (id) {
    case 0:
      section.name("a custom section's name");
      return; // What is in a custom section means nothing to a run.
    case 1:
      definitions.push(readModule(section, modules));
      return;
    case 2:
      each('core instances', (at) => readCoreInstance(section, at));
      break;
    case 3:
      each('core types', (at) => {
        readCoreType(section);
        return { kind: 'core-type', offset: at };
      });
      break;
    case 4: {
      const { components } = section.budget.caps;
      if (++section.budget.components > components) {
        refusedCap('components', section.budget.components, components, offset);
      }
      const component = readNested(section, depth + 1, modules);
      definitions.push({ kind: 'component', component, offset });
      break;
    }
    case 5:
      each('instances', (at) => readInstance(section, at));
      break;
    case 6:
      each('aliases', (at) => ({ kind: 'alias', alias: readAlias(section), offset: at }));
      break;
    case 7:
      each('types', (at) => ({ kind: 'type', type: readType(section, depth), offset: at }));
      break;
    case 8:
      each('canonical functions', (at) => readCanonical(section, at));
      break;
    case 9:
      refusedFeature('a component-level start function', offset);
      break;
    case 10:
      countImports(section);
      each('imports', (at) => {
        const name = readExternName(section);
        return { kind: 'import', name, extern: readExtern(section), offset: at };
      });
      break;
    case 11:
      each('exports', (at) => readExport(section, at));
      break;
    case 12:
      refusedFeature('component values', offset);
      break;
    default:
      invalid(`there is no section ${id}`, offset);
  }
  if (!section.atEnd) invalid(`section ${id} is longer than what it holds`, section.offset);
}

function readModule(section: Cursor, modules: CoreModule[]): Definition {
  const { offset, end } = section;
  const cap = section.budget.caps.modules;
  if (modules.length >= cap) refusedCap('core modules', modules.length + 1, cap, offset);
  const bytes = section.bytes.subarray(offset, end);
  if (fileKind(bytes) !== 'core-module') invalid('a core module has another preamble', offset);
  const module = modules.push({ offset, bytes }) - 1;
  return { kind: 'core-module', module, offset };
}

/** Imports have a cap of their own: each is compared and shown. Looks at the count, reads nothing. */
function countImports(section: Cursor): void {
  const { budget } = section;
  const { offset, end } = section;
  budget.imports += new Cursor(section.bytes, offset, end, budget).u32('the number of imports');
  if (budget.imports > budget.caps.imports) {
    refusedCap('imports', budget.imports, budget.caps.imports, offset);
  }
}

function readCoreInstance(section: Cursor, offset: number): Definition {
  const kind = section.byte('a core instance');
  if (kind === 0x00) {
    const module = section.u32('a core module index');
    const args = section.list('arguments', () => {
      const name = section.name("an argument's name");
      const at = section.offset;
      const sort = readCoreSort(section);
      if (sort !== 'instance') invalid(`a core module is given a ${sort}, not an instance`, at);
      return { name, instance: section.u32('a core instance index') };
    });
    return { kind: 'core-instantiate', module, args, offset };
  }
  if (kind === 0x01) {
    const exports = section.list('exports', () => ({
      name: section.name("an export's name"),
      sort: readCoreSort(section),
      index: section.u32('a core index'),
    }));
    return { kind: 'core-inline', exports, offset };
  }
  return invalid(`a core instance is of the kind ${kind}`, offset);
}

function readSortIndex(section: Cursor): SortIndex {
  const { offset } = section;
  const sort = readSort(section);
  return { ...sort, index: section.u32('an index'), offset };
}

function readInstance(section: Cursor, offset: number): Definition {
  const kind = section.byte('an instance');
  if (kind === 0x00) {
    const component = section.u32('a component index');
    const args = section.list('arguments', () => ({
      name: section.name("an argument's name"),
      item: readSortIndex(section),
    }));
    return { kind: 'instantiate', component, args, offset };
  }
  if (kind === 0x01) {
    const exports = section.list('exports', () => ({
      name: readExternName(section),
      item: readSortIndex(section),
    }));
    return { kind: 'inline', exports, offset };
  }
  return invalid(`an instance is of the kind ${kind}`, offset);
}

function readExport(section: Cursor, offset: number): Definition {
  const name = readExternName(section);
  const item = readSortIndex(section);
  const extern = section.optional('the type of an export', () => readExtern(section));
  return { kind: 'export', name, item, extern, offset };
}

function readCanonical(section: Cursor, offset: number): Definition {
  const code = section.byte('a canonical function');
  switch (code) {
    case 0x00: {
      readFunctionSort(section);
      const core = section.u32('a core function index');
      const options = readOptions(section);
      return { kind: 'lift', core, options, type: section.u32('a type index'), offset };
    }
    case 0x01: {
      readFunctionSort(section);
      const func = section.u32('a function index');
      const options = readOptions(section);
      if (options.postReturn !== null) invalid('a lowered function has a post-return', offset);
      return { kind: 'lower', func, options, offset };
    }
    case 0x02:
      return { kind: 'resource-new', type: section.u32('a type index'), offset };
    case 0x03:
      return { kind: 'resource-drop', type: section.u32('a type index'), offset };
    case 0x04:
      return { kind: 'resource-rep', type: section.u32('a type index'), offset };
    default:
      return refuseBuiltIn(code, offset);
  }
}

/** What the canonical functions from 5 on belong to, so that a refusal can say it. */
function refuseBuiltIn(code: number, offset: number): never {
  if (code >= 0x40 && code <= 0x42) refusedFeature('threads', offset);
  if (code >= 0x26 && code <= 0x2d) refusedFeature('cooperative threads', offset);
  if (code >= 0x1c && code <= 0x1e) refusedAsync('error contexts', offset);
  if (code >= 0x15 && code <= 0x1b) refusedAsync('futures', offset);
  if (code >= 0x0e && code <= 0x14) refusedAsync('streams', offset);
  if (code >= 0x05 && code <= 0x25) refusedAsync('tasks and waitables', offset);
  return invalid(`there is no canonical function ${code}`, offset);
}

function readFunctionSort(section: Cursor): void {
  const { offset } = section;
  if (section.byte('a canonical function') !== 0x00) {
    invalid('a canonical function is of no function', offset);
  }
}

const ENCODINGS: readonly StringEncoding[] = ['utf8', 'utf16', 'latin1+utf16'];

function readOptions(section: Cursor): CanonicalOptions {
  const { offset } = section;
  const seen = new Set<string>();
  const found: {
    encoding: StringEncoding;
    memory: number | null;
    realloc: number | null;
    postReturn: number | null;
  } = { encoding: 'utf8', memory: null, realloc: null, postReturn: null };
  const once = (option: string): void => {
    if (seen.has(option)) invalid(`the canonical option '${option}' is there twice`, offset);
    seen.add(option);
  };
  section.list('canonical options', () => {
    const at = section.offset;
    const code = section.byte('a canonical option');
    switch (code) {
      case 0x00:
      case 0x01:
      case 0x02:
        once('string-encoding');
        found.encoding = ENCODINGS[code]!;
        return;
      case 0x03:
        once('memory');
        found.memory = section.u32('a core memory index');
        return;
      case 0x04:
        once('realloc');
        found.realloc = section.u32('a core function index');
        return;
      case 0x05:
        once('post-return');
        found.postReturn = section.u32('a core function index');
        return;
      case 0x06:
        return refusedAsync("the option 'async'", at);
      case 0x07:
        return refusedAsync("the option 'callback'", at);
      case 0x08:
      case 0x09:
        return refusedFeature('canonical options of garbage collection', at);
      default:
        return invalid(`there is no canonical option ${code}`, at);
    }
  });
  return found;
}
