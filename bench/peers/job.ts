/** The work that every subject does, in each its own way: the same answers, checked. */

import type { Program } from './subject.ts';

/**
 * What one life of a subject does: nothing, so that only its start and end are measured; to compute; to
 * ask the host for its monotonic clock again and again.
 */
export type Job = 'nothing' | 'compute' | 'calls';
export const JOBS: readonly Job[] = ['nothing', 'compute', 'calls'];

/** Steps of the hash that is computed, and its value after them. The guests have both in `kernel.as.ts`. */
export const STEPS = 20_000_000;
export const HASH = hash(STEPS);
/** Calls of the host. */
export const CALLS = 100_000;

/** FNV-1a over the numbers below `steps`, in 32 bits. */
export function hash(steps: number): number {
  // Looked up once: a global of node:vm's contexts is found slowly.
  const { imul } = Math;
  let value = 0x811c9dc5 | 0;
  for (let step = 0; step < steps; step += 1) {
    value = imul(value ^ step, 0x01000193);
  }
  return value;
}

/** The job for what runs JavaScript: a script whose value is a number. It calls `now` of its host. */
export const SCRIPTS: Readonly<Record<Job, string>> = {
  nothing: '1',
  compute: `(${hash.toString()})(${STEPS})`,
  calls: `(() => { let last = 0; for (let call = 0; call < ${CALLS}; call += 1) last = now(); return last > 0 ? 1 : 0; })()`,
};

/** @throws {Error} as below */
export function requireBits(program: Program, bits: unknown): void {
  if (String(bits) !== program.bits) {
    throw new Error(`${program.name} answered ${String(bits)}, and ${program.bits} is right`);
  }
}

/** The bits of a double, in decimal. */
export function bitsOf(value: number): string {
  return String(new BigUint64Array(Float64Array.of(value).buffer)[0]);
}

/** @throws {Error} where a subject did something else than it was to do: then it is not comparable */
export function requireAnswer(job: Job, answer: unknown): void {
  const expected = job === 'compute' ? HASH : 1;
  if (answer !== expected) {
    throw new Error(`${job} answered ${String(answer)}, and ${expected} is right`);
  }
}
