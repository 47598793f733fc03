/** Builds a project in JavaScript or TypeScript. */

import { join } from 'node:path';
import { compileJavaScript } from '../javascript/compile.ts';
import { ENGINES } from '../javascript/engines.ts';
import { readWitFolder } from '../wit/read-folder.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { BINDINGS_FOLDER, type Compiled } from './compiled.ts';
import type { Project } from './manifest.ts';

/** The component of a project in JavaScript or TypeScript. */
export async function compileJavaScriptProject(project: Project): Promise<Compiled> {
  const { folder, entry, wit, world, engine } = project;
  const component = await compileJavaScript({
    base: folder,
    entry,
    resolved: await resolveWorld(readWitFolder(join(folder, wit)), world),
    engine: engine ?? ENGINES[0],
    folder: join(folder, BINDINGS_FOLDER),
  });
  return { component, sourceMap: null, warnings: [] };
}
