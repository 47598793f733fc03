/** Finds a compiler of C that makes WebAssembly with a C library: wasi-sdk's, or the system's. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { isExecutable, programsNamed, runCompiler } from '../build/run-compiler.ts';

/** A compiler, and what it has to be told before all else. */
export interface CToolchain {
  readonly clang: string;
  readonly options: readonly string[];
}

/** What wasip1 is called: first by new compilers, then by those of before 2024. */
const TARGETS = ['wasm32-wasip1', 'wasm32-wasi'];

/** A component is no command: it has no `main`, and is initialised once. */
const REACTOR = '-mexec-model=reactor';

const PROBE = '#include <stdlib.h>\nint probe(int size) { return (int) malloc((size_t) size); }\n';

/**
 * The compiler of `WASI_SDK_PATH` where that is set, else the first clang on the path that has a library
 * for WebAssembly.
 *
 * @throws {RingfenceError} `RF_COMPILER_MISSING` with what to install.
 */
export async function findCToolchain(): Promise<CToolchain> {
  const sdk = process.env.WASI_SDK_PATH;
  if (sdk !== undefined && sdk !== '') {
    const clang = join(sdk, 'bin', 'clang');
    const sysroot = `--sysroot=${join(sdk, 'share', 'wasi-sysroot')}`;
    const found = isExecutable(clang) ? await tryTargets(clang, [sysroot]) : null;
    if (found !== null) return found;
    throw new RingfenceError(
      'RF_COMPILER_MISSING',
      `There is no clang that makes WebAssembly in '${join(sdk, 'bin')}': set WASI_SDK_PATH to the folder of wasi-sdk, or unset it.`,
      { path: clang },
    );
  }
  for (const clang of programsNamed('clang')) {
    const found = await tryTargets(clang, []);
    if (found !== null) return found;
  }
  throw new RingfenceError(
    'RF_COMPILER_MISSING',
    "No compiler of C makes WebAssembly here: install Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32, or set WASI_SDK_PATH to the folder of wasi-sdk (https://github.com/WebAssembly/wasi-sdk).",
  );
}

/** The compiler with the first target that it has, with a C library, its own run-time library and a linker. */
async function tryTargets(clang: string, options: readonly string[]): Promise<CToolchain | null> {
  for (const target of TARGETS) {
    const all = [`--target=${target}`, REACTOR, ...options];
    if (await compiles(clang, all)) return { clang, options: all };
  }
  return null;
}

async function compiles(clang: string, options: readonly string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-c-'));
  try {
    writeFileSync(join(folder, 'probe.c'), PROBE);
    const { ok } = await runCompiler(clang, [...options, 'probe.c', '-o', 'probe.wasm'], folder);
    return ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
