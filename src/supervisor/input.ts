/** Where an agent's input comes from: bytes, a text, or whatever can be read chunk by chunk. */

/** What a caller can give as input. Absent: the input is empty. */
export type InputGiven = Uint8Array | string | AsyncIterable<Uint8Array | string>;

/** Bytes handed to an agent at a time. */
const CHUNK_BYTES = 64 * 1024;

async function* chunksOf(given: InputGiven | undefined): AsyncGenerator<Uint8Array> {
  if (given === undefined) {
    return;
  }
  if (typeof given === 'string' || given instanceof Uint8Array) {
    const bytes = Buffer.from(given);
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      yield bytes.subarray(start, start + CHUNK_BYTES);
    }
    return;
  }
  for await (const chunk of given) {
    yield* chunksOf(chunk);
  }
}

/** Reads ahead nothing: a chunk is asked for when the agent asks. */
export class Input {
  readonly #chunks: AsyncGenerator<Uint8Array>;

  constructor(given: InputGiven | undefined) {
    this.#chunks = chunksOf(given);
  }

  /** The next chunk; null when there is no more. A source that fails ends the input. */
  async next(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.#chunks.next();
      return done === true ? null : Uint8Array.from(value);
    } catch {
      return null;
    }
  }

  /** Lets the source go. */
  close(): void {
    // A source whose read never settles must not hold anybody up.
    void this.#chunks.return(undefined).catch(() => {});
  }
}
