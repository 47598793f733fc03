/** Builds a project in a language that compiles to a core module: AssemblyScript, C, Rust. */

import { join } from 'node:path';
import { compileAssemblyScript } from '../assemblyscript/compile.ts';
import { componentFromCore, importsWasip1 } from '../build/make-component.ts';
import { mapOfComponent } from '../build/source-map.ts';
import { compileC } from '../c/compile.ts';
import { compileRust } from '../rust/compile.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { BINDINGS_FOLDER, type Compiled } from './compiled.ts';
import type { Project } from './manifest.ts';

/** What each of the compilers is given. */
interface Guest {
  readonly file: string;
  readonly world: ResolvedWorld;
  readonly folder: string;
  readonly base: string;
}

function guestOf({ folder, entry }: Project, world: ResolvedWorld): Guest {
  return { file: join(folder, entry), world, folder: join(folder, BINDINGS_FOLDER), base: folder };
}

/** The component of a project in AssemblyScript. */
export async function compileAssemblyScriptProject(
  project: Project,
  world: ResolvedWorld,
): Promise<Compiled> {
  const { core, sourceMap } = await compileAssemblyScript(guestOf(project, world));
  const component = await componentFromCore(core, {
    world: world.worldName,
    witSource: world.witSource,
    stringEncoding: 'utf16',
    file: project.entry,
  });
  return { component, sourceMap: mapOfComponent(sourceMap, core, component), warnings: [] };
}

type NativeCompiler = (
  guest: Guest,
) => Promise<{ readonly core: Uint8Array; readonly warnings: readonly string[] }>;

/** The components of projects in a language that has a libc of WASI. */
const nativeProject =
  (compile: NativeCompiler) =>
  async (project: Project, world: ResolvedWorld): Promise<Compiled> => {
    const { core, warnings } = await compile(guestOf(project, world));
    const component = await componentFromCore(core, {
      world: world.worldName,
      witSource: world.witSource,
      stringEncoding: 'utf8',
      file: project.entry,
      importsWasip1: importsWasip1(core),
    });
    return { component, sourceMap: null, warnings };
  };

/** The component of a project in C. */
export const compileCProject = nativeProject(compileC);

/** The component of a project in Rust. */
export const compileRustProject = nativeProject(compileRust);
