/** Builds a project: one component out of its source, whatever language that is in. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { compileAssemblyScript } from '../assemblyscript/compile.ts';
import { importNames } from '../build/imports.ts';
import { componentFromCore } from '../build/make-component.ts';
import { requireNoLink, requireNoLinksIn } from '../build/own-folders.ts';
import { isFile } from '../build/read-file.ts';
import { mapOfComponent } from '../build/source-map.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import { readWitFolder } from '../wit/read-folder.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { compileCProject } from './compile-c.ts';
import { compileJavaScriptProject } from './compile-javascript.ts';
import { compileRustProject } from './compile-rust.ts';
import { BINDINGS_FOLDER, BUILD_FOLDER, type Compiled } from './compiled.ts';
import { type Language, type Project, readProject } from './manifest.ts';

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

const COMPILERS: Readonly<Record<Language, (project: Project) => Promise<Compiled>>> = {
  assemblyscript: compileWithAssemblyScript,
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
 * bindings is a link, or can't be written; `RF_WIT_INVALID` and
 * `RF_MODULE_INVALID` with file, line and column of what is wrong.
 */
export async function buildProject(folder: string): Promise<BuiltProject> {
  const project = readProject(folder);
  requireEntry(project);
  requireNoLink(join(folder, BUILD_FOLDER));
  requireNoLink(join(folder, BINDINGS_FOLDER));
  requireNoLinksIn(join(folder, BINDINGS_FOLDER));
  const { component, sourceMap, warnings } = await COMPILERS[project.language](project);
  const imports = importNames(component);
  const file = join(folder, BUILD_FOLDER, `${project.name}.wasm`);
  const mapFile = sourceMap === null ? null : `${file}.map`;
  if (sourceMap !== null) writeAtomically(`${file}.map`, sourceMap);
  writeAtomically(file, component);
  return {
    project,
    file,
    sourceMap: mapFile,
    sha256: createHash('sha256').update(component).digest('hex'),
    bytes: component.length,
    imports,
    warnings,
  };
}

function requireEntry({ folder, entry }: Project): void {
  if (isFile(join(folder, entry))) return;
  throw new RingfenceError(
    'RF_FILE',
    `There is no '${entry}' in '${folder}': name the agent's source as 'entry' in package.json.`,
    { path: entry },
  );
}

async function compileWithAssemblyScript({
  folder,
  entry,
  wit,
  world,
}: Project): Promise<Compiled> {
  const resolved = await resolveWorld(readWitFolder(join(folder, wit)), world);
  const { core, sourceMap } = await compileAssemblyScript({
    file: join(folder, entry),
    world: resolved,
    folder: join(folder, BINDINGS_FOLDER),
    base: folder,
  });
  const component = await componentFromCore(core, {
    world: resolved.worldName,
    witSource: resolved.witSource,
    stringEncoding: 'utf16',
    file: entry,
  });
  return { component, sourceMap: mapOfComponent(sourceMap, core, component), warnings: [] };
}
