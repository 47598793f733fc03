/**
 * A recording as a file (docs/replay.md): what ran and how it ended as JSON, then the entries, compressed.
 * It may come from anybody: what is read is bounded before it is made, and checked before it is used.
 */

import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { RingfenceError } from '../errors.ts';
import { contradictionIn, HEADER_BYTES_MAX, type RecordingHeader, readHeader } from './header.ts';
import { RECORDING_BYTES_MAX } from './kept.ts';
import { surveyEntries } from './survey.ts';
import { type TracedCall, traceOf } from './trace.ts';
import { damaged } from './values.ts';

/** Bytes of entries that a recording may have, unless less is said. */
export const RECORDING_BYTES_DEFAULT = 64 * 1024 * 1024;
/** The largest file that is read: what can't be compressed is a little longer for it. */
const RECORDING_FILE_BYTES_MAX = RECORDING_BYTES_MAX + 1024 * 1024;

export type { RecordingHeader } from './header.ts';

const MAGIC = Buffer.from('RFRECORD', 'latin1');
const VERSION = 1;
/** The magic, the version, the length of the header. */
const PREFIX_BYTES = 16;
const SHA256_BYTES = 32;

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
 * Reads a recording: that all of it can be read, and that what it says of its end can be, is known then.
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
  const survey = await surveyEntries(entries);
  if (survey.damage !== null) {
    throw survey.damage;
  }
  const contradiction = contradictionIn(header, survey);
  if (contradiction !== null) {
    throw damaged(contradiction);
  }
  return new Recording(bytes, header, entries);
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
