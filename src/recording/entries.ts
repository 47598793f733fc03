/** The entries of a recording: host calls in their order, and growth of memory that was refused. */

import { AnsweredObjects, type ObjectStream, passAnswer } from './answers.ts';
import { damaged, StandIn, ValueReader } from './values.ts';

/** What an entry is. */
export const ENTRY = {
  /** Gives a host function its number in the file, from 0: its name. */
  function: 1,
  /** A call that was answered: its function, the fuel since the last, the arguments, the answer. */
  call: 2,
  /** A call in which the agent ended: the same without an answer. Nothing follows. */
  last: 3,
  /** So many times the agent had asked for memory, this one included; it got none. */
  refused: 4,
} as const;

/** Functions that a recording may name: some times more than are offered. */
const FUNCTIONS_MAX = 4096;
/** Characters of a function's name: some times more than those that are offered have. */
const FUNCTION_NAME_CHARACTERS_MAX = 256;

/** A host call of a recording. */
export interface CallEntry {
  readonly kind: 'call' | 'last';
  readonly function: string;
  /** Units used when it was called. */
  readonly fuel: number;
  readonly arguments: Uint8Array;
}

/** Growth that was refused. */
export interface RefusedEntry {
  readonly kind: 'refused';
  readonly growth: number;
}

/** Functions that answer one of the agent's streams, and nothing else. */
function streamOf(name: string): ObjectStream {
  switch (name) {
    case 'wasi:cli/stdout#get-stdout':
      return 'stdout';
    case 'wasi:cli/stderr#get-stderr':
      return 'stderr';
    default:
      return null;
  }
}

/** Reads entries one after another. */
export class EntryReader {
  readonly #reader: ValueReader;
  readonly #functions: string[] = [];
  readonly #objects = new AnsweredObjects();
  #fuel = 0;
  #next: CallEntry | RefusedEntry | null = null;
  #ended = false;

  constructor(bytes: Uint8Array) {
    this.#reader = new ValueReader(bytes);
  }

  /** Where it has come to. */
  get at(): number {
    return this.#reader.at;
  }

  /** The next entry, which is not taken yet; null: there is none. */
  peek(): CallEntry | RefusedEntry | null {
    this.#next ??= this.#read();
    return this.#next;
  }

  /** Takes an entry that has no answer. */
  take(): void {
    this.#next = null;
  }

  /** Takes the call that is next: what it answered. Who is given an object twice is given two of one number. */
  takeAnswer(): unknown {
    const stream = this.#beginAnswer();
    return this.#reader.value((id) => new StandIn(id, stream));
  }

  /** Takes an entry without making anything of it: that it can be read is known then. */
  pass(): void {
    if (this.#next?.kind === 'call') {
      const stream = this.#beginAnswer();
      passAnswer(this.#reader, (id) => this.#objects.seen(id, stream));
    }
    this.#next = null;
  }

  #beginAnswer(): ObjectStream {
    const call = this.#next;
    if (call?.kind !== 'call') {
      throw new Error('an answer is taken of no call');
    }
    this.#next = null;
    this.#reader.beginAnswer();
    return streamOf(call.function);
  }

  #read(): CallEntry | RefusedEntry | null {
    const reader = this.#reader;
    for (;;) {
      if (reader.isAtEnd) {
        return null;
      }
      if (this.#ended) {
        throw damaged('something follows the call in which the agent ended');
      }
      const kind = reader.byte();
      switch (kind) {
        case ENTRY.function:
          if (this.#functions.length >= FUNCTIONS_MAX) {
            throw damaged('it names too many functions');
          }
          this.#functions.push(this.#readName());
          break;
        case ENTRY.call:
        case ENTRY.last:
          this.#ended = kind === ENTRY.last;
          return this.#readCall(kind === ENTRY.call ? 'call' : 'last');
        case ENTRY.refused:
          return { kind: 'refused', growth: reader.unsigned() };
        default:
          throw damaged('an entry in it is of no kind that there is');
      }
    }
  }

  #readName(): string {
    const name = this.#reader.name();
    if (name.length > FUNCTION_NAME_CHARACTERS_MAX) {
      throw damaged('the name of a function in it is too long');
    }
    return name;
  }

  #readCall(kind: 'call' | 'last'): CallEntry {
    const reader = this.#reader;
    const name = this.#functions[reader.unsigned()];
    if (name === undefined) {
      throw damaged('a call in it is of a function that it has not named');
    }
    this.#fuel += reader.unsigned();
    if (!Number.isSafeInteger(this.#fuel)) {
      throw damaged('a number in it is too large');
    }
    return {
      kind,
      function: name,
      fuel: this.#fuel,
      arguments: reader.raw(reader.unsigned()),
    };
  }
}

/** Reads the arguments of a call: for people, as long ones are there in short only. */
export function readArguments(bytes: Uint8Array): unknown[] {
  const reader = new ValueReader(bytes);
  const values: unknown[] = [];
  while (!reader.isAtEnd) {
    values.push(reader.value((id) => new StandIn(id, null)));
  }
  return values;
}
