/** Components that compilers of others make: handlers of HTTP in JavaScript, and whatever in C. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentize } from '@bytecodealliance/componentize-js';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { type GuestWorld, jcoFolder, WASI_VERSION } from '../../src/kit/build/wit-source.ts';

/** The version that the engine of componentize-js is built for. */
const ENGINE_VERSION = '0.2.10';

/** The text of a WASI package in a version; of what is not there the newer text, which is the same. */
function packageText(name: string): string {
  const folder = join(jcoFolder(), 'lib', 'wit', 'builtin');
  const file = [ENGINE_VERSION, WASI_VERSION]
    .map((version) => join(folder, version, name, 'package.wit'))
    .find(existsSync);
  return readFileSync(file ?? '', 'utf8')
    .replaceAll(WASI_VERSION, ENGINE_VERSION)
    .replace(/^world [\s\S]*?^}\n/gm, '')
    .replace(/^package ([^;]+);/m, 'package $1 {')
    .concat('\n}\n');
}

/** A component of a script that listens for `fetch` events. */
export async function componentOfScript(file: URL): Promise<Uint8Array> {
  const world = `package test:handler;
    world handler {
      import wasi:http/outgoing-handler@${ENGINE_VERSION};
      export wasi:http/incoming-handler@${ENGINE_VERSION};
    }\n`;
  const packages = ['wasi-io', 'wasi-clocks', 'wasi-http'].map(packageText);
  const { component } = await componentize(
    readFileSync(file, 'utf8'),
    [world, ...packages].join('\n'),
    // Its types know the form without a text of the world only.
    { worldName: 'handler' } as Parameters<typeof componentize>[2],
  );
  return component;
}

const FLAGS = ['--target=wasm32', '-Os', '-nostdlib', '-ffreestanding', '-Wl,--no-entry', '-s'];

/** Why nothing can be made of C here; null: it can. */
export function whyNoC(): string | null {
  const { status, error } = spawnSync('clang', [...FLAGS, '-x', 'c', '-', '-o', '/dev/null'], {
    input: '__attribute__((export_name("f"))) void f(void) {}',
    encoding: 'utf8',
  });
  return status === 0 ? null : `clang makes no WebAssembly here (${error?.message ?? status})`;
}

/** A component of a file in C. */
export async function componentOfC(file: URL, world: GuestWorld): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-c-'));
  try {
    const core = join(folder, 'core.wasm');
    const { status, stderr } = spawnSync('clang', [...FLAGS, fileURLToPath(file), '-o', core], {
      encoding: 'utf8',
    });
    if (status !== 0) {
      throw new Error(stderr);
    }
    const options = { world, stringEncoding: 'utf8', file: file.pathname } as const;
    return await componentFromCore(readFileSync(core), options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
