/**
 * Compiles a guest written in AssemblyScript to a core module, with bindings generated from WIT.
 *
 * The generated modules are written to a folder, for people to read; guests import them as packages:
 * `wasi/io/streams`, `wit/values`.
 */

import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RingfenceError } from '../../errors.ts';
import { findPackage } from '../build/package-folder.ts';
import { moveMap } from '../build/source-map.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import { assemblyScriptBindings, type DocumentedWorld } from './bindings.ts';
import { ENTRY_MODULE } from './entry-text.ts';
import { clocksTransform, describeHostGlobal, libraryOptions } from './library.ts';
import { renameExports } from './rename-exports.ts';
import { interfaceFor, SDK_MODULE } from './sdk.ts';

/** What is used of the compiler's interface. */
interface Compiler {
  main(
    options: readonly string[],
    host: {
      writeFile(name: string, contents: string | Uint8Array): void;
      readonly transforms: readonly object[];
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

/** The guest to compile. */
export interface AssemblyScriptGuest {
  /** The guest's own file. */
  readonly file: string;
  /** The world that it is made for. */
  readonly world: DocumentedWorld;
  /** Where the generated modules go. */
  readonly folder: string;
  /** The folder that names of functions and source files are told from. */
  readonly base: string;
}

/** What the compiler has made. */
export interface CompiledGuest {
  readonly core: Uint8Array;
  /** As JSON; the columns of its one line are offsets in `core`. */
  readonly sourceMap: string;
}

const OPTIONS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '1'],
  // Names of functions, for traces.
  '--debug',
  '--sourceMap',
  // The others leak in a loop that receives messages.
  ...['--runtime', 'incremental'],
  // Else top-level code runs before the imports are there, and traps.
  ...['--exportStart', '_initialize'],
];

/**
 * Compiles the guest and answers its core module, the same wherever `base` is.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with the compiler's message, file and line.
 */
export async function compileAssemblyScript(guest: AssemblyScriptGuest): Promise<CompiledGuest> {
  const { folder, base } = guest;
  const guestModule = slashes(relative(folder, guest.file)).replace(/\.ts$/, '');
  const bindings = assemblyScriptBindings(guest.world, guestModule);
  for (const [path, text] of bindings.files) writeAtomically(join(folder, path), text);
  const { module, sourceMap } = await compile(folder, base, (path) =>
    bindings.files.has(`${path}.ts`),
  );
  assertNoHostGlobals(module, guest.file, base);
  const core = renameExports(module, bindings.exportNames);
  return { core, sourceMap: moveMap(sourceMap, module, core) };
}

async function compile(
  folder: string,
  base: string,
  hasModule: (path: string) => boolean,
): Promise<{ readonly module: Uint8Array; readonly sourceMap: string }> {
  const inBase = (path: string) => slashes(relative(base, join(folder, path)));
  let module: Uint8Array | null = null;
  let sourceMap: string | null = null;
  const compiler = await loadCompiler(base);
  const { error, stderr } = await compiler.main(
    [
      inBase(`${ENTRY_MODULE}.ts`),
      ...['--baseDir', base, '--path', folder, '--outFile', 'guest.wasm', '--noColors'],
      ...OPTIONS,
      ...libraryOptions(hasModule),
    ],
    {
      transforms: [clocksTransform(hasModule)],
      writeFile(_name, contents) {
        if (typeof contents === 'string') sourceMap = contents;
        else module = contents;
      },
    },
  );
  if (error === null && module !== null && sourceMap !== null) return { module, sourceMap };
  throw new RingfenceError('RF_MODULE_INVALID', describe(stderr.toString() || String(error)));
}

/**
 * The compiler that the project has, else the one beside ringfence. Not by a plain import: its own types
 * declare a global `console` of their own.
 */
async function loadCompiler(base: string): Promise<Compiler> {
  // The package is for `import` alone: what is looked for is the file.
  const file = join('dist', 'asc.js');
  const folder = findPackage('assemblyscript', base, file);
  if (folder !== null) {
    const module = (await import(pathToFileURL(join(folder, file)).href)) as { default: Compiler };
    return module.default;
  }
  throw new RingfenceError(
    'RF_COMPILER_MISSING',
    "AssemblyScript's compiler is not installed: run 'npm install --save-dev assemblyscript'.",
    { package: 'assemblyscript' },
  );
}

/** The first error of the compiler, as `file:line:column: message`. */
function describe(report: string): string {
  const errors = report.slice(Math.max(0, report.search(/^ERROR /m)));
  const message = withRemedy(/^(?:ERROR|FAILURE) (.*)$/m.exec(errors)?.[1] ?? errors.trim());
  const place = /└─ in (.*)\((\d+),(\d+)\)/.exec(errors);
  return place === null ? message : `${place[1]}:${place[2]}:${place[3]}: ${message}`;
}

/** What is missing of the SDK is missing in the world. */
function withRemedy(message: string): string {
  const missing = /Module '~lib\/(.*)' has no exported member '(.*)'/.exec(message);
  const wanted = missing?.[1] === SDK_MODULE ? interfaceFor(missing[2] ?? '') : null;
  return wanted === null
    ? message
    : `${message.replace(/\.$/, '')}: the world has to import ${wanted}.`;
}

/** Parts of AssemblyScript's library lean on a JavaScript host, which isn't there. */
function assertNoHostGlobals(module: Uint8Array, file: string, base: string): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module.slice()));
  const stray = imports.find((each) => each.module === 'env');
  if (stray === undefined) return;
  throw new RingfenceError(
    'RF_MODULE_INVALID',
    `${relative(base, file)}: ${describeHostGlobal(stray.name)}`,
    { name: stray.name },
  );
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}
