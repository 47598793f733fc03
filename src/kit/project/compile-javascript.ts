/** Builds a project in JavaScript or TypeScript. */

import { join } from 'node:path';
import { compileJavaScript } from '../javascript/compile.ts';
import { ENGINES } from '../javascript/engines.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { BINDINGS_FOLDER, type Compiled } from './compiled.ts';
import type { Project } from './manifest.ts';

/** The component of a project in JavaScript or TypeScript. */
export async function compileJavaScriptProject(
  { folder, entry, engine }: Project,
  resolved: ResolvedWorld,
): Promise<Compiled> {
  const component = await compileJavaScript({
    base: folder,
    entry,
    resolved,
    engine: engine ?? ENGINES[0],
    folder: join(folder, BINDINGS_FOLDER),
  });
  return { component, sourceMap: null, warnings: [] };
}
