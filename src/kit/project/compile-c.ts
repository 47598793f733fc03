/** Builds a project in C. */

import { join } from 'node:path';
import { componentFromCore, importsWasip1 } from '../build/make-component.ts';
import { compileC } from '../c/compile.ts';
import { readWitFolder } from '../wit/read-folder.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { BINDINGS_FOLDER, type Compiled } from './compiled.ts';
import type { Project } from './manifest.ts';

/** The component of a project in C. */
export async function compileCProject({ folder, entry, wit, world }: Project): Promise<Compiled> {
  const resolved = await resolveWorld(readWitFolder(join(folder, wit)), world);
  const { core, warnings } = await compileC({
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
