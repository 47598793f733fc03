/** Makes guests of Rust, by the compiler and the libraries that Debian has: no crate is fetched. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentFromCore } from '../../../src/kit/build/make-component.ts';
import type { GuestWorld } from '../../../src/kit/build/wit-source.ts';

/** Debian's own second: another may stand before it that has no library for WebAssembly. */
const COMPILERS = ['rustc', '/usr/bin/rustc'];

/** What wasip1 is called since Rust 1.78, and before. */
const TARGETS = ['wasm32-wasip1', 'wasm32-wasi'];

const FLAGS = ['--edition=2021', '-Copt-level=s', '-Cstrip=symbols'];

/** A compiler, and what it calls its target. */
interface Toolchain {
  readonly rustc: string;
  readonly target: string;
}

function compiles(rustc: string, target: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-rust-'));
  try {
    const args = [...FLAGS, `--target=${target}`, '-', '-o', join(folder, 'probe.wasm')];
    return spawnSync(rustc, args, { input: 'fn main() {}', stdio: 'pipe' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function findToolchain(): Toolchain | null {
  for (const rustc of COMPILERS) {
    for (const target of TARGETS) {
      if (compiles(rustc, target)) {
        return { rustc, target };
      }
    }
  }
  return null;
}

const TOOLCHAIN = findToolchain();

/** Why nothing can be made of Rust here; null: it can. */
export const WHY_NO_RUST: string | null =
  TOOLCHAIN === null ? 'no rustc here has the library for wasip1 (libstd-rust-dev-wasm32)' : null;

/** Source files beside this one, by name. */
const source = (name: string): string => fileURLToPath(new URL(`${name}.rs`, import.meta.url));

function compile(name: string, output: string, args: readonly string[]): void {
  const { rustc } = TOOLCHAIN as Toolchain;
  const { status, stderr } = spawnSync(rustc, [...FLAGS, ...args, source(name), '-o', output], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(`${name}.rs: ${stderr}`);
  }
}

function coreOfRust(name: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-rust-'));
  try {
    const output = join(folder, `${name}.wasm`);
    compile(name, output, ['--crate-type=cdylib', `--target=${TOOLCHAIN?.target}`]);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same source for this machine, with its `main`. */
export const nativeOfRust = (name: string, output: string): void => compile(name, output, []);

/** A component, of a library that exports what the world does by the canonical ABI. */
export const componentOfRust = (name: string, world: GuestWorld): Promise<Uint8Array> =>
  componentFromCore(coreOfRust(name), {
    world,
    stringEncoding: 'utf8',
    file: `${name}.rs`,
    importsWasip1: true,
  });
