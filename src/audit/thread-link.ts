/** The program's end of the thread that writes: what was asked of it, who waits for the answer, its death. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, RingfenceError } from '../errors.ts';
import type {
  FromThread,
  PlainError,
  ThreadSettings,
  ToThread,
  Written,
} from './store/protocol.ts';

const THREAD = new URL(
  `./store/thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
);

interface Waiting {
  readonly characters: number;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: RingfenceError) => void;
}

/** What it tells besides answers. */
export interface ThreadEvents {
  written(written: Written): void;
  /** It can't write at the moment; null: it can again. */
  failing(problem: RingfenceError | null): void;
  /** It is gone: nobody waits any more, and nothing is written. */
  lost(problem: RingfenceError): void;
}

/** What is asked, before it has its number. */
export type Question = ToThread extends infer Each
  ? Each extends ToThread
    ? Omit<Each, 'id'>
    : never
  : never;

/** How a chain was found when its thread opened it. */
export type Opened = Extract<FromThread, { tag: 'open' }>;

const toError = ({ code, message }: PlainError): RingfenceError =>
  new RingfenceError(code as ErrorCode, message);

/** The thread that writes a chain. */
export class ThreadLink {
  readonly #worker: Worker;
  readonly #committed: Int32Array;
  readonly #waiting = new Map<number, Waiting>();
  #events: ThreadEvents | null = null;
  #ids = 0;
  #pending = 0;
  #isEnding = false;

  private constructor(worker: Worker, committed: Int32Array) {
    this.#worker = worker;
    this.#committed = committed;
  }

  /**
   * Starts a thread, which opens the chain.
   *
   * @throws {RingfenceError} `RF_AUDIT`, `RF_AUDIT_KEY`, `RF_AUDIT_INVALID`
   */
  static async start(
    settings: Omit<ThreadSettings, 'committed'>,
  ): Promise<{ thread: ThreadLink; opened: Opened }> {
    const committed = new SharedArrayBuffer(4);
    const workerData: ThreadSettings = { ...settings, committed };
    const worker = new Worker(THREAD, { workerData, name: 'ringfence-audit' });
    // What the thread says first: that the chain is open, or why not.
    const [opened] = (await once(worker, 'message')) as [FromThread];
    if (opened.tag !== 'open') {
      await worker.terminate();
      throw opened.tag === 'failed-to-open'
        ? toError(opened.error)
        : new RingfenceError(
            'RF_INTERNAL',
            'The thread of the audit log said what it can not say.',
          );
    }
    return { thread: new ThreadLink(worker, new Int32Array(committed)), opened };
  }

  /** Who is told; a program may end while nobody waits for an answer. */
  listen(events: ThreadEvents): void {
    this.#events = events;
    this.#worker.on('message', (message: FromThread) => this.#hear(message));
    this.#worker.on('error', (error) => this.#lost(error));
    this.#worker.on('exit', () => this.#lost(null));
    this.#worker.unref();
  }

  /** Characters that it was given and has not written. */
  get pending(): number {
    return this.#pending;
  }

  /** @throws {RingfenceError} what the thread answers */
  ask(question: Question): Promise<Written> {
    const characters = 'drafts' in question ? question.drafts.length : 0;
    this.#pending += characters;
    if (this.#waiting.size === 0) {
      this.#worker.ref();
    }
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { characters, resolve, reject });
      this.#worker.postMessage({ ...question, id } satisfies ToThread);
    });
  }

  /** Blocks until all that was asked is done, or for so long: for a process that ends at once. */
  waitBlocking(timeoutMs: number): void {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const done = Atomics.load(this.#committed, 0);
      const leftMs = deadline - performance.now();
      if (done >= this.#ids || leftMs <= 0 || this.#waiting.size === 0) {
        return;
      }
      Atomics.wait(this.#committed, 0, done, leftMs);
    }
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  #hear(message: FromThread): void {
    switch (message.tag) {
      case 'done':
        this.#events?.written(message.written);
        this.#answered(message.id)?.resolve(message.written);
        return;
      case 'refused':
        this.#answered(message.id)?.reject(toError(message.error));
        return;
      case 'failing':
        this.#events?.failing(message.error === null ? null : toError(message.error));
        return;
    }
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#pending -= waiting?.characters ?? 0;
    if (this.#waiting.size === 0) {
      this.#worker.unref();
    }
    return waiting;
  }

  #lost(cause: unknown): void {
    if (this.#isEnding) {
      return;
    }
    this.#isEnding = true;
    const problem = new RingfenceError(
      'RF_CLOSED',
      'Cannot record anything as the thread that writes the audit chain has died: open it again.',
      {},
      { cause },
    );
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#events?.lost(problem);
    for (const { reject } of waiting) {
      reject(problem);
    }
  }
}
