/**
 * Answers of a recording that are looked at without being made: that each can be read is known before any of it is
 * believed, and a file of a stranger's takes no more memory for it than it has bytes.
 */

import { isUtf8 } from 'node:buffer';
import { damaged, NUMBERS, TAG, type ValueReader } from './values.ts';

/** The stream of the agent that an object of the host stands for. */
export type ObjectStream = 'stdout' | 'stderr' | null;

const STREAM_NUMBERS: Readonly<Record<NonNullable<ObjectStream>, number>> = {
  stdout: 1,
  stderr: 2,
};

/**
 * The host's objects that answers name, a byte for each. An object has a number when it is first seen, and is first
 * seen in an answer; what is written to it is output, or is not, all the time.
 */
export class AnsweredObjects {
  #streams = new Uint8Array(64);
  #count = 0;

  /** An answer names the object of this number. */
  seen(id: number, stream: ObjectStream): void {
    const isStream = stream === null ? 0 : STREAM_NUMBERS[stream];
    if (id < this.#count) {
      if (this.#streams[id] !== isStream) {
        throw damaged('an object of the host in it stands for two');
      }
      return;
    }
    if (id > this.#count) {
      throw damaged('an object of the host in it has not the number that comes next');
    }
    if (id === this.#streams.length) {
      const grown = new Uint8Array(2 * id);
      grown.set(this.#streams);
      this.#streams = grown;
    }
    this.#streams[id] = isStream;
    this.#count += 1;
  }
}

/** Passes a value as host functions answer it. `seen` is told of each of the host's objects in it. */
export function passAnswer(reader: ValueReader, seen: (id: number) => void, depth = 0): void {
  switch (reader.tag(depth)) {
    case TAG.undefined:
    case TAG.null:
    case TAG.false:
    case TAG.true:
      return;
    case TAG.unsigned:
      reader.unsigned();
      return;
    case TAG.float:
    case TAG.u64:
    case TAG.s64:
      reader.pass(8);
      return;
    case TAG.text:
      passText(reader);
      return;
    case TAG.utf16:
      passUnits(reader, 2);
      return;
    case TAG.bytes:
      reader.pass(reader.unsigned());
      return;
    case TAG.numbers:
      passUnits(reader, NUMBERS[reader.byte()]?.BYTES_PER_ELEMENT);
      return;
    case TAG.list:
      for (let left = reader.unsigned(); left > 0; left -= 1) {
        passAnswer(reader, seen, depth + 1);
      }
      return;
    case TAG.record:
      for (let left = reader.unsigned(); left > 0; left -= 1) {
        passText(reader);
        passAnswer(reader, seen, depth + 1);
      }
      return;
    case TAG.resource:
      seen(reader.unsigned());
      return;
    default:
      throw damaged('a value in it is of no kind that an answer has');
  }
}

function passText(reader: ValueReader): void {
  if (!isUtf8(reader.raw(reader.unsigned()))) {
    throw damaged('a text in it is not UTF-8');
  }
}

function passUnits(reader: ValueReader, unitBytes: number | undefined): void {
  const bytes = reader.unsigned();
  if (unitBytes === undefined || bytes % unitBytes !== 0) {
    throw damaged('numbers in it are of no kind that there is');
  }
  reader.pass(bytes);
}
