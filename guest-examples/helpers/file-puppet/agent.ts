// Does to its files what it is told, line by line on its standard input, and says how each came out,
// line by line on its standard output: `WORD ok ANSWER` or `WORD err CODE`. Words stand one space
// apart, with what else is in them escaped as in addresses (%20, %00). Its mounts have the names 0, 1, …

import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { getDirectories } from 'wasi/filesystem/preopens';
import {
  Descriptor,
  DirectoryEntryStream,
  ErrorCode,
  filesystemErrorCode,
  NewTimestamp,
  nameOfDescriptorType,
  nameOfErrorCode,
} from 'wasi/filesystem/types';
import { InputStream, OutputStream, StreamError } from 'wasi/io/streams';
import { Result, UNIT, Unit } from 'wit/values';

const files = new Map<string, Descriptor>();
const inputs = new Map<string, InputStream>();
const outputs = new Map<string, OutputStream>();
const listings = new Map<string, DirectoryEntryStream>();
const kept: Descriptor[] = [];
let output: OutputStream | null = null;
let rest = '';

export function run(): Result<Unit, string> {
  const directories = getDirectories();
  for (let index = 0; index < directories.length; index++) {
    files.set(index.toString(), directories[index].item0);
  }
  output = getStdout();
  const input = getStdin();
  while (true) {
    const end = rest.indexOf('\n');
    if (end >= 0) {
      const words = rest.substring(0, end).split(' ');
      rest = rest.substring(end + 1);
      if (words[0] == 'end') return Result.ok<Unit, string>(UNIT);
      for (let index = 1; index < words.length; index++) {
        // What no escape can say: half of a pair of UTF-16, and a long name.
        if (words[index] == '%surrogate') words[index] = String.fromCharCode(0xd800);
        else if (words[index].startsWith('%long')) {
          words[index] = 'x'.repeat(I32.parseInt(words[index].substring(5)));
        } else words[index] = decodeURIComponent(words[index]);
      }
      act(words);
      continue;
    }
    const read = input.blockingRead(65536);
    if (!read.isOk) return Result.ok<Unit, string>(UNIT);
    rest += String.UTF8.decode(read.value.buffer);
  }
}

function act(words: string[]): void {
  const word = words[0];
  let self: Descriptor | null = null;
  if (words.length > 1 && files.has(words[1])) self = files.get(words[1]);
  if (word == 'mounts') mounts();
  else if (word == 'next') next(words);
  else if (word == 'put') put(words);
  else if (word == 'entry') entry(words);
  else if (self === null) say(`${word} unknown ${words[1]}`);
  else if (word == 'open') open(words, self);
  else if (word == 'keep') keep(words, self);
  else if (word == 'drop') drop(words, self);
  else if (word == 'swap') swap(words, self);
  else if (word == 'probe') probe(words, self);
  else data(words, self);
}

function data(words: string[], self: Descriptor): void {
  const word = words[0];
  if (word == 'read') read(words, self);
  else if (word == 'write') {
    const bytes = Uint8Array.wrap(String.UTF8.encode(words[3]));
    number(word, self.write(bytes, U64.parseInt(words[2])));
  } else if (word == 'fill') {
    number(word, self.write(new Uint8Array(I32.parseInt(words[2])), U64.parseInt(words[3])));
  } else if (word == 'size') done(word, self.setSize(U64.parseInt(words[2])));
  else if (word == 'sync') done(word, self.sync());
  else if (word == 'in') {
    const stream = self.readViaStream(U64.parseInt(words[2]));
    if (stream.isOk) inputs.set(words[1], stream.value);
    done(word, stream);
  } else if (word == 'out') {
    const stream =
      words.length > 2 ? self.writeViaStream(U64.parseInt(words[2])) : self.appendViaStream();
    if (stream.isOk) outputs.set(words[1], stream.value);
    done(word, stream);
  } else attributes(words, self);
}

function attributes(words: string[], self: Descriptor): void {
  const word = words[0];
  if (word == 'stat') {
    const stat = words.length > 2 ? self.statAt(U32.parseInt(words[3]), words[2]) : self.stat();
    if (!stat.isOk) say(`stat err ${nameOfErrorCode(stat.error)}`);
    else say(`stat ok ${nameOfDescriptorType(stat.value.type_)} ${stat.value.size}`);
  } else if (word == 'times') {
    const now = NewTimestamp.now();
    done(word, self.setTimesAt(U32.parseInt(words[3]), words[2], now, now));
  } else if (word == 'hash') {
    const hash = words.length > 2 ? self.metadataHashAt(1, words[2]) : self.metadataHash();
    if (hash.isOk) say(`hash ok ${hash.value.lower} ${hash.value.upper}`);
    else done(word, hash);
  } else if (word == 'same') {
    say(`same ok ${self.isSameObject(files.get(words[2])) ? 'yes' : 'no'}`);
  } else if (word == 'list') list(words, self);
  else names(words, self);
}

function names(words: string[], self: Descriptor): void {
  const word = words[0];
  if (word == 'mkdir') done(word, self.createDirectoryAt(words[2]));
  else if (word == 'rmdir') done(word, self.removeDirectoryAt(words[2]));
  else if (word == 'unlink') done(word, self.unlinkFileAt(words[2]));
  else if (word == 'symlink') done(word, self.symlinkAt(words[2], words[3]));
  else if (word == 'readlink') {
    const target = self.readlinkAt(words[2]);
    if (target.isOk) say(`readlink ok ${target.value}`);
    else done(word, target);
  } else if (word == 'rename') done(word, self.renameAt(words[2], files.get(words[3]), words[4]));
  else if (word == 'link') {
    done(word, self.linkAt(U32.parseInt(words[5]), words[2], files.get(words[3]), words[4]));
  } else say(`${word} unknown`);
}

function mounts(): void {
  const directories = getDirectories();
  let all = '';
  for (let index = 0; index < directories.length; index++) all += ` ${directories[index].item1}`;
  say(`mounts ok${all}`);
}

// open DIRECTORY PATH NAME PATH-FLAGS OPEN-FLAGS FLAGS
function open(words: string[], self: Descriptor): void {
  const opened = openAs(words, self);
  if (opened.isOk) files.set(words[3], opened.value);
  done(words[0], opened);
}

function openAs(words: string[], self: Descriptor): Result<Descriptor, ErrorCode> {
  const how = U32.parseInt(words[5]);
  return self.openAt(U32.parseInt(words[4]), words[2], how, U32.parseInt(words[6]));
}

// keep DIRECTORY PATH COUNT PATH-FLAGS OPEN-FLAGS FLAGS: opens it so often, and says how often it could.
function keep(words: string[], self: Descriptor): void {
  const count = I32.parseInt(words[3]);
  for (let opened = 0; opened < count; opened++) {
    const result = openAs(words, self);
    if (!result.isOk) {
      say(`keep ok ${opened} ${nameOfErrorCode(result.error)}`);
      return;
    }
    kept.push(result.value);
  }
  say(`keep ok ${count}`);
}

// swap DIRECTORY A B COUNT: moves A to B and back, so often.
function swap(words: string[], self: Descriptor): void {
  const count = I32.parseInt(words[4]);
  let moved = 0;
  for (let turn = 0; turn < count; turn++) {
    if (self.renameAt(words[2], self, words[3]).isOk) moved++;
    if (self.renameAt(words[3], self, words[2]).isOk) moved++;
  }
  say(`swap ok ${moved}`);
}

// probe DIRECTORY PATH COUNT: reads the file, so often, and says what it met.
function probe(words: string[], self: Descriptor): void {
  const count = I32.parseInt(words[3]);
  const met = new Map<string, i32>();
  for (let turn = 0; turn < count; turn++) {
    const opened = self.openAt(1, words[2], 0, 1);
    let what = '';
    if (opened.isOk) {
      const read = opened.value.read(64, 0);
      what = read.isOk ? String.UTF8.decode(read.value.item0.buffer) : nameOfErrorCode(read.error);
      opened.value.drop();
    } else what = nameOfErrorCode(opened.error);
    met.set(what, (met.has(what) ? met.get(what) : 0) + 1);
  }
  let all = '';
  const keys = met.keys();
  for (let index = 0; index < keys.length; index++)
    all += ` ${keys[index]}=${met.get(keys[index])}`;
  say(`probe ok${all}`);
}

function drop(words: string[], self: Descriptor): void {
  self.drop();
  files.delete(words[1]);
  say('drop ok');
}

// read NAME LENGTH OFFSET: says how many bytes came, and the first of them.
function read(words: string[], self: Descriptor): void {
  const answer = self.read(U64.parseInt(words[2]), U64.parseInt(words[3]));
  if (!answer.isOk) {
    done('read', answer);
    return;
  }
  const bytes = answer.value.item0;
  say(`read ok ${bytes.length} ${String.UTF8.decode(bytes.slice(0, 64).buffer)}`);
}

function list(words: string[], self: Descriptor): void {
  const listing = self.readDirectory();
  if (listing.isOk) listings.set(words[1], listing.value);
  done('list', listing);
}

function entry(words: string[]): void {
  const next = listings.get(words[1]).readDirectoryEntry();
  if (!next.isOk) {
    say(`entry err ${nameOfErrorCode(next.error)}`);
    return;
  }
  const found = next.value;
  say(found === null ? 'entry ok' : `entry ok ${nameOfDescriptorType(found.type_)} ${found.name}`);
}

function next(words: string[]): void {
  const read = inputs.get(words[1]).blockingRead(U64.parseInt(words[2]));
  if (read.isOk)
    say(`next ok ${read.value.length} ${String.UTF8.decode(read.value.slice(0, 64).buffer)}`);
  else say(`next err ${nameOfStreamError(read.error)}`);
}

function put(words: string[]): void {
  const written = outputs
    .get(words[1])
    .blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(words[2])));
  if (written.isOk) say('put ok');
  else say(`put err ${nameOfStreamError(written.error)}`);
}

function nameOfStreamError(error: StreamError): string {
  if (error.name == 'closed') return 'closed';
  const code = filesystemErrorCode(error.lastOperationFailed);
  return code.isSome ? nameOfErrorCode(code.value) : error.name;
}

function number(word: string, result: Result<u64, ErrorCode>): void {
  if (result.isOk) say(`${word} ok ${result.value}`);
  else done(word, result);
}

function done<T>(word: string, result: Result<T, ErrorCode>): void {
  say(result.isOk ? `${word} ok` : `${word} err ${nameOfErrorCode(result.error)}`);
}

function say(line: string): void {
  const out = output;
  if (out !== null) out.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}
