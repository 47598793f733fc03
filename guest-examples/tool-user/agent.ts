// Calls a tool of the host and logs what comes of it.

import { Level, log } from 'ringfence/agent/log';
import { call } from 'ringfence/agent/tools';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  const sum = call('add', '{"a":1,"b":2}');
  if (!sum.isOk) {
    const problem = `${sum.error.name}: ${sum.error.payload}`;
    log(Level.Warn, `add: ${problem}`);
    return Result.err<Unit, string>(problem);
  }
  log(Level.Info, `add: ${sum.value}`);
  return Result.ok<Unit, string>(UNIT);
}
