/** Finds a compiler of Rust that has its library for WebAssembly. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';
import { programsNamed, runCompiler } from '../build/run-compiler.ts';

/** A compiler, and what it calls its target. */
export interface RustToolchain {
  readonly rustc: string;
  readonly target: string;
}

/** What wasip1 is called since Rust 1.78, and before. */
const TARGETS = ['wasm32-wasip1', 'wasm32-wasi'];

/**
 * The first rustc on the path with the library: where rustup's own has none, the system's behind it may.
 *
 * @throws {RingfenceError} `RF_COMPILER_MISSING` with what to install.
 */
export async function findRustToolchain(): Promise<RustToolchain> {
  for (const rustc of programsNamed('rustc')) {
    for (const target of TARGETS) {
      if (await compiles(rustc, target)) return { rustc, target };
    }
  }
  throw new RingfenceError(
    'RF_COMPILER_MISSING',
    "No compiler of Rust makes WebAssembly here: install Debian's rustc, libstd-rust-dev-wasm32 and lld, or run 'rustup target add wasm32-wasip1' where rustup is.",
  );
}

/** Whether it has the library and a linker. */
async function compiles(rustc: string, target: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-rust-'));
  try {
    writeFileSync(join(folder, 'probe.rs'), 'fn main() {}\n');
    const { ok } = await runCompiler(
      rustc,
      [`--target=${target}`, 'probe.rs', '-o', 'probe.wasm'],
      folder,
    );
    return ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
