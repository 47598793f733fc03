/** What metering costs: the same program plain and metered, in turns, in one process. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { meter } from '../src/wasm/metering/meter.ts';
import { geometricMean, type Part, pairedRatio, type Row } from './measure.ts';

/** Each kernel with an argument that makes it run some tens of milliseconds. */
const KERNELS = {
  fibonacci: 30,
  sieve: 2_000_000,
  matrices: 160,
  hash: 5_000_000,
  interpreter: 4_000_000,
  trees: 15,
  strings: 60_000,
} as const;

const ROUNDS = 15;

interface Compiler {
  main(args: readonly string[]): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

/** By a name that is not seen by the type check: the compiler's types redefine `console`. */
async function loadCompiler(): Promise<Compiler> {
  const specifier = 'assemblyscript/asc';
  return ((await import(specifier)) as { default: Compiler }).default;
}

async function compileKernels(): Promise<Uint8Array<ArrayBuffer>> {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    const output = join(directory, 'kernels.wasm');
    const source = fileURLToPath(new URL('./kernels.as.ts', import.meta.url));
    const { error, stderr } = await (await loadCompiler()).main([
      source,
      ...['-o', output, '-O3', '--runtime', 'incremental', '--use', 'abort='],
    ]);
    if (error !== null) {
      throw new Error(`The kernels do not compile: ${stderr.toString()}`);
    }
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Kernel = (argument: number) => number;

function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  imports: WebAssembly.Imports,
): Record<string, Kernel> {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return instance.exports as unknown as Record<string, Kernel>;
}

export const metered: Part = {
  name: 'metered',
  what: 'run time of metered code against the plain module',
  async run() {
    const bytes = await compileKernels();
    const rewritten = meter(bytes);
    const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 2n ** 62n);
    const depth = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
    const injected = {
      fuel,
      depth,
      // No program here uses up what it is given: 2 ends it.
      check: () => 2,
      suspend: () => {},
      grow: () => 1,
      ungrow: () => {},
      exhausted_depth: () => {},
    };
    const plain = instantiate(bytes, {});
    const withFuel = instantiate(rewritten.bytes, { [rewritten.injected]: injected });
    // The start function was made an export, so that it can be metered and suspended.
    withFuel[rewritten.startExport ?? '']?.(0);
    const rows: Row[] = Object.entries(KERNELS).map(([name, argument]) => {
      const before = fuel.value;
      if (plain[name]?.(argument) !== withFuel[name]?.(argument)) {
        throw new Error(`${name} answers something else when it is metered`);
      }
      const units = Number(before - fuel.value);
      const ratio = pairedRatio(
        ROUNDS,
        () => withFuel[name]?.(argument),
        () => plain[name]?.(argument),
      );
      return { part: 'metered', name, value: `${units} units`, ratio, against: 'plain' };
    });
    const ratios = rows.map(({ ratio }) => ratio ?? Number.NaN);
    rows.push({
      part: 'metered',
      name: 'geometric mean',
      value: `${rewritten.bytes.length} of ${bytes.length} bytes`,
      ratio: geometricMean(ratios),
      against: 'plain',
    });
    return rows;
  },
};
