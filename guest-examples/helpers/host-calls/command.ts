// Calls one host function many times: `host-calls NAME COUNT`. The benchmarks take the time.

import { getArguments } from 'wasi/cli/environment';
import * as monotonic from 'wasi/clocks/monotonic-clock';
import { getDirectories } from 'wasi/filesystem/preopens';
import { Descriptor, DescriptorFlags, OpenFlags } from 'wasi/filesystem/types';
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
  else if (name == 'denied') for (let i = 0; i < count; i++) createTcpSocket(IpAddressFamily.Ipv4);
  else if (name == 'open') done = open(count);
  else if (name == 'stat') done = stat(count);
  else if (name == 'read') done = read(count);
  else if (name == 'write') done = write(count);
  else if (name != 'nothing') done = false;
  return done ? Result.ok<Unit, Unit>(UNIT) : Result.err<Unit, Unit>(UNIT);
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
