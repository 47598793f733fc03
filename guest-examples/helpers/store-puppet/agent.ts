// Does with wasi:logging and wasi:config what it is told, line by line on its standard input, and says how
// each came out, line by line on its standard output: `WORD ok ANSWER` or `WORD err CASE`.

import { getArguments } from 'wasi/cli/environment';
import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import * as config from 'wasi/config/store';
import { OutputStream } from 'wasi/io/streams';
import { Level, log } from 'wasi/logging/logging';
import { Result, UNIT, Unit } from 'wit/values';

let output: OutputStream | null = null;
let rest = '';

export function run(): Result<Unit, string> {
  if (getArguments().includes('child')) {
    // Says how much it was given, and ends.
    log(Level.Info, 'config', config.getAll().value.length.toString());
    return Result.ok<Unit, string>(UNIT);
  }
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
  if (word == 'log') write(words);
  else if (word == 'config') configured(words[1]);
  else if (word == 'config-all') allConfigured();
  else say(`${word} unknown`);
}

// log LEVEL CONTEXT MESSAGE…: a level by its number; `*N` for a context is N letters, `-` none.
function write(words: string[]): void {
  const context = words[2] == '-' ? '' : expanded(words[2]);
  log(<Level>I32.parseInt(words[1]), context, expanded(words.slice(3).join(' ')));
  say('log ok');
}

function configured(name: string): void {
  const got = config.get_(name);
  if (!got.isOk) say(`config err ${got.error.name}`);
  else {
    const value = got.value;
    if (value === null) say('config none');
    else say(`config ok ${value}`);
  }
}

function allConfigured(): void {
  const got = config.getAll();
  if (!got.isOk) {
    say(`config-all err ${got.error.name}`);
    return;
  }
  let all = '';
  for (let index = 0; index < got.value.length; index++) {
    all += ` ${got.value[index].item0}=${got.value[index].item1}`;
  }
  say(`config-all ok${all}`);
}

// `*N` is N letters, everything else itself.
function expanded(word: string): string {
  return word.startsWith('*') ? 'x'.repeat(I32.parseInt(word.substring(1))) : word;
}

function say(line: string): void {
  output!.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}
