/**
 * Named pipes: bounded queues of messages between parts of the program, with many writers and one reader
 * at a time. A pipe outlives its reader, so that the next one goes on where that stopped, and is gone with
 * its owner. Capacity and idle time are the reference's.
 */

import { RingfenceError } from '../errors.ts';
import { Pipe, type PipeHost, type PipeInfo, type PipeSettings } from './pipe.ts';

/** Messages of a pipe, if nothing else is said. */
export const PIPE_CAPACITY_DEFAULT = 256;
/** The most that can be said. */
export const PIPE_CAPACITY_MAX = 10_000;
/** How long a pipe stays that nobody reads or writes. */
export const PIPE_IDLE_MS_DEFAULT = 60_000;
/** Pipes of a kernel. */
export const PIPES_MAX = 256;
/** Bytes that are held for all of them. */
export const PIPE_BYTES_MAX = 64 * 1024 * 1024;

/** What pipes need. */
export interface PipesOptions {
  /** Calls once, after a time, and never synchronously. */
  wake(inMs: number, ring: () => void): { clear(): void };
  /** So many messages were still in a pipe that is gone. */
  dropped(messages: number): void;
}

/** All pipes of a kernel. */
export class Pipes implements PipeHost {
  readonly #options: PipesOptions;
  readonly #pipes = new Map<string, Pipe>();
  #bytes = 0;
  /** Messages that wait for room, in all pipes. */
  #waiting = 0;
  #isClosed = false;

  constructor(options: PipesOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} `RF_CLOSED`, `RF_PIPE_TAKEN`, `RF_LIMIT_EXCEEDED` */
  open(name: string, settings: PipeSettings): Pipe {
    if (this.#isClosed) {
      throw new RingfenceError(
        'RF_CLOSED',
        `Cannot open the pipe '${name}' as the kernel is closed: open another.`,
      );
    }
    if (this.#pipes.has(name)) {
      throw new RingfenceError(
        'RF_PIPE_TAKEN',
        `Cannot open the pipe '${name}' as there is one of this name: take another, or end that one.`,
        { name },
      );
    }
    if (this.#pipes.size >= PIPES_MAX) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot open the pipe '${name}' as the kernel has ${PIPES_MAX} pipes, which are the most: end one.`,
        { limit: PIPES_MAX },
      );
    }
    const pipe = new Pipe(name, settings, this);
    this.#pipes.set(name, pipe);
    return pipe;
  }

  /** @throws {RingfenceError} `RF_PIPE_NOT_FOUND` */
  get(name: string): Pipe {
    const pipe = this.#pipes.get(name);
    if (pipe === undefined) {
      throw new RingfenceError(
        'RF_PIPE_NOT_FOUND',
        `Cannot find a pipe '${name}': it was not opened, or is gone with its owner, or as nobody used it.`,
        { name },
      );
    }
    return pipe;
  }

  list(): PipeInfo[] {
    return Array.from(this.#pipes.values(), ({ info }) => info);
  }

  /** False: there is none of this name. */
  end(name: string): boolean {
    const pipe = this.#pipes.get(name);
    pipe?.end();
    return pipe !== undefined;
  }

  /** An agent has exited: its pipes are gone. */
  exited(pid: number): void {
    for (const pipe of [...this.#pipes.values()]) {
      if (pipe.settings.owner === pid) {
        pipe.end();
      }
    }
  }

  /** All pipes end, and none is opened any more. */
  close(): void {
    this.#isClosed = true;
    for (const pipe of [...this.#pipes.values()]) {
      pipe.end();
    }
  }

  // ── of a pipe ───────────────────────────────────────────────────────────────────────────────────

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= PIPE_BYTES_MAX;
  }

  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  waits(more: number): void {
    this.#waiting += more;
  }

  roomWasMade(): void {
    if (this.#waiting === 0) {
      return;
    }
    for (const pipe of this.#pipes.values()) {
      pipe.letIn();
    }
  }

  wasEnded(pipe: Pipe, left: number): void {
    this.#pipes.delete(pipe.name);
    if (left > 0) {
      this.#options.dropped(left);
    }
    this.roomWasMade();
  }

  wake(inMs: number, ring: () => void): { clear(): void } {
    return this.#options.wake(inMs, ring);
  }
}
