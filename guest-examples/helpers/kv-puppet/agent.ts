// Does with wasi:keyvalue what it is told, line by line on its standard input, and says how each came out, line
// by line on its standard output: `WORD ok ANSWER` or `WORD err CASE MESSAGE`. Buckets and handles of swaps have
// the names that the test gives them. In keys and values `*N` is N letters, `lone` half of a surrogate pair, and
// `%00` what it is in addresses.

import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { OutputStream } from 'wasi/io/streams';
import { Cas, CasErrorTag, increment, swap } from 'wasi/keyvalue/atomics';
import { deleteMany, getMany, setMany } from 'wasi/keyvalue/batch';
import { Bucket, open, WitError, WitErrorTag } from 'wasi/keyvalue/store';
import { Tuple2 } from 'wit/tuples';
import { Result, UNIT, Unit } from 'wit/values';

const buckets = new Map<string, Bucket>();
const handles = new Map<string, Cas>();
let output: OutputStream | null = null;
let rest = '';

export function run(): Result<Unit, string> {
  output = getStdout();
  const input = getStdin();
  while (true) {
    const end = rest.indexOf('\n');
    if (end >= 0) {
      const line = rest.substring(0, end);
      rest = rest.substring(end + 1);
      if (line == 'end') return Result.ok<Unit, string>(UNIT);
      act(line.split(' '));
      continue;
    }
    const read = input.blockingRead(65536);
    if (!read.isOk) return Result.ok<Unit, string>(UNIT);
    rest += String.UTF8.decode(read.value.buffer);
  }
}

function act(words: string[]): void {
  const word = words[0];
  if (word == 'open') opened(words);
  else if (word == 'forge') {
    buckets.set(words[1], new Bucket(U32.parseInt(words[2])));
    say('forge ok');
  } else if (word == 'forge-cas') {
    handles.set(words[1], new Cas(U32.parseInt(words[2])));
    say('forge-cas ok');
  } else if (word == 'drop') {
    buckets.get(words[1]).drop();
    say('drop ok');
  } else if (word == 'current' || word == 'swap') swapped(words);
  else onBucket(word, buckets.get(words[1]), words.slice(2));
}

function onBucket(word: string, bucket: Bucket, words: string[]): void {
  if (word == 'get') value(word, bucket.get(text(words[0])));
  else if (word == 'set') done(word, bucket.set(text(words[0]), bytes(words[1])));
  else if (word == 'delete') done(word, bucket.delete(text(words[0])));
  else if (word == 'exists') exists(bucket.exists(text(words[0])));
  else if (word == 'list') list(bucket, words.length > 0 ? text(words[0]) : null);
  else if (word == 'increment') {
    const sum = increment(bucket, text(words[0]), I64.parseInt(words[1]));
    if (sum.isOk) say(`increment ok ${sum.value}`);
    else failed(word, sum.error);
  } else if (word == 'cas') cas(bucket, words);
  else batch(word, bucket, words);
}

function batch(word: string, bucket: Bucket, words: string[]): void {
  if (word == 'get-many') {
    const got = getMany(bucket, texts(words));
    if (!got.isOk) {
      failed(word, got.error);
      return;
    }
    let all = '';
    for (let index = 0; index < min(got.value.length, 8); index++) {
      const pair = got.value[index];
      all += pair === null ? ' -' : ` ${pair.item0}=${shown(pair.item1)}`;
    }
    say(`get-many ok ${got.value.length}${all}`);
  } else if (word == 'set-many') {
    const pairs: Array<Tuple2<string, Uint8Array>> = [];
    for (let index = 0; index < words.length; index++) {
      const at = words[index].indexOf('=');
      const key = text(words[index].substring(0, at));
      pairs.push(new Tuple2<string, Uint8Array>(key, bytes(words[index].substring(at + 1))));
    }
    done(word, setMany(bucket, pairs));
  } else if (word == 'delete-many') done(word, deleteMany(bucket, texts(words)));
  else say(`${word} unknown`);
}

function opened(words: string[]): void {
  const made = open(words.length > 2 ? words[2] : '');
  if (!made.isOk) {
    failed('open', made.error);
    return;
  }
  buckets.set(words[1], made.value);
  say(`open ok ${made.value.handle}`);
}

// cas KEY NAME
function cas(bucket: Bucket, words: string[]): void {
  const made = Cas.new(bucket, text(words[0]));
  if (!made.isOk) {
    failed('cas', made.error);
    return;
  }
  handles.set(words[1], made.value);
  say(`cas ok ${made.value.handle}`);
}

// current NAME, swap NAME VALUE: where it was not done the name is that of the new handle.
function swapped(words: string[]): void {
  const handle = handles.get(words[1]);
  if (words[0] == 'current') {
    value('current', handle.current());
    return;
  }
  const answer = swap(handle, bytes(words[2]));
  if (answer.isOk) {
    say('swap ok');
    return;
  }
  const error = answer.error;
  if (error.tag == CasErrorTag.CasFailed) {
    handles.set(words[1], error.casFailed);
    say('swap err cas-failed');
  } else failed('swap', error.storeError);
}

function list(bucket: Bucket, cursor: string | null): void {
  const got = bucket.listKeys(cursor);
  if (!got.isOk) {
    failed('list', got.error);
    return;
  }
  const next = got.value.cursor;
  const keys = got.value.keys;
  say(`list ok ${keys.length} ${next === null ? '-' : next} ${keys.slice(0, 8).join(' ')}`);
}

function exists(answer: Result<bool, WitError>): void {
  if (answer.isOk) say(`exists ok ${answer.value}`);
  else failed('exists', answer.error);
}

function value(word: string, answer: Result<Uint8Array | null, WitError>): void {
  if (!answer.isOk) {
    failed(word, answer.error);
    return;
  }
  const found = answer.value;
  say(found === null ? `${word} none` : `${word} ok ${shown(found)}`);
}

function done(word: string, answer: Result<Unit, WitError>): void {
  if (answer.isOk) say(`${word} ok`);
  else failed(word, answer.error);
}

function failed(word: string, error: WitError): void {
  say(`${word} err ${error.name}${error.tag == WitErrorTag.Other ? ` ${error.other}` : ''}`);
}

// Long values by their length.
function shown(value: Uint8Array): string {
  return value.length > 64 ? `*${value.length}` : String.UTF8.decode(value.buffer);
}

function bytes(word: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text(word)));
}

function texts(words: string[]): string[] {
  const made: string[] = [];
  for (let index = 0; index < words.length; index++) made.push(text(words[index]));
  return made;
}

function text(word: string): string {
  if (word == 'lone') return String.fromCharCode(0xd800);
  if (word.startsWith('*')) return 'x'.repeat(I32.parseInt(word.substring(1)));
  return word.includes('%') ? decodeURIComponent(word) : word;
}

function say(line: string): void {
  output!.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}
