/** Builds a project in Rust. */

import { join } from 'node:path';
import { componentFromCore, importsWasip1 } from '../build/make-component.ts';
import { compileRust } from '../rust/compile.ts';
import { readWitFolder } from '../wit/read-folder.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { BINDINGS_FOLDER, type Compiled } from './compiled.ts';
import type { Project } from './manifest.ts';

/** The component of a project in Rust. */
export async function compileRustProject({
  folder,
  entry,
  wit,
  world,
}: Project): Promise<Compiled> {
  const resolved = await resolveWorld(readWitFolder(join(folder, wit)), world);
  const { core, warnings } = await compileRust({
    file: join(folder, entry),
    world: resolved,
    folder: join(folder, BINDINGS_FOLDER),
    base: folder,
  });
  const component = await componentFromCore(core, {
    world: resolved.worldName,
    witSource: resolved.witSource,
    stringEncoding: 'utf8',
    file: entry,
    importsWasip1: importsWasip1(core),
  });
  return { component, sourceMap: null, warnings };
}
