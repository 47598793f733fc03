/** A file that values are kept in: asks the thread that writes it, and tells who waits what it answers. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { RingfenceError } from '../errors.ts';
import type { FromThread, ThreadSettings, ToThread } from './protocol.ts';
import type { KvOutcome, KvRequest } from './request.ts';

const THREAD = new URL(
  `./thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

/** The operator is told no more often of a disk that takes some values and others not: agents choose which. */
const TELL_MS = 60_000;

/** A file that is open. How much waits for it is bounded by the turns of the tools that ask. */
export class KvFile {
  readonly #worker: Worker;
  readonly path: string;
  readonly #warn: (text: string) => void;
  readonly #now: () => number;
  readonly #waiting = new Map<number, (outcome: KvOutcome) => void>();
  #ids = 0;
  /** When it was told last that nothing can be written; what is told may be over since. */
  #toldMs = Number.NEGATIVE_INFINITY;
  #isTold = false;
  #isGone = false;
  #closed: Promise<void> | null = null;

  private constructor(
    worker: Worker,
    path: string,
    { warn, now }: { readonly warn: (text: string) => void; readonly now: () => number },
  ) {
    this.#worker = worker;
    this.path = path;
    this.#warn = warn;
    this.#now = now;
    worker.on('message', (message: FromThread) => this.#hear(message));
    worker.on('error', () => this.#lost());
    worker.on('exit', () => this.#lost());
    worker.unref();
  }

  /**
   * Opens a file, and makes it where there is none.
   *
   * @throws {RingfenceError} `RF_STORE`
   */
  static async open(
    settings: ThreadSettings,
    warn: (text: string) => void,
    now: () => number = () => performance.now(),
  ): Promise<KvFile> {
    const worker = new Worker(THREAD, { workerData: settings, name: 'ringfence-kv' });
    const { path } = settings;
    try {
      const [said] = (await once(worker, 'message')) as [FromThread];
      if (said.tag === 'open') {
        return new KvFile(worker, path, { warn, now });
      }
      const why = said.tag === 'failed to open' ? said.why : 'its thread said what it can not say';
      throw new RingfenceError('RF_STORE', `Cannot keep values in '${path}' as ${why}.`, { path });
    } catch (error) {
      await worker.terminate();
      throw error instanceof RingfenceError
        ? error
        : new RingfenceError(
            'RF_STORE',
            `Cannot keep values in '${path}' as its thread could not be started: see the cause.`,
            { path },
            { cause: error },
          );
    }
  }

  /** Does what is asked, and answers when it is on disk. */
  perform(request: KvRequest): Promise<KvOutcome> {
    if (this.#isGone || this.#closed !== null) {
      return Promise.resolve({ tag: 'err', why: 'unwritable' });
    }
    if (this.#waiting.size === 0) {
      this.#worker.ref();
    }
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#post({ tag: 'ask', id, request });
    });
  }

  /** Ends the thread, when all that was asked is done. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#isGone) {
      return;
    }
    const exited = once(this.#worker, 'exit');
    this.#worker.ref();
    this.#post({ tag: 'close' });
    await exited;
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromThread): void {
    if (message.tag === 'answers') {
      for (const [id, outcome] of message.answers) {
        this.#waiting.get(id)?.(outcome);
        this.#waiting.delete(id);
      }
      if (this.#waiting.size === 0 && this.#closed === null) {
        this.#worker.unref();
      }
    } else if (message.tag === 'failing') {
      this.#tell(message.why);
    }
  }

  #tell(why: string | null): void {
    if (why === null) {
      if (this.#isTold) {
        this.#isTold = false;
        this.#warn(`values are kept in '${this.path}' again`);
      }
    } else if (this.#now() - this.#toldMs >= TELL_MS) {
      this.#isTold = true;
      this.#toldMs = this.#now();
      this.#warn(`values can not be kept in '${this.path}' as ${why}`);
    }
  }

  /** The thread is gone: what it was asked may be done or not. */
  #lost(): void {
    if (this.#isGone) {
      return;
    }
    this.#isGone = true;
    if (this.#closed === null) {
      this.#warn(
        `values can not be kept in '${this.path}' as the thread that writes it has died: open the kernel again`,
      );
    }
    for (const resolve of this.#waiting.values()) {
      resolve({ tag: 'err', why: 'unwritable' });
    }
    this.#waiting.clear();
  }
}
