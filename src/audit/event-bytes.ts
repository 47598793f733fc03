/**
 * An event's line as it lies in bytes: what must stand in a place is compared there, and no text is made
 * of it, as the reader of a chain looks at each line once (docs/audit-format.md has every byte).
 */

import { hash } from 'node:crypto';
import { NINE, standsAt, textEnd, valueEnd, ZERO } from './canonical-bytes.ts';
import { FORMAT, NO_HASH } from './event.ts';

const HEAD = Buffer.from('{"event":');

const BEFORE_HASH = Buffer.from(',"hash":"');

const AFTER_HASH = Buffer.from('"}');

const HASH_CHARACTERS = NO_HASH.length;

const COLON = 0x3a;

/** Digits of a time at most: 15 are exact, and enough until the year 33,658. */
const TIME_DIGITS_MAX = 15;

const SOURCE_LETTERS_MAX = 16;

/** Where the body of an event's line begins. */
export const bodyStart = (lineStart: number): number => lineStart + HEAD.length;

/** Where the body of an event's line ends; -1: it has not the form of one. */
export function bodyEnd(bytes: Buffer, start: number, end: number): number {
  const at = end - AFTER_HASH.length - HASH_CHARACTERS - BEFORE_HASH.length;
  return at > bodyStart(start) &&
    standsAt(bytes, start, HEAD) &&
    standsAt(bytes, at, BEFORE_HASH) &&
    standsAt(bytes, end - AFTER_HASH.length, AFTER_HASH)
    ? at
    : -1;
}

/**
 * The hash of a body: SHA-256 of a zero byte and the body, in hexadecimal.
 *
 * The zero byte stands for that moment where the colon is before the body: so nothing has to be copied.
 */
function hashOfBody(bytes: Buffer, start: number, end: number): string {
  bytes[start - 1] = 0;
  const hexadecimal = hash('sha256', bytes.subarray(start - 1, end));
  bytes[start - 1] = COLON;
  return hexadecimal;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** As `standsAt` for more than some bytes: four are compared at a time, which takes a third of the time. */
function isSeenAt(view: DataView, at: number, expected: DataView): boolean {
  const length = expected.byteLength;
  if (at < 0 || at + length > view.byteLength) {
    return false;
  }
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    if (view.getInt32(at + index) !== expected.getInt32(index)) {
      return false;
    }
  }
  for (; index < length; index += 1) {
    if (view.getInt8(at + index) !== expected.getInt8(index)) {
      return false;
    }
  }
  return true;
}

const VERSION_END = viewOf(Buffer.from(`,"v":"${FORMAT}"}`));

const BEFORE_TIME = Buffer.from('","time_ms":');

const BEFORE_PREVIOUS = Buffer.from(',"prev":"');

const BEFORE_SEQ = '","seq":';

const BEFORE_AGENT = Buffer.from('{"agent_id":');

const NOBODY = Buffer.from('null');

const BEFORE_CHAIN = Buffer.from(',"chain":"');

const CHAIN_CHARACTERS = 32;

const BEFORE_MODULE = Buffer.from(',"module":');

const BEFORE_PAYLOAD = Buffer.from(',"payload":');

const BEFORE_PID = Buffer.from(',"pid":');

/** What the next event of a chain must have in its places. */
export class NextEvent {
  #seq: number;
  #previous: string;
  /** From `prev` to the beginning of the source: only the digits that change are written anew. */
  #fromPrevious: Buffer = BEFORE_PREVIOUS;
  #fromPreviousView = viewOf(BEFORE_PREVIOUS);
  #lastDigitAt = 0;
  /** Where that begins in the body whose time was found last. */
  #previousAt = -1;
  /** What stands behind the agent's name, up to the kind. */
  #fromChain = viewOf(BEFORE_CHAIN);
  /** The hash that was computed last, as it stands in a line. */
  readonly #hash = Buffer.alloc(HASH_CHARACTERS);
  readonly #hashView = viewOf(this.#hash);
  /** What is read, and all of it as it is compared. */
  #bytes: Buffer = this.#hash;
  #view = this.#hashView;

  /** `chain`: its name; null where the first event is still to say it. */
  constructor(chain: string | null, previous = NO_HASH, seq = 0) {
    this.#seq = seq;
    this.#previous = previous;
    this.#rewrite();
    if (chain !== null) {
      this.nameChain(chain);
    }
  }

  /** The hash of the event before. */
  get previous(): string {
    return this.#previous;
  }

  nameChain(chain: string): void {
    this.#fromChain = viewOf(Buffer.from(`,"chain":"${chain}","kind":`));
  }

  /** Reads a body from here on; answers its hash, where it is the one behind it, else null. */
  read(bytes: Buffer, start: number, end: number): string | null {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    const hexadecimal = hashOfBody(bytes, start, end);
    this.#hash.write(hexadecimal, 'latin1');
    return isSeenAt(this.#view, end + BEFORE_HASH.length, this.#hashView) ? hexadecimal : null;
  }

  /**
   * The time of the body that is read, which ends as the next event must; -1: it does not.
   *
   * The same question as `placeOf` with the answers known.
   */
  timeMs(end: number): number {
    const versionAt = end - VERSION_END.byteLength;
    const timeAt = startOf(this.#bytes, versionAt, ZERO, NINE);
    const sourceEnd = timeAt - BEFORE_TIME.length;
    const sourceAt = startOf(this.#bytes, sourceEnd, 0x61, 0x7a);
    this.#previousAt = sourceAt - this.#fromPrevious.length;
    return sourceEnd > sourceAt &&
      sourceEnd - sourceAt <= SOURCE_LETTERS_MAX &&
      isSeenAt(this.#view, versionAt, VERSION_END) &&
      standsAt(this.#bytes, sourceEnd, BEFORE_TIME) &&
      isSeenAt(this.#view, this.#previousAt, this.#fromPreviousView)
      ? numberAt(this.#bytes, timeAt, versionAt)
      : -1;
  }

  /** Where the kind of the body that is read stands, if it is of this chain; -1: it is of another. */
  kindAt(start: number): number {
    const agentEnd = agentEndOf(this.#bytes, start);
    return agentEnd >= 0 && isSeenAt(this.#view, agentEnd, this.#fromChain)
      ? agentEnd + this.#fromChain.byteLength
      : -1;
  }

  /**
   * Whether the body that is read, and whose time and kind were found, is canonical JSON with just the
   * names that an event has: what stands before the kind and behind the pid was compared byte by byte.
   */
  isCanonical(kindAt: number): boolean {
    const bytes = this.#bytes;
    const moduleAt = fieldAt(bytes, textEnd(bytes, kindAt), BEFORE_MODULE);
    const payloadAt = fieldAt(bytes, nameOrNullEnd(bytes, moduleAt), BEFORE_PAYLOAD);
    const pidAt = fieldAt(bytes, valueEnd(bytes, payloadAt), BEFORE_PID);
    return (
      pidAt >= 0 &&
      valueEnd(bytes, pidAt) === this.#previousAt &&
      startOf(bytes, this.#previousAt, ZERO, NINE) === pidAt
    );
  }

  /** An event is in its place: the one behind it is the next. */
  follow(hexadecimal: string): void {
    this.#seq += 1;
    this.#previous = hexadecimal;
    const digit = this.#fromPrevious[this.#lastDigitAt] as number;
    if (digit === NINE) {
      this.#rewrite();
    } else {
      this.#fromPrevious[this.#lastDigitAt] = digit + 1;
      this.#fromPrevious.write(hexadecimal, BEFORE_PREVIOUS.length, 'latin1');
    }
  }

  #rewrite(): void {
    const upToSeq = `,"prev":"${this.#previous}${BEFORE_SEQ}${this.#seq}`;
    this.#lastDigitAt = upToSeq.length - 1;
    this.#fromPrevious = Buffer.from(`${upToSeq},"source":"`);
    this.#fromPreviousView = viewOf(this.#fromPrevious);
  }
}

/** Where the bytes begin that end before a place and are all in a range. */
function startOf(bytes: Buffer, end: number, first: number, last: number): number {
  let at = end;
  while (at > 0 && (bytes[at - 1] as number) >= first && (bytes[at - 1] as number) <= last) {
    at -= 1;
  }
  return at;
}

/** Digits as a number; -1: they are too many or none, or the first is a zero that says nothing. */
function numberAt(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > TIME_DIGITS_MAX || (length > 1 && bytes[start] === ZERO)) {
    return -1;
  }
  // In two parts, each of which is a small integer.
  const middle = Math.max(start, end - 7);
  return smallNumberAt(bytes, start, middle) * 1e7 + smallNumberAt(bytes, middle, end);
}

function smallNumberAt(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    value = value * 10 + (bytes[at] as number) - ZERO;
  }
  return value;
}

/** Where the agent's name ends in a body; -1: there is none. */
function agentEndOf(bytes: Buffer, start: number): number {
  const at = start + BEFORE_AGENT.length;
  return standsAt(bytes, start, BEFORE_AGENT) ? nameOrNullEnd(bytes, at) : -1;
}

/** Where a text or null ends; -1: there is neither. */
const nameOrNullEnd = (bytes: Buffer, at: number): number =>
  standsAt(bytes, at, NOBODY) ? at + NOBODY.length : textEnd(bytes, at);

/** Where the value begins of a field that must stand in a place; -1: it does not, or there is no place. */
const fieldAt = (bytes: Buffer, at: number, before: Buffer): number =>
  at >= 0 && standsAt(bytes, at, before) ? at + before.length : -1;

/** The name of the chain that a body says it is of; null: none. */
export function chainOf(bytes: Buffer, start: number): string | null {
  const at = fieldAt(bytes, agentEndOf(bytes, start), BEFORE_CHAIN);
  const chain = at < 0 ? '' : bytes.toString('latin1', at, at + CHAIN_CHARACTERS);
  return /^[0-9a-f]{32}$/.test(chain) ? chain : null;
}
