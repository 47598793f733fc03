// Computes as long as its argument says, then logs what came out and ends: the same fuel every time.
// The number of rounds is the first argument after the program's name; 1000 without it.

import { Level, log } from 'ringfence/agent/log';
import { getArguments } from 'wasi/cli/environment';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  const args = getArguments();
  const rounds = args.length > 1 ? U64.parseInt(args[1]) : 1000;
  let state: u64 = 88172645463325252;
  for (let round: u64 = 0; round < rounds; round++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  log(Level.Info, `${rounds} rounds: ${state}`);
  return Result.ok<Unit, string>(UNIT);
}
