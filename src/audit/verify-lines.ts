/** Verification of a chain in a file or a stream of bytes: cuts it into lines, and looks at a problem twice. */

import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { RingfenceError } from '../errors.ts';
import { LINE_BYTES_MAX, placeOf, splitLine } from './event.ts';
import type { BadPlace, Verdict, VerifyOptions } from './verdict.ts';
import { ChainVerifier } from './verify.ts';

const NEWLINE = 10;

/** Bytes that are read from a file at a time. */
const CHUNK_BYTES = 1 << 18;

/** Who reads lines; both answer whether to go on. */
interface LineReader {
  /** A line without its newline, in UTF-8. */
  line(bytes: Buffer, start: number, end: number): boolean;
  unreadable(why: string): boolean;
}

const TOO_LONG = `the line has more than ${LINE_BYTES_MAX} bytes`;

/** Hands on each line of what is read. In memory is a piece of it, however long it is. */
async function eachLine(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  reader: LineReader,
): Promise<void> {
  const bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES + LINE_BYTES_MAX + 1);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + bytes.length - filled);
      bytes.set(part, filled);
      at += part.length;
      filled += part.length;
      const end = bytes.lastIndexOf(NEWLINE, filled - 1) + 1;
      if (!takeLines(bytes, end, reader)) {
        return;
      }
      filled = bytes.copy(bytes, 0, end, filled);
      if (filled > LINE_BYTES_MAX) {
        reader.unreadable(TOO_LONG);
        return;
      }
    }
  }
  if (filled > 0) {
    reader.unreadable('the last line has no end');
  }
}

/** The lines that end before a place. */
function takeLines(bytes: Buffer, end: number, reader: LineReader): boolean {
  // Where some are not, those before are good nevertheless.
  const areText = isUtf8(bytes.subarray(0, end));
  for (let start = 0; start < end; ) {
    const lineEnd = bytes.indexOf(NEWLINE, start);
    if (!takeLine(bytes, start, lineEnd, reader, areText)) {
      return false;
    }
    start = lineEnd + 1;
  }
  return true;
}

function takeLine(
  bytes: Buffer,
  start: number,
  end: number,
  reader: LineReader,
  isText: boolean,
): boolean {
  if (end - start > LINE_BYTES_MAX) {
    return reader.unreadable(TOO_LONG);
  }
  return isText || isUtf8(bytes.subarray(start, end))
    ? reader.line(bytes, start, end)
    : reader.unreadable('the line is no UTF-8');
}

/** The place that a line says it has, and its hash. */
function claimOf(line: string): { seq: number; hash: string } | null {
  const parts = splitLine(line);
  const place = parts === null ? null : placeOf(parts.body);
  return parts === null || place === null ? null : { seq: place.seq, hash: parts.hash };
}

/** What an event that stands in another's place is about, from what follows. */
function reordered(problem: BadPlace, later: string): BadPlace | null {
  return problem.reason === 'missing' && claimOf(later)?.seq === problem.seq
    ? {
        ...problem,
        reason: 'reordered',
        message: `Event ${problem.seq} is reordered (line ${problem.line}): it comes later than its place.`,
      }
    : null;
}

/**
 * Verifies a chain as JSON lines.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY`, `RF_USAGE` for keys and anchors that are none
 */
export async function verifyLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const verifier = new ChainVerifier(options);
  let problem: BadPlace | null = null;
  // What comes after an event that is missing says whether it is only in another place.
  const goesOn = (): boolean => problem === null || problem.reason === 'missing';
  await eachLine(chunks, {
    line(bytes, start, end) {
      if (problem === null) {
        problem = verifier.read(bytes, start, end);
        return goesOn();
      }
      const refined = reordered(problem, bytes.toString('utf8', start, end));
      problem = refined ?? problem;
      return refined === null;
    },
    unreadable(why) {
      problem ??= verifier.unreadable(why);
      return goesOn();
    },
  });
  const verdict = verifier.end();
  return { ...verdict, problem: problem ?? verdict.problem };
}

/**
 * Verifies a chain in a file of JSON lines, as `ringfence audit export` writes it.
 *
 * @throws {RingfenceError} `RF_FILE`, and as {@link verifyLines}
 *
 * @example
 * ```ts
 * const { valid, problem } = await verifyFile('chain.jsonl', { keys: [key] });
 * if (!valid) console.error(problem?.message); // Event 17 is altered (line 18): …
 * ```
 */
export async function verifyFile(path: string, options: VerifyOptions = {}): Promise<Verdict> {
  const verdict = await readingFile(path, (chunks) => verifyLines(chunks, options));
  const { problem } = verdict;
  if (problem?.reason !== 'duplicated') {
    return verdict;
  }
  const isSame = await readingFile(path, (chunks) => standsTwice(chunks, problem));
  return isSame
    ? verdict
    : {
        ...verdict,
        problem: {
          ...problem,
          reason: 'forked',
          message: `Event ${problem.seq} is forked (line ${problem.line}): two different events claim its place.`,
        },
      };
}

/** Whether the line of the problem is the same event as the first one in its place. */
async function standsTwice(chunks: AsyncIterable<Uint8Array>, problem: BadPlace): Promise<boolean> {
  let first: string | null = null;
  let again: string | null = null;
  let number = 0;
  await eachLine(chunks, {
    line(bytes, start, end) {
      number += 1;
      const claim = claimOf(bytes.toString('utf8', start, end));
      if (number === problem.line) {
        again = claim?.hash ?? null;
      } else if (first === null && claim?.seq === problem.seq) {
        first = claim.hash;
      }
      return number < problem.line;
    },
    unreadable: () => false,
  });
  return first === null || first === again;
}

async function readingFile<Value>(
  path: string,
  read: (chunks: AsyncIterable<Uint8Array>) => Promise<Value>,
): Promise<Value> {
  try {
    return await read(chunksOf(path));
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    throw new RingfenceError(
      'RF_FILE',
      `Cannot read the audit chain '${path}': ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}; check its name and its rights.`,
      { path },
      { cause: error },
    );
  }
}

/** A file piece by piece, each in the place of the one before. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) {
        return;
      }
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
