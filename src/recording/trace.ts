/** Host calls in short, a line each: for people who look into what an agent did. */

import { hash } from 'node:crypto';
import { EntryReader, readArguments } from './entries.ts';
import { ARGUMENT_BYTES_MAX, type InShort, isRecord, StandIn } from './values.ts';

/** Of a text or of bytes so much is shown, of a list so many. */
const SHOWN_CHARACTERS = 48;
const SHOWN_BYTES = 32;
const SHOWN_ITEMS = 8;
/** A line is cut here. */
export const LINE_CHARACTERS_MAX = 600;

/**
 * Functions that answer what whoever runs the agent has given it, keys and passwords among that: of their
 * texts only names are shown.
 */
const WITHHELD: ReadonlySet<string> = new Set([
  'wasi:cli/environment#get-environment',
  'wasi:config/store#get',
  'wasi:config/store#get-all',
]);

/** How values are shown. */
interface Manner {
  /** Numbers an object of the host; null: the values are out of a recording, which has numbered them. */
  readonly idOf: ((object: object) => number) | null;
  readonly texts: Showing;
  readonly bytes: Showing;
}

/** The beginning; that, and the hash of what is too long to be recorded whole; or no more than the size. */
type Showing = 'start' | 'hash' | 'size';

const AS_RECORDED: Manner = { idOf: null, texts: 'start', bytes: 'start' };

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
function describe(value: unknown, manner: Manner): string {
  switch (typeof value) {
    case 'undefined':
      return 'none';
    case 'string':
      return describeText(value, manner.texts);
    case 'object':
      return value === null ? 'none' : describeObject(value, manner);
    default:
      return String(value);
  }
}

function describeText(text: string, showing: Showing): string {
  if (showing === 'size') {
    return text === '' ? 'no text' : `text of ${text.length} characters`;
  }
  // Most are short: what can't be too long in UTF-8 is not measured in that.
  if (showing === 'hash' && text.length * 3 > ARGUMENT_BYTES_MAX && text.isWellFormed()) {
    const bytes = Buffer.from(text);
    if (bytes.length > ARGUMENT_BYTES_MAX) {
      return describeInShort('text', bytes.length, bytes, hash('sha256', bytes));
    }
  }
  return JSON.stringify(shorten(text, SHOWN_CHARACTERS));
}

function describeAllBytes(bytes: Uint8Array, showing: Showing): string {
  if (showing === 'size') {
    return bytes.length === 0 ? 'no bytes' : `${bytes.length} bytes`;
  }
  return showing === 'hash' && bytes.length > ARGUMENT_BYTES_MAX
    ? describeInShort('bytes', bytes.length, bytes, hash('sha256', bytes))
    : describeBytes(bytes.length, bytes);
}

function describeInShort(
  kind: InShort['kind'],
  length: number,
  start: Uint8Array,
  sha256: string,
): string {
  const bytes = describeBytes(length, start);
  return `${kind === 'text' ? 'text of ' : ''}${bytes} (sha256 ${sha256.slice(0, 12)})`;
}

function describeObject(value: object, manner: Manner): string {
  if (value instanceof StandIn) {
    return `#${value.id}`;
  }
  if (value instanceof Uint8Array) {
    return describeAllBytes(value, manner.bytes);
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return describeList(value as unknown as ArrayLike<unknown>, manner);
  }
  if (manner.idOf !== null) {
    if (!isRecord(value)) {
      return `#${manner.idOf(value)}`;
    }
  } else if (isInShort(value)) {
    return describeInShort(value.kind, value.length, value.start, value.sha256);
  }
  const fields = Object.entries(value);
  if ('tag' in value && typeof value.tag === 'string') {
    const { tag, val } = value as { readonly tag: string; readonly val?: unknown };
    return val === undefined ? tag : `${tag}(${describe(val, manner)})`;
  }
  return `{${fields.map(([name, field]) => `${name}: ${describe(field, manner)}`).join(', ')}}`;
}

function describeList(items: ArrayLike<unknown>, manner: Manner): string {
  const [name, second] = [items[0], items[1]];
  // A name and its value: what the name is gives nothing away.
  if (manner.texts === 'size' && items.length === 2 && typeof name === 'string') {
    return `[${describeText(name, 'start')}, ${describe(second, manner)}]`;
  }
  const first = Array.from({ length: Math.min(items.length, SHOWN_ITEMS) }, (_, at) => items[at]);
  const shown = first.map((item) => describe(item, manner)).join(', ');
  return items.length > SHOWN_ITEMS ? `[${shown}, … ${items.length} in all]` : `[${shown}]`;
}

/** What a call of a function has answered, in short, in a manner or a more silent one. */
function describeAnswerIn(name: string, answer: unknown, manner: Manner): string {
  const withheld: Manner = { ...manner, texts: 'size', bytes: 'size' };
  return shorten(describe(answer, WITHHELD.has(name) ? withheld : manner), LINE_CHARACTERS_MAX);
}

const isError = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'tag' in answer && answer.tag === 'err';

/** Host calls as they are made, in short: what of them may be seen, and how objects are numbered. */
export interface LiveDescription {
  arguments(args: readonly unknown[]): string;
  answer(name: string, answer: unknown): string;
}

/**
 * Describes calls as a trace of their recording would. Objects of the host are numbered as they are first
 * seen, from 0.
 *
 * @param shown `all`: what a recording would have; `little`: of what crosses only sizes, but for short texts
 * in arguments and in errors, and so nothing that would have to be kept as secret as what the agent has read
 */
export function liveDescription(shown: 'all' | 'little'): LiveDescription {
  const ids = new WeakMap<object, number>();
  let count = 0;
  const idOf = (object: object): number => {
    let id = ids.get(object);
    if (id === undefined) {
      id = count;
      count += 1;
      ids.set(object, id);
    }
    return id;
  };
  const isAll = shown === 'all';
  const given: Manner = isAll
    ? { idOf, texts: 'hash', bytes: 'hash' }
    : { idOf, texts: 'start', bytes: 'size' };
  const answered: Manner = isAll
    ? { idOf, texts: 'start', bytes: 'start' }
    : { idOf, texts: 'size', bytes: 'size' };
  return {
    arguments: (args) =>
      args.length === 0
        ? ''
        : shorten(args.map((value) => describe(value, given)).join(', '), LINE_CHARACTERS_MAX),
    // Why something has failed is what is looked for.
    answer: (name, answer) =>
      describeAnswerIn(name, answer, isAll || !isError(answer) ? answered : given),
  };
}

/** The arguments of a call, in short; what can't be read is said to be that. */
export function describeArguments(bytes: Uint8Array): string {
  let described: string;
  try {
    described = readArguments(bytes)
      .map((value) => describe(value, AS_RECORDED))
      .join(', ');
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
        answer: describeAnswerIn(entry.function, reader.takeAnswer(), AS_RECORDED),
      };
    }
  }
}
