/**
 * Whether bytes are canonical JSON (RFC 8785), found by reading them once: nothing is parsed into values
 * and written again, which takes ten times as long and says the same (a test compares the two).
 *
 * The bytes are UTF-8, which the caller has seen to. Who reads never goes beyond the first newline or the
 * end of the bytes, as neither can stand in canonical JSON.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LIST_START = 0x5b;
const LIST_END = 0x5d;
const OBJECT_START = 0x7b;
const OBJECT_END = 0x7d;
const MINUS = 0x2d;

/** The digit 0. */
export const ZERO = 0x30;
/** The digit 9. */
export const NINE = 0x39;

/** For each byte whether it stands for itself in a text: it is no control character, quote or backslash. */
const STANDS_FOR_ITSELF = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 0 : 1,
);

/** What is from it on is a part of a letter of several bytes. */
const NOT_ASCII = 0x80;

/** The answer where the bytes are not canonical. */
const NOT_CANONICAL = -1;

/** What stands for the last name of a list, which has none. */
const IS_LIST = -1;

/** What stands for the last name of an object that has just begun. */
const NO_NAME = -2;

/** Digits that each have one way to be written: all integers of as many are exact. */
const EXACT_DIGITS = 15;

/** Characters of a number at most: `-1.2345678901234567e+100`, and one to spare. */
const NUMBER_CHARACTERS_MAX = 25;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Escapes of two characters (RFC 8785, 3.2.2.2), by the second one: `"`, `\`, b, f, n, r, t. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\bfnrt'));

/** The last two digits of the others: control characters that have no short one. */
const LONG_ESCAPE = /^\\u00(?:0[0-7be-f]|1[0-9a-f])$/;

/** Whether some bytes stand in a place of others. */
export function standsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[at + index] !== expected[index]) {
      return false;
    }
  }
  return true;
}

/** Where the canonical text ends whose quote stands at `at`; -1: there is none. */
export function textEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) {
    return NOT_CANONICAL;
  }
  let next = at + 1;
  for (;;) {
    while (STANDS_FOR_ITSELF[bytes[next] as number] === 1) {
      next += 1;
    }
    if (bytes[next] === QUOTE) {
      return next + 1;
    }
    next = bytes[next] === BACKSLASH ? escapeEnd(bytes, next) : NOT_CANONICAL;
    if (next < 0) {
      return NOT_CANONICAL;
    }
  }
}

function escapeEnd(bytes: Uint8Array, at: number): number {
  if (SHORT_ESCAPES.has(bytes[at + 1] ?? 0)) {
    return at + 2;
  }
  return LONG_ESCAPE.test(asciiOf(bytes, at, at + 6)) ? at + 6 : NOT_CANONICAL;
}

const asciiOf = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= ZERO && byte <= NINE;

/** Where the number ends that stands at `at`; -1: there is none that is written as JavaScript does. */
function numberEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === MINUS ? at + 1 : at;
  let end = first;
  while (isDigit(bytes[end])) {
    end += 1;
  }
  const isInteger = !isPartOfNumber(bytes[end]);
  const hasZeroFirst = bytes[first] === ZERO && (end > first + 1 || first > at);
  if (isInteger && end > first && end - first <= EXACT_DIGITS && !hasZeroFirst) {
    return end;
  }
  while (isPartOfNumber(bytes[end]) && end - at <= NUMBER_CHARACTERS_MAX) {
    end += 1;
  }
  const text = asciiOf(bytes, at, Math.min(end, at + NUMBER_CHARACTERS_MAX + 1));
  return String(Number(text)) === text ? end : NOT_CANONICAL;
}

/** Signs, digits, the point, and the letter before an exponent, which is a small one. */
const isPartOfNumber = (byte: number | undefined): boolean =>
  isDigit(byte) || byte === MINUS || byte === 0x2b || byte === 0x2e || byte === 0x65;

/** Whether the name at `start` stands behind the one at `before`: by UTF-16 code units (RFC 8785, 3.2.3). */
function isBehind(bytes: Uint8Array, before: number, start: number): boolean {
  for (let index = 1; ; index += 1) {
    const one = bytes[before + index] as number;
    const other = bytes[start + index] as number;
    if (one === BACKSLASH || one >= NOT_ASCII || other === BACKSLASH || other >= NOT_ASCII) {
      return nameAt(bytes, before) < nameAt(bytes, start);
    }
    if (one === QUOTE || other === QUOTE) {
      return one === QUOTE && other !== QUOTE;
    }
    if (one !== other) {
      return one < other;
    }
  }
}

const nameAt = (bytes: Uint8Array, at: number): string =>
  JSON.parse(new TextDecoder().decode(bytes.subarray(at, textEnd(bytes, at)))) as string;

/** Where a text, a number or a literal ends; -1: there is none. */
function plainEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case QUOTE:
      return textEnd(bytes, at);
    case TRUE[0]:
      return literalEnd(bytes, at, TRUE);
    case FALSE[0]:
      return literalEnd(bytes, at, FALSE);
    case NULL[0]:
      return literalEnd(bytes, at, NULL);
    default:
      return numberEnd(bytes, at);
  }
}

const literalEnd = (bytes: Uint8Array, at: number, literal: Uint8Array): number =>
  standsAt(bytes, at, literal) ? at + literal.length : NOT_CANONICAL;

/** Where the canonical value ends that begins at `at`; -1: none does. */
export function valueEnd(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  return byte === OBJECT_START || byte === LIST_START ? nestEnd(bytes, at) : plainEnd(bytes, at);
}

function nestEnd(bytes: Uint8Array, at: number): number {
  // For each list and object that is open, where its last name stands. It is no recursion, as what is
  // read may be an attacker's, and as deep as it is long.
  const open: number[] = [];
  let next = at;
  for (;;) {
    const byte = bytes[next];
    if (byte === OBJECT_START && bytes[next + 1] !== OBJECT_END) {
      open.push(NO_NAME);
      next = nameEnd(bytes, next + 1, open);
    } else if (byte === LIST_START && bytes[next + 1] !== LIST_END) {
      open.push(IS_LIST);
      next += 1;
    } else {
      const isEmpty = byte === OBJECT_START || byte === LIST_START;
      next = afterValue(bytes, isEmpty ? next + 2 : plainEnd(bytes, next), open);
      if (open.length === 0) {
        return next;
      }
    }
    if (next < 0) {
      return NOT_CANONICAL;
    }
  }
}

/** A value has ended at `at`: where the next one begins, or, where nothing is open any more, the end. */
function afterValue(bytes: Uint8Array, at: number, open: number[]): number {
  let next = at;
  while (open.length > 0 && next >= 0) {
    const isList = open[open.length - 1] === IS_LIST;
    const byte = bytes[next];
    if (byte === COMMA) {
      return isList ? next + 1 : nameEnd(bytes, next + 1, open);
    }
    if (byte !== (isList ? LIST_END : OBJECT_END)) {
      return NOT_CANONICAL;
    }
    open.pop();
    next += 1;
  }
  return next;
}

/** A name must stand at `at`, behind the one before in order: where its value begins. */
function nameEnd(bytes: Uint8Array, at: number, open: number[]): number {
  const before = open[open.length - 1] as number;
  const end = textEnd(bytes, at);
  if (end < 0 || bytes[end] !== COLON || (before !== NO_NAME && !isBehind(bytes, before, at))) {
    return NOT_CANONICAL;
  }
  open[open.length - 1] = at;
  return end + 1;
}
