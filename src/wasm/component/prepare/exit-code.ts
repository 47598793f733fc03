/**
 * Lets the exit code of a wasip1 command through.
 *
 * jco's adapter knows `wasi:cli/exit` only by its function `exit`, which tells success from failure:
 * every code but 0 would arrive as 1. So the command gets its `proc_exit` from `exit-with-code` of the
 * same interface, past the adapter: both are of type (i32) -> ().
 */

import { DEFAULT_METER_CAPS } from '../../metering/caps.ts';
import { type DecodedModule, decodeModule, SECTION } from '../../metering/module.ts';
import { ByteReader } from '../../metering/reader.ts';
import { ByteWriter } from '../../metering/writer.ts';
import type { ComponentTools } from './tools.ts';

const EXIT_INTERFACE = 'wasi:cli/exit@';
const EXIT_WITH_CODE = 'exit-with-code';

/** The function of wasip1 that is given another host. */
export const PROC_EXIT = 'proc_exit';

const EMPTY_MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** The interface as it is since 0.2.3, of the adapter's version, since the two are merged. */
const world = (version: string): string => `package ringfence:adapted;
world command { import wasi:cli/exit@${version}; }
package wasi:cli@${version} {
  interface exit { exit: func(status: result); ${EXIT_WITH_CODE}: func(status-code: u8); }
}`;

/**
 * The command with its exit code let through; `bytes` themselves where it doesn't call `proc_exit`, or
 * where the adapter calls no `wasi:cli/exit` whose version could be taken.
 *
 * @param command `bytes`, decoded; it imports nothing but functions.
 */
export async function passExitCode(
  bytes: Uint8Array,
  command: DecodedModule,
  adapter: Uint8Array,
  tools: Pick<ComponentTools, 'componentEmbed'>,
): Promise<Uint8Array> {
  const name = decodeModule(adapter, DEFAULT_METER_CAPS).imports.find(({ module }) =>
    module.startsWith(EXIT_INTERFACE),
  )?.module;
  if (name === undefined || !command.imports.some((entry) => entry.name === PROC_EXIT)) {
    return bytes;
  }
  // Embedded into nothing, it is a custom section alone, which may stand at the end of any module.
  const typed = await tools.componentEmbed({
    binary: EMPTY_MODULE,
    witSource: world(name.slice(EXIT_INTERFACE.length)),
    world: 'command',
  });
  const renamed = new ByteWriter(bytes.length + typed.length);
  const section = command.sections.get(SECTION.import)!;
  const { start, imports } = renamedImports(bytes, section, name);
  renamed.copy(bytes, 0, start);
  renamed.section(SECTION.import, imports.bytes);
  renamed.copy(bytes, section.end, bytes.length);
  renamed.copy(typed, EMPTY_MODULE.length, typed.length);
  return renamed.bytes;
}

/** The imports with another name for `proc_exit`, and where their section starts. */
function renamedImports(
  bytes: Uint8Array,
  section: {
    readonly content: number;
    readonly items: number;
    readonly end: number;
    readonly count: number;
  },
  exitInterface: string,
): { start: number; imports: ByteWriter } {
  const imports = new ByteWriter(section.end - section.content + 64);
  imports.u32(section.count);
  const reader = new ByteReader(bytes, section.items, section.end);
  for (let index = 0; index < section.count; index += 1) {
    const from = reader.position;
    reader.name();
    const isExit = reader.name() === PROC_EXIT;
    const type = reader.position;
    reader.u8();
    reader.u32();
    if (isExit) {
      imports.name(exitInterface);
      imports.name(EXIT_WITH_CODE);
    }
    imports.copy(bytes, isExit ? type : from, reader.position);
  }
  return { start: sectionStart(bytes, SECTION.import), imports };
}

/** Where a section's id is; the module is one that was decoded. */
function sectionStart(bytes: Uint8Array, wanted: number): number {
  const reader = new ByteReader(bytes, EMPTY_MODULE.length, bytes.length);
  while (!reader.atEnd) {
    const start = reader.position;
    const id = reader.u8();
    const size = reader.u32();
    if (id === wanted) {
      return start;
    }
    reader.skip(size);
  }
  return bytes.length;
}
