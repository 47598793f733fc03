/** Makes text that names things of a hostile module fit to stand in a one-line message. */

/**
 * Characters that would break a line, colour a terminal, or make text read otherwise than it is
 * written: controls, format characters (bidirectional overrides, zero widths), line and paragraph
 * separators, lone surrogates, private use.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Longest message that is shown, in UTF-16 units. */
export const MESSAGE_LENGTH_MAX = 600;

/** The text on one line, at most `length` long, everything unprintable written as `\u{…}`. */
export function printable(text: string, length: number = MESSAGE_LENGTH_MAX): string {
  const escaped = text
    .slice(0, length)
    .replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  if (text.length <= length && escaped.length <= length) return escaped;
  return `${escaped.slice(0, length - 1)}…`;
}

/** How much of a tool's own words is shown. */
const REASON_LENGTH_MAX = 200;

/** What tools put before the reason, and says nothing to the reader. */
const PREAMBLE = /^(Failed to decode wit component\s*|WebAssembly\.Module\(\): )/;

/** The first two lines of a tool's or the engine's error, which is where they say what is wrong. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message
    .replace(PREAMBLE, '')
    .split('\n', 2)
    .map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(': '), REASON_LENGTH_MAX);
}
