/** Bindings of a world in a guest's language, out of a folder of WIT: what programs and the command line call. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RingfenceError } from '../errors.ts';
import { assemblyScriptBindings } from './assemblyscript/bindings.ts';
import { requireNoLink } from './build/own-folders.ts';
import { writeAtomically } from './build/write-atomically.ts';
import { cBindings } from './c/bindings.ts';
import { GENERATED } from './generated-text.ts';
import { rustBindings } from './rust/bindings.ts';
import { readWitFolder } from './wit/read-folder.ts';
import { resolveWorld } from './wit/resolve-world.ts';

/** The languages that bindings are generated in. */
export const BINDING_LANGUAGES = ['assemblyscript', 'c', 'rust'] as const;

/** A language that bindings are generated in. */
export type BindingLanguage = (typeof BINDING_LANGUAGES)[number];

/** What bindings are generated from, and for whom. */
export interface BindingsOptions {
  /** @default 'assemblyscript' */
  readonly language?: BindingLanguage;
  /** A folder of WIT, with the packages that it uses in `deps/`; or one `.wit` file. */
  readonly wit: string;
  /** The world's name. @default the only world of the folder's package */
  readonly world?: string;
  /**
   * The guest's own file without its extension, seen from the folder of the bindings: AssemblyScript's import it,
   * those of other languages take none.
   *
   * @default '../agent'
   */
  readonly guestModule?: string;
}

/** The bindings of a world. */
export interface Bindings {
  /** The world's name with its package: `my:agent/agent@1.0.0`. */
  readonly world: string;
  /**
   * Texts by path below the folder of bindings: `wasi/io/streams.ts` and others in AssemblyScript, `entry.ts` of
   * which is compiled; a header and a source in C; a module in Rust.
   */
  readonly files: ReadonlyMap<string, string>;
  /**
   * What exports of the compiled module have to be renamed to before it is made a component:
   * AssemblyScript can't export a name such as `wasi:cli/run@0.2.12#run`. Empty in other languages.
   */
  readonly exportNames: ReadonlyMap<string, string>;
}

/**
 * Generates bindings for a guest.
 *
 * Packages of WASI 0.2 and of ringfence that the WIT uses need not be in `deps/`.
 *
 * @throws RingfenceError `RF_USAGE` for a `guestModule` that is of no use; `RF_FILE` for what can't be read; `RF_WIT_INVALID` for WIT that is wrong, with its
 * line and column, and for a world that isn't there. After such an error generate nothing more in the same
 * process: the tools below may not have recovered.
 *
 * @example
 * ```ts
 * const { files } = await generateBindings({ wit: 'wit', world: 'agent' });
 * ```
 */
export async function generateBindings(options: BindingsOptions): Promise<Bindings> {
  const { language = 'assemblyscript' } = options;
  if (options.guestModule !== undefined && language !== 'assemblyscript') {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use 'guestModule' for bindings of ${language}, which import no module of the guest's: leave it out.`,
      { language },
    );
  }
  const resolved = await resolveWorld(readWitFolder(options.wit), options.world ?? null);
  const name = resolved.world.name;
  if (language !== 'assemblyscript') {
    const files = language === 'c' ? cBindings(resolved).files : rustBindings(resolved);
    return { world: name, files, exportNames: new Map() };
  }
  const bindings = assemblyScriptBindings(resolved, options.guestModule ?? '../agent');
  return { world: name, ...bindings };
}

/**
 * Writes bindings into a folder. A file that is there and was not generated is left alone, and then none is
 * written; nor is any where a folder below it is a link.
 *
 * @throws RingfenceError `RF_FILE`
 */
export function writeBindings({ files }: Pick<Bindings, 'files'>, folder: string): void {
  for (const path of files.keys()) requireNoLinksOn(folder, path);
  for (const path of files.keys()) {
    const file = join(folder, path);
    if (isForeign(file)) {
      throw new RingfenceError(
        'RF_FILE',
        `${file} is there and was not generated: name another folder, or move the file away.`,
        { path: file },
      );
    }
  }
  for (const [path, text] of files) {
    writeAtomically(join(folder, path), text);
  }
}

/** The folders between `folder`, which may be a link as its user named it, and the file. */
function requireNoLinksOn(folder: string, path: string): void {
  let above = folder;
  for (const name of path.split('/').slice(0, -1)) {
    above = join(above, name);
    requireNoLink(above);
  }
}

function isForeign(file: string): boolean {
  try {
    return existsSync(file) && !readFileSync(file, 'utf8').startsWith(GENERATED);
  } catch {
    return true; // A folder, or something that can't be read: not ours.
  }
}
