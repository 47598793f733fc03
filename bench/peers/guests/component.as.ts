import { Filter, receive } from 'ringfence/agent/ipc';
import { getArguments } from 'wasi/cli/environment';
import { now } from 'wasi/clocks/monotonic-clock';
import { Option, Result, UNIT, Unit } from 'wit/values';
import { CALLS, hash } from './kernel.as';
import { bitsOf } from './programs.as';

// FNV-1a after STEPS steps: HASH in job.ts.
const HASH: i32 = -439847739;

export function run(): Result<Unit, Unit> {
  const args = getArguments();
  const job = args[1];
  let done = job == 'nothing';
  if (job == 'compute') done = hash() == HASH;
  if (job == 'calls') {
    let last: u64 = 0;
    for (let call = 0; call < CALLS; call++) last = now();
    done = last > 0;
  }
  if (job == 'program') {
    done = bitsOf(I32.parseInt(args[2]), I32.parseInt(args[3])).toString() == args[4];
  }
  if (job == 'wait') done = receive(Filter.any(), Option.none<u64>()).isOk;
  return done ? Result.ok<Unit, Unit>(UNIT) : Result.err<Unit, Unit>(UNIT);
}
