import { CALLS, hash } from './kernel.as';

export { program } from './programs.as';

@external('env', 'now')
declare function now(): i64;

export function nothing(): i32 {
  return 1;
}

export function compute(): i32 {
  return hash();
}

export function calls(): i32 {
  let last: i64 = 0;
  for (let call = 0; call < CALLS; call++) last = now();
  return last > 0 ? 1 : 0;
}
