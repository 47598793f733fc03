/** The custom section of names, with the indices that things have after the rewriting. */

import { RingfenceError } from '../../errors.ts';
import type { Layout } from './layout.ts';
import type { DecodedModule } from './module.ts';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

const NAMES = 'name';

/** Subsections by what they name. Labels are not kept: blocks are injected between them. */
const SUBSECTION = { module: 0, functions: 1, locals: 2, labels: 3, globals: 7 } as const;

/**
 * The section's content, with the module's name `moduleName` where that is not null; null: there is
 * none. One that can't be read is left out, which changes nothing.
 */
export function rewriteNames(
  module: DecodedModule,
  layout: Layout,
  moduleName: string | null,
): ByteWriter | null {
  const named = moduleName === null ? null : sectionOfModuleName(moduleName);
  return rewriteGiven(module, layout, named) ?? named;
}

/** A section that names nothing but the module. */
function sectionOfModuleName(moduleName: string): ByteWriter {
  const content = new ByteWriter(16);
  content.name(moduleName);
  const out = new ByteWriter(32);
  out.name(NAMES);
  out.section(SUBSECTION.module, content.bytes);
  return out;
}

/** The module's own section behind what was named already; null: it has none that can be read. */
function rewriteGiven(
  module: DecodedModule,
  layout: Layout,
  named: ByteWriter | null,
): ByteWriter | null {
  const range = module.custom.get(NAMES);
  if (range === undefined) return null;
  const reader = new ByteReader(module.bytes, range.start, range.end);
  const out = new ByteWriter(range.end - range.start + 16);
  if (named === null) out.name(NAMES);
  else out.copy(named.bytes, 0, named.length);
  try {
    while (!reader.atEnd) {
      const id = reader.u8();
      const content = reader.section(reader.u32());
      if (id === SUBSECTION.labels || (id === SUBSECTION.module && named !== null)) continue;
      const written = new ByteWriter(content.end - content.position + 16);
      writeSubsection(written, id, content, module, layout);
      out.section(id, written.bytes);
    }
    return out;
  } catch (error) {
    if (error instanceof RingfenceError) return null;
    throw error;
  }
}

function writeSubsection(
  out: ByteWriter,
  id: number,
  content: ByteReader,
  module: DecodedModule,
  layout: Layout,
): void {
  switch (id) {
    case SUBSECTION.functions:
      writeNameMap(out, content, (index) => layout.function(index));
      return;
    case SUBSECTION.globals:
      writeNameMap(out, content, (index) => layout.global(index));
      return;
    case SUBSECTION.locals: {
      const count = content.count();
      out.u32(count);
      for (let left = count; left > 0; left--) {
        const index = content.u32();
        const type = module.types[module.functions[index] ?? -1];
        const parameters = type?.parameters.length ?? 0;
        const shift = index < module.imported.function ? 0 : layout.localShift(index);
        out.u32(layout.function(index));
        writeNameMap(out, content, (local) => (local >= parameters ? local + shift : local));
      }
      return;
    }
    default:
      out.copy(content.bytes, content.position, content.end);
  }
}

function writeNameMap(out: ByteWriter, reader: ByteReader, moved: (index: number) => number): void {
  const count = reader.count();
  out.u32(count);
  for (let left = count; left > 0; left--) {
    out.u32(moved(reader.u32()));
    const length = reader.count();
    out.u32(length);
    const start = reader.position;
    reader.skip(length);
    out.copy(reader.bytes, start, reader.position);
  }
}

/** What the section calls the functions whose indices are `wanted`, as far as it can be read. */
export function functionNames(
  module: DecodedModule,
  wanted: ReadonlySet<number>,
): Map<number, string> {
  const names = new Map<number, string>();
  const range = module.custom.get(NAMES);
  if (range === undefined || wanted.size === 0) return names;
  const reader = new ByteReader(module.bytes, range.start, range.end);
  try {
    while (!reader.atEnd) {
      const id = reader.u8();
      const content = reader.section(reader.u32());
      if (id === SUBSECTION.functions) readNames(content, wanted, names);
    }
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error;
  }
  return names;
}

function readNames(
  reader: ByteReader,
  wanted: ReadonlySet<number>,
  names: Map<number, string>,
): void {
  for (let left = reader.count(); left > 0; left--) {
    const index = reader.u32();
    const length = reader.count();
    const start = reader.position;
    reader.skip(length);
    if (wanted.has(index)) {
      names.set(index, new TextDecoder().decode(reader.bytes.subarray(start, reader.position)));
    }
  }
}
