/** Whose answer a message is that is too large to be kept: found while its bytes pass by. */

/** Characters of what is kept: the names and short values of one level. */
const KEPT_CHARACTERS_MAX = 4_096;
const TEXT_CHARACTERS_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * What is left of an object's JSON when all that lies deeper is taken for 0, and long texts are cut. As much
 * as it takes to know its `id`.
 */
export class Skeleton {
  #kept = '';
  #depth = 0;
  #text = -1;
  #isEscaped = false;

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#text >= 0) {
        this.#inText(byte);
      } else {
        this.#outside(byte);
      }
    }
  }

  /** The message's id; null: it has none that is a number, or is no message. */
  id(): number | null {
    try {
      const { id } = JSON.parse(this.#kept) as { id?: unknown };
      return typeof id === 'number' ? id : null;
    } catch {
      return null;
    }
  }

  #inText(byte: number): void {
    if (byte === QUOTE && !this.#isEscaped) {
      this.#text = -1;
      this.#keep(byte);
      return;
    }
    const isEscape = byte === BACKSLASH && !this.#isEscaped;
    // An escape is kept whole or not at all: it counts when it is complete.
    if (this.#text < TEXT_CHARACTERS_MAX) {
      this.#keep(byte);
      this.#text += isEscape ? 0 : 1;
    }
    this.#isEscaped = isEscape;
  }

  #outside(byte: number): void {
    switch (byte) {
      case QUOTE:
        this.#text = 0;
        this.#keep(byte);
        return;
      case 0x7b:
      case 0x5b:
        this.#depth += 1;
        this.#keepOnly(this.#depth === 1 ? byte : this.#depth === 2 ? 0x30 : null);
        return;
      case 0x7d:
      case 0x5d:
        this.#depth -= 1;
        this.#keepOnly(this.#depth === 0 ? byte : null);
        return;
      default:
        this.#keep(byte);
    }
  }

  #keep(byte: number): void {
    this.#keepOnly(this.#depth === 1 ? byte : null);
  }

  #keepOnly(byte: number | null): void {
    if (byte !== null && this.#kept.length <= KEPT_CHARACTERS_MAX) {
      this.#kept += String.fromCharCode(byte < 0x80 ? byte : 0x3f);
    }
  }
}
