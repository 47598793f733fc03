/**
 * Text of others made fit for a terminal and a log: what a module, a file name or an argument says
 * must never move the cursor, colour the screen, or begin a line of its own.
 */

/** Most characters of a name that are shown. */
const NAME_LENGTH_MAX = 200;

/**
 * What is replaced: control characters of both kinds, the separators that some terminals and viewers
 * take for line ends, and the marks that change the direction of writing, by which a text can look
 * like another.
 */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function symbolFor(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) {
    return String.fromCharCode(0x2400 + code);
  }
  if (code === 0x7f) {
    return '\u2421';
  }
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u{${code.toString(16).padStart(4, '0')}}`;
}

/**
 * A text on one line: line ends and tabs are shown as `\n`, `\r` and `\t`, the escape character as ␛.
 *
 * @example
 * ```ts
 * printableLine('a\u001b[2Jb\n'); // 'a␛[2Jb\\n'
 * ```
 */
export function printableLine(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, (character) => NAMED_ESCAPES[character] ?? symbolFor(character));
}

/** A text of several lines: line ends and tabs stay, everything else is shown. */
export function printableText(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, (character) =>
      character === '\n' || character === '\t' ? character : symbolFor(character),
    );
}

/**
 * A value as JSON that is safe on a terminal: JSON itself escapes the characters below U+0020 only. What
 * is replaced stands in strings alone, so whoever parses it reads the same.
 *
 * @example
 * ```ts
 * printableJson({ name: '\u009b31m' }); // '{"name":"\\u009b31m"}'
 * ```
 */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A name in quotes, on one line and no longer than fits a sentence. */
export function quoted(name: string): string {
  const characters = Array.from(name.slice(0, 2 * NAME_LENGTH_MAX));
  const short =
    characters.length > NAME_LENGTH_MAX || name.length > 2 * NAME_LENGTH_MAX
      ? `${characters.slice(0, NAME_LENGTH_MAX).join('')}…`
      : name;
  return `'${printableLine(short)}'`;
}

/**
 * Makes the bytes of a stream fit for a terminal, chunk by chunk; a character that is split between
 * two chunks is shown whole.
 */
export class PrintableStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** What to show for a chunk; may be empty. */
  push(chunk: Uint8Array): Uint8Array {
    return Buffer.from(printableText(this.#decoder.decode(chunk, { stream: true })));
  }

  /** What is left of a character that never became whole. */
  end(): Uint8Array {
    return Buffer.from(printableText(this.#decoder.decode()));
  }
}
