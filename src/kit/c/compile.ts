/** Compiles a guest written in C to a core module, with bindings generated from WIT. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { runCompiler } from '../build/run-compiler.ts';
import { stripDebug } from '../build/strip-debug.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { cBindings } from './bindings.ts';
import { findCToolchain } from './toolchain.ts';

/** The guest to compile. */
export interface CGuest {
  /** The guest's own file; all files of C beside it belong to it. */
  readonly file: string;
  readonly world: ResolvedWorld;
  /** Where the generated header and source go. */
  readonly folder: string;
  /** The folder that names of files are told from. */
  readonly base: string;
}

/** What the compiler has made. */
export interface CompiledC {
  readonly core: Uint8Array;
  /** Its warnings, a line each, with their places. */
  readonly warnings: readonly string[];
}

/** The bytes of the guest's stack: what Rust's have. An overflow traps, as nothing lies below it. */
const STACK_BYTES = 1_048_576;

const COMPILE = ['-O2', '-Wall', '-Wextra', '-Wdate-time', '-Werror=implicit-function-declaration'];

/** Without `-O`, at which clang hands over to a wasm-opt of any version where one is on the path. */
const LINK = ['-Wl,--stack-first', `-Wl,-z,stack-size=${STACK_BYTES}`];

/**
 * Compiles the guest and answers its core module, the same wherever `base` is.
 *
 * @throws {RingfenceError} `RF_MODULE_INVALID` with the compiler's first error, its file, line and column;
 * `RF_COMPILER_MISSING` where there is no compiler.
 */
export async function compileC({ file, world, folder, base }: CGuest): Promise<CompiledC> {
  const { clang, options } = await findCToolchain();
  const bindings = cBindings(world);
  for (const [path, text] of bindings.files) writeAtomically(join(folder, path), text);
  const sources = [...sourcesBeside(file), join(folder, bindings.source)];
  const scratch = mkdtempSync(join(tmpdir(), 'ringfence-c-'));
  try {
    const output = join(scratch, 'core.wasm');
    const inBase = (path: string) => `./${relative(base, path)}`;
    const warnings: string[] = [];
    const run = async (args: readonly string[]) => {
      const { ok, report } = await runCompiler(clang, [...options, ...args], base);
      if (!ok) throw failure(report, relative(base, file), bindings.wanted);
      warnings.push(...warningsOf(report));
    };
    const objects = sources.map((_, index) => join(scratch, `${index}.o`));
    for (const [index, source] of sources.entries()) {
      const files = ['-I', inBase(folder), '-c', inBase(source), '-o', objects[index] ?? ''];
      await run([...COMPILE, `-ffile-prefix-map=${base}=.`, ...files]);
    }
    await run([...LINK, ...objects, '-o', output]);
    return { core: stripDebug(readFileSync(output)), warnings };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The guest's own file first, then those beside it. */
function sourcesBeside(file: string): readonly string[] {
  const folder = dirname(file);
  const others = readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => join(folder, name));
  return [file, ...others.filter((each) => each !== file)];
}

function warningsOf(report: string): readonly string[] {
  const found = report.matchAll(/^(?:\.\/)?(.*?:\d+:\d+): warning: (.*)$/gm);
  return [...found].map(([, place, text]) => `${place}: ${text}`);
}

/** The first error of the compiler or of the linker; all that they said is the cause. */
function failure(
  report: string,
  file: string,
  wanted: ReadonlyMap<string, string>,
): RingfenceError {
  const invalid = (problem: string) =>
    new RingfenceError('RF_MODULE_INVALID', problem, { file }, { cause: new Error(report) });
  const place = /^(?:\.\/)?(.*?:\d+:\d+): (?:fatal )?error: (.*)$/m.exec(report);
  if (place !== null) return invalid(`${place[1]}: ${place[2]}`);
  const symbol = /undefined symbol: (\S+)/.exec(report)?.[1];
  if (symbol !== undefined) {
    const prototype = wanted.get(symbol);
    return invalid(
      prototype === undefined
        ? `${file}: nothing defines '${symbol}': write it, or leave out what calls it.`
        : `${file}: the world exports '${symbol}', and nothing defines it: write '${prototype}'`,
    );
  }
  const first = /error: (.*)$/m.exec(report)?.[1] ?? report.trim().split('\n')[0];
  return invalid(`${file}: clang failed: ${first}`);
}
