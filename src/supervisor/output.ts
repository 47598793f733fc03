/** Where an agent's output goes: to the caller's function, or into a bounded buffer. */

/** Takes a chunk; when it answers a promise, the agent gets room again when that resolves. */
export type OutputWriter = (chunk: Uint8Array) => void | Promise<void>;

/** Bytes of each stream that are kept where the caller gave no writer. */
const CAPTURED_BYTES_MAX = 1024 * 1024;

/** How long the report of an agent waits for its output to be handed on. */
const FLUSH_MS_MAX = 5_000;

/** One output stream of an agent. */
export class Output {
  readonly #writer: OutputWriter | undefined;
  /** One buffer that grows: chunks may be of a byte each. */
  #buffer = new Uint8Array(0);
  #captured = 0;
  /** Null: nothing was handed to a writer. */
  #last: Promise<unknown> | null = null;

  constructor(writer: OutputWriter | undefined) {
    this.#writer = writer;
  }

  /** What was captured; the rest of what passed {@link CAPTURED_BYTES_MAX} is dropped. */
  get captured(): Uint8Array {
    return this.#buffer.slice(0, this.#captured);
  }

  /** Chunks are handed on one after another, in their order. */
  take(chunk: Uint8Array): Promise<'taken' | 'closed'> {
    if (this.#writer === undefined) {
      this.#capture(chunk.subarray(0, CAPTURED_BYTES_MAX - this.#captured));
      return Promise.resolve('taken');
    }
    const writer = this.#writer;
    const taken = (this.#last ?? Promise.resolve())
      .then(() => writer(chunk))
      .then(
        () => 'taken' as const,
        () => 'closed' as const,
      );
    this.#last = taken;
    return taken;
  }

  #capture(bytes: Uint8Array): void {
    const needed = this.#captured + bytes.length;
    if (needed > this.#buffer.length) {
      const size = Math.min(CAPTURED_BYTES_MAX, Math.max(needed, this.#buffer.length * 2));
      const grown = new Uint8Array(size);
      grown.set(this.#buffer.subarray(0, this.#captured));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#captured);
    this.#captured = needed;
  }

  /**
   * Resolves when everything that was taken has been handed on, or {@link FLUSH_MS_MAX} later: a writer
   * that never answers holds up nobody's report.
   */
  async flushed(): Promise<void> {
    if (this.#last === null) {
      return;
    }
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FLUSH_MS_MAX);
    await Promise.race([this.#last, late]);
    clearTimeout(timer);
  }
}
