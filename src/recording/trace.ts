/** Host calls in short, a line each: for people who look into what an agent did. */

import { EntryReader, readArguments } from './entries.ts';
import { type InShort, StandIn } from './values.ts';

/** Of a text or of bytes so much is shown, of a list so many. */
const SHOWN_CHARACTERS = 48;
const SHOWN_BYTES = 32;
const SHOWN_ITEMS = 8;
/** A line is cut here. */
const LINE_CHARACTERS_MAX = 600;

/** A host call of a recording, as a trace shows it. */
export interface TracedCall {
  /** From 1. */
  readonly call: number;
  /** `wasi:io/streams#[method]input-stream.read`. */
  readonly function: string;
  /** Units of fuel used when it was called. */
  readonly fuel: number;
  /** In short, without brackets. */
  readonly arguments: string;
  /** In short; null: the agent ended in it. */
  readonly answer: string | null;
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09);

function describeBytes(length: number, start: Uint8Array): string {
  const shown = start.subarray(0, SHOWN_BYTES);
  const buffer = Buffer.from(shown);
  const content = isText(shown)
    ? JSON.stringify(buffer.toString('latin1'))
    : buffer.toString('hex');
  const more = length > shown.length ? '…' : '';
  return length === 0 ? 'no bytes' : `${length} bytes ${content}${more}`;
}

/** A record of a forged recording can have fields of the same names. */
const isInShort = (value: object): value is InShort =>
  'start' in value &&
  value.start instanceof Uint8Array &&
  'length' in value &&
  typeof value.length === 'number' &&
  'sha256' in value &&
  typeof value.sha256 === 'string';

/** A value of a host call, in short. */
function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'none';
    case 'string':
      return JSON.stringify(shorten(value, SHOWN_CHARACTERS));
    case 'object':
      return value === null ? 'none' : describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (value instanceof StandIn) {
    return `#${value.id}`;
  }
  if (value instanceof Uint8Array) {
    return describeBytes(value.length, value);
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = value as unknown as ArrayLike<unknown>;
    const first = Array.from({ length: Math.min(items.length, SHOWN_ITEMS) }, (_, at) => items[at]);
    const shown = first.map(describeValue).join(', ');
    return items.length > SHOWN_ITEMS ? `[${shown}, … ${items.length} in all]` : `[${shown}]`;
  }
  if (isInShort(value)) {
    const { kind, length, start, sha256 } = value;
    const bytes = describeBytes(length, start);
    return `${kind === 'text' ? 'text of ' : ''}${bytes} (sha256 ${sha256.slice(0, 12)})`;
  }
  const fields = Object.entries(value);
  if ('tag' in value && typeof value.tag === 'string') {
    const { tag, val } = value as { readonly tag: string; readonly val?: unknown };
    return val === undefined ? tag : `${tag}(${describeValue(val)})`;
  }
  return `{${fields.map(([name, field]) => `${name}: ${describeValue(field)}`).join(', ')}}`;
}

/** The arguments of a call, in short; what can't be read is said to be that. */
export function describeArguments(bytes: Uint8Array): string {
  let described: string;
  try {
    described = readArguments(bytes).map(describeValue).join(', ');
  } catch {
    described = 'arguments that can not be read';
  }
  return shorten(described, LINE_CHARACTERS_MAX);
}

/**
 * The calls of a recording's entries, in their order.
 *
 * @throws {RingfenceError} `RF_RECORDING_INVALID`
 */
export function* traceOf(entries: Uint8Array): Generator<TracedCall> {
  const reader = new EntryReader(entries);
  let call = 0;
  for (let entry = reader.peek(); entry !== null; entry = reader.peek()) {
    if (entry.kind === 'refused') {
      reader.take();
      continue;
    }
    call += 1;
    const described = {
      call,
      function: entry.function,
      fuel: entry.fuel,
      arguments: describeArguments(entry.arguments),
    };
    if (entry.kind === 'last') {
      reader.take();
      yield { ...described, answer: null };
    } else {
      yield {
        ...described,
        answer: shorten(describeValue(reader.takeAnswer()), LINE_CHARACTERS_MAX),
      };
    }
  }
}
