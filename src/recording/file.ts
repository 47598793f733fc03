/**
 * A recording as a file (docs/replay.md): what ran and how it ended as JSON, then the entries, compressed.
 * It may come from anybody: what is read is bounded before it is made, and checked before it is used.
 */

import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { EntryReader } from './entries.ts';
import { type TracedCall, traceOf } from './trace.ts';
import { damaged } from './values.ts';

/** Bytes of entries that a recording may have, unless less is said. */
export const RECORDING_BYTES_DEFAULT = 64 * 1024 * 1024;
/** More are neither kept nor read. */
export const RECORDING_BYTES_MAX = 256 * 1024 * 1024;
/** The largest file that is read: what can't be compressed is a little longer for it. */
const RECORDING_FILE_BYTES_MAX = RECORDING_BYTES_MAX + 1024 * 1024;

const MAGIC = Buffer.from('RFRECORD', 'latin1');
const VERSION = 1;
/** The magic, the version, the length of the header. */
const PREFIX_BYTES = 16;
const HEADER_BYTES_MAX = 64 * 1024;
const SHA256_BYTES = 32;

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const shortText = z.string().max(256);
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
    message: z.string().max(8192).nullable(),
  }),
  ended_outside: z.boolean(),
  fuel: count,
  memory_bytes: count,
  stdout: output.nullable(),
  stderr: output.nullable(),
});

/** What a recording says of its run, under the names of the file (docs/replay.md). */
export type RecordingHeader = Readonly<z.infer<typeof headerSchema>>;

/** What an agent's host calls have answered, and how it ended. */
export class Recording {
  /** The file. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the file, hexadecimal: what a receipt names. */
  readonly digest: string;
  readonly header: RecordingHeader;
  /** Its entries, for who replays them. */
  readonly entries: Uint8Array;

  /** Use {@link readRecording}, or record a run. */
  constructor(bytes: Uint8Array, header: RecordingHeader, entries: Uint8Array) {
    this.bytes = bytes;
    this.digest = hash('sha256', bytes, 'hex');
    this.header = header;
    this.entries = entries;
  }

  /**
   * Its host calls, one after another, in short.
   *
   * @throws {RingfenceError} `RF_RECORDING_INVALID`, at the entry that can't be read
   */
  trace(): Generator<TracedCall> {
    return traceOf(this.entries);
  }
}

/** Makes a file of what was kept. */
export async function makeRecording(
  header: RecordingHeader,
  entries: Uint8Array,
): Promise<Recording> {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(VERSION, 8);
  prefix.writeUInt32LE(json.length, 12);
  const compressed = await promisify(deflateRaw)(entries);
  const content = Buffer.concat([prefix, json, compressed]);
  const bytes = Buffer.concat([content, hash('sha256', content, 'buffer')]);
  return new Recording(bytes, header, entries);
}

/**
 * Reads a recording, and counts its calls.
 *
 * @throws {RingfenceError} `RF_RECORDING_INVALID` for what is none, is damaged or is of another version
 *
 * @example
 * ```ts
 * const recording = await readRecording(await readFile('run.rec'));
 * recording.header.exit.reason; // 'trap'
 * ```
 */
export async function readRecording(bytes: Uint8Array): Promise<Recording> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length > RECORDING_FILE_BYTES_MAX) {
    throw damaged(`it has ${file.length} bytes, more than ${RECORDING_FILE_BYTES_MAX}`);
  }
  if (file.length < PREFIX_BYTES + SHA256_BYTES || !file.subarray(0, 8).equals(MAGIC)) {
    throw damaged('it does not begin as one');
  }
  const version = file.readUInt32LE(8);
  if (version !== VERSION) {
    throw new RingfenceError(
      'RF_RECORDING_INVALID',
      `Cannot read the recording as it is of version ${version}, and this ringfence reads version ${VERSION}: use the one that made it.`,
      { version },
    );
  }
  const content = file.subarray(0, -SHA256_BYTES);
  if (!hash('sha256', content, 'buffer').equals(file.subarray(-SHA256_BYTES))) {
    throw damaged('its bytes are not those that were written');
  }
  const headerBytes = file.readUInt32LE(12);
  if (headerBytes > HEADER_BYTES_MAX || PREFIX_BYTES + headerBytes > content.length) {
    throw damaged('a length in it is more than there is');
  }
  const header = readHeader(content.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes));
  const entries = await inflate(content.subarray(PREFIX_BYTES + headerBytes), header.entries_bytes);
  checkEntries(entries, header);
  return new Recording(bytes, header, entries);
}

function readHeader(json: Buffer): RecordingHeader {
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

async function inflate(compressed: Buffer, length: number): Promise<Uint8Array> {
  let entries: Buffer;
  try {
    entries = await promisify(inflateRaw)(compressed, { maxOutputLength: Math.max(1, length) });
  } catch {
    throw damaged('its entries can not be decompressed to the length that it says');
  }
  if (entries.length !== length) {
    throw damaged('its entries have not the length that it says');
  }
  return entries;
}

/** That all can be read is known before any of it is believed. */
function checkEntries(entries: Uint8Array, { calls, fuel, cut }: RecordingHeader): void {
  const reader = new EntryReader(entries);
  let found = 0;
  let hasLast = false;
  for (let entry = reader.peek(); entry !== null; entry = reader.peek()) {
    if (entry.kind === 'call') {
      reader.takeAnswer();
    } else {
      reader.take();
    }
    if (entry.kind !== 'refused') {
      found += 1;
      hasLast = entry.kind === 'last';
      if (entry.fuel > fuel) {
        throw damaged('a call in it comes behind its end');
      }
    }
  }
  if (found !== calls) {
    throw damaged(`it has ${found} calls and says ${calls}`);
  }
  if (hasLast && cut !== null) {
    throw damaged('it says that it is cut and has an end');
  }
}
