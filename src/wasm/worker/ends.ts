/** How an agent ends, in the words of its report: the table of exits, as a worker fills it in. */

import type { Limits } from '../../resource/limits.ts';
import type { AgentEnd } from './protocol.ts';

/** It has returned, or exited with code 0. */
export const NORMAL: AgentEnd = { code: 0, reason: 'normal', message: null };

/** Its own failure: a code that it exited with, or 1 for an error that it returned. */
export function failedBy(code: number, message: string): AgentEnd {
  return { code, reason: 'error', message };
}

/** It has ended itself, and said by which code. */
export function exitedWith(code: number): AgentEnd {
  return code === 0 ? NORMAL : failedBy(code, `it exited with code ${code}`);
}

/** It did what no guest may, or was stopped where it stood. */
export function trapped(message: string): AgentEnd {
  return { code: -3, reason: 'trap', message };
}

/** Its call frames took more than they may, by our count or by V8's. */
export const STACK_EXHAUSTED: AgentEnd = trapped('call stack exhausted');

/** What it has made takes more memory than it may: an allocation that fails traps. */
export function outOfHeap({ memoryBytes }: Limits): AgentEnd {
  const bound =
    memoryBytes === 0 ? 'its process has' : `its limit of ${memoryBytes} bytes (--max-memory)`;
  return trapped(`out of memory: its structures, arrays and memories take more than ${bound}`);
}

/** V8's own overflow of the stack; its error says so by its message alone. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

/** ringfence itself failed. */
export function failedInside(message: string): AgentEnd {
  return { code: -1, reason: 'internal', message };
}

/** Somebody has ended it. */
export function killed(message: string): AgentEnd {
  return { code: -1, reason: 'killed', message };
}

/** It has used up what it had of fuel. */
export function outOfFuel({ fuel }: Limits): AgentEnd {
  return { code: -1, reason: 'fuel', message: `it used up its ${fuel} units of fuel` };
}

/** It has used up what it had of the processor. */
export function outOfCpuTime({ cpuTimeMs }: Limits): AgentEnd {
  return { code: -1, reason: 'cpu_time', message: `it used up its ${cpuTimeMs} ms of CPU time` };
}

/** Its time is over. */
export function timedOut({ wallTimeMs }: Limits): AgentEnd {
  return { code: -1, reason: 'timeout', message: `its timeout of ${wallTimeMs} ms passed` };
}
