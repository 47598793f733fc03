/** The rewriter itself: how fast it is, what memory it takes, and how much larger a module gets. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Row, statsOf } from '../measure.ts';
import { compileKernels } from './kernels.ts';
import { type ProgramName, readProgram } from './programs.ts';
import type { RewriterUsage } from './rewriter-child.ts';
import { skippedRow } from './rows.ts';
import { METERED, TRAP_ONLY } from './subjects.ts';

const CHILD = fileURLToPath(new URL('rewriter-child.ts', import.meta.url));

/** What componentize-js, which jco brings along, puts a script into. */
const SCRIPT_ENGINE = fileURLToPath(
  new URL(
    '../../node_modules/@bytecodealliance/componentize-js/lib/starlingmonkey_embedding_weval.wasm',
    import.meta.url,
  ),
);

/** Large enough that the rewriter's own warming up isn't all that is seen. */
const MEASURED = ['sqlite3', 'python', 'starlingmonkey'] as const;

type ModuleName = ProgramName | 'starlingmonkey';

/** Speed and memory of the rewriter on each large module. */
export async function rewriterRows(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    const warmup = join(folder, 'kernels.wasm');
    writeFileSync(warmup, await compileKernels('kernels.as.ts'));
    return MEASURED.flatMap((name) => {
      const bytes = readModule(name);
      if (typeof bytes === 'string') {
        return [skippedRow(`rewriting ${name}`, bytes)];
      }
      const path = join(folder, `${name}.wasm`);
      writeFileSync(path, bytes);
      return usageRows(name, bytes, warmup, path);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The size of each module, metered, against what of it isn't custom sections. */
export function growthRows(): Row[] {
  const names: readonly ModuleName[] = ['bzip2', 'lua', 'duk', ...MEASURED];
  return names.flatMap((name) => {
    const bytes = readModule(name);
    if (typeof bytes === 'string') {
      return [skippedRow(`size of ${name}`, bytes)];
    }
    const plain = sizeWithoutCustomSections(bytes);
    return [METERED, TRAP_ONLY].map((subject) => {
      const metered = sizeWithoutCustomSections(subject.build(bytes).bytes);
      return {
        part: 'metering',
        name: `size of ${name}, ${subject.name}`,
        value: `${megabytes(metered)} of ${megabytes(plain)} MB`,
        ratio: metered / plain,
        against: 'plain',
        stats: statsOf([metered / 1e6], 'MB'),
      };
    });
  });
}

function usageRows(name: string, bytes: Uint8Array, warmup: string, path: string): Row[] {
  const nothing = usage([warmup]);
  const { firstMs, leastMs, peakBytes } = usage([warmup, path]);
  const size = bytes.length;
  const taken = peakBytes - nothing.peakBytes - size;
  // What is only dropped would make it look fast.
  const worked = sizeWithoutCustomSections(bytes);
  const speed = (ms: number): string => (worked / 1e3 / ms).toFixed(0);
  return [
    {
      part: 'metering',
      name: `rewriting ${name}, speed`,
      value: `${speed(leastMs)} MB/s; ${speed(firstMs)} MB/s (${firstMs.toFixed(0)} ms) at first`,
      ratio: null,
      against: '',
      stats: statsOf([worked / 1e3 / leastMs], 'MB a second', 'more'),
    },
    {
      part: 'metering',
      name: `rewriting ${name}, peak memory`,
      value: `${megabytes(taken)} MB beside the module's ${megabytes(size)} MB`,
      ratio: taken / size,
      against: 'the module',
      stats: statsOf([taken / 1e6], 'MB'),
    },
  ];
}

/** In a process of its own: a peak is the process's. */
function usage(paths: readonly string[]): RewriterUsage {
  const said = execFileSync(process.execPath, ['--single-threaded', CHILD, ...paths], {
    encoding: 'utf8',
  });
  return JSON.parse(said) as RewriterUsage;
}

function readModule(name: ModuleName): Uint8Array<ArrayBuffer> | string {
  if (name !== 'starlingmonkey') {
    return readProgram(name);
  }
  return existsSync(SCRIPT_ENGINE)
    ? new Uint8Array(readFileSync(SCRIPT_ENGINE))
    : 'no componentize-js in node_modules';
}

function sizeWithoutCustomSections(bytes: Uint8Array): number {
  let size = 8;
  for (let at = 8; at < bytes.length; ) {
    const start = at;
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      at += 1;
      byte = bytes[at]!;
      length += (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    at += 1 + length;
    size += bytes[start] === 0 ? 0 : at - start;
  }
  return size;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
