/**
 * Two commits on the same machine in turns, A B B A: what became slower or faster. Compared are the numbers
 * of rows that have some, and ratios of those that have not.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part, Row } from './measure.ts';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const ROUNDS = 2;
/** One run's rows are JSON of less. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Measures the parts of these files and of another commit. A part that the other has not is left out.
 *
 * @throws {Error} where there is no such commit, or its packages can't be installed
 */
export async function against(ref: string, parts: readonly Part[]): Promise<Row[]> {
  const commit = run(HERE, 'git', 'rev-parse', '--short=12', '--verify', `${ref}^{commit}`).trim();
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  const there = join(folder, 'other');
  run(HERE, 'git', 'worktree', 'add', '--detach', there, commit);
  try {
    run(there, 'npm', 'ci', '--no-audit', '--no-fund');
    const rows: Row[] = [];
    for (const part of parts) rows.push(...ofPart(part, there, commit));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    run(HERE, 'git', 'worktree', 'prune');
  }
}

function ofPart({ name, what }: Part, there: string, commit: string): Row[] {
  if (process.stderr.isTTY) process.stderr.write(`${name}: ${what}\n`);
  const ours: Row[][] = [];
  const others: Row[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const turns = [() => ours.push(measured(HERE, name)), () => others.push(measured(there, name))];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) turn();
  }
  return (ours[0] ?? []).flatMap((row) => {
    const now = best(ours, row);
    const before = best(others, row);
    if (now === null || before === null) return [];
    const shown = (value: number): string => value.toPrecision(3);
    const unit = row.stats?.unit ?? '(ratio)';
    return [
      {
        part: name,
        name: row.name,
        value: `${shown(now)} ${unit}, before ${shown(before)}`,
        ratio: now / before,
        against: commit,
      },
    ];
  });
}

/** Of a row in all rounds the best, as others use the machine at times; null: it has no number. */
function best(rounds: readonly (readonly Row[])[], { name, stats }: Row): number | null {
  const values = rounds.flatMap((rows) => {
    const row = rows.find((each) => each.name === name);
    const value = row?.stats?.median ?? row?.ratio;
    return value === undefined || value === null ? [] : [value];
  });
  if (values.length < rounds.length) return null;
  return stats?.better === 'more' ? Math.max(...values) : Math.min(...values);
}

function measured(folder: string, part: string): Row[] {
  const out = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    return JSON.parse(
      run(folder, process.execPath, 'bench/main.ts', '--json', '--out', out, part),
    ) as Row[];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function run(folder: string, program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
