/** A core module decoded: what its sections say, where they are, and which indices in them will shift. */

import type { MeterCaps } from './caps.ts';
import {
  ALLOCATION_HEADER_BYTES,
  COST_ALLOCATION,
  REFERENCE_BYTES,
  TABLE_ELEMENT_BYTES,
} from './costs.ts';
import { EDIT, EditList } from './edits.ts';
import { type FeaturesInput, FeatureUse } from './features.ts';
import {
  IMMEDIATE,
  type Instruction,
  OPCODE,
  readInstruction,
  skipSimpleImmediate,
} from './instructions.ts';
import { ByteReader } from './reader.ts';
import { invalid, notAllowed, refusedFeature, refusedSize } from './refusals.ts';
import { typeWeight } from './type-weight.ts';
import {
  isException,
  readHeapType,
  readReferenceType,
  readValueType,
  slotsOf,
  VALUE,
  type ValueType,
} from './value-types.ts';

export type ExternalKind = 'function' | 'table' | 'memory' | 'global' | 'tag';

const EXTERNAL_KINDS: readonly ExternalKind[] = ['function', 'table', 'memory', 'global', 'tag'];

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly parameterSlots: number;
  readonly resultSlots: number;
  /** Whether one of the parameters or results takes more than one slot. */
  readonly wide: boolean;
}

/** Nothing in, nothing out. */
export const NO_TYPE: FunctionType = {
  parameters: [],
  results: [],
  parameterSlots: 0,
  resultSlots: 0,
  wide: false,
};

/** A field of a struct, or the elements of an array. */
export interface Field {
  /** As it stands on the stack. */
  readonly type: ValueType;
  /** Where it is held. */
  readonly bytes: number;
}

/** A type of the garbage collector's heap. */
export type Composite =
  | { readonly kind: 'struct'; readonly fields: readonly Field[]; readonly bytes: number }
  | { readonly kind: 'array'; readonly element: Field };

export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKind;
}

export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternalKind;
  /** In the index space of its kind, before the rewriting. */
  readonly index: number;
}

export interface TableType {
  readonly type: ValueType;
  /** Whether its indices are 64 bits long. */
  readonly is64: boolean;
  readonly initial: number;
  readonly maximum: number | null;
}

export interface MemoryType {
  /** Whether its addresses are 64 bits long. */
  readonly is64: boolean;
  readonly initialPages: number;
  readonly maximumPages: number | null;
}

/** Where a section is: `content` its bytes, `items` where its elements begin, after their count. */
export interface SectionRange {
  readonly content: number;
  readonly items: number;
  readonly end: number;
  readonly count: number;
}

export interface CodeBody {
  readonly start: number;
  readonly end: number;
}

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order in which sections stand; each at most once. */
export const SECTION_ORDER: readonly number[] = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
];

export class DecodedModule {
  readonly bytes: Uint8Array;
  readonly sections = new Map<number, SectionRange>();
  readonly use: FeatureUse;
  /** By type index; undefined: no type of functions, but in {@link composites}. */
  readonly types: (FunctionType | undefined)[] = [];
  readonly composites = new Map<number, Composite>();
  /** What its types count as: see {@link typeWeight}. */
  typesWeight = 0;
  readonly imports: ModuleImport[] = [];
  readonly exports: ModuleExport[] = [];
  /** Type index of every function, imported ones first. */
  readonly functions: number[] = [];
  /** Every table, imported ones first. */
  readonly tables: TableType[] = [];
  readonly memories: MemoryType[] = [];
  /** Type index of every tag, imported ones first. */
  readonly tags: number[] = [];
  /** Slots of every global, imported ones first. */
  readonly globals: number[] = [];
  /** The module's own globals that can change. */
  readonly mutableGlobals: { readonly index: number; readonly type: ValueType }[] = [];
  readonly bodies: CodeBody[] = [];
  /** Custom sections that are kept, by name: where their contents are. */
  readonly custom = new Map<string, CodeBody>();
  readonly imported = { function: 0, table: 0, memory: 0, global: 0, tag: 0 };
  start: number | null = null;
  segmentBytes = 0;
  /** Elements of all element segments. */
  elementCount = 0;
  exceptionGlobals = 0;
  /** Elements of each element segment. */
  readonly elementSegments: number[] = [];
  /** Bytes of each data segment. */
  readonly dataSegments: number[] = [];
  /** Edits of each section but code: shifted indices. */
  readonly edits = new Map<number, EditList>();

  /** Bytes that constant expressions allocate, each instance anew. */
  allocatedBytes = 0;

  constructor(bytes: Uint8Array, use: FeatureUse) {
    this.bytes = bytes;
    this.use = use;
  }

  /** A type that was found to be one of functions. */
  functionType(index: number): FunctionType {
    const type = this.types[index];
    if (!type) throw new Error(`type ${index} is no type of functions`);
    return type;
  }
}

/** Custom sections that say something of the code and don't change what it does. */
const KEPT_CUSTOM: ReadonlySet<string> = new Set(['name', 'metadata.code.branch_hint']);

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Decodes the sections; function bodies are only found, not looked into. */
export function decodeModule(
  bytes: Uint8Array,
  caps: MeterCaps,
  features: FeaturesInput = {},
): DecodedModule {
  if (bytes.length > caps.moduleBytes) {
    throw refusedSize('bytes', 'moduleBytes', bytes.length, caps.moduleBytes, 0);
  }
  const use = new FeatureUse(features);
  const reader = new ByteReader(bytes, 0, bytes.length, use);
  for (const [index, expected] of HEADER.entries()) {
    if (reader.u8() !== expected) throw invalid('the header of a core module is missing', index);
  }
  const module = new DecodedModule(bytes, use);
  let previous = -1;
  while (!reader.atEnd) {
    const start = reader.position;
    const id = reader.u8();
    const section = reader.section(reader.u32());
    if (id === SECTION.custom) {
      const name = section.name();
      // What another one of the same name says counts for nothing.
      if (KEPT_CUSTOM.has(name) && !module.custom.has(name)) {
        module.custom.set(name, { start: section.position, end: section.end });
      }
      continue;
    }
    const place = SECTION_ORDER.indexOf(id);
    if (place < 0) throw refusedFeature(`an unknown section (id ${id})`, start);
    if (place <= previous) throw invalid(`section ${id} stands in the wrong place`, start);
    previous = place;
    decodeSection(module, id, section, caps);
    if (!section.atEnd) throw invalid(`section ${id} is longer than its content`, section.position);
  }
  if (module.bodies.length !== module.functions.length - module.imported.function) {
    throw invalid('the counts of functions and of bodies differ', bytes.length);
  }
  return module;
}

interface Section {
  readonly module: DecodedModule;
  readonly reader: ByteReader;
  readonly caps: MeterCaps;
}

function decodeSection(
  module: DecodedModule,
  id: number,
  reader: ByteReader,
  caps: MeterCaps,
): void {
  const content = reader.position;
  const start = id === SECTION.start;
  const dataCount = id === SECTION.dataCount;
  const count = start || dataCount ? reader.u32() : reader.count();
  module.sections.set(id, { content, items: reader.position, end: reader.end, count });
  if (dataCount) return;
  const section = { module, reader, caps };
  if (start) {
    requireIndex(count, module.functions.length, 'function', content);
    module.start = count;
    return;
  }
  const decode = ITEM_DECODERS[id]!;
  checkCap(caps, decode.cap, count, decode.what, content);
  for (let index = 0; index < count; index++) decode.item(section, index);
}

function checkCap(
  caps: MeterCaps,
  cap: keyof MeterCaps,
  value: number,
  what: string,
  offset: number,
): void {
  if (value > caps[cap]) throw refusedSize(what, cap, value, caps[cap], offset);
}

function requireIndex(index: number, count: number, what: string, offset: number): void {
  if (index >= count) throw invalid(`there is no ${what} ${index}`, offset);
}

function editsOf(module: DecodedModule, id: number): EditList {
  let edits = module.edits.get(id);
  if (!edits) {
    edits = new EditList();
    module.edits.set(id, edits);
  }
  return edits;
}

function readTypes(reader: ByteReader, cap: number, name: 'parameters' | 'results'): ValueType[] {
  const start = reader.position;
  const count = reader.count();
  if (count > cap) throw refusedSize(`${name} of a function`, name, count, cap, start);
  const types: ValueType[] = [];
  for (let index = 0; index < count; index++) types.push(readValueType(reader));
  return types;
}

const slots = (types: readonly ValueType[]) => types.reduce((sum, type) => sum + slotsOf(type), 0);

const FORM = {
  function: 0x60,
  struct: 0x5f,
  array: 0x5e,
  sub: 0x50,
  subFinal: 0x4f,
  group: 0x4e,
} as const;

/** A type, or a group of types that refer to each other. */
function decodeType(section: Section): void {
  const { module, reader, caps } = section;
  const start = reader.position;
  const form = reader.u8();
  if (form !== FORM.function) {
    requireGcForm(section, form, start);
    // Which type a function has is more than its parameters and results.
    module.use.typedReferences = true;
  }
  if (form !== FORM.group) {
    decodeSubtype(section, form, start);
    return;
  }
  for (let left = reader.count(); left > 0; left--) {
    const at = reader.position;
    decodeSubtype(section, reader.u8(), at);
    checkCap(caps, 'types', module.types.length, 'types', at);
  }
}

const GC_FORMS: ReadonlySet<number> = new Set(Object.values(FORM).slice(1));

function requireGcForm({ reader }: Section, form: number, start: number): void {
  const text = `0x${form.toString(16)}`;
  if (!GC_FORMS.has(form)) throw refusedFeature(`an unknown kind of type (${text})`, start);
  if (!reader.use.use('gc')) throw notAllowed('gc', text, start);
}

function decodeSubtype(section: Section, form: number, start: number): void {
  if (form !== FORM.sub && form !== FORM.subFinal) {
    decodeComposite(section, form, start);
    return;
  }
  const { reader } = section;
  for (let supertypes = reader.count(); supertypes > 0; supertypes--) reader.u32();
  const at = reader.position;
  decodeComposite(section, reader.u8(), at);
}

function decodeComposite({ module, reader, caps }: Section, form: number, start: number): void {
  if (form === FORM.function) {
    const type = readFunctionType(reader, caps);
    module.types.push(type);
    module.typesWeight += typeWeight(type.parameters.length + type.results.length);
    return;
  }
  if (form !== FORM.struct && form !== FORM.array) {
    throw refusedFeature(`an unknown kind of type (0x${form.toString(16)})`, start);
  }
  const index = module.types.push(undefined) - 1;
  if (form === FORM.array) {
    module.composites.set(index, { kind: 'array', element: readField(reader) });
    module.typesWeight += typeWeight(1);
    return;
  }
  const at = reader.position;
  const count = reader.count();
  checkCap(caps, 'fields', count, 'fields in a struct', at);
  const fields = Array.from({ length: count }, () => readField(reader));
  const bytes = fields.reduce((sum, field) => sum + field.bytes, ALLOCATION_HEADER_BYTES);
  module.composites.set(index, { kind: 'struct', fields, bytes });
  module.typesWeight += typeWeight(count);
}

function readFunctionType(reader: ByteReader, caps: MeterCaps): FunctionType {
  const parameters = readTypes(reader, caps.parameters, 'parameters');
  const results = readTypes(reader, caps.results, 'results');
  const parameterSlots = slots(parameters);
  const resultSlots = slots(results);
  const wide = parameterSlots + resultSlots > parameters.length + results.length;
  return { parameters, results, parameterSlots, resultSlots, wide };
}

/** Types that only fields have: `i8` and `i16`. */
const PACKED: ReadonlyMap<number, number> = new Map([
  [0x78, 1],
  [0x77, 2],
]);

const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [VALUE.i32, 4],
  [VALUE.f32, 4],
  [VALUE.i64, 8],
  [VALUE.f64, 8],
  [VALUE.v128, 16],
]);

function readField(reader: ByteReader): Field {
  const packed = PACKED.get(reader.bytes[reader.position] ?? 0);
  if (packed !== undefined) reader.u8();
  const type = packed === undefined ? readValueType(reader) : VALUE.i32;
  const start = reader.position;
  const mutability = reader.u8();
  if (mutability > 1) throw refusedFeature('a field with unknown flags', start);
  return { type, bytes: packed ?? NUMBER_BYTES.get(type) ?? REFERENCE_BYTES };
}

function readTypeIndex({ module, reader }: Section): number {
  const start = reader.position;
  const index = reader.u32();
  if (!module.types[index]) throw invalid(`there is no function type ${index}`, start);
  return index;
}

interface Limits {
  readonly is64: boolean;
  readonly initial: number;
  readonly maximum: number | null;
}

function readLimits(reader: ByteReader): Limits {
  const start = reader.position;
  const flags = reader.u8();
  if (flags >= 0x10) throw refusedFeature(`unknown limits (flags 0x${flags.toString(16)})`, start);
  if (flags & 0x08) throw refusedFeature('memory with custom page sizes', start);
  if (flags & 0x02) throw refusedFeature('shared memory (threads)', start);
  const is64 = (flags & 0x04) !== 0;
  const size = () => (is64 ? reader.u64() : reader.u32());
  const initial = size();
  return { is64, initial, maximum: flags & 0x01 ? size() : null };
}

function readTable({ module, reader, caps }: Section): void {
  const start = reader.position;
  const type = readReferenceType(reader);
  module.tables.push({ type, ...readLimits(reader) });
  // A live exception holds its values on the host's heap, where no limit reaches them.
  const exceptionTables = module.tables.filter(({ type }) => isException(type)).length;
  checkCap(caps, 'exceptionTables', exceptionTables, 'tables of exceptions', start);
  checkCap(caps, 'tables', module.tables.length, 'tables', start);
}

/** A table with an initial value for its elements begins with these bytes. */
const TABLE_WITH_VALUE = [0x40, 0x00] as const;

function decodeTable(section: Section): void {
  const { reader } = section;
  const start = reader.position;
  const hasValue = reader.bytes[start] === TABLE_WITH_VALUE[0];
  if (hasValue) {
    reader.u8();
    if (reader.u8() !== TABLE_WITH_VALUE[1]) throw refusedFeature('an unknown table', start);
  }
  readTable(section);
  if (hasValue) readConstantExpression(section, SECTION.table);
}

function readMemory({ module, reader, caps }: Section): void {
  const start = reader.position;
  const { is64, initial, maximum } = readLimits(reader);
  module.memories.push({ is64, initialPages: initial, maximumPages: maximum });
  checkCap(caps, 'memoryPages', initial, 'pages in a memory', start);
  checkCap(caps, 'memories', module.memories.length, 'memories', start);
}

function readGlobalType({ module, reader, caps }: Section): {
  readonly type: ValueType;
  readonly mutable: boolean;
} {
  const typeAt = reader.position;
  const type = readValueType(reader);
  // A live exception holds its values on the host's heap, where no limit reaches them.
  if (isException(type)) module.exceptionGlobals++;
  checkCap(caps, 'exceptionGlobals', module.exceptionGlobals, 'globals of exceptions', typeAt);
  const start = reader.position;
  const mutability = reader.u8();
  if (mutability & 0x02) throw refusedFeature('shared globals (threads)', start);
  if (mutability > 1) throw invalid('a global has unknown flags', start);
  return { type, mutable: mutability === 1 };
}

function readTag(section: Section): void {
  const { module, reader, caps } = section;
  const start = reader.position;
  if (reader.u8() !== 0) throw refusedFeature('an unknown kind of tag', start);
  const index = readTypeIndex(section);
  const { parameters } = module.functionType(index);
  if (parameters.length > caps.tagParameters) {
    throw refusedSize(
      'parameters of a tag',
      'tagParameters',
      parameters.length,
      caps.tagParameters,
      start,
    );
  }
  // Exceptions that hold exceptions make chains on the host's heap, where no limit reaches them.
  if (parameters.some(isException)) throw refusedFeature('an exception inside an exception', start);
  module.tags.push(index);
  checkCap(caps, 'tags', module.tags.length, 'tags', start);
}

function decodeImport(section: Section): void {
  const { module, reader, caps } = section;
  const moduleName = reader.name();
  const name = reader.name();
  const start = reader.position;
  const kind = EXTERNAL_KINDS[reader.u8()];
  if (!kind) throw refusedFeature('an unknown kind of import', start);
  module.imports.push({ module: moduleName, name, kind });
  module.imported[kind]++;
  if (kind === 'function') module.functions.push(readTypeIndex(section));
  else if (kind === 'table') readTable(section);
  else if (kind === 'memory') readMemory(section);
  else if (kind === 'global') module.globals.push(slotsOf(readGlobalType(section).type));
  else readTag(section);
  checkCap(caps, 'globals', module.globals.length, 'globals', start);
}

function decodeGlobal(section: Section): void {
  const { module, caps, reader } = section;
  const start = reader.position;
  const { type, mutable } = readGlobalType(section);
  readConstantExpression(section, SECTION.global);
  if (mutable) module.mutableGlobals.push({ index: module.globals.length, type });
  module.globals.push(slotsOf(type));
  checkCap(caps, 'globals', module.globals.length, 'globals', start);
}

function decodeExport({ module, reader }: Section): void {
  const name = reader.name();
  const start = reader.position;
  const kind = EXTERNAL_KINDS[reader.u8()];
  if (!kind) throw refusedFeature('an unknown kind of export', start);
  const at = reader.position;
  const index = reader.u32();
  const existing = {
    function: module.functions,
    table: module.tables,
    memory: module.memories,
    global: module.globals,
    tag: module.tags,
  };
  requireIndex(index, existing[kind].length, kind, at);
  module.exports.push({ name, kind, index });
  if (kind === 'function') {
    editsOf(module, SECTION.export).add(EDIT.functionIndex, at, reader.position, index);
  } else if (kind === 'global') {
    editsOf(module, SECTION.export).add(EDIT.globalIndex, at, reader.position, index);
  }
}

/** Passes a constant expression and notes the indices in it that shift, and what it allocates. */
function readConstantExpression(section: Section, id: number): void {
  const { module, reader, caps } = section;
  const expression = reader.position;
  /** The value of the instruction before, where it is an `i32.const`. */
  let constant: number | null = null;
  for (;;) {
    const start = reader.position;
    const instruction = readInstruction(reader);
    const at = reader.position;
    const before = constant;
    constant = null;
    switch (instruction.code) {
      case OPCODE.end:
        checkCap(caps, 'allocatedBytes', module.allocatedBytes, 'allocated bytes', expression);
        return;
      case OPCODE.i32Const:
        constant = reader.i32();
        break;
      case OPCODE.globalGet: {
        const index = reader.u32();
        requireIndex(index, module.globals.length, 'global', at);
        editsOf(module, id).add(EDIT.globalIndex, at, reader.position, index);
        break;
      }
      case OPCODE.refFunc: {
        const index = reader.u32();
        requireIndex(index, module.functions.length, 'function', at);
        editsOf(module, id).add(EDIT.referenceIndex, at, reader.position, index);
        break;
      }
      case OPCODE.refNull:
        readHeapType(reader);
        break;
      default:
        if (instruction.cost === COST_ALLOCATION) {
          allocateConstant(section, instruction, before);
          break;
        }
        if (!CONSTANT.has(instruction.name)) {
          throw invalid(`a constant expression has the instruction ${instruction.name}`, start);
        }
        if (instruction.immediate !== IMMEDIATE.none) {
          skipSimpleImmediate(reader, instruction.immediate);
        }
    }
  }
}

/** Counts what a constant expression allocates; `length` is the operand before, where it is a constant. */
function allocateConstant(
  { module, reader }: Section,
  { immediate, name }: Instruction,
  length: number | null,
): void {
  const at = reader.position;
  const type = module.composites.get(reader.u32());
  if (!type || (type.kind === 'struct') !== (immediate === IMMEDIATE.structType)) {
    throw invalid(`${name} makes no such type`, at);
  }
  let bytes = ALLOCATION_HEADER_BYTES;
  if (type.kind === 'struct') bytes = type.bytes;
  else if (immediate === IMMEDIATE.arrayFixed) bytes += reader.u32() * type.element.bytes;
  else if (immediate !== IMMEDIATE.arrayType) {
    throw invalid(`a constant expression has the instruction ${name}`, at);
  } else if (length === null) {
    throw refusedFeature('a constant array whose length is computed', at);
  } else bytes += (length >>> 0) * type.element.bytes;
  module.allocatedBytes += bytes;
  module.segmentBytes += bytes;
}

const CONSTANT: ReadonlySet<string> = new Set([
  'i32.const',
  'i64.const',
  'f32.const',
  'f64.const',
  'v128.const',
  'i32.add',
  'i32.sub',
  'i32.mul',
  'i64.add',
  'i64.sub',
  'i64.mul',
  'ref.i31',
  'any.convert_extern',
  'extern.convert_any',
]);

const ELEMENT_NOT_ACTIVE = 1;
const ELEMENT_EXPLICIT = 2;
const ELEMENT_EXPRESSIONS = 4;

function decodeElementSegment(section: Section): void {
  const { module, reader, caps } = section;
  const start = reader.position;
  const flags = reader.u32();
  if (flags > 7) throw refusedFeature(`an unknown kind of element segment (${flags})`, start);
  const active = (flags & ELEMENT_NOT_ACTIVE) === 0;
  const explicit = (flags & ELEMENT_EXPLICIT) !== 0;
  const expressions = (flags & ELEMENT_EXPRESSIONS) !== 0;
  if (active) {
    const at = reader.position;
    const table = explicit ? reader.u32() : 0;
    requireIndex(table, module.tables.length, 'table', at);
    readConstantExpression(section, SECTION.element);
  }
  if (!active || explicit) readElementKind(reader, expressions);
  const countAt = reader.position;
  const count = reader.count();
  const edits = editsOf(module, SECTION.element);
  module.elementCount += count;
  module.elementSegments.push(count);
  checkCap(caps, 'elements', module.elementCount, 'elements', countAt);
  if (active) module.segmentBytes += count * TABLE_ELEMENT_BYTES;
  for (let index = 0; index < count; index++) {
    if (expressions) {
      readConstantExpression(section, SECTION.element);
      continue;
    }
    const at = reader.position;
    const target = reader.u32();
    requireIndex(target, module.functions.length, 'function', at);
    edits.add(EDIT.referenceIndex, at, reader.position, target);
  }
}

function readElementKind(reader: ByteReader, expressions: boolean): void {
  const start = reader.position;
  if (expressions) {
    if (isException(readReferenceType(reader)))
      throw refusedFeature('a table of exceptions', start);
  } else if (reader.u8() !== 0) {
    throw refusedFeature('an unknown kind of element', start);
  }
}

function decodeDataSegment(section: Section): void {
  const { module, reader } = section;
  const start = reader.position;
  const flags = reader.u32();
  if (flags > 2) throw refusedFeature(`an unknown kind of data segment (${flags})`, start);
  const active = flags !== 1;
  if (active) {
    const at = reader.position;
    const memory = flags === 2 ? reader.u32() : 0;
    requireIndex(memory, module.memories.length, 'memory', at);
    readConstantExpression(section, SECTION.data);
  }
  const size = reader.count();
  reader.skip(size);
  module.dataSegments.push(size);
  if (active) module.segmentBytes += size;
}

function decodeBody({ module, reader, caps }: Section): void {
  const sizeAt = reader.position;
  const size = reader.u32();
  checkCap(caps, 'bodyBytes', size, 'bytes in a function', sizeAt);
  const start = reader.position;
  reader.skip(size);
  module.bodies.push({ start, end: reader.position });
}

interface ItemDecoder {
  readonly what: string;
  readonly cap: keyof MeterCaps;
  readonly item: (section: Section, index: number) => void;
}

const ITEM_DECODERS: Readonly<Record<number, ItemDecoder>> = {
  [SECTION.type]: { what: 'types', cap: 'types', item: decodeType },
  [SECTION.import]: { what: 'imports', cap: 'imports', item: decodeImport },
  [SECTION.function]: {
    what: 'functions',
    cap: 'functions',
    item: (section) => section.module.functions.push(readTypeIndex(section)),
  },
  [SECTION.table]: {
    what: 'tables',
    cap: 'tables',
    item: decodeTable,
  },
  [SECTION.memory]: { what: 'memories', cap: 'memories', item: readMemory },
  [SECTION.tag]: { what: 'tags', cap: 'tags', item: readTag },
  [SECTION.global]: { what: 'globals', cap: 'globals', item: decodeGlobal },
  [SECTION.export]: { what: 'exports', cap: 'exports', item: decodeExport },
  [SECTION.element]: {
    what: 'element segments',
    cap: 'elementSegments',
    item: decodeElementSegment,
  },
  [SECTION.code]: { what: 'function bodies', cap: 'functions', item: decodeBody },
  [SECTION.data]: { what: 'data segments', cap: 'dataSegments', item: decodeDataSegment },
};
