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

/** What the target is called: a command of wasip1 without its `main`, for which the adapter of jco is there. */
const TARGET = ['--target=wasm32-wasi', '-mexec-model=reactor'];

const PROBE = '#include <stdlib.h>\nint probe(int size) { return (int) malloc((size_t) size); }\n';

/**
 * The compiler of `WASI_SDK_PATH` where that is set, else the first clang on the path that has a library
 * for WebAssembly.
 *
 * @throws {RingfenceError} `RF_UNAVAILABLE` with what to install.
 */
export async function findCToolchain(): Promise<CToolchain> {
  const sdk = process.env.WASI_SDK_PATH;
  if (sdk !== undefined && sdk !== '') {
    const clang = join(sdk, 'bin', 'clang');
    const sysroot = `--sysroot=${join(sdk, 'share', 'wasi-sysroot')}`;
    if (isExecutable(clang)) return { clang, options: [sysroot, ...TARGET] };
    throw new RingfenceError(
      'RF_UNAVAILABLE',
      `There is no clang in '${join(sdk, 'bin')}': set WASI_SDK_PATH to the folder of wasi-sdk, or unset it.`,
      { path: clang },
    );
  }
  for (const clang of programsNamed('clang')) {
    if (await makesWebAssembly(clang)) return { clang, options: TARGET };
  }
  throw new RingfenceError(
    'RF_UNAVAILABLE',
    "No compiler of C makes WebAssembly here: install Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32, or set WASI_SDK_PATH to the folder of wasi-sdk (https://github.com/WebAssembly/wasi-sdk).",
  );
}

/** Whether it has the target, a C library, its own run-time library and a linker. */
async function makesWebAssembly(clang: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-c-'));
  try {
    writeFileSync(join(folder, 'probe.c'), PROBE);
    const { ok } = await runCompiler(clang, [...TARGET, 'probe.c', '-o', 'probe.wasm'], folder);
    return ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
