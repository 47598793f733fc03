// The work of the job `compute`, the same in every guest: see job.ts.

export const STEPS: i32 = 20_000_000;
export const CALLS: i32 = 100_000;

export function hash(): i32 {
  let value: i32 = 0x811c9dc5;
  for (let step = 0; step < STEPS; step++) value = (value ^ step) * 0x01000193;
  return value;
}
