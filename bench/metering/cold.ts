/**
 * The first second of a large program: compiled anew, so that V8's baseline tier runs much of it while
 * the optimising one compiles beside it. Each run has a process of its own, as V8 keeps code.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Row } from '../measure.ts';
import { valuesInTurns } from '../rounds.ts';
import type { ColdRun } from './cold-child.ts';
import { readProgram, WORKLOADS_COLD, type Workload } from './programs.ts';
import { comparisonRows, geometricMeanRow, skippedRow } from './rows.ts';
import { SUBJECTS } from './subjects.ts';

const CHILD = fileURLToPath(new URL('cold-child.ts', import.meta.url));
const ROUNDS = 5;

/** Each large program's first second, and their means. */
export async function coldRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const workload of WORKLOADS_COLD) {
    const bytes = readProgram(workload.program);
    rows.push(
      ...(typeof bytes === 'string'
        ? [skippedRow(`${workload.name}, first second`, bytes)]
        : await rowsOf(workload)),
    );
  }
  const means = SUBJECTS.slice(1).map(({ name }) => geometricMeanRow('first second', name, rows));
  return [...rows, ...means];
}

async function rowsOf(workload: Workload): Promise<Row[]> {
  const answers = new Set<string>();
  const runs = SUBJECTS.map((subject) => async () => {
    const said = execFileSync(process.execPath, [CHILD, workload.name, subject.name], {
      encoding: 'utf8',
    });
    const { ms, answer } = JSON.parse(said) as ColdRun;
    answers.add(answer);
    return ms;
  });
  const measured = await valuesInTurns(ROUNDS, runs);
  if (answers.size !== 1) {
    throw new Error(`${workload.name}: not everyone answers the same`);
  }
  return comparisonRows(
    `${workload.name}, first second`,
    SUBJECTS.map(({ name }, index) => ({
      subject: name,
      rounds: measured[index]!,
      unitsUsed: null,
    })),
  );
}
