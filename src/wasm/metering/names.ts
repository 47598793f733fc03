/** The custom section of names, with the indices that things have after the rewriting. */

import { RingfenceError } from '../../errors.ts';
import type { Layout } from './layout.ts';
import type { DecodedModule } from './module.ts';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

export const NAMES = 'name';

/** Subsections by what they name. Labels are not kept: blocks are injected between them. */
const SUBSECTION = { module: 0, functions: 1, locals: 2, labels: 3, globals: 7 } as const;

/** The section's content; null: there is none, or one that can't be read, which changes nothing. */
export function rewriteNames(module: DecodedModule, layout: Layout): ByteWriter | null {
  const range = module.custom.get(NAMES);
  if (range === undefined) return null;
  const reader = new ByteReader(module.bytes, range.start, range.end);
  const out = new ByteWriter(range.end - range.start + 16);
  out.name(NAMES);
  try {
    while (!reader.atEnd) {
      const id = reader.u8();
      const content = reader.section(reader.u32());
      if (id === SUBSECTION.labels) continue;
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
