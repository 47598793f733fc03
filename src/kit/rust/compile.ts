/** Compiles a guest written in Rust to a core module, with bindings generated from WIT. No crate is fetched. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { runCompiler } from '../build/run-compiler.ts';
import { stripDebug } from '../build/strip-debug.ts';
import { writeAtomically } from '../build/write-atomically.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import { rustBindings } from './bindings.ts';
import { withReadableNames } from './readable-names.ts';
import { findRustToolchain } from './toolchain.ts';

/** The guest to compile. */
export interface RustGuest {
  /** The root of its crate. */
  readonly file: string;
  readonly world: ResolvedWorld;
  /** Where the generated module goes. */
  readonly folder: string;
  /** The folder that names of files are told from. */
  readonly base: string;
}

/** What the compiler has made. */
export interface CompiledRust {
  readonly core: Uint8Array;
  /** Its warnings, a line each, with their places. */
  readonly warnings: readonly string[];
}

const OPTIONS = [
  ...['--edition=2021', '--crate-type=cdylib', '--crate-name=agent'],
  // Of the library only what is used; in one unit, so that the same source is cut in the same way.
  ...['-Copt-level=s', '-Clto=fat', '-Ccodegen-units=1'],
  ...['--error-format=short', '--color=never'],
];

/**
 * Compiles the guest and answers its core module, the same wherever `base` is.
 *
 * @throws {RingfenceError} `RF_MODULE_INVALID` with the compiler's first error, its file, line and column;
 * `RF_COMPILER_MISSING` where there is no compiler.
 */
export async function compileRust({ file, world, folder, base }: RustGuest): Promise<CompiledRust> {
  const bindings = rustBindings(world);
  const { rustc, target } = await findRustToolchain();
  for (const [path, text] of bindings) writeAtomically(join(folder, path), text);
  const scratch = mkdtempSync(join(tmpdir(), 'ringfence-rust-'));
  try {
    const output = join(scratch, 'core.wasm');
    const source = relative(base, file);
    // A name that begins with a '-' is no option.
    const input = source.startsWith('-') ? `./${source}` : source;
    const paths = [`--target=${target}`, `--remap-path-prefix=${base}=.`, input, '-o', output];
    const { ok, report } = await runCompiler(rustc, [...OPTIONS, ...paths], base);
    if (!ok) throw failure(report, source);
    return {
      core: withReadableNames(stripDebug(readFileSync(output))),
      warnings: warningsOf(report),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function warningsOf(report: string): readonly string[] {
  const found = report.matchAll(/^(.*?:\d+:\d+): warning: (.*)$/gm);
  return [...found].map(([, place, text]) => `${place}: ${text}`);
}

/** The first error of the compiler; all that it said is the cause. */
function failure(report: string, file: string): RingfenceError {
  const place = /^(.*?:\d+:\d+): error(?:\[\w+\])?: (.*)$/m.exec(report);
  const first = /^error: (.*)$/m.exec(report)?.[1] ?? report.trim().split('\n')[0];
  return new RingfenceError(
    'RF_MODULE_INVALID',
    place === null ? `${file}: rustc failed: ${first}` : `${place[1]}: ${place[2]}`,
    { file },
    { cause: new Error(report) },
  );
}
