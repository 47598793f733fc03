/** One of the two streams that the command line writes to: backpressure, and what a broken one means. */

import type { Writable } from 'node:stream';

/** Bytes of text that may wait to be written before more of it is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Errors that mean that a reader has seen enough, which is no failure. */
const READER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** Nobody reads the stream any more, or it is given up. */
export class OutletClosedError extends Error {
  constructor() {
    super('the stream is closed');
    this.name = 'OutletClosedError';
  }
}

/** Standard output or standard error. */
export class Outlet {
  readonly descriptor: number;
  readonly isTerminal: boolean;
  readonly #stream: Writable & { columns?: number };
  /** How each write that is under way is told that the stream was given up. */
  readonly #underWay = new Set<(error: OutletClosedError) => void>();
  #isClosed = false;
  #failure: string | null = null;
  #wasAbandoned = false;
  #waitingBytes = 0;
  #droppedLines = 0;
  #last: Promise<unknown> = Promise.resolve();
  #atLineStart = true;

  constructor(stream: Writable & { isTTY?: boolean; columns?: number }, descriptor: number) {
    this.#stream = stream;
    this.descriptor = descriptor;
    this.isTerminal = stream.isTTY === true;
    // EPIPE when the reader is gone, ENOSPC when the disk is full: the writes are told by their own
    // callbacks, and without a listener the event would end the process with a stack.
    stream.on('error', (error) => this.#fail(error));
  }

  /** Characters of a line of the terminal; 80 where it does not say. */
  get columns(): number {
    return this.#stream.columns || 80;
  }

  /** Whether what was written last ended its line. */
  get atLineStart(): boolean {
    return this.#atLineStart;
  }

  /** Why it could not be written, such as ENOSPC; null where it could, or nobody wants more of it. */
  get failure(): string | null {
    return this.#failure;
  }

  /** What waited to be written was lost because nobody read it. */
  get wasAbandoned(): boolean {
    return this.#wasAbandoned;
  }

  /**
   * Writes, and resolves when the bytes have been taken over by whoever reads.
   *
   * @throws {OutletClosedError} when nobody reads any more.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) {
      throw new OutletClosedError();
    }
    if (bytes.length === 0) {
      return;
    }
    const last = bytes.at(-1);
    // On a terminal only ringfence's own progress line ends with a carriage return.
    this.#atLineStart = last === 0x0a || (this.isTerminal && last === 0x0d);
    const written = this.#handOver(bytes);
    this.#last = written.catch(() => {});
    await written;
  }

  /**
   * Writes text without waiting for it. A stream that nobody reads loses lines, which is said as
   * soon as somebody does: what guests log must not pile up in memory.
   */
  print(text: string): void {
    if (this.#isClosed) {
      return;
    }
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      this.#droppedLines += 1;
      return;
    }
    const dropped = this.#droppedLines;
    this.#droppedLines = 0;
    const notice =
      dropped === 0 ? '' : `ringfence: ${dropped} lines were dropped here as nobody read them\n`;
    void this.write(Buffer.from(notice + text)).catch(() => {});
  }

  /** Resolves when everything has been written or the stream is closed. Never rejects. */
  async flushed(): Promise<void> {
    await this.#last;
  }

  /** Gives the reader up if it holds somebody up: what waits to be written is lost. */
  abandonIfStalled(): void {
    if (this.#underWay.size > 0 && !this.#isClosed) {
      this.#wasAbandoned = true;
      this.#close();
    }
  }

  #fail(error: NodeJS.ErrnoException): void {
    const code = error.code ?? 'unknown error';
    if (!this.#isClosed && !READER_GONE.has(code)) {
      this.#failure = code;
    }
    this.#close();
  }

  #handOver(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#underWay.add(reject);
    this.#waitingBytes += bytes.length;
    this.#stream.write(bytes, (error) => {
      this.#waitingBytes -= bytes.length;
      this.#underWay.delete(reject);
      if (error) {
        reject(new OutletClosedError());
        this.#fail(error);
      } else {
        resolve();
      }
    });
    return promise;
  }

  #close(): void {
    this.#isClosed = true;
    for (const reject of this.#underWay) {
      reject(new OutletClosedError());
    }
    this.#underWay.clear();
  }
}
