/** Small programs in AssemblyScript, each a function of one number. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each function of `kernels.as.ts` with an argument that makes it run some tens of milliseconds. */
export const KERNELS = {
  fibonacci: 35,
  sieve: 6_000_000,
  matrices: 240,
  hash: 20_000_000,
  interpreter: 25_000_000,
  trees: 18,
  strings: 300_000,
  garbage: 400_000,
  sort: 300_000,
  bodies: 400_000,
} as const;

/** As above, of `simd.as.ts`: apart, because not every peer knows SIMD. */
export const SIMD_KERNELS = { mandelbrot: 1_400, dots: 600_000 } as const;

interface Compiler {
  main(args: readonly string[]): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

/** By a name that is not seen by the type check: the compiler's types redefine `console`. */
async function loadCompiler(): Promise<Compiler> {
  const specifier = 'assemblyscript/asc';
  return ((await import(specifier)) as { default: Compiler }).default;
}

/** Compiles a source beside this file, with more of the compiler's options. */
export async function compileKernels(
  name: string,
  options: readonly string[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    const output = join(directory, 'kernels.wasm');
    const source = fileURLToPath(new URL(name, import.meta.url));
    const { error, stderr } = await (await loadCompiler()).main([
      source,
      ...['-o', output, '-O3', '--runtime', 'incremental', '--use', 'abort='],
      ...options,
    ]);
    if (error !== null) {
      throw new Error(`${name} does not compile: ${stderr.toString()}`);
    }
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
