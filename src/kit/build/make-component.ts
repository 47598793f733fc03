/**
 * Makes components out of core modules and of WebAssembly text, by jco's tools.
 *
 * A failure of jco's tools can leave them unusable: whoever sees one of these functions throw ends
 * the process and goes on in a fresh one.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';
import { RingfenceError } from '../../errors.ts';
import { jcoFolder, readWitSource } from './wit-source.ts';

/** What wasip1's functions are imported from. */
const WASIP1 = 'wasi_snapshot_preview1';

/** How the strings of a core module stand in its memory. */
export type GuestEncoding = 'utf8' | 'utf16';

/** What a core module is wrapped into a component for. */
export interface ComponentOptions {
  readonly world: string;
  readonly stringEncoding: GuestEncoding;
  /** The file's name as an error shall give it. */
  readonly file: string;
  /** The text that has the world; that of guests without it. */
  readonly witSource?: string;
  /** That it imports wasip1 as well, as what a libc makes does. @default false */
  readonly importsWasip1?: boolean;
}

/**
 * Wraps a core module that keeps to the flattened signatures of a world into a component.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with the file and how the module differs from the world.
 */
export async function componentFromCore(
  core: Uint8Array,
  {
    world,
    stringEncoding,
    file,
    witSource = readWitSource(),
    importsWasip1 = false,
  }: ComponentOptions,
): Promise<Uint8Array> {
  try {
    const embedded = await componentEmbed({ binary: core, witSource, world, stringEncoding });
    return await componentNew(embedded, importsWasip1 ? [wasip1Adapter()] : []);
  } catch (error) {
    throw new RingfenceError('RF_MODULE_INVALID', `${file}: ${rootCause(String(error))}`, { file });
  }
}

/** Whether a core module imports wasip1: whether the C library in it asks for anything of the system. */
export function importsWasip1(core: Uint8Array): boolean {
  return WebAssembly.Module.imports(new WebAssembly.Module(core.slice())).some(
    ({ module }) => module === WASIP1,
  );
}

/** What jco ships to turn wasip1's functions into WASI 0.2, by the name of the module that it stands for. */
function wasip1Adapter(): [string, Uint8Array] {
  return [WASIP1, readFileSync(join(jcoFolder(), 'lib', `${WASIP1}.reactor.wasm`))];
}

/** The last of the causes that jco lists, each of which is more precise than the one before. */
function rootCause(report: string): string {
  return (
    report
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^\s*\d+: /, '') ?? report
  );
}

/**
 * Assembles WebAssembly text, of a core module or of a component.
 *
 * @param file - The file's name as an error shall give it.
 * @throws RingfenceError `RF_MODULE_INVALID` with the file, line and column of what isn't text.
 */
export async function assemble(text: string, file: string): Promise<Uint8Array> {
  try {
    return await parse(text);
  } catch (error) {
    throw new RingfenceError('RF_MODULE_INVALID', describeTextError(String(error), file), { file });
  }
}

/** Takes line, column and message out of the debug print that jco throws; both count from 0. */
function describeTextError(debugPrint: string, file: string): string {
  const place = /line: (\d+), col: (\d+)/.exec(debugPrint);
  if (place === null) return `${file}: ${debugPrint}`;
  const line = Number(place[1]) + 1;
  const column = Number(place[2]) + 1;
  const kind = debugPrint.slice(debugPrint.lastIndexOf(' kind: ') + ' kind: '.length);
  const message = /^Custom\("(.*)"\)/.exec(kind)?.[1] ?? /^[\w()]+/.exec(kind)?.[0] ?? kind;
  return `${file}:${line}:${column}: ${message.replaceAll('\\"', '"')}`;
}
