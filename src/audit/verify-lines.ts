/** Verification of a chain in a file or a stream of bytes: cuts it into lines, and looks at a problem twice. */

import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { RingfenceError } from '../errors.ts';
import { LINE_BYTES_MAX, placeOf, splitLine } from './event.ts';
import type { BadPlace, Verdict, VerifyOptions } from './verdict.ts';
import { ChainVerifier } from './verify.ts';

const NEWLINE = 10;

/** Bytes that are read from a file at a time. */
const CHUNK_BYTES = 1 << 20;

/**
 * Bytes that become text at a time: text of ASCII takes half the memory and is hashed in half the time, and
 * one letter beyond it in a piece, as a checkpoint has, changes that for the whole piece.
 */
const PIECE_BYTES = 1 << 15;

/** Whole lines in UTF-8 as text; null: they are not UTF-8. */
function textOf(bytes: Buffer): string | null {
  if (isAscii(bytes)) {
    return bytes.toString('latin1');
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** Hands each line to `take`, until that answers false. A null: the line can't be read. */
async function eachLine(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  take: (line: string | null, why: string) => boolean,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes: Buffer =
      rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, Buffer.from(chunk)]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    rest = bytes.subarray(end);
    if (!takePieces(bytes.subarray(0, end), take)) {
      return;
    }
    if (rest.length > LINE_BYTES_MAX) {
      take(null, `the line has more than ${LINE_BYTES_MAX} bytes`);
      return;
    }
  }
  if (rest.length > 0) {
    take(null, 'the last line has no end');
  }
}

/** Whole lines, piece by piece. */
function takePieces(bytes: Buffer, take: (line: string | null, why: string) => boolean): boolean {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, Math.min(start + PIECE_BYTES, bytes.length - 1)) + 1;
    if (!takeLines(bytes.subarray(start, end), take)) {
      return false;
    }
    start = end;
  }
  return true;
}

function takeLines(bytes: Buffer, take: (line: string | null, why: string) => boolean): boolean {
  const text = textOf(bytes);
  if (text === null) {
    return takeOneByOne(bytes, take);
  }
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const goesOn =
      end - start > LINE_BYTES_MAX
        ? take(null, `the line has more than ${LINE_BYTES_MAX} bytes`)
        : take(text.slice(start, end), '');
    if (!goesOn) {
      return false;
    }
    start = end + 1;
  }
  return true;
}

/** Somewhere in these lines are bytes that are no UTF-8: those before are good nevertheless. */
function takeOneByOne(bytes: Buffer, take: (line: string | null, why: string) => boolean): boolean {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start);
    if (!take(textOf(bytes.subarray(start, end)), 'the line is no UTF-8')) {
      return false;
    }
    start = end + 1;
  }
  return true;
}

/** The place that a line says it has, and its hash. */
function claimOf(line: string | null): { seq: number; hash: string } | null {
  const parts = line === null ? null : splitLine(line);
  const place = parts === null ? null : placeOf(parts.body);
  return parts === null || place === null ? null : { seq: place.seq, hash: parts.hash };
}

/** What an event that stands in another's place is about, from what follows. */
function reordered(problem: BadPlace, later: string | null): BadPlace | null {
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
  await eachLine(chunks, (line, why) => {
    if (problem === null) {
      problem = line === null ? verifier.unreadable(why) : verifier.read(line);
      // What comes after an event that is missing says whether it is only in another place.
      return problem === null || problem.reason === 'missing';
    }
    const refined = reordered(problem, line);
    problem = refined ?? problem;
    return refined === null;
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
  await eachLine(chunks, (line) => {
    number += 1;
    const claim = claimOf(line);
    if (number === problem.line) {
      again = claim?.hash ?? null;
    } else if (first === null && claim?.seq === problem.seq) {
      first = claim.hash;
    }
    return number < problem.line;
  });
  return first === null || first === again;
}

async function readingFile<Value>(
  path: string,
  read: (chunks: AsyncIterable<Uint8Array>) => Promise<Value>,
): Promise<Value> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    return await read(stream);
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
  } finally {
    stream.destroy();
  }
}
