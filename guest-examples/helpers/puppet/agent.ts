// Does what it is told, line by line on its standard input, and says how it came out, line by line on
// its standard output: `WORD ok ANSWER` or `WORD err CASE MESSAGE`. The words are those of `act`. Who can give
// it no input tells it by arguments, each `do:` and a line: they are done first.

import * as capabilities from 'ringfence/agent/capabilities';
import * as agents from 'ringfence/agent/process';
import * as tools from 'ringfence/agent/tools';
import { WitError } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import * as monotonic from 'wasi/clocks/monotonic-clock';
import { getDirectories } from 'wasi/filesystem/preopens';
import {
  Descriptor,
  DescriptorFlags,
  ErrorCode,
  nameOfErrorCode,
  OpenFlags,
} from 'wasi/filesystem/types';
import { InputStream, OutputStream } from 'wasi/io/streams';
import { getRandomU64 } from 'wasi/random/random';
import { Tuple2 } from 'wit/tuples';
import { Option, Result, UNIT, Unit } from 'wit/values';
import { actOnMail } from './mail';

const files = new Map<string, Descriptor>();
const streams = new Map<string, InputStream>();
let directories: Array<Tuple2<Descriptor, string>> = [];
let output: OutputStream | null = null;
let rest = '';

export function run(): Result<Unit, string> {
  directories = getDirectories();
  output = getStdout();
  const told = getArguments();
  for (let index = 1; index < told.length; index++) {
    if (told[index].startsWith('do:')) act(told[index].substring(3).split(' '));
  }
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
    const read = input.blockingRead(4096);
    if (!read.isOk) return Result.ok<Unit, string>(UNIT);
    rest += String.UTF8.decode(read.value.buffer);
  }
}

function act(words: string[]): void {
  const word = words[0];
  if (word == 'tool') text(word, tools.call(words[1], words.slice(2).join(' ')));
  else if (word == 'clock') say(`clock ok ${monotonic.now()} ${monotonic.resolution()}`);
  else if (word == 'random') say(`random ok ${getRandomU64()}`);
  else if (word == 'list') list();
  else if (word == 'ask') ask(words);
  else if (word == 'spawn') spawn(words);
  else if (word == 'mounts') mounts();
  else file(words);
}

function file(words: string[]): void {
  const word = words[0];
  const mail = actOnMail(words);
  if (mail !== null) say(mail);
  else if (word == 'open') open(words);
  else if (word == 'create') create(words);
  else if (word == 'read') read(words);
  else if (word == 'write') write(words);
  else if (word == 'stream') stream(words);
  else if (word == 'next') next(words);
  else if (word == 'unlink') done(word, directories[0].item0.unlinkFileAt(words[1]));
  else if (word == 'mkdir') done(word, directories[0].item0.createDirectoryAt(words[1]));
  else say(`${word} unknown`);
}

// ask KIND WORD,WORD REASON…
function ask(words: string[]): void {
  const grant = new agents.Grant(words[1], words[2].split(','));
  const asked = capabilities.request(grant, words.slice(3).join(' '));
  if (asked.isOk) say(`ask ok ${capabilities.nameOfDecision(asked.value)}`);
  else say(`ask err ${asked.error.name} ${asked.error.payload}`);
}

function list(): void {
  const held = capabilities.list();
  let all = '';
  for (let index = 0; index < held.length; index++) {
    all += ` ${held[index].kind}=${held[index].scope.join(',')}`;
  }
  say(`list ok${all}`);
}

// spawn MODULE KIND=WORD,WORD …: a digest, or `name:` and a name; `fuel=N` is a limit, `linked` links, `permanent`
// and `transient` have it started again.
function spawn(words: string[]): void {
  const grants: agents.Grant[] = [];
  let fuel = Option.none<u64>();
  let linked = false;
  let restart = agents.RestartType.Temporary;
  for (let index = 2; index < words.length; index++) {
    const parts = words[index].split('=');
    if (parts[0] == 'linked') linked = true;
    else if (parts[0] == 'permanent') restart = agents.RestartType.Permanent;
    else if (parts[0] == 'transient') restart = agents.RestartType.Transient;
    else if (parts[0] == 'fuel') fuel = Option.some<u64>(U64.parseInt(parts[1]));
    else grants.push(new agents.Grant(parts[0], parts[1].split(',')));
  }
  const none = Option.none<u64>();
  const request = new agents.SpawnRequest(
    'child',
    words[1].startsWith('name:')
      ? agents.ModuleReference.name_(words[1].substring(5))
      : agents.ModuleReference.digest(words[1]),
    ['child'],
    [],
    grants,
    new agents.Limits(fuel, none, none, none, none, none, none),
    restart,
    linked,
  );
  const spawned = agents.spawn(request);
  if (spawned.isOk) say(`spawn ok ${spawned.value}`);
  else say(`spawn err ${spawned.error.name} ${spawned.error.payload}`);
}

function mounts(): void {
  let all = '';
  for (let index = 0; index < directories.length; index++) all += ` ${directories[index].item1}`;
  say(`mounts ok${all}`);
}

// open NAME PATH: to read, in the first directory.
function open(words: string[]): void {
  const opened = directories[0].item0.openAt(0, words[2], 0, DescriptorFlags.Read);
  if (opened.isOk) files.set(words[1], opened.value);
  done<Descriptor>('open', opened);
}

// create NAME PATH: to read and write, empty, in the first directory.
function create(words: string[]): void {
  const opened = directories[0].item0.openAt(
    0,
    words[2],
    OpenFlags.Create | OpenFlags.Truncate,
    DescriptorFlags.Read | DescriptorFlags.Write,
  );
  if (opened.isOk) files.set(words[1], opened.value);
  done<Descriptor>('create', opened);
}

function read(words: string[]): void {
  const answer = files.get(words[1]).read(4096, 0);
  if (answer.isOk) say(`read ok ${String.UTF8.decode(answer.value.item0.buffer)}`);
  else say(`read err ${nameOfErrorCode(answer.error)}`);
}

function write(words: string[]): void {
  const bytes = Uint8Array.wrap(String.UTF8.encode(words.slice(2).join(' ')));
  done<u64>('write', files.get(words[1]).write(bytes, 0));
}

// stream NAME: opens a stream of the file; next NAME: reads on in it.
function stream(words: string[]): void {
  const opened = files.get(words[1]).readViaStream(0);
  if (opened.isOk) streams.set(words[1], opened.value);
  done<InputStream>('stream', opened);
}

function next(words: string[]): void {
  const answer = streams.get(words[1]).blockingRead(4);
  if (answer.isOk) say(`next ok ${String.UTF8.decode(answer.value.buffer)}`);
  else say(`next err ${answer.error.name}`);
}

function done<T>(word: string, result: Result<T, ErrorCode>): void {
  say(result.isOk ? `${word} ok` : `${word} err ${nameOfErrorCode(result.error)}`);
}

function text(word: string, result: Result<string, WitError>): void {
  if (result.isOk) say(`${word} ok ${result.value}`);
  else say(`${word} err ${result.error.name} ${result.error.payload}`);
}

function say(line: string): void {
  const out = output;
  if (out !== null) out.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}
