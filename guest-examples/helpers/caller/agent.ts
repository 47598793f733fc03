// Calls something outside again and again, as its arguments say, and prints the nanoseconds that each call
// took: `get AUTHORITY/PATH COUNT`, or `tool NAME COUNT`.

import * as tools from 'ringfence/agent/tools';
import { getArguments } from 'wasi/cli/environment';
import { getStdout } from 'wasi/cli/stdout';
import { now } from 'wasi/clocks/monotonic-clock';
import { handle } from 'wasi/http/outgoing-handler';
import { Fields, OutgoingRequest, Scheme } from 'wasi/http/types';
import { OutputStream } from 'wasi/io/streams';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  const given = getArguments();
  const count = <i32>parseInt(given[3], 10);
  let took = '';
  for (let index = 0; index < count; index += 1) {
    const started = now();
    const failure = given[1] == 'get' ? get(given[2]) : callTool(given[2]);
    if (failure.length > 0) return Result.err<Unit, string>(failure);
    took += `${(now() - started).toString()}\n`;
  }
  print(getStdout(), took);
  return Result.ok<Unit, string>(UNIT);
}

function callTool(name: string): string {
  const called = tools.call(name, '{}');
  return called.isOk ? '' : called.error.name;
}

/** Sends one request, and reads all that comes back. */
function get(target: string): string {
  const slash = target.indexOf('/');
  const request = OutgoingRequest.create(Fields.create());
  request.setScheme(Scheme.http());
  request.setAuthority(target.substring(0, slash));
  request.setPathWithQuery(target.substring(slash));
  const sent = handle(request, null);
  if (!sent.isOk) return sent.error.name;
  const future = sent.value;
  const pollable = future.subscribe();
  pollable.block();
  pollable.drop();
  const got = future.get()!.value;
  future.drop();
  if (!got.isOk) return got.error.name;
  const response = got.value;
  const body = response.consume().value;
  const input = body.stream().value;
  while (input.blockingRead(65536).isOk) {}
  input.drop();
  body.drop();
  response.drop();
  return '';
}

function print(output: OutputStream, text: string): void {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  for (let at = 0; at < bytes.length; at += 4096) {
    output.blockingWriteAndFlush(bytes.slice(at, min(at + 4096, bytes.length)));
  }
  output.drop();
}
