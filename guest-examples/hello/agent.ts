// Greets by the log and ends.

import { Level, log } from 'ringfence/agent/log';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  log(Level.Info, 'hello from inside the fence');
  return Result.ok<Unit, string>(UNIT);
}
