import { CALLS, hash } from './kernel.as';
import { bitsOf } from './programs.as';

@external('extism:host/user', 'now')
declare function now(): i64;
@external('extism:host/env', 'input_load_u64')
declare function inputLoadU64(offset: i64): i64;
@external('extism:host/env', 'alloc')
declare function alloc(length: i64): i64;
@external('extism:host/env', 'store_u64')
declare function storeU64(offset: i64, value: i64): void;
@external('extism:host/env', 'output_set')
declare function outputSet(offset: i64, length: i64): void;

/** What a plug-in answers is bytes; what its function returns, its status. */
function answer(value: i64): i32 {
  const offset = alloc(8);
  storeU64(offset, value);
  outputSet(offset, 8);
  return 0;
}

export function nothing(): i32 {
  return answer(1);
}

export function compute(): i32 {
  return answer(hash());
}

/** Its input is the place and the argument of a program, in four bytes each. */
export function program(): i32 {
  const input = inputLoadU64(0);
  return answer(bitsOf(<i32>input, <i32>(input >> 32)));
}

function callsOf(count: i32): i32 {
  let last: i64 = 0;
  for (let call = 0; call < count; call++) last = now();
  return answer(last > 0 ? 1 : 0);
}

export function calls(): i32 {
  return callsOf(CALLS);
}

/** For a host in another thread. */
export function fewCalls(): i32 {
  return callsOf(100);
}
