/** One named pipe: a bounded queue, its writers, and the one who reads it. */

import { RingfenceError } from '../errors.ts';
import { heldBytes, type Payload } from './message.ts';
import { PipeReader, type ReadablePipe } from './pipe-reader.ts';
import { PipeWriter, type WritablePipe } from './pipe-writer.ts';

/** How a pipe is opened; by whom, and within which bounds. */
export interface PipeSettings {
  readonly owner: number | null;
  readonly capacity: number;
  readonly idleMs: number;
}

/** A pipe, as it is listed. */
export interface PipeInfo extends PipeSettings {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly writers: number;
  readonly hasReader: boolean;
}

/** What a pipe has in common with the others. */
export interface PipeHost {
  hasRoomFor(bytes: number): boolean;
  hold(bytes: number): void;
  /** So many messages more wait for room, or fewer. */
  waits(more: number): void;
  roomWasMade(): void;
  /** It is gone, with so many messages that were left. */
  wasEnded(pipe: Pipe, left: number): void;
  /** Calls once, after a time, and never synchronously. */
  wake(inMs: number, ring: () => void): { clear(): void };
}

interface Waiting {
  readonly payload: Payload;
  settle(isTaken: boolean): void;
}

/** One pipe: its queue, and who is at its ends. */
export class Pipe implements ReadablePipe, WritablePipe {
  readonly name: string;
  readonly settings: PipeSettings;
  readonly #host: PipeHost;
  readonly #queue: Payload[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #writers = new Set<PipeWriter>();
  #reader: PipeReader | null = null;
  #bytes = 0;
  #idle: { clear(): void } | null = null;
  #gone = false;

  constructor(name: string, settings: PipeSettings, host: PipeHost) {
    this.name = name;
    this.settings = settings;
    this.#host = host;
  }

  get info(): PipeInfo {
    return {
      name: this.name,
      ...this.settings,
      messages: this.#queue.length,
      bytes: this.#bytes,
      writers: this.#writers.size,
      hasReader: this.#reader !== null,
    };
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** @throws {RingfenceError} `RF_PIPE_TAKEN` where another one reads it */
  read(): PipeReader {
    if (this.#reader !== null) {
      throw new RingfenceError(
        'RF_PIPE_TAKEN',
        `Cannot read the pipe '${this.name}' as another reader has it: end that one first.`,
        { name: this.name },
      );
    }
    this.#reader = new PipeReader(this);
    this.#look();
    return this.#reader;
  }

  write(): PipeWriter {
    const writer = new PipeWriter(this);
    this.#writers.add(writer);
    this.#look();
    return writer;
  }

  leaveReader(reader: PipeReader): void {
    if (reader === this.#reader) {
      this.#reader = null;
      this.#look();
    }
  }

  leaveWriter(writer: PipeWriter): void {
    this.#writers.delete(writer);
    this.#look();
  }

  put(payload: Payload): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(payload)) {
      return false;
    }
    this.#push(payload);
    return true;
  }

  wait(payload: Payload): { readonly taken: Promise<boolean>; giveUp(): void } | null {
    if (this.#waiting.length >= this.settings.capacity) {
      return null;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = { payload, settle: resolve };
    this.#waiting.push(waiting);
    this.#host.waits(1);
    const giveUp = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) {
        this.#waiting.splice(index, 1);
        this.#host.waits(-1);
        resolve(false);
        this.letIn();
      }
    };
    return { taken: promise, giveUp };
  }

  take(): Payload | null {
    const payload = this.#queue.shift();
    if (payload === undefined) {
      return null;
    }
    this.#hold(-heldBytes(payload));
    this.#host.roomWasMade();
    return payload;
  }

  /** Lets in who waits, in order, as far as there is room. */
  letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#hasRoom(next.payload)) {
        return;
      }
      this.#waiting.shift();
      this.#host.waits(-1);
      this.#push(next.payload);
      next.settle(true);
    }
  }

  #hasRoom(payload: Payload): boolean {
    return this.#queue.length < this.settings.capacity && this.#host.hasRoomFor(heldBytes(payload));
  }

  #push(payload: Payload): void {
    this.#queue.push(payload);
    this.#hold(heldBytes(payload));
    this.#reader?.wake();
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#host.hold(bytes);
  }

  /** What is in it is dropped; both ends are told. */
  end(): void {
    if (this.#gone) {
      return;
    }
    this.#gone = true;
    this.#idle?.clear();
    const left = this.#queue.length;
    this.#queue.length = 0;
    this.#hold(-this.#bytes);
    this.#host.waits(-this.#waiting.length);
    for (const { settle } of this.#waiting.splice(0)) {
      settle(false);
    }
    this.#reader?.wake();
    this.#host.wasEnded(this, left);
  }

  /** Is somebody at one of its ends? If not, it has its time. */
  #look(): void {
    const isIdle = this.#reader === null && this.#writers.size === 0;
    if (!isIdle || this.#gone) {
      this.#idle?.clear();
      this.#idle = null;
    } else {
      this.#idle ??= this.#host.wake(this.settings.idleMs, () => this.end());
    }
  }
}
