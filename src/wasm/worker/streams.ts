/** The streams of an agent inside its worker: bounded windows on what the kernel's thread reads and writes. */

import type { InputSource, LogSink, OutputSink } from '../host/agent.ts';
import type { FromWorker, StreamName } from './protocol.ts';

/** Bytes of output that may be under way to the kernel. */
export const OUTPUT_WINDOW_BYTES = 64 * 1024;

/**
 * Bytes of log lines that may be under way. A line is a message of its own, and whatever else comes from this
 * thread waits behind all that its agents have under way.
 */
const LOG_WINDOW_BYTES = 16 * 1024;

/** A log line is cut here. */
export const LOG_LINE_CHARACTERS_MAX = 8 * 1024;

/** What a log line costs beside its characters, so that empty ones are bounded too. */
const LOG_LINE_OVERHEAD_BYTES = 512;

type Post = (message: FromWorker) => void;

/** Those who wait for a stream to change. */
class Waiters {
  /** Null until somebody waits: most never do. */
  #wakes: Set<() => void> | null = null;

  readonly subscribe = (wake: () => void): (() => void) => {
    this.#wakes ??= new Set();
    const wakes = this.#wakes;
    wakes.add(wake);
    return () => wakes.delete(wake);
  };

  notify(): void {
    const wakes = this.#wakes;
    if (wakes === null || wakes.size === 0) {
      return;
    }
    for (const wake of [...wakes]) {
      wakes.delete(wake);
      wake();
    }
  }
}

/** Input that the kernel's thread reads, one chunk at a time, when the agent has asked for it. */
export class PortInput implements InputSource {
  readonly #pid: number;
  readonly #post: Post;
  readonly #waiters = new Waiters();
  #chunk: Uint8Array | null = null;
  #closed = false;
  #asked = false;

  constructor(pid: number, post: Post) {
    this.#pid = pid;
    this.#post = post;
  }

  get ready(): boolean {
    return this.#chunk !== null || this.#closed;
  }

  read(max: number): Uint8Array | 'empty' | 'closed' {
    const chunk = this.#chunk;
    if (chunk === null) {
      if (this.#closed) {
        return 'closed';
      }
      this.#ask();
      return 'empty';
    }
    const part = chunk.subarray(0, max);
    this.#chunk = part.length < chunk.length ? chunk.subarray(part.length) : null;
    return part;
  }

  readonly onReady = (wake: () => void): (() => void) => {
    this.#ask();
    return this.#waiters.subscribe(wake);
  };

  /** The kernel has read a chunk; null: there is no more. */
  arrived(bytes: Uint8Array | null): void {
    this.#asked = false;
    if (bytes === null) {
      this.#closed = true;
    } else if (bytes.length > 0) {
      this.#chunk = bytes;
    } else {
      this.#ask();
      return;
    }
    this.#waiters.notify();
  }

  #ask(): void {
    if (!this.#asked && !this.ready) {
      this.#asked = true;
      this.#post({ kind: 'pull-input', pid: this.#pid });
    }
  }
}

/** Output that the kernel's thread writes. */
export class PortOutput implements OutputSink {
  readonly #pid: number;
  readonly #stream: StreamName;
  readonly #post: Post;
  /** Is told what is written; null: nobody is. */
  readonly #written: ((bytes: Uint8Array) => void) | null;
  readonly #waiters = new Waiters();
  /** Written, and not posted yet; at most the window. */
  readonly #pending: Uint8Array[] = [];
  #underWay = 0;
  #closed = false;

  constructor(
    pid: number,
    stream: StreamName,
    post: Post,
    written: ((bytes: Uint8Array) => void) | null = null,
  ) {
    this.#pid = pid;
    this.#stream = stream;
    this.#post = post;
    this.#written = written;
  }

  get room(): number {
    return OUTPUT_WINDOW_BYTES - this.#underWay;
  }
  /** What was handed to the kernel's thread is flushed, as long as that keeps up. */
  get flushed(): boolean {
    return this.#underWay <= OUTPUT_WINDOW_BYTES / 2;
  }
  get closed(): boolean {
    return this.#closed;
  }
  readonly onChange = this.#waiters.subscribe;

  write(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) {
      return;
    }
    if (this.#pending.length === 0) {
      queueMicrotask(() => this.flush());
    }
    this.#written?.(bytes);
    this.#underWay += bytes.length;
    this.#pending.push(bytes.slice());
  }

  /** Posts what was written since the last time: what a guest writes in one go is one chunk. */
  flush(): void {
    const chunks = this.#pending.splice(0);
    if (chunks.length > 0 && !this.#closed) {
      const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
      this.#post({ kind: 'output', pid: this.#pid, stream: this.#stream, bytes });
    }
  }

  consumed(bytes: number): void {
    this.#underWay -= bytes;
    this.#waiters.notify();
  }

  close(): void {
    this.#closed = true;
    this.#underWay = 0;
    this.#waiters.notify();
  }
}

/** Log lines that the kernel's thread hands to the operator. */
export class PortLog implements LogSink {
  readonly #pid: number;
  readonly #post: Post;
  readonly #waiters = new Waiters();
  #underWay = 0;

  constructor(pid: number, post: Post) {
    this.#pid = pid;
    this.#post = post;
  }

  get room(): number {
    return Math.max(0, LOG_WINDOW_BYTES - this.#underWay);
  }
  readonly onChange = this.#waiters.subscribe;

  write(level: string, message: string): void {
    const line = message.slice(0, LOG_LINE_CHARACTERS_MAX);
    this.#underWay += logLineBytes(line);
    this.#post({ kind: 'log', pid: this.#pid, level, message: line });
  }

  consumed(bytes: number): void {
    this.#underWay -= bytes;
    this.#waiters.notify();
  }
}

/** What a log line takes of the window; both sides compute it. */
export function logLineBytes(line: string): number {
  return line.length + LOG_LINE_OVERHEAD_BYTES;
}
