/** Steady state: kernels and whole programs run over and over until V8's best code runs. */

import { cpuTime, type Row } from '../measure.ts';
import { valuesInTurns } from '../rounds.ts';
import { compileKernels, KERNELS, SIMD_KERNELS } from './kernels.ts';
import { answerOf, readProgram, runProgram, WORKLOADS_STEADY, type Workload } from './programs.ts';
import { comparisonRows, geometricMeanRow, skippedRow } from './rows.ts';
import { SUBJECTS } from './subjects.ts';

const KERNEL_ROUNDS = 15;
const PROGRAM_ROUNDS = 9;

/** What a subject does once. */
type Run = () => Promise<Result>;

interface Result {
  /** The same for all subjects. */
  readonly answer: string;
  readonly unitsUsed: number | null;
}

/** The kernels and their means. */
export async function kernelRows(): Promise<Row[]> {
  const rows = [
    ...(await rowsOfKernels(await compileKernels('kernels.as.ts'), KERNELS)),
    ...(await rowsOfKernels(
      await compileKernels('simd.as.ts', ['--enable', 'simd']),
      SIMD_KERNELS,
    )),
  ];
  return [...rows, ...means('kernels', rows)];
}

/** The programs and their means. */
export async function programRows(): Promise<Row[]> {
  const rows: Row[] = [];
  const outputs = new Map<string, Uint8Array>();
  for (const workload of WORKLOADS_STEADY) {
    const bytes = readProgram(workload.program);
    rows.push(
      ...(typeof bytes === 'string'
        ? [skippedRow(workload.name, bytes)]
        : await rowsOfProgram(workload, bytes, outputs)),
    );
  }
  return [...rows, ...means('programs', rows)];
}

async function rowsOfKernels(
  bytes: Uint8Array<ArrayBuffer>,
  kernels: Readonly<Record<string, number>>,
): Promise<Row[]> {
  const running = await Promise.all(
    SUBJECTS.map((subject) => {
      const build = subject.build(bytes);
      return build.instantiate(new WebAssembly.Module(build.bytes), {});
    }),
  );
  const rows: Row[] = [];
  for (const [name, argument] of Object.entries(kernels)) {
    const runs = running.map(
      (instance): Run =>
        async () => {
          const before = instance.unitsUsed();
          const answer = String(await instance.call(name, argument));
          return { answer, unitsUsed: before === null ? null : instance.unitsUsed()! - before };
        },
    );
    rows.push(...(await compare(name, runs, KERNEL_ROUNDS)));
  }
  return rows;
}

async function rowsOfProgram(
  workload: Workload,
  bytes: Uint8Array<ArrayBuffer>,
  outputs: Map<string, Uint8Array>,
): Promise<Row[]> {
  const input = workload.input(outputs);
  const runs = SUBJECTS.map((subject): Run => {
    const build = subject.build(bytes);
    const module = new WebAssembly.Module(build.bytes);
    return async () => {
      const { outcome, unitsUsed } = await runProgram(module, build.instantiate, input);
      outputs.set(workload.name, outcome.stdout);
      return { answer: answerOf(workload.name, outcome), unitsUsed };
    };
  });
  return compare(workload.name, runs, PROGRAM_ROUNDS);
}

async function compare(name: string, runs: readonly Run[], rounds: number): Promise<Row[]> {
  const results: Result[] = [];
  for (const run of runs) {
    results.push(await run());
  }
  for (const [index, { answer }] of results.entries()) {
    if (answer !== results[0]!.answer) {
      throw new Error(`${name} answers something else when it is ${SUBJECTS[index]!.name}`);
    }
  }
  const measured = await valuesInTurns(
    rounds,
    runs.map((run) => () => cpuTime(run)),
  );
  return comparisonRows(
    name,
    SUBJECTS.map((subject, index) => ({
      subject: subject.name,
      rounds: measured[index]!,
      unitsUsed: results[index]!.unitsUsed,
    })),
  );
}

function means(what: string, rows: readonly Row[]): Row[] {
  return SUBJECTS.slice(1).map(({ name }) => geometricMeanRow(what, name, rows));
}
