// A wasip1 command that does the job that its arguments name: for runtimes that run commands only.

import { bitsOf } from './programs.as';
import { calls, compute, nothing } from './reactor.as';

@external('wasi_snapshot_preview1', 'proc_exit')
declare function procExit(code: i32): void;
@external('wasi_snapshot_preview1', 'args_sizes_get')
declare function argsSizesGet(count: usize, bytes: usize): i32;
@external('wasi_snapshot_preview1', 'args_get')
declare function argsGet(pointers: usize, texts: usize): i32;

const ARGUMENTS_MAX: u32 = 8;
const BYTES_MAX: u32 = 256;
const SIZES = memory.data(8);
const POINTERS = memory.data(4 * 8);
const TEXTS = memory.data(256);

function argumentOf(index: i32): string {
  return String.UTF8.decodeUnsafe(load<u32>(POINTERS + 4 * index), BYTES_MAX, true);
}

/** The host sees six bits of an answer, of all its bits. */
function exitWith(answer: u64): void {
  let bits = answer;
  for (let width: u64 = 48; width >= 6; width /= 2) bits ^= bits >> width;
  procExit(<i32>(bits & 63));
}

export function _start(): void {
  argsSizesGet(SIZES, SIZES + 4);
  if (load<u32>(SIZES) > ARGUMENTS_MAX || load<u32>(SIZES + 4) > BYTES_MAX) unreachable();
  argsGet(POINTERS, TEXTS);
  const job = argumentOf(1);
  if (job == 'nothing') exitWith(nothing());
  if (job == 'compute') exitWith(<u32>compute());
  if (job == 'calls') exitWith(calls());
  if (job == 'program') {
    exitWith(bitsOf(I32.parseInt(argumentOf(2)), I32.parseInt(argumentOf(3))));
  }
  unreachable();
}
