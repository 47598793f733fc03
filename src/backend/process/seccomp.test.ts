/**
 * Goal: the filter refuses what it should on each machine, and nothing that Node needs. Method: a small
 * machine for such programs, asked about calls as the kernel asks; that Node runs within it is tested
 * where it does (test/kernel/isolation-walls.test.ts).
 */

import { describe, expect, test } from 'vitest';
import { type FilteredArchitecture, seccompProgram } from './seccomp.ts';

const AUDIT = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
const ALLOW = 'allow';
const EPERM = 'EPERM';
const ENOSYS = 'ENOSYS';

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x7fff_0000, ALLOW],
  [0x0005_0001, EPERM],
  [0x0005_0026, ENOSYS],
  [0x8000_0000, 'kill'],
]);

/** Runs the program on a call; every instruction that it has is one that the kernel has. */
function ask(program: Uint8Array, architecture: number, number: number, first = 0): string {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  data.setUint32(16, first, true);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const value = code.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean): number => code.getUint8(at * 8 + (holds ? 2 : 3));
    switch (code.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(value, true);
        break;
      case 0x15:
        at += jump(accumulator === value);
        break;
      case 0x25:
        at += jump(accumulator > value);
        break;
      case 0x45:
        at += jump((accumulator & value) !== 0);
        break;
      case 0x06:
        return NAMES.get(value) ?? `unknown answer ${value}`;
      default:
        throw new Error('no instruction');
    }
  }
  throw new Error('it ends without an answer');
}

const CALLS: readonly [name: string, x64: number | null, arm64: number | null, answer: string][] = [
  ['read', 0, 63, ALLOW],
  ['write', 1, 64, ALLOW],
  ['openat', 257, 56, ALLOW],
  ['mmap', 9, 222, ALLOW],
  ['mprotect', 10, 226, ALLOW],
  ['munmap', 11, 215, ALLOW],
  ['futex', 202, 98, ALLOW],
  ['epoll_pwait', 281, 22, ALLOW],
  ['sendmsg', 46, 211, ALLOW],
  ['recvmsg', 47, 212, ALLOW],
  ['getrandom', 318, 278, ALLOW],
  ['execve', 59, 221, ALLOW],
  ['exit_group', 231, 94, ALLOW],
  ['ptrace', 101, 117, EPERM],
  ['mount', 165, 40, EPERM],
  ['bpf', 321, 280, EPERM],
  ['socket', 41, 198, EPERM],
  ['connect', 42, 203, EPERM],
  ['keyctl', 250, 219, EPERM],
  ['perf_event_open', 298, 241, EPERM],
  ['userfaultfd', 323, 282, EPERM],
  ['process_vm_readv', 310, 270, EPERM],
  ['process_vm_writev', 311, 271, EPERM],
  ['kexec_load', 246, 104, EPERM],
  ['init_module', 175, 105, EPERM],
  ['finit_module', 313, 273, EPERM],
  ['setns', 308, 268, EPERM],
  ['unshare', 272, 97, EPERM],
  ['fork', 57, null, EPERM],
  ['vfork', 58, null, EPERM],
  ['execveat', 322, 281, EPERM],
  ['open_by_handle_at', 304, 265, EPERM],
  ['io_uring_setup', 425, 425, ENOSYS],
  ['clone3', 435, 435, ENOSYS],
  ['the last that is known', 450, 450, EPERM],
  ['one that came later', 451, 451, ENOSYS],
  ['the greatest number', 0xffff_ffff, 0xffff_ffff, ENOSYS],
];

describe.each<FilteredArchitecture>(['x64', 'arm64'])('%s', (architecture) => {
  const program = seccompProgram(architecture);
  const audit = AUDIT[architecture];

  test('fits into what the kernel takes', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThanOrEqual(4096);
  });

  test.each(CALLS)('%s', (_, x64, arm64, answer) => {
    const number = architecture === 'x64' ? x64 : arm64;
    if (number !== null) {
      expect(ask(program, audit, number)).toBe(answer);
    }
  });

  test('threads are made, processes and namespaces are not', () => {
    const clone = architecture === 'x64' ? 56 : 220;
    // As the C library makes a thread: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, …
    expect(ask(program, audit, clone, 0x003d_0f00)).toBe(ALLOW);
    // As it forks.
    expect(ask(program, audit, clone, 0x0120_0011)).toBe(EPERM);
    for (const namespace of [
      0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
      0x0000_0080,
    ]) {
      expect(ask(program, audit, clone, 0x003d_0f00 | namespace)).toBe(EPERM);
    }
  });

  test('calls of another architecture end the process', () => {
    expect(ask(program, 0x4000_0003, 0)).toBe('kill');
    expect(ask(program, audit, 0)).not.toBe('kill');
  });
});

test('calls of the other convention that x64 has are absent', () => {
  expect(ask(seccompProgram('x64'), AUDIT.x64, 0x4000_0000 | 101)).toBe(ENOSYS);
});
