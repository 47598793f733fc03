/** Compiles a program in C to a wasip1 module with Debian's clang and wasi-libc. */

import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, Unavailable } from './command.ts';
import type { CRecipe } from './recipes.ts';

const SUPPORT = fileURLToPath(new URL('support/', import.meta.url));

/** The default of 64 KiB is too small for all of these, and runs into the data without a word. */
const STACK_BYTES = 8 * 1024 * 1024;

const TARGET = '--target=wasm32-wasi';

const FLAGS = [
  TARGET,
  '-Os',
  '-w',
  `-I${SUPPORT}include`,
  ...['-include', `${SUPPORT}posix.h`],
  '-D_GNU_SOURCE',
  // Each opens a header; what they declare is in support/posix.c.
  '-D_WASI_EMULATED_GETPID',
  '-D_WASI_EMULATED_MMAN',
  '-D_WASI_EMULATED_PROCESS_CLOCKS',
  '-D_WASI_EMULATED_SIGNAL',
];

const LINK_FLAGS = ['-s', `-Wl,-z,stack-size=${STACK_BYTES}`, '-Wl,--stack-first'];

const LONGJMP_FLAGS = ['-mllvm', '-wasm-enable-sjlj', '-mexception-handling'];

/** The commands of a build: clang's arguments, one after the other, in the recipe's folder. */
export function compilations(recipe: CRecipe, output: string): readonly (readonly string[])[] {
  const sources = [
    ...recipe.sources,
    ...[`${SUPPORT}posix.c`, `${SUPPORT}cabi-realloc.c`],
    ...(recipe.longjmp ? [`${SUPPORT}sjlj.c`] : []),
  ];
  const objects = sources.map((source) => basename(source).replace(/\.c$/, '.o'));
  return [
    ['-c', ...FLAGS, ...(recipe.longjmp ? LONGJMP_FLAGS : []), ...recipe.flags, ...sources],
    // Apart, and with no -O: clang would look for a wasm-opt on the path, whatever version it is.
    [TARGET, ...LINK_FLAGS, ...objects, '-o', output],
  ];
}

/**
 * The version of the compiler, once it is certain that it can make a module.
 *
 * @throws {Unavailable} where a part of it is not installed.
 */
export async function compilerVersion(): Promise<string> {
  const version = await command('clang', ['--version']);
  try {
    // Links the C library and the compiler's own, too.
    await command('clang', [TARGET, `${SUPPORT}probe.c`, '-o', '/dev/null']);
  } catch (error) {
    throw new Unavailable(
      `clang can't make wasip1 modules (Debian: lld wasi-libc libclang-rt-dev-wasm32): ${(error as Error).message}`,
    );
  }
  return version;
}
