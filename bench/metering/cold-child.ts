/**
 * What runs in a process of its own: compiles and runs one of the large programs once, and says how long
 * that took by the clock, as a guest waits for what other threads compile. Rewriting isn't counted:
 * agents run what was rewritten when it was loaded.
 */

import { timeAsync } from '../measure.ts';
import { answerOf, readProgram, runProgram, WORKLOADS_COLD } from './programs.ts';
import { SUBJECTS } from './subjects.ts';

/** Its standard output, as JSON. */
export interface ColdRun {
  readonly ms: number;
  readonly answer: string;
}

async function run([workloadName, subjectName]: readonly string[]): Promise<ColdRun> {
  const workload = WORKLOADS_COLD.find(({ name }) => name === workloadName)!;
  const subject = SUBJECTS.find(({ name }) => name === subjectName)!;
  const bytes = readProgram(workload.program);
  if (typeof bytes === 'string') {
    throw new Error(bytes);
  }
  const build = subject.build(bytes);
  const input = workload.input(new Map());
  let answer = '';
  const ms = await timeAsync(async () => {
    const module = new WebAssembly.Module(build.bytes);
    const { outcome } = await runProgram(module, build.instantiate, input);
    answer = answerOf(workload.name, outcome);
  });
  return { ms, answer };
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(process.argv.slice(2))));
}
