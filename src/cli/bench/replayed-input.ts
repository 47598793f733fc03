/** Standard input for many runs: read once, as far as a run asks, and the same chunks for each. */

import { RingfenceError } from '../../index.ts';

/** What is kept of standard input at most: each run reads it again. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

/** What was read so far, and who reads on. */
export class ReplayedInput {
  readonly #open: () => AsyncIterable<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  #source: AsyncIterator<Uint8Array> | null = null;
  #reading: Promise<void> | null = null;
  #ended = false;
  #bytes = 0;
  #tooLong = false;

  constructor(open: () => AsyncIterable<Uint8Array>) {
    this.#open = open;
  }

  /** Bytes that were read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody waits for more than has come. */
  get isAwaited(): boolean {
    return this.#reading !== null;
  }

  /** @throws {RingfenceError} `RF_LIMIT_EXCEEDED` where a run has come to what is not kept */
  requireWhole(): void {
    if (this.#tooLong) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot measure the module with a standard input of more than ${INPUT_BYTES_MAX} bytes, as each run reads it again: give it a shorter one, or a directory (--dir).`,
        { max: INPUT_BYTES_MAX },
      );
    }
  }

  /** All of it, for one run. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    for (let index = 0; ; index += 1) {
      while (index >= this.#chunks.length) {
        if (this.#ended) {
          return;
        }
        this.#reading ??= this.#readOn().finally(() => {
          this.#reading = null;
        });
        await this.#reading;
      }
      // A copy: what is handed to an agent is its own.
      yield this.#chunks[index]!.slice();
    }
  }

  async #readOn(): Promise<void> {
    this.#source ??= this.#open()[Symbol.asyncIterator]();
    const next = await this.#source.next();
    if (next.done === true) {
      this.#ended = true;
      return;
    }
    this.#bytes += next.value.length;
    if (this.#bytes > INPUT_BYTES_MAX) {
      this.#tooLong = true;
      this.#ended = true;
      return;
    }
    this.#chunks.push(next.value);
  }
}
