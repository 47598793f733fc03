// An agent that sends and receives messages, as its arguments say.
//
// sink COUNT BYTES        takes COUNT messages; fails where they are not of so many bytes
// source PID COUNT BYTES  sends them
// echo                    answers requests with what they carry, until it is ended
// ask PID COUNT BYTES     asks COUNT times, and prints how long each took in nanoseconds

import { Filter, Received, ReceivedTag, receive, reply, request, send, Target } from 'ringfence/agent/ipc';
import { Payload } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { getStdout } from 'wasi/cli/stdout';
import { now } from 'wasi/clocks/monotonic-clock';
import { Option, Result, UNIT, Unit } from 'wit/values';

const PATIENCE_MS: u64 = 60_000;
// A stream takes so many at a time.
const WRITE_BYTES = 4096;

export function run(): Result<Unit, Unit> {
  const words = getArguments();
  const role = words[1];
  let done = false;
  if (role == 'sink') done = sink(U32.parseInt(words[2]), I32.parseInt(words[3]));
  if (role == 'source') done = source(U64.parseInt(words[2]), U32.parseInt(words[3]), I32.parseInt(words[4]));
  if (role == 'echo') done = echo();
  if (role == 'ask') done = ask(U64.parseInt(words[2]), U32.parseInt(words[3]), I32.parseInt(words[4]));
  return done ? Result.ok<Unit, Unit>(UNIT) : Result.err<Unit, Unit>(UNIT);
}

function next(): Received | null {
  const received = receive(Filter.any(), Option.none<u64>());
  return received.isOk ? received.value : null;
}

function sink(count: u32, bytes: i32): bool {
  for (let index: u32 = 0; index < count; index++) {
    const received = next();
    if (received === null || received.tag != ReceivedTag.Message) return false;
    if (received.message.payload.binary.length != bytes) return false;
  }
  return true;
}

function source(pid: u64, count: u32, bytes: i32): bool {
  const payload = Payload.binary(new Uint8Array(bytes));
  const target = Target.process(pid);
  const patience = Option.some<u64>(PATIENCE_MS);
  for (let index: u32 = 0; index < count; index++) {
    if (!send(target, payload, patience).isOk) return false;
  }
  return true;
}

function echo(): bool {
  while (true) {
    const received = next();
    if (received === null || received.tag != ReceivedTag.Request) return true;
    reply(received.request.correlation, received.request.payload);
  }
}

function ask(pid: u64, count: u32, bytes: i32): bool {
  const payload = Payload.binary(new Uint8Array(bytes));
  const target = Target.process(pid);
  let line = '';
  for (let index: u32 = 0; index < count; index++) {
    const before = now();
    const asked = request(target, payload);
    if (!asked.isOk) return false;
    if (!receive(Filter.correlation(asked.value), Option.none<u64>()).isOk) return false;
    line += `${now() - before} `;
  }
  const text = Uint8Array.wrap(String.UTF8.encode(line));
  const out = getStdout();
  for (let index = 0; index < text.length; index += WRITE_BYTES) {
    out.blockingWriteAndFlush(text.slice(index, index + WRITE_BYTES));
  }
  return true;
}
