// Calls one host function many times: `host-calls NAME COUNT`. The benchmarks take the time.

import { getArguments } from 'wasi/cli/environment';
import * as monotonic from 'wasi/clocks/monotonic-clock';
import * as wall from 'wasi/clocks/wall-clock';
import * as config from 'wasi/config/store';
import { getDirectories } from 'wasi/filesystem/preopens';
import { Descriptor, DescriptorFlags, OpenFlags } from 'wasi/filesystem/types';
import { getRandomBytes } from 'wasi/random/random';
import { IpAddressFamily } from 'wasi/sockets/network';
import { createTcpSocket } from 'wasi/sockets/tcp-create-socket';
import { Result, UNIT, Unit } from 'wit/values';

const BYTES = 4096;

export function run(): Result<Unit, Unit> {
  const args = getArguments();
  const name = args[1];
  const count = I32.parseInt(args[2]);
  let done = true;
  if (name == 'clock') for (let i = 0; i < count; i++) monotonic.now();
  else if (name == 'datetime') done = datetime(count);
  else if (name.startsWith('bytes-')) done = bytes(count, I32.parseInt(name.substring(6)));
  else if (name.startsWith('text-')) done = text(count, I32.parseInt(name.substring(5)));
  else if (name == 'block') block(count);
  else if (name == 'denied') for (let i = 0; i < count; i++) createTcpSocket(IpAddressFamily.Ipv4);
  else if (name == 'open') done = open(count);
  else if (name == 'stat') done = stat(count);
  else if (name == 'read') done = read(count);
  else if (name == 'write') done = write(count);
  else if (name != 'nothing') done = false;
  return done ? Result.ok<Unit, Unit>(UNIT) : Result.err<Unit, Unit>(UNIT);
}

function datetime(count: i32): bool {
  for (let i = 0; i < count; i++) if (wall.now().seconds == 0) return false;
  return true;
}

function bytes(count: i32, length: i32): bool {
  for (let i = 0; i < count; i++) if (getRandomBytes(length).length != length) return false;
  return true;
}

// A key that has no value.
function text(count: i32, length: i32): bool {
  const key = 'k'.repeat(length);
  for (let i = 0; i < count; i++) {
    const answer = config.get_(key);
    if (!answer.isOk || answer.value !== null) return false;
  }
  return true;
}

function block(count: i32): void {
  for (let i = 0; i < count; i++) {
    const due = monotonic.subscribeDuration(0);
    due.block();
    due.drop();
  }
}

function openFile(directory: Descriptor, flags: u32): Descriptor | null {
  const opened = directory.openAt(0, 'file', OpenFlags.Create, flags);
  return opened.isOk ? opened.value : null;
}

function open(count: i32): bool {
  const directory = getDirectories()[0].item0;
  for (let i = 0; i < count; i++) {
    const file = openFile(directory, DescriptorFlags.Read);
    if (file === null) return false;
    file.drop();
  }
  return true;
}

function stat(count: i32): bool {
  const directory = getDirectories()[0].item0;
  for (let i = 0; i < count; i++) {
    if (!directory.statAt(0, 'file').isOk) return false;
  }
  return true;
}

function read(count: i32): bool {
  const file = openFile(getDirectories()[0].item0, DescriptorFlags.Read);
  if (file === null) return false;
  for (let i = 0; i < count; i++) {
    const answer = file.read(BYTES, 0);
    if (!answer.isOk || answer.value.item0.length != BYTES) return false;
  }
  return true;
}

function write(count: i32): bool {
  const file = openFile(getDirectories()[0].item0, DescriptorFlags.Read | DescriptorFlags.Write);
  if (file === null) return false;
  const bytes = new Uint8Array(BYTES);
  for (let i = 0; i < count; i++) {
    if (!file.write(bytes, 0).isOk) return false;
  }
  return true;
}
