/** Receipts of all agents of a server, one after the other: a line of JSON each, as they end. */

import { type FileHandle, open } from 'node:fs/promises';
import { type Kernel, RingfenceError, type StateChange } from '../index.ts';
import { quoted } from './printable.ts';

/** Ends that wait for their receipt: each is signed, synced and written before the next. */
const WAITING_MAX = 10_000;

/** Where receipts are written to, and who hears of those that were not. */
export interface ReceiptLinesOptions {
  readonly kernel: Kernel;
  readonly path: string;
  readonly warn: (text: string) => void;
}

/** A file of receipts that grows. */
export class ReceiptLines {
  readonly #options: ReceiptLinesOptions;
  readonly #file: FileHandle;
  readonly #watch: ReturnType<Kernel['watch']>;
  readonly #done: Promise<void>;
  #missing = 0;

  private constructor(options: ReceiptLinesOptions, file: FileHandle) {
    this.#options = options;
    this.#file = file;
    this.#watch = options.kernel.watch({ buffer: WAITING_MAX });
    this.#done = this.#write();
  }

  /**
   * Writes receipts of agents that end from now on to the end of a file.
   *
   * @throws {RingfenceError} `RF_FILE` where it can't be written
   */
  static async open(options: ReceiptLinesOptions): Promise<ReceiptLines> {
    const { path } = options;
    try {
      return new ReceiptLines(options, await open(path, 'a', 0o600));
    } catch (error) {
      throw new RingfenceError(
        'RF_FILE',
        `Cannot write receipts to ${quoted(path)} (${(error as NodeJS.ErrnoException).code}): check its directory and its rights.`,
        { path },
        { cause: error },
      );
    }
  }

  /** Resolves when those of all that have ended until now are written. */
  async end(): Promise<void> {
    this.#watch.end();
    await this.#done;
    await this.#file.close();
    if (this.#missing > 0) {
      this.#options.warn(
        `${this.#missing} receipts are not in ${quoted(this.#options.path)}: what they would say is in the audit chain`,
      );
    }
  }

  async #write(): Promise<void> {
    for await (const change of this.#watch) {
      this.#missing += change.lost;
      if (change.to === 'exited') {
        await this.#writeOne(change);
      }
    }
  }

  /** One that can't be given or written is counted: those behind it may be. */
  async #writeOne({ pid }: StateChange): Promise<void> {
    try {
      const receipt = await this.#options.kernel.receipt(pid);
      await this.#file.appendFile(`${JSON.stringify(receipt)}\n`);
    } catch (error) {
      this.#missing += 1;
      if (this.#missing === 1) {
        const why = error instanceof Error ? error.message : String(error);
        this.#options.warn(`the receipt of pid ${pid} could not be written: ${why}`);
      }
    }
  }
}

/** Writes receipts where a file was named for them. */
export async function receiptLines(
  kernel: Kernel,
  path: string | null,
  warn: (text: string) => void,
): Promise<ReceiptLines | null> {
  return path === null ? null : await ReceiptLines.open({ kernel, path, warn });
}
