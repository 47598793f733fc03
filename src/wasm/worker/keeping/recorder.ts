/**
 * Keeps what one agent's host calls answer, as entries (src/recording/entries.ts). Entries go to the
 * kernel piece by piece; what is copied is what crosses, and nothing is kept twice.
 */

import { ENTRY } from '../../../recording/entries.ts';
import { PIECE_BYTES, type RecordEnd, type RecordStart } from '../../../recording/kept.ts';
import { ValueWriter } from '../../../recording/values.ts';
import type { StreamName } from '../protocol.ts';
import { OutputHashes } from './output-hashes.ts';

/** The most that the entry of a call without an answer takes beside its arguments and its function's name. */
const ENTRY_BYTES = 32;

/** The recorder of one agent. */
export class Recorder {
  readonly outputs = new OutputHashes();
  readonly #start: RecordStart;
  readonly #post: (bytes: Uint8Array) => void;
  /** The agent's own end, because its recording is full. */
  readonly #full: (bytesMax: number) => void;
  readonly #entries = new ValueWriter(PIECE_BYTES);
  readonly #arguments = new ValueWriter();
  /** The number in the file of each function, by its number in this program. */
  readonly #functions: number[] = [];
  #functionCount = 0;
  readonly #objects = new WeakMap<object, number>();
  #objectCount = 0;
  /** Entries that were handed on. */
  #posted = 0;
  #calls = 0;
  /** What the agent had used at the last entry. */
  #fuel = 0;
  #cutAtFuel: number | null = null;
  #hasLast = false;
  /** Growth that was asked for. */
  #growths = 0;
  #endedOutside = false;

  constructor(
    start: RecordStart,
    post: (bytes: Uint8Array) => void,
    full: (bytesMax: number) => void,
  ) {
    this.#start = start;
    this.#post = post;
    this.#full = full;
  }

  /** False: it has stopped, and calls are no longer kept. */
  get isOn(): boolean {
    return this.#cutAtFuel === null && !this.#hasLast;
  }

  readonly #idOf = (object: object): number => {
    let id = this.#objects.get(object);
    if (id === undefined) {
      id = this.#objectCount;
      this.#objectCount += 1;
      this.#objects.set(object, id);
    }
    return id;
  };

  /**
   * A call is about to be made; what it is given may be changed by it. Where nothing may be unseen, it is made only
   * if there is room to say that it was: else the agent has ended.
   */
  called(name: string, fuel: number, args: readonly unknown[]): void {
    this.#arguments.rewind(0);
    for (const argument of args) {
      this.#arguments.value(argument, this.#idOf, true);
    }
    const bytes = this.#arguments.length + name.length + ENTRY_BYTES;
    if (this.#endsAgent && this.#used + bytes > this.#start.bytesMax) {
      this.#stop(fuel);
    }
  }

  /** The call was answered. `fuel`: used when it was made. */
  answered(functionNumber: number, name: string, fuel: number, answer: unknown): void {
    const isKept = this.#add(fuel, () => {
      this.#callEntry(ENTRY.call, functionNumber, name, fuel);
      this.#entries.value(answer, this.#idOf);
    });
    if (isKept) {
      return;
    }
    if (this.#endsAgent) {
      // It was made, and never hears what it was answered.
      this.endedIn(functionNumber, name, fuel);
    }
    this.#stop(fuel);
  }

  /** The agent has ended in the call. */
  endedIn(functionNumber: number, name: string, fuel: number): void {
    this.#hasLast = this.#add(fuel, () => this.#callEntry(ENTRY.last, functionNumber, name, fuel));
    if (!this.#hasLast) {
      this.#stop(fuel);
    }
  }

  /** Adds the entry of a call, whole or not at all: false, where there is no room for it. */
  #add(fuel: number, write: () => void): boolean {
    const { length } = this.#entries;
    try {
      write();
    } catch (error) {
      // At the end of the stack, for one: half an entry would spoil all before it.
      this.#entries.rewind(length);
      this.#cutAtFuel = fuel;
      throw error;
    }
    if (!this.#settle(length)) {
      return false;
    }
    this.#calls += 1;
    this.#fuel = fuel;
    return true;
  }

  #callEntry(kind: number, functionNumber: number, name: string, fuel: number): void {
    const entries = this.#entries;
    let id = this.#functions[functionNumber];
    if (id === undefined) {
      id = this.#functionCount;
      this.#functionCount += 1;
      this.#functions[functionNumber] = id;
      entries.byte(ENTRY.function);
      entries.name(name);
    }
    entries.byte(kind);
    entries.unsigned(id);
    entries.unsigned(fuel - this.#fuel);
    entries.unsigned(this.#arguments.length);
    entries.raw(this.#arguments.written);
  }

  /** Bytes of entries so far. */
  get #used(): number {
    return this.#posted + this.#entries.length;
  }

  get #endsAgent(): boolean {
    return this.#start.whenFull === 'end-agent';
  }

  /** Keeps the entry that begins at `length`; false: there is no room for it. */
  #settle(length: number): boolean {
    if (this.#used > this.#start.bytesMax) {
      this.#entries.rewind(length);
      return false;
    }
    if (this.#entries.length >= PIECE_BYTES) {
      this.#flush();
    }
    return true;
  }

  /** It is full: what comes from here on is not kept, or does not come. */
  #stop(fuel: number): void {
    if (!this.#hasLast) {
      this.#cutAtFuel = fuel;
    }
    if (this.#endsAgent) {
      this.#full(this.#start.bytesMax);
    }
  }

  #flush(): void {
    const { written } = this.#entries;
    for (let at = 0; at < written.length; at += PIECE_BYTES) {
      this.#post(written.slice(at, at + PIECE_BYTES));
    }
    this.#posted += written.length;
    this.#entries.rewind(0);
  }

  /** It asks for memory. */
  grows(): void {
    this.#growths += 1;
  }

  /** It got none of what it asked for last. */
  growthRefused(fuel: number): void {
    if (!this.isOn) {
      return;
    }
    const { length } = this.#entries;
    this.#entries.byte(ENTRY.refused);
    this.#entries.unsigned(this.#growths);
    if (!this.#settle(length)) {
      this.#stop(fuel);
    }
  }

  /** It was written to one of its streams. */
  wrote(stream: StreamName, bytes: Uint8Array): void {
    this.outputs.add(stream, bytes);
  }

  /** It is ended for what is none of its doing. */
  endsOutside(): void {
    this.#endedOutside = true;
  }

  /** All is said. */
  finish(): RecordEnd {
    this.#flush();
    return {
      mode: 'record',
      calls: this.#calls,
      cutAtFuel: this.#cutAtFuel,
      endedOutside: this.#endedOutside && !this.#hasLast,
      stdout: this.outputs.of('stdout'),
      stderr: this.outputs.of('stderr'),
    };
  }
}
