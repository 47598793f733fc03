/** What a recording says of its run: the form of that, and what of it can't be. */

import * as z from 'zod';
import { RECORDING_BYTES_MAX } from './kept.ts';
import type { Survey } from './survey.ts';
import { damaged } from './values.ts';

export const HEADER_BYTES_MAX = 64 * 1024;
/** Characters of a name. Longer ones are cut. */
export const TEXT_CHARACTERS_MAX = 256;
/** Characters of an exit's message: twice those of a guest's. Longer ones are cut. */
export const MESSAGE_CHARACTERS_MAX = 8192;

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const shortText = z.string().max(TEXT_CHARACTERS_MAX);
const output = z.strictObject({ bytes: count, sha256 });

const headerSchema = z.strictObject({
  ringfence: shortText,
  node: shortText,
  v8: shortText,
  arch: shortText,
  module_sha256: sha256,
  agent_id: shortText,
  pid: count,
  isolation: z.enum(['shared', 'thread', 'process']),
  world: z.enum(['ringfence:agent', 'wasi:cli']),
  fuel_table: count,
  features: z.strictObject({ gc: z.boolean(), relaxed_simd: z.boolean() }),
  limits: z.strictObject({ fuel: count, memory_bytes: count }),
  entries_bytes: count.max(RECORDING_BYTES_MAX),
  calls: count,
  cut: z.enum(['full', 'lost']).nullable(),
  exit: z.strictObject({
    code: z.int32().nullable(),
    reason: z.enum([
      'normal',
      'error',
      'trap',
      'fuel',
      'cpu_time',
      'timeout',
      'killed',
      'internal',
      'worker_lost',
      'reaped',
    ]),
    message: z.string().max(MESSAGE_CHARACTERS_MAX).nullable(),
  }),
  ended_outside: z.boolean(),
  fuel: count,
  memory_bytes: count,
  stdout: output.nullable(),
  stderr: output.nullable(),
});

/** What a recording says of its run, under the names of the file (docs/replay.md). */
export type RecordingHeader = Readonly<z.infer<typeof headerSchema>>;

/** @throws {RingfenceError} `RF_RECORDING_INVALID` */
export function readHeader(json: Buffer): RecordingHeader {
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch {
    throw damaged('what it says of its run is no JSON');
  }
  const parsed = headerSchema.safeParse(value);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw damaged(`what it says of its run has not its form, at '${where.slice(0, 64)}'`);
  }
  return parsed.data;
}

/**
 * How an agent ends that is ended from outside. All else is its own doing, which is replayed and not taken from the
 * header: but for a heap that is full, which is so where garbage was collected.
 */
const ENDS_OUTSIDE: ReadonlySet<string> = new Set([
  'killed',
  'timeout',
  'cpu_time',
  'reaped',
  'internal',
  'worker_lost',
]);

/** What no run says of itself: its header against its entries, or against itself. Null: nothing. */
export function contradictionIn(
  { calls, cut, ended_outside, exit, features, fuel, stdout, stderr }: RecordingHeader,
  survey: Survey,
): string | null {
  if (survey.calls !== calls) {
    return `it has ${survey.calls} calls and says ${calls}`;
  }
  if (survey.fuel > fuel) {
    return 'a call in it comes behind its end';
  }
  if (survey.hasLast && (cut !== null || ended_outside)) {
    return 'it says that it is cut, or was ended from outside, and ends in a call';
  }
  if (cut === null && (stdout === null || stderr === null)) {
    return 'it goes to the end of its run and does not say what that has written';
  }
  const isHeap = exit.reason === 'trap' && features.gc;
  if (ended_outside && !ENDS_OUTSIDE.has(exit.reason) && !isHeap) {
    return `it says that it was ended from outside, and by ${exit.reason}`;
  }
  return null;
}
