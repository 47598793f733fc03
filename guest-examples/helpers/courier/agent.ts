// For measurements: what its first argument says, as often as its last one does.
//
// sink N        takes N messages
// source PID N  sends N messages
// echo          answers requests, until it is asked to end
// ask PID N     sends N requests, one after another, and prints how long each took in nanoseconds
// wait          waits for a message, and ends

import * as ipc from 'ringfence/agent/ipc';
import { Payload } from 'ringfence/agent/types';
import { getArguments } from 'wasi/cli/environment';
import { getStdout } from 'wasi/cli/stdout';
import { now } from 'wasi/clocks/monotonic-clock';
import { Option, Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  const words = getArguments();
  const role = words[1];
  if (role == 'sink') sink(U32.parseInt(words[2]));
  else if (role == 'source') source(U64.parseInt(words[2]), U32.parseInt(words[3]));
  else if (role == 'echo') echo();
  else if (role == 'ask') ask(U64.parseInt(words[2]), U32.parseInt(words[3]));
  else if (role == 'wait') receive();
  return Result.ok<Unit, string>(UNIT);
}

function receive(): ipc.Received | null {
  const received = ipc.receive(ipc.Filter.any(), Option.none<u64>());
  return received.isOk ? received.value : null;
}

function sink(count: u32): void {
  for (let index: u32 = 0; index < count; index++) receive();
}

function source(pid: u64, count: u32): void {
  const payload = Payload.text('0123456789abcdef');
  const target = ipc.Target.process(pid);
  const patience = Option.some<u64>(60000);
  for (let index: u32 = 0; index < count; index++) ipc.send(target, payload, patience);
}

function echo(): void {
  while (true) {
    const received = receive();
    if (received === null || received.tag != ipc.ReceivedTag.Request) return;
    ipc.reply(received.request.correlation, received.request.payload);
  }
}

function ask(pid: u64, count: u32): void {
  const payload = Payload.text('0123456789abcdef');
  const target = ipc.Target.process(pid);
  let line = '';
  for (let index: u32 = 0; index < count; index++) {
    const before = now();
    const asked = ipc.request(target, payload);
    if (!asked.isOk) return;
    ipc.receive(ipc.Filter.correlation(asked.value), Option.none<u64>());
    line += `${now() - before} `;
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
