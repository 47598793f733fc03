/** Reads a folder of WIT: its own package, and those under `deps/`. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { readTextOf } from '../build/read-file.ts';
import type { WitFile } from './tokens.ts';

/** The files of one package. */
export type WitPackage = readonly WitFile[];

/** What a folder has. */
export interface WitFolder {
  readonly root: WitPackage;
  /** Each is one package. */
  readonly deps: readonly WitPackage[];
}

/** All WASI 0.2 together has a tenth of this. */
const WIT_BYTES_MAX = 4 * 2 ** 20;

/**
 * Reads a folder as the tools of the component model do: its `.wit` files are one package, and so is each
 * folder and each file under `deps/`. The path of a file is read as a folder that has only this file.
 *
 * @throws RingfenceError `RF_FILE` for what can't be read or is too large, `RF_WIT_INVALID` for a folder
 * without WIT.
 */
export function readWitFolder(path: string): WitFolder {
  let bytes = 0;
  const read = (file: string): WitFile => {
    const text = reading(file, () => readTextOf(file, WIT_BYTES_MAX));
    bytes += text.length;
    if (bytes > WIT_BYTES_MAX) {
      throw new RingfenceError(
        'RF_FILE',
        `The WIT in ${path} has more than ${WIT_BYTES_MAX} bytes: take out what the world doesn't use.`,
        { path },
      );
    }
    return { name: file, text };
  };
  const isFolder = (each: string) => reading(each, () => statSync(each).isDirectory());
  if (!isFolder(path)) return { root: [read(path)], deps: [] };
  const filesIn = (folder: string) => namesIn(folder).map((name) => read(join(folder, name)));
  const root = filesIn(path);
  if (root.length === 0) {
    throw new RingfenceError(
      'RF_WIT_INVALID',
      `There is no .wit file in ${path}: name the folder that has the world's.`,
      { path },
    );
  }
  const depsFolder = join(path, 'deps');
  if (!reading(path, () => readdirSync(path)).includes('deps')) return { root, deps: [] };
  const deps = reading(depsFolder, () => readdirSync(depsFolder).sort()).map((name) => {
    const entry = join(depsFolder, name);
    if (isFolder(entry)) return filesIn(entry);
    return name.endsWith('.wit') ? [read(entry)] : [];
  });
  return { root, deps: deps.filter((each) => each.length > 0) };
}

function namesIn(folder: string): string[] {
  return reading(folder, () => readdirSync(folder))
    .filter((name) => name.endsWith('.wit'))
    .sort();
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const problem = code === 'ENOENT' ? "isn't there" : `can't be read (${code})`;
    throw new RingfenceError(
      'RF_FILE',
      `${path} ${problem}: name a folder of WIT or a .wit file.`,
      {
        path,
      },
    );
  }
}
