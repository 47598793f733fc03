// For measurements: what its first argument says, as often as its last one does. It traps where something
// is not as it must be, so that nobody measures it.
//
// sink N BYTES            takes N messages of so many bytes; without end where N is 0
// source PID N BYTES      sends N messages of so many bytes
// talk PID SHARE BYTES    sends so many percent of the time, until it is ended; needs exact clocks
// echo                    answers requests, until it is asked to end
// ask PID N BYTES         sends N requests, one after another, and prints how long each took in nanoseconds
// wait [MS]               waits for a message, for so long at the most, and ends

import * as ipc from 'ringfence/agent/ipc';
import { Payload } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { getStdout } from 'wasi/cli/stdout';
import { now } from 'wasi/clocks/monotonic-clock';
import { Option, Result, UNIT, Unit } from 'wit/values';

const PATIENCE_MS: u64 = 60000;
// How long who talks a part of the time talks before it pauses.
const SPELL_NS: u64 = 5000000;

export function run(): Result<Unit, string> {
  const words = getArguments();
  const role = words[1];
  if (role == 'sink') sink(number(words[2]), number(words[3]));
  else if (role == 'source') source(target(words[2]), number(words[3]), number(words[4]));
  else if (role == 'talk') talk(target(words[2]), number(words[3]), number(words[4]));
  else if (role == 'echo') echo();
  else if (role == 'ask') ask(target(words[2]), number(words[3]), number(words[4]));
  else if (role == 'wait') receive(words.length > 2 ? number(words[2]) : 0);
  else assert(role == 'none');
  return Result.ok<Unit, string>(UNIT);
}

function number(word: string): u32 {
  return U32.parseInt(word);
}

function target(word: string): ipc.Target {
  return ipc.Target.process(U64.parseInt(word));
}

function body(bytes: u32): Payload {
  return Payload.binary(new Uint8Array(bytes));
}

/** 0: it waits for as long as it lives. */
function receive(patienceMs: u32 = 0): ipc.Received | null {
  const patience = patienceMs == 0 ? Option.none<u64>() : Option.some<u64>(patienceMs);
  const received = ipc.receive(ipc.Filter.any(), patience);
  return received.isOk ? received.value : null;
}

function sink(count: u32, bytes: u32): void {
  for (let index: u32 = 0; count == 0 || index < count; index++) {
    const received = receive();
    assert(received !== null && received.message.payload.binary.length == bytes);
  }
}

function send(to: ipc.Target, payload: Payload): void {
  assert(ipc.send(to, payload, Option.some<u64>(PATIENCE_MS)).isOk);
}

function source(to: ipc.Target, count: u32, bytes: u32): void {
  const payload = body(bytes);
  for (let index: u32 = 0; index < count; index++) send(to, payload);
}

function talk(to: ipc.Target, share: u32, bytes: u32): void {
  const payload = body(bytes);
  while (true) {
    const before = now();
    while (now() - before < SPELL_NS) send(to, payload);
    // Nobody sends it anything.
    if (share < 100) receive(<u32>((((now() - before) / 1000000) * (100 - share)) / share));
  }
}

function echo(): void {
  while (true) {
    const received = receive();
    if (received === null || received.tag != ipc.ReceivedTag.Request) return;
    ipc.reply(received.request.correlation, received.request.payload);
  }
}

function ask(to: ipc.Target, count: u32, bytes: u32): void {
  const payload = body(bytes);
  let line = '';
  for (let index: u32 = 0; index < count; index++) {
    const before = now();
    const asked = ipc.request(to, payload);
    const answer = ipc.receive(ipc.Filter.correlation(asked.value), Option.none<u64>());
    line += `${now() - before} `;
    assert(answer.value.reply.payload.binary.length == bytes);
  }
  print(Uint8Array.wrap(String.UTF8.encode(`${line}\n`)));
}

// A stream takes 4,096 bytes at a time.
function print(bytes: Uint8Array): void {
  const out = getStdout();
  for (let index = 0; index < bytes.length; index += 4096) {
    out.blockingWriteAndFlush(bytes.slice(index, index + 4096));
  }
}
