/**
 * Compiles a guest written in AssemblyScript to a core module, with bindings generated from WIT.
 *
 * The generated modules are written to a folder, for people to read; guests import them as packages:
 * `wasi/io/streams`, `wit/values`.
 */

import { join, relative, sep } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import { assemblyScriptBindings, type DocumentedWorld } from './bindings.ts';
import { ENTRY_MODULE } from './entry-text.ts';
import { renameExports } from './rename-exports.ts';

/** What is used of the compiler's interface. */
interface Compiler {
  main(
    options: readonly string[],
    host: { writeFile(name: string, contents: string | Uint8Array): void },
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
}

const OPTIONS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '1'],
  // Names of functions, for traces.
  '--debug',
  // The others leak in a loop that receives messages.
  ...['--runtime', 'incremental'],
  // Else top-level code runs before the imports are there, and traps.
  ...['--exportStart', '_initialize'],
  ...['--use', 'abort=~lib/wit/globals/abort'],
  ...['--use', 'console=~lib/wit/globals/console'],
];

/**
 * Compiles the guest and answers its core module.
 *
 * @throws RingfenceError `RF_MODULE_INVALID` with the compiler's message, file and line.
 */
export async function compileAssemblyScript(guest: AssemblyScriptGuest): Promise<Uint8Array> {
  const folder = guest.folder;
  const guestModule = slashes(relative(folder, guest.file)).replace(/\.ts$/, '');
  const bindings = assemblyScriptBindings(guest.world, guestModule);
  for (const [path, text] of bindings.files) writeAtomically(join(folder, path), text);
  const module = await compile(folder);
  assertNoHostGlobals(module, guest.file);
  return renameExports(module, bindings.exportNames);
}

async function compile(folder: string): Promise<Uint8Array> {
  const base = process.cwd();
  const inBase = (path: string) => slashes(relative(base, join(folder, path)));
  let output: Uint8Array | null = null;
  const compiler = await loadCompiler();
  const { error, stderr } = await compiler.main(
    [
      inBase(`${ENTRY_MODULE}.ts`),
      ...['--baseDir', base, '--path', inBase('.'), '--outFile', 'guest.wasm', '--noColors'],
      ...OPTIONS,
    ],
    {
      writeFile(_name, contents) {
        if (typeof contents !== 'string') output = contents;
      },
    },
  );
  if (error === null && output !== null) return output;
  throw new RingfenceError('RF_MODULE_INVALID', describe(stderr.toString() || String(error)));
}

/** Not by a plain import: the compiler's own types declare a global `console` of their own. */
async function loadCompiler(): Promise<Compiler> {
  const name: string = 'assemblyscript/asc';
  const module = (await import(name)) as { default: Compiler };
  return module.default;
}

/** The first error of the compiler, as `file:line:column: message`. */
function describe(report: string): string {
  const errors = report.slice(Math.max(0, report.search(/^ERROR /m)));
  const message = /^(?:ERROR|FAILURE) (.*)$/m.exec(errors)?.[1] ?? errors.trim();
  const place = /└─ in (.*)\((\d+),(\d+)\)/.exec(errors);
  return place === null ? message : `${place[1]}:${place[2]}:${place[3]}: ${message}`;
}

/** Parts of AssemblyScript's library lean on a JavaScript host, which isn't there. */
function assertNoHostGlobals(module: Uint8Array, file: string): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module.slice()));
  const stray = imports.find((each) => each.module === 'env');
  if (stray === undefined) return;
  throw new RingfenceError(
    'RF_MODULE_INVALID',
    `${relative(process.cwd(), file)}: '${stray.name}' of AssemblyScript's library needs a ` +
      'JavaScript host: use what the imported interfaces offer instead.',
    { name: stray.name },
  );
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}
