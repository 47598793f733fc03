/** `ringfence policy check` and `policy schema`: what is wrong with a policy, and how one is written. */

import { loadPolicy, PolicyError, type PolicyProblem, policyJsonSchema } from '../index.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import type { PolicyCheckInvocation } from './invocation.ts';
import { printableJson, printableLine } from './printable.ts';

/** What `--json` prints; keys are only ever added. */
interface Checked {
  readonly file: string;
  readonly ok: boolean;
  /** How many entries it has; null where it can't be used. */
  readonly entries: number | null;
  /** How many problems there are; those of very many are not all told. */
  readonly problem_count: number;
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

async function check(file: string): Promise<Checked> {
  try {
    const { entries, warnings } = await loadPolicy(file);
    return { file, ok: true, entries, problem_count: 0, problems: [], warnings };
  } catch (error) {
    if (error instanceof PolicyError) {
      const { count, problems } = error;
      return { file, ok: false, entries: null, problem_count: count, problems, warnings: [] };
    }
    throw error;
  }
}

const count = (amount: number, one: string, many: string): string =>
  `${amount} ${amount === 1 ? one : many}`;

/** A line for each problem, in the form that editors and terminals know, and one for the whole. */
function describe({ file, entries, problem_count, problems, warnings }: Checked): string {
  const untold = problem_count - problems.length;
  const line = ({ line: at, column, message }: PolicyProblem, mark: string) =>
    printableLine(`${file}:${at}:${column}: ${mark}${message}`);
  const all = [
    ...problems.map((problem) => line(problem, '')),
    ...warnings.map((warning) => line(warning, 'warning: ')),
    entries === null
      ? `${printableLine(file)}: ${count(problem_count, 'problem', 'problems')}${untold > 0 ? `, ${untold} of them not told here` : ''}`
      : `${printableLine(file)}: ok, ${count(entries, 'entry', 'entries')}`,
  ];
  return `${all.join('\n')}\n`;
}

/**
 * Checks a policy, prints all that is wrong with it, and answers the exit status.
 *
 * @throws {RingfenceError} `RF_FILE` where it can't be read
 */
export async function checkPolicy(
  { policyPath, json }: PolicyCheckInvocation,
  { stdout }: Environment,
): Promise<number> {
  const checked = await check(policyPath);
  const text = json ? `${printableJson(checked)}\n` : describe(checked);
  // A reader that has seen enough is no failure.
  await stdout.write(Buffer.from(text)).catch(() => {});
  return checked.ok ? STATUS.ok : STATUS.usage;
}

/** Prints the JSON Schema of a policy, and answers the exit status. */
export async function printPolicySchema({ stdout }: Environment): Promise<number> {
  await stdout
    .write(Buffer.from(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`))
    .catch(() => {});
  return STATUS.ok;
}
