/** What is wrong with a policy file, and where. */

import { RingfenceError } from '../errors.ts';

/** Problems that are told of one file; whoever has more mends these first. */
const PROBLEMS_MAX = 100;

/** A place in a text; both from 1, columns in UTF-16 units, as editors count them. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong, and where it is written. */
export interface PolicyProblem extends Place {
  readonly message: string;
}

/** Problems in the order of the file. */
export function inOrder(problems: readonly PolicyProblem[]): PolicyProblem[] {
  return problems.toSorted((one, other) => one.line - other.line || one.column - other.column);
}

/** A policy that can't be used: `RF_POLICY`, with all that is wrong with it. */
export class PolicyError extends RingfenceError {
  /** In the order of the file, {@link PROBLEMS_MAX} at the most; the message names the first. */
  readonly problems: readonly PolicyProblem[];
  /** How many there are, those that are not told included. */
  readonly count: number;

  /** `found` has at least one problem. */
  constructor(file: string, found: readonly PolicyProblem[]) {
    const problems = inOrder(found).slice(0, PROBLEMS_MAX);
    const { line, column, message } = problems[0] ?? {
      line: 1,
      column: 1,
      message: 'not understood',
    };
    const more = found.length - 1;
    const others =
      more <= 0 ? '' : more === 1 ? ' (and one problem more)' : ` (and ${more} problems more)`;
    super('RF_POLICY', `Cannot use the policy: ${file}:${line}:${column}: ${message}${others}.`, {
      file,
      line,
      column,
    });
    this.name = 'PolicyError';
    this.problems = problems;
    this.count = found.length;
  }
}
