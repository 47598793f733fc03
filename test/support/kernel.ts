/** A kernel for tests: its own cache, its log lines and warnings kept. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type KernelOptions, type LogLine, openKernel } from '../../src/index.ts';

const BUILD = new URL('../../guest-examples/build/', import.meta.url);

/** The file of a built guest. */
export const guest = (name: string): URL => new URL(`${name}.wasm`, BUILD);

/** One cache for the tests of a process: what is prepared once is enough. */
const cacheDirectory = mkdtempSync(join(tmpdir(), 'ringfence-test-cache-'));
process.on('exit', () => rmSync(cacheDirectory, { recursive: true, force: true }));

export interface TestKernel {
  readonly kernel: Kernel;
  readonly lines: LogLine[];
  readonly warnings: string[];
}

export async function testKernel(options: KernelOptions = {}): Promise<TestKernel> {
  const lines: LogLine[] = [];
  const warnings: string[] = [];
  const kernel = await openKernel({
    workers: 2,
    cacheDirectory,
    onLog: (line) => lines.push(line),
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  return { kernel, lines, warnings };
}
