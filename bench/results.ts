/** What was measured, kept in files: one of JSON for each part, with the commit and the machine that it is of. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './measure.ts';

/** Where results are committed. */
export const RESULTS = fileURLToPath(new URL('results/', import.meta.url));

/** One part's results. */
export interface Results {
  readonly part: string;
  /** The commit that was measured; with `+` where files of the project differed from it. */
  readonly commit: string;
  readonly date: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

/** What it was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** Processes that wanted to run in the minute before, on average: near 0 on a machine that is let alone. */
  readonly loadBefore: number;
}

/** To be asked before anything is measured. */
export function machineNow(loadBefore: number): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() || 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // Without what a distribution or a host adds to the version.
    system: `${type()} ${release().replace(/-.*/, '')} ${arch()}`,
    node: process.version,
    v8: process.versions.v8,
    loadBefore: Math.round(loadBefore * 100) / 100,
  };
}

export function commitNow(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: RESULTS_PARENT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', ':!bench/results', ':/');
  return `${git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : '+'}`;
}

const RESULTS_PARENT = fileURLToPath(new URL('..', import.meta.url));

export function writeResults(folder: string, results: Results): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.part}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

/** All parts' results that a folder has, by the parts' names. */
export function readResults(folder: string): Results[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Results);
}
