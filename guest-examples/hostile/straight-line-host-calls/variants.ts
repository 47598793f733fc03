/**
 * A hundred thousand host calls in straight lines: no loop header and no function entry between them,
 * so that only the check after each call can end the agent there.
 */

import type { Variants } from '../../../src/kit/build/recipe.ts';

const CALLS_IN_ALL = 100_000;
/** Bodies have a size limit; a call is two bytes and more, so one body holds that many with ease. */
const CALLS_IN_BODY = 25_000;

function straightLine(callsInAll = CALLS_IN_ALL, callsInBody = CALLS_IN_BODY): string {
  const bodies = callsInAll / callsInBody;
  const calls = '(drop (call $self))\n'.repeat(callsInBody);
  const functions = Array.from({ length: bodies }, (_, index) => `(func $line${index}\n${calls})`);
  const run = Array.from({ length: bodies }, (_, index) => `(call $line${index})`);
  return `(module
    (import "ringfence:agent/process@0.1.0" "self" (func $self (result i64)))
    (memory (export "memory") 1)
    ${functions.join('\n')}
    (func (export "run") (result i32)
      ${run.join('\n')}
      (i32.const 0)))`;
}

/** Each call is seen by the operator: a killed agent must not write another line. */
function straightLineOfLogs(): string {
  const calls = '(call $log (i32.const 2) (i32.const 64) (i32.const 4))\n'.repeat(1000);
  return `(module
    (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "line")
    (func (export "run") (result i32)
      ${calls}
      (i32.const 0)))`;
}

export const guests: Variants = {
  'straight-line-host-calls': { kind: 'core-text', world: 'agent', make: () => straightLine() },
  // As much of it as is not refused.
  'straight-line-few': {
    kind: 'core-text',
    world: 'agent',
    make: () => straightLine(5_000, 5_000),
  },
  'straight-line-logs': { kind: 'core-text', world: 'agent', make: straightLineOfLogs },
};
