/** Builds a project: one component out of its source, whatever language that is in. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { importNames } from '../build/imports.ts';
import { requireNoLink, requireNoLinksIn } from '../build/own-folders.ts';
import { isFile } from '../build/read-file.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import { readWitFolder } from '../wit/read-folder.ts';
import { type ResolvedWorld, resolveWorld } from '../wit/resolve-world.ts';
import {
  compileAssemblyScriptProject,
  compileCProject,
  compileRustProject,
} from './compile-core.ts';
import { compileJavaScriptProject } from './compile-javascript.ts';
import { BINDINGS_FOLDER, BUILD_FOLDER, type Compiled } from './compiled.ts';
import { type Language, type Project, readProject } from './manifest.ts';
import { requireNoPipes } from './own-files.ts';

/** What was built. */
export interface BuiltProject {
  readonly project: Project;
  /** The component's file. */
  readonly file: string;
  /** Its source map; null: the language has none. */
  readonly sourceMap: string | null;
  readonly sha256: string;
  readonly bytes: number;
  /** What it imports, by name with version: `wasi:io/streams@0.2.12`. */
  readonly imports: readonly string[];
  /** What its compiler had to say without refusing it, a line each with its place. */
  readonly warnings: readonly string[];
}

type Compile = (project: Project, world: ResolvedWorld) => Promise<Compiled>;

const COMPILERS: Readonly<Record<Language, Compile>> = {
  assemblyscript: compileAssemblyScriptProject,
  c: compileCProject,
  javascript: compileJavaScriptProject,
  rust: compileRustProject,
  typescript: compileJavaScriptProject,
};

/**
 * Builds the project in a folder: the same source makes the same bytes, wherever it lies, but for the
 * engine `starlingmonkey`. Afterwards this process may be unable to build anything else, where it failed.
 *
 * @throws {RingfenceError} `RF_FILE`, `RF_USAGE` as {@link readProject}; `RF_FILE` where `build/` or a folder of its
 * bindings is a link, or can't be written, or where a file of the project is a pipe or a device; `RF_WIT_INVALID` and
 * `RF_MODULE_INVALID` with file, line and column of what is wrong.
 */
export async function buildProject(folder: string): Promise<BuiltProject> {
  return (await buildForWorld(folder)).built;
}

/** As {@link buildProject}, with the world that it was built for. */
export async function buildForWorld(
  folder: string,
): Promise<{ readonly built: BuiltProject; readonly world: ResolvedWorld }> {
  const project = readProject(folder);
  requireEntry(project);
  requireNoLink(join(folder, BUILD_FOLDER));
  requireNoLink(join(folder, BINDINGS_FOLDER));
  requireNoLinksIn(join(folder, BINDINGS_FOLDER));
  const world = await resolveWorld(readWitFolder(join(folder, project.wit)), project.world);
  requireNoPipes(folder);
  const { component, sourceMap, warnings } = await COMPILERS[project.language](project, world);
  const imports = importNames(component);
  const file = join(folder, BUILD_FOLDER, `${project.name}.wasm`);
  const mapFile = sourceMap === null ? null : `${file}.map`;
  if (sourceMap !== null) writeAtomically(`${file}.map`, sourceMap);
  writeAtomically(file, component);
  const built = {
    project,
    file,
    sourceMap: mapFile,
    sha256: createHash('sha256').update(component).digest('hex'),
    bytes: component.length,
    imports,
    warnings,
  };
  return { built, world };
}

function requireEntry({ folder, entry }: Project): void {
  if (isFile(join(folder, entry))) return;
  throw new RingfenceError(
    'RF_FILE',
    `There is no '${entry}' in '${folder}': name the agent's source as 'entry' in package.json.`,
    { path: entry },
  );
}
