// Counts the lines, words and bytes of its standard input, as `wc` does.

import { getArguments } from 'wasi/cli/environment';
import { getStderr } from 'wasi/cli/stderr';
import { getStdin } from 'wasi/cli/stdin';
import { getStdout } from 'wasi/cli/stdout';
import { InputStream, OutputStream, StreamErrorTag } from 'wasi/io/streams';
import { Result, UNIT, Unit } from 'wit/values';

const READ_BYTES: u64 = 65536;
const COLUMN_WIDTH = 7;

class Counts {
  lines: u64 = 0;
  words: u64 = 0;
  bytes: u64 = 0;
}

class Columns {
  lines: bool = false;
  words: bool = false;
  bytes: bool = false;
}

export function run(): Result<Unit, Unit> {
  const columns = new Columns();
  const unknown = parseArguments(columns);
  if (unknown !== null) {
    print(getStderr(), `word-count: there is no option '${unknown}': use -l, -w or -c.\n`);
    return Result.err<Unit, Unit>(UNIT);
  }
  const counts = new Counts();
  if (!count(getStdin(), counts)) {
    print(getStderr(), 'word-count: standard input cannot be read.\n');
    return Result.err<Unit, Unit>(UNIT);
  }
  return print(getStdout(), format(counts, columns))
    ? Result.ok<Unit, Unit>(UNIT)
    : Result.err<Unit, Unit>(UNIT);
}

// The first argument is the name of the program. Answers an option that isn't known, or null.
function parseArguments(columns: Columns): string | null {
  const args = getArguments();
  for (let index = 1; index < args.length; index++) {
    const option = args[index];
    if (option == '-l') columns.lines = true;
    else if (option == '-w') columns.words = true;
    else if (option == '-c') columns.bytes = true;
    else return option;
  }
  if (args.length < 2) {
    columns.lines = true;
    columns.words = true;
    columns.bytes = true;
  }
  return null;
}

// Reads until the stream is closed; false where it breaks.
function count(input: InputStream, counts: Counts): bool {
  let inWord = false;
  while (true) {
    const read = input.blockingRead(READ_BYTES);
    if (!read.isOk) return read.error.tag == StreamErrorTag.Closed;
    const chunk = read.value;
    counts.bytes += chunk.length;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (byte == 0x0a) counts.lines += 1;
      if (isSpace(byte)) {
        inWord = false;
      } else if (!inWord) {
        inWord = true;
        counts.words += 1;
      }
    }
  }
}

function isSpace(byte: u8): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

// One column is written as it is, several are aligned.
function format(counts: Counts, columns: Columns): string {
  const texts = new Array<string>();
  if (columns.lines) texts.push(counts.lines.toString());
  if (columns.words) texts.push(counts.words.toString());
  if (columns.bytes) texts.push(counts.bytes.toString());
  if (texts.length == 1) return `${texts[0]}\n`;
  for (let index = 0; index < texts.length; index++) {
    texts[index] = texts[index].padStart(COLUMN_WIDTH);
  }
  return `${texts.join(' ')}\n`;
}

// The text is far shorter than what one write takes.
function print(output: OutputStream, text: string): bool {
  return output.blockingWriteAndFlush(Uint8Array.wrap(String.UTF8.encode(text))).isOk;
}
