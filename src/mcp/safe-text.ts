/** Text of others made fit to be shown: bounded, valid Unicode, and without what moves a terminal's cursor. */

/**
 * Control characters of both kinds but tabs and line ends, the separators that some viewers take for
 * line ends, and the marks that change the direction of writing.
 */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A control character as its picture, such as ␛; what has none as the character for what can't be shown. */
function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) {
    return String.fromCharCode(0x2400 + code);
  }
  return code === 0x7f ? '\u2421' : '\ufffd';
}

/**
 * A text that is safe to show. Line ends become `\n`, other control characters visible ones; as JSON it has
 * at most three bytes for each of its own.
 *
 * @example
 * ```ts
 * safeText('a\u001b[2Jb\r\n'); // 'a␛[2Jb\n'
 * ```
 */
export function safeText(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replace(UNPRINTABLE, picture);
}

/** The same on one line of at most so many characters. */
export function safeLine(text: string, charactersMax: number): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
  return safeText(cut).replace(/[\n\t]+/g, ' ');
}

/** Keeps the first bytes of a stream. */
export class BoundedBytes {
  readonly #bytesMax: number;
  /** One buffer that grows: chunks may be of a byte each. */
  #buffer = new Uint8Array(0);
  #kept = 0;
  #dropped = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that there was no room for. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a chunk, and keeps a copy of as much as there is room for. */
  push(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, this.#bytesMax - this.#kept);
    const needed = this.#kept + kept.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.min(this.#bytesMax, Math.max(needed, 2 * this.#buffer.length)),
      );
      grown.set(this.#buffer.subarray(0, this.#kept));
      this.#buffer = grown;
    }
    this.#buffer.set(kept, this.#kept);
    this.#kept = needed;
    this.#dropped += chunk.length - kept.length;
  }

  /** What was kept, as text that is safe to show. */
  text(): string {
    const bytes = this.#buffer.subarray(0, this.#kept);
    // A character that was cut in two is left out.
    return safeText(new TextDecoder().decode(bytes, { stream: this.#dropped > 0 }));
  }
}
