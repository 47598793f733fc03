/**
 * Finds a text in bytes in which any of its characters may be escaped: as URLs, JSON, JavaScript, HTML and mail
 * do it, each library escaping others of them; and in which lines may end anywhere, as base64 has them.
 * Bytes and texts are in lower case.
 */

/** Names of HTML's for what libraries escape. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '&': ['amp'],
  '<': ['lt'],
  '>': ['gt'],
  '"': ['quot'],
  "'": ['apos'],
  '/': ['sol'],
  '+': ['plus'],
  '=': ['equals'],
};

const LINE_ENDS = ['\r', '\n', '\\r', '\\n', '%0d', '%0a'].map((text) => Buffer.from(text));
/** A line ends with two of them at the most: what is kept back of a response is bounded. */
const LINE_ENDS_MAX = 2;

/** All that stands for a character, but for itself. */
function escapesOf(code: number): Buffer[] {
  const character = String.fromCharCode(code);
  const hex = code.toString(16).padStart(2, '0');
  const decimal = String(code);
  const escapes = [
    `%${hex}`,
    `%25${hex}`,
    `%2525${hex}`,
    `\\u00${hex}`,
    `\\x${hex}`,
    `&#x${hex};`,
    `&#x00${hex};`,
    `&#${decimal};`,
    `&#${decimal.padStart(3, '0')};`,
    `=${hex}`,
    ...(NAMES[character] ?? []).map((name) => `&${name};`),
    ...(/[a-z0-9]/.test(character) ? [] : [`\\${character}`]),
  ];
  // Of a letter either of the two is written.
  const upper = character.toUpperCase();
  return [
    ...escapes.map((each) => Buffer.from(each, 'latin1')),
    ...(/[a-z]/.test(character) ? escapesOf(upper.charCodeAt(0)) : []),
  ];
}

const NONE = 0;
/** The bytes end before it is known. */
const OPEN = -1;

/** With what an escape or the end of a line begins. */
const MARKS: readonly boolean[] = Array.from({ length: 256 }, (_, byte) =>
  '%\\&=\r\n'.includes(String.fromCharCode(byte)),
);
const isMark = (byte: number | undefined): boolean => byte !== undefined && MARKS[byte] === true;

/** A text that is looked for. */
interface Wanted {
  readonly text: Buffer;
  readonly escapes: readonly (readonly Buffer[])[];
}

/** What was found: whole; or how many bytes at the end may be the beginning of one. */
export interface Found {
  readonly isWhole: boolean;
  readonly open: number;
}

/** Length of one of several texts at a place; {@link OPEN}: the bytes end within one; {@link NONE}. */
function lengthAt(texts: readonly Buffer[], bytes: Buffer, at: number): number {
  let isOpen = false;
  for (const text of texts) {
    // Byte by byte: nearly all end at the second.
    let length = 1;
    while (length < text.length && bytes[at + length] === text[length]) {
      length += 1;
    }
    if (bytes[at] === text[0]) {
      if (length === text.length) {
        return length;
      }
      isOpen ||= at + length >= bytes.length;
    }
  }
  return isOpen ? OPEN : NONE;
}

/** Texts that are looked for together. */
export class EscapedTexts {
  /** By the byte with which they may begin. */
  readonly #wanted: readonly Wanted[][] = Array.from({ length: 256 }, () => []);

  constructor(texts: readonly Buffer[]) {
    const known = new Map<number, readonly Buffer[]>();
    const escapes = (code: number): readonly Buffer[] => {
      const found = known.get(code) ?? escapesOf(code);
      known.set(code, found);
      return found;
    };
    for (const text of texts.filter(({ length }) => length > 0)) {
      const wanted: Wanted = { text, escapes: [...text].map(escapes) };
      const first = [text, ...escapes(text[0] as number)].map((each) => each[0] as number);
      for (const byte of new Set(first)) {
        this.#wanted[byte]?.push(wanted);
      }
    }
  }

  find(bytes: Buffer): Found {
    let open = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const wanted of this.#wanted[bytes[at] as number] ?? []) {
        const outcome = this.#at(wanted, bytes, at);
        if (outcome > 0) {
          return { isWhole: true, open: 0 };
        }
        if (outcome === OPEN && open === 0) {
          open = bytes.length - at;
        }
      }
    }
    return { isWhole: false, open };
  }

  #at({ text, escapes }: Wanted, bytes: Buffer, start: number): number {
    let at = start;
    /** What if nothing is found: an escape may have begun where a character was taken for itself. */
    let otherwise = NONE;
    for (let index = 0; index < text.length; index += 1) {
      for (let ends = 0; index > 0 && ends < LINE_ENDS_MAX && isMark(bytes[at]); ends += 1) {
        at += Math.max(0, lengthAt(LINE_ENDS, bytes, at));
      }
      if (at >= bytes.length) {
        return OPEN;
      }
      const escaped = isMark(bytes[at])
        ? lengthAt(escapes[index] as readonly Buffer[], bytes, at)
        : NONE;
      if (escaped > 0) {
        at += escaped;
      } else if (bytes[at] === text[index]) {
        otherwise = escaped === OPEN ? OPEN : otherwise;
        at += 1;
      } else {
        return escaped === OPEN ? OPEN : otherwise;
      }
    }
    return at - start;
  }
}
