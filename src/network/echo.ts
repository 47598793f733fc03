/** Sees a secret in what a server answers, in the forms in which servers tell back what they were sent. */

import type { Field } from '../http/exchange.ts';
import { EscapedTexts } from './escapes.ts';

/** Shorter ones would be found everywhere: a secret has at least one word of so many characters. */
export const SECRET_CHARACTERS_MIN = 8;

/**
 * The forms of the words of a secret, in lower case: as it is, in hexadecimal, and within base64 at each of the
 * three places that it can have there. `Bearer abc` is looked for as `abc`, and the inside of `Basic` too.
 */
export function needlesOf(value: string): Buffer[] {
  const words = value.split(' ').filter((word) => word.length >= SECRET_CHARACTERS_MIN);
  const inner = /^basic /i.test(value) ? innerWords(value.slice('basic '.length)) : [];
  const needles = new Set<string>();
  for (const word of [...words, ...inner]) {
    const bytes = Buffer.from(word, 'latin1');
    for (const form of [word, bytes.toString('hex'), ...base64Forms(bytes)]) {
      needles.add(form.toLowerCase());
    }
  }
  return [...needles].map((needle) => Buffer.from(needle, 'latin1'));
}

/** The user's password out of the value of `Basic`. */
function innerWords(encoded: string): string[] {
  const text = Buffer.from(encoded, 'base64').toString('latin1');
  const password = text.slice(text.indexOf(':') + 1);
  return [text, password].filter((word) => word.length >= SECRET_CHARACTERS_MIN);
}

/** Base64 of bytes behind none, one or two others: without the ends, which those beside them change. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const encoded = whole.toString('base64').replace(/=+$/, '');
    const begin = before === 0 ? 0 : before + 1;
    const end = whole.length % 3 === 0 ? encoded.length : encoded.length - 1;
    const form = encoded.slice(begin, end);
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

const NOTHING = new Uint8Array(0);

/** ASCII's letters in lower case: names of fields come so, and servers differ in what they make of hexadecimal. */
function lowerCase(bytes: Uint8Array): Buffer {
  const lower = Buffer.from(bytes);
  for (let at = 0; at < lower.length; at += 1) {
    const byte = lower[at] as number;
    if (byte >= 0x41 && byte <= 0x5a) {
      lower[at] = byte | 0x20;
    }
  }
  return lower;
}

/** Looks at a response as it comes. Nothing of a secret passes: what may be the beginning of one is kept back. */
export class EchoWatch {
  readonly #needles: readonly Buffer[];
  readonly #longest: number;
  /** The same, with any of their characters escaped. */
  readonly #escaped: EscapedTexts;
  #kept: Uint8Array = NOTHING;

  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#longest = Math.max(0, ...needles.map(({ length }) => length));
    this.#escaped = new EscapedTexts(needles);
  }

  /** Whether fields hold one. */
  isIn(fields: readonly Field[]): boolean {
    return fields.some(
      ([name, value]) => this.#look(Buffer.from(`${name}\n\n\n${value}`, 'latin1')) === null,
    );
  }

  /** What of a body may pass; null: it holds a secret. */
  pass(chunk: Uint8Array): Uint8Array | null {
    const bytes = this.#kept.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#kept, chunk]);
    const kept = this.#look(bytes);
    if (kept === null) {
      return null;
    }
    this.#kept = bytes.subarray(bytes.length - kept);
    return bytes.subarray(0, bytes.length - kept);
  }

  /** What was kept back, and was no secret: there is no more. */
  rest(): Uint8Array {
    const rest = this.#kept;
    this.#kept = NOTHING;
    return rest;
  }

  /** How many bytes at the end may be the beginning of a secret; null: there is a whole one. */
  #look(bytes: Uint8Array): number | null {
    const lower = lowerCase(bytes);
    if (this.#needles.some((needle) => lower.includes(needle))) {
      return null;
    }
    const { isWhole, open } = this.#escaped.find(lower);
    return isWhole ? null : Math.max(open, this.#beginning(lower));
  }

  #beginning(bytes: Buffer): number {
    for (let length = Math.min(this.#longest - 1, bytes.length); length > 0; length -= 1) {
      const end = bytes.subarray(bytes.length - length);
      if (this.#needles.some((needle) => needle.subarray(0, length).equals(end))) {
        return length;
      }
    }
    return 0;
  }
}
