/**
 * The engine of componentize-qjs, made such that the same source gives the same component.
 *
 * componentize-qjs evaluates a guest's modules when it builds, and keeps the memory that this leaves. Its
 * engine asks the system for a seed and the time meanwhile, which would be in that memory, and imports a
 * loader of files, whose place a second component takes afterwards: neither would run here. So the engine gets
 * functions of its own instead of these imports: a constant seed, a clock that stands, a loader that traps.
 * What a guest sees of clock and chance comes through `guest/globals.ts`.
 *
 * The package has no way to ask for its engine. Its native addon has it as it is, so it is cut out there:
 * https://github.com/andreiltd/componentize-qjs/blob/main/crates/core/build.rs says which four are in it.
 */

import { coreHeader, coreSections, readU32 } from '../build/core-sections.ts';

const MAGIC = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** Ids of sections (https://webassembly.github.io/spec/core/binary/modules.html#sections). */
const SECTION = { custom: 0, import: 2, function: 3, export: 7, code: 10, last: 13 } as const;

/** Kinds of imports, as the same specification numbers them. */
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** What stands in for an import: code without locals, of the type that the import has. */
interface StandIn {
  readonly module: string;
  readonly name: string;
  /** What the function is exported as, and imported back by the linker of componentize-qjs. */
  readonly as: string;
  readonly code: readonly number[];
}

const TRAP = [0x00, 0x00, 0x0b];
/** `i32.const 0` at the pointer that the only parameter is: a time of zero seconds and nanoseconds. */
const NO_TIME = [
  0x00, 0x20, 0x00, 0x42, 0x00, 0x37, 0x03, 0x00, 0x20, 0x00, 0x41, 0x00, 0x36, 0x02, 0x08, 0x0b,
];
const SEED = [
  0x00, 0x20, 0x00, 0x42, 0x01, 0x37, 0x03, 0x00, 0x20, 0x00, 0x42, 0x01, 0x37, 0x03, 0x08, 0x0b,
];
const ZERO = [0x00, 0x42, 0x00, 0x0b];

const STAND_INS: readonly StandIn[] = [
  { module: 'wasi:random/insecure-seed', name: 'insecure-seed', as: 'ringfence_seed', code: SEED },
  { module: 'wasi:clocks/wall-clock', name: 'now', as: 'ringfence_wall_now', code: NO_TIME },
  { module: 'wasi:clocks/monotonic-clock', name: 'now', as: 'ringfence_now', code: ZERO },
  { module: 'local:init/module-loader', name: 'resolve', as: 'ringfence_resolve', code: TRAP },
  { module: 'local:init/module-loader', name: 'load', as: 'ringfence_load', code: TRAP },
];

/**
 * The engine out of the native addon of componentize-qjs: of those in it that use no asynchronous ABI the
 * smaller one. Null: none is there that looks like it.
 */
export function quickJsRuntime(addon: Uint8Array): Uint8Array | null {
  const engines = [...modulesIn(addon)].filter((bytes) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return text.includes('local:init/module-loader') && !text.includes('[task-cancel]');
  });
  engines.sort((one, other) => one.length - other.length);
  const [smallest] = engines;
  return smallest === undefined ? null : withStandIns(smallest);
}

/** Every core module that lies in other bytes. */
function* modulesIn(bytes: Uint8Array): Generator<Uint8Array> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = buffer.indexOf(MAGIC);
  while (start !== -1) {
    const end = endOfModule(buffer, start);
    yield buffer.subarray(start, end);
    start = buffer.indexOf(MAGIC, Math.max(end, start + MAGIC.length));
  }
}

/** Where the sections that begin at a module's header end. */
function endOfModule(bytes: Uint8Array, start: number): number {
  let end = start + MAGIC.length;
  while (end < bytes.length && (bytes[end] ?? 0) <= SECTION.last) {
    const [size, content] = readU32(bytes, end + 1);
    if (size === 0 || content + size > bytes.length) return end;
    if (bytes[end] === SECTION.custom && !isNamed(bytes, content, size)) return end;
    end = content + size;
  }
  return end;
}

/** A custom section begins with its name; what only looks like one does not. */
function isNamed(bytes: Uint8Array, content: number, size: number): boolean {
  const [length, start] = readU32(bytes, content);
  if (length === 0 || start - content + length > size) return false;
  return bytes.subarray(start, start + length).every((byte) => byte >= 0x20 && byte < 0x7f);
}

interface Import {
  module: string;
  name: string;
  /** The index of a function's type; null: it is no function. */
  readonly type: number | null;
  readonly description: Uint8Array;
}

/**
 * The module with functions of its own in place of imports. Their indexes stay: each is imported from the
 * module itself, which exports what stands behind the functions that it had.
 */
function withStandIns(module: Uint8Array): Uint8Array {
  const sections = [...coreSections(module)];
  const content = (id: number) => {
    const section = sections.find((each) => each.id === id);
    if (section === undefined) throw new Error(`The engine has no section ${id}.`);
    return module.subarray(section.content, section.end);
  };
  const imports = readImports(content(SECTION.import));
  const first =
    imports.filter(({ type }) => type !== null).length + readU32(content(SECTION.function), 0)[0];
  const added = STAND_INS.map((standIn) => {
    const found = imports.find(
      ({ module: from, name }) =>
        from.replace(/@.*/, '') === standIn.module && name === standIn.name,
    );
    if (found === undefined || found.type === null) {
      throw new Error(`The engine does not import ${standIn.module}#${standIn.name}.`);
    }
    found.module = 'env';
    found.name = standIn.as;
    return { ...standIn, type: found.type };
  });
  const changed = new Map<number, Buffer>([
    [SECTION.import, writeImports(imports)],
    [
      SECTION.function,
      append(
        content(SECTION.function),
        added.map(({ type }) => u32(type)),
      ),
    ],
    [
      SECTION.export,
      append(
        content(SECTION.export),
        added.map(({ as }, index) =>
          Buffer.concat([text(as), Buffer.of(KIND.function), u32(first + index)]),
        ),
      ),
    ],
    [
      SECTION.code,
      append(
        content(SECTION.code),
        added.map(({ code }) => Buffer.concat([u32(code.length), Buffer.from(code)])),
      ),
    ],
  ]);
  const parts = sections.map(({ id, start, end }) => {
    const body = changed.get(id);
    return body === undefined
      ? module.subarray(start, end)
      : Buffer.concat([Buffer.of(id), u32(body.length), body]);
  });
  return Buffer.concat([coreHeader(module), ...parts]);
}

function readImports(content: Uint8Array): Import[] {
  const [count, start] = readU32(content, 0);
  let offset = start;
  const word = () => {
    const [length, at] = readU32(content, offset);
    offset = at + length;
    return Buffer.from(content.subarray(at, offset)).toString();
  };
  return Array.from({ length: count }, () => {
    const module = word();
    const name = word();
    const description = offset;
    offset = endOfDescription(content, offset);
    const type =
      content[description] === KIND.function ? readU32(content, description + 1)[0] : null;
    return { module, name, type, description: content.subarray(description, offset) };
  });
}

function endOfDescription(content: Uint8Array, start: number): number {
  const kind = content[start];
  if (kind === KIND.function) return readU32(content, start + 1)[1];
  if (kind === KIND.global) return start + 3;
  if (kind !== KIND.table && kind !== KIND.memory) {
    throw new Error(`The engine imports something of kind ${kind}.`);
  }
  const limits = start + (kind === KIND.table ? 2 : 1);
  const [flags, least] = readU32(content, limits);
  const [, most] = readU32(content, least);
  return (flags & 1) === 1 ? readU32(content, most)[1] : most;
}

const writeImports = (imports: readonly Import[]) =>
  Buffer.concat([
    u32(imports.length),
    ...imports.flatMap(({ module, name, description }) => [text(module), text(name), description]),
  ]);

/** A vector with more elements behind those that it has. */
function append(vector: Uint8Array, more: readonly Uint8Array[]): Buffer {
  const [count, start] = readU32(vector, 0);
  return Buffer.concat([u32(count + more.length), vector.subarray(start), ...more]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
