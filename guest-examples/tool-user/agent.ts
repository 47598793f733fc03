// Calls a tool of the host and logs what comes of it.

import { describe, Json, log, Result, tools, UNIT, Unit } from 'ringfence/assemblyscript';

export function run(): Result<Unit, string> {
  const sum = tools.call('add', Json.object().with('a', 1).with('b', 2));
  if (!sum.isOk) {
    const problem = describe(sum.error);
    log.warn(`add: ${problem}`);
    return Result.err<Unit, string>(problem);
  }
  log.info(`add: ${sum.value.toString()}`);
  return Result.ok<Unit, string>(UNIT);
}
