/** What was measured, kept in one file: of each part its rows, with the commit and the machine that they are of. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './measure.ts';

/** Where results are committed. */
export const RESULTS = fileURLToPath(new URL('results/', import.meta.url));

const FILE = 'results.json';

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

/** Puts what was measured of parts into a folder's file, in the place of what it had of them. */
export function writeResults(folder: string, measured: readonly Results[]): void {
  const others = readResults(folder).filter(
    ({ part }) => !measured.some((each) => each.part === part),
  );
  const all = [...others, ...measured].sort((a, b) => (a.part < b.part ? -1 : 1));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, FILE);
  // Whole or not at all: the file may hold hours of measuring.
  writeFileSync(`${file}.new`, `${JSON.stringify(all, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** All parts' results that a folder has, by the parts' names. */
export function readResults(folder: string): Results[] {
  const file = join(folder, FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results[]) : [];
}

/** The machine in one line. */
export function describeMachine(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node, v8, loadBefore } = machine;
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node.slice(1)}, V8 ${v8}, load before ${loadBefore}`;
}
