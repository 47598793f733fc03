/** The entries of a recording: host calls in their order, and growth of memory that was refused. */

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

/** Objects of the host in a recording, which are kept while it is read: half of what a Map can hold. */
const OBJECTS_MAX = 2 ** 23;

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

const WHERE_STREAMS_COME_FROM: Readonly<Record<string, 'stdout' | 'stderr'>> = {
  'wasi:cli/stdout#get-stdout': 'stdout',
  'wasi:cli/stderr#get-stderr': 'stderr',
};

/** Reads entries one after another. */
export class EntryReader {
  readonly #reader: ValueReader;
  readonly #functions: string[] = [];
  readonly #objects = new Map<number, StandIn>();
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

  /** Takes the call that is next: what it answered. */
  takeAnswer(): unknown {
    const call = this.#next;
    if (call?.kind !== 'call') {
      throw new Error('an answer is taken of no call');
    }
    this.#next = null;
    const stream = WHERE_STREAMS_COME_FROM[call.function] ?? null;
    this.#reader.beginAnswer();
    return this.#reader.value((id) => this.#object(id, stream));
  }

  #object(id: number, stream: 'stdout' | 'stderr' | null): StandIn {
    let object = this.#objects.get(id);
    if (object === undefined) {
      if (this.#objects.size >= OBJECTS_MAX) {
        throw damaged('it has too many objects of the host');
      }
      object = new StandIn(id, stream);
      this.#objects.set(id, object);
    }
    return object;
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
