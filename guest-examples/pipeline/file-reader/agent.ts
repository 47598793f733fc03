// Reads a file of the directory that it is granted, and hands it to the host piece by piece: the next one
// when the host has answered that it has taken the one before. An empty piece is the end.

import { Filter, ReceivedTag, receive, request, Target } from 'ringfence/agent/ipc';
import { Payload, PayloadTag, WitError } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { getDirectories } from 'wasi/filesystem/preopens';
import { DescriptorFlags, nameOfErrorCode } from 'wasi/filesystem/types';
import { Option, Result, UNIT, Unit } from 'wit/values';

const PIECE_BYTES: u64 = 4096;

export function run(): Result<Unit, string> {
  const args = getArguments();
  const directories = getDirectories();
  if (args.length < 2) return failed('say which file, as the second argument');
  if (directories.length == 0) return failed('no directory is granted');
  const opened = directories[0].item0.openAt(0, args[1], 0, DescriptorFlags.Read);
  if (!opened.isOk) return failed(`'${args[1]}': ${nameOfErrorCode(opened.error)}`);
  let offset: u64 = 0;
  while (true) {
    const read = opened.value.read(PIECE_BYTES, offset);
    if (!read.isOk) return failed(`'${args[1]}': ${nameOfErrorCode(read.error)}`);
    const piece = read.value.item0;
    const problem = hand(piece);
    if (problem !== null) return failed(`not taken: ${problem}`);
    if (piece.length == 0) return Result.ok<Unit, string>(UNIT);
    offset += piece.length;
  }
}

// Answers why the piece was not taken, or null. Messages of others wait: only the answer is received.
function hand(piece: Uint8Array): string | null {
  const asked = request(Target.kernel(), Payload.binary(piece));
  if (!asked.isOk) return describe(asked.error);
  const answer = receive(Filter.correlation(asked.value), Option.none<u64>());
  if (!answer.isOk) return describe(answer.error);
  if (answer.value.tag != ReceivedTag.Reply) return `a ${answer.value.name} came instead`;
  const said = answer.value.reply.payload;
  return said.tag == PayloadTag.Text && said.text == 'taken' ? null : 'nobody reads on';
}

function describe(error: WitError): string {
  return `${error.name}: ${error.payload}`;
}

function failed(why: string): Result<Unit, string> {
  return Result.err<Unit, string>(why);
}
