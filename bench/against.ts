/** Two commits on the same machine in turns, A B B A A B: what became worse or better. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part, Row } from './measure.ts';
import type { Results } from './results.ts';
import { number, table } from './table.ts';

const HERE = fileURLToPath(new URL('..', import.meta.url));
/** By chance alone all three of one side are above all of the other in one comparison of twenty. */
const ROUNDS = 3;
/** What is nearer is not told: a machine's speed drifts by more. */
const APART = 1.1;
/** One run's rows are JSON of less. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** One measure of both commits. */
export interface Change {
  readonly part: string;
  readonly name: string;
  readonly unit: string;
  /** Its median in each of the rounds. */
  readonly now: readonly number[];
  readonly before: readonly number[];
  /** The best of `now` by the best of `before`, as others use the machine at times. */
  readonly ratio: number;
  /** `same` unless all rounds of one side lie on one side of all of the other, and are a tenth away. */
  readonly verdict: 'worse' | 'better' | 'same';
  /** The commit before. */
  readonly against: string;
}

/**
 * Measures the parts of these files and of another commit. Compared are the rows that have numbers in both.
 *
 * @throws {Error} where there is no such commit, its packages can't be installed, or a part fails
 */
export function against(
  ref: string,
  parts: readonly Part[],
  progress: (part: Part) => void,
): Change[] {
  const commit = run(HERE, 'git', 'rev-parse', '--short=12', '--verify', `${ref}^{commit}`).trim();
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  const there = join(folder, 'other');
  // Ctrl-C ends the program that is waited for: what was made for it is taken away then, too.
  const interrupted = (): void => {};
  process.on('SIGINT', interrupted);
  try {
    run(HERE, 'git', 'worktree', 'add', '--detach', there, commit);
    run(there, 'npm', 'ci', '--no-audit', '--no-fund');
    return parts.flatMap((part) => {
      progress(part);
      return changesOf(part.name, commit, ...inTurns(part.name, there));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    run(HERE, 'git', 'worktree', 'prune');
    process.off('SIGINT', interrupted);
  }
}

function inTurns(part: string, there: string): [Row[][], Row[][]] {
  const now: Row[][] = [];
  const before: Row[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const turns = [() => now.push(measured(HERE, part)), () => before.push(measured(there, part))];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) turn();
  }
  return [now, before];
}

/** What differs between the rounds of two commits. */
export function changesOf(
  part: string,
  commit: string,
  now: readonly (readonly Row[])[],
  before: readonly (readonly Row[])[],
): Change[] {
  return (now[0] ?? []).flatMap(({ name, stats }) => {
    if (stats === undefined) return [];
    const [ours, others] = [mediansOf(now, name), mediansOf(before, name)];
    if (ours.length < now.length || others.length < before.length) return [];
    const { unit, better } = stats;
    const ratio = best(ours, better) / best(others, better);
    const verdict = verdictOf(ours, others, better);
    return [{ part, name, unit, now: ours, before: others, ratio, verdict, against: commit }];
  });
}

function mediansOf(rounds: readonly (readonly Row[])[], name: string): number[] {
  return rounds.flatMap((rows) => rows.find((row) => row.name === name)?.stats?.median ?? []);
}

type Better = NonNullable<Row['stats']>['better'];

const best = (values: readonly number[], better: Better): number =>
  better === 'more' ? Math.max(...values) : Math.min(...values);

function verdictOf(
  now: readonly number[],
  before: readonly number[],
  better: Better,
): Change['verdict'] {
  const above = Math.min(...now) > Math.max(...before) * APART;
  const below = Math.max(...now) * APART < Math.min(...before);
  if (!above && !below) return 'same';
  return above === (better === 'more') ? 'better' : 'worse';
}

/** The changes as a table, and in a sentence how many there are. */
export function tableOfChanges(changes: readonly Change[]): string {
  const rows = changes.map(({ part, name, unit, now, before, ratio, verdict, against }) => ({
    part,
    name,
    value: `${verdict}: ${now.map(number).join(', ')} ${unit}, before ${before.map(number).join(', ')}`,
    ratio,
    against,
  }));
  const count = (verdict: Change['verdict']): number =>
    changes.filter((change) => change.verdict === verdict).length;
  return `${table(rows)}\n\n${count('worse')} worse, ${count('better')} better, ${count('same')} the same. Measure a part alone to be sure.`;
}

function measured(folder: string, part: string): Row[] {
  const out = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  const args = ['bench/main.ts', '--json', '--no-page', '--out', out, part];
  try {
    const results = JSON.parse(run(folder, process.execPath, ...args)) as Results[];
    return results.flatMap(({ rows }) => rows);
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
