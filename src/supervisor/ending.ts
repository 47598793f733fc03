/** How an agent has ended: what is said of it, in its report and to others. */

import type { BackendEnd } from '../backend/backend.ts';
import type { Ending } from '../ipc/message.ts';
import { COMMAND } from '../resource/control-blocks.ts';
import type { Process } from './process.ts';
import { type Exit, exitCode, type Report, reportLimits } from './report.ts';

/** Its end, of what its backend says: it may have been reaped, or killed for a reason that the kernel knows. */
export function exitOf(process: Process, end: BackendEnd): Exit {
  const isReaped = end.reason === 'killed' && process.block?.command === COMMAND.reap;
  return {
    code: isReaped ? exitCode('reaped') : (end.code ?? exitCode(end.reason)),
    reason: isReaped ? 'reaped' : end.reason,
    message: end.reason === 'killed' ? (process.killMessage ?? end.message) : end.message,
  };
}

/** The report of one whose usage is final. */
export function reportOf(process: Process, exit: Exit): Report {
  const { pid, agentId, restartedFrom, request } = process;
  return {
    pid,
    agent_id: agentId,
    restarted_from: restartedFrom,
    restarts: request.lineage.restarts,
    module: { path: request.module?.path ?? null, sha256: request.module?.digest ?? null },
    deterministic: request.deterministic,
    exit,
    usage: process.usage,
    limits: reportLimits(request.limits),
    denied: [...process.denials.values()],
    tools: process.tools.list(),
  };
}

/** The characters of why an agent ended that others are told. */
const ENDING_CHARACTERS_MAX = 256;

/** Why an agent ended, as others are told it: what a function has thrown may name what is the host's. */
export function endingOf({ reason, message }: Exit, isFunction: boolean): Ending {
  switch (reason) {
    case 'normal':
    case 'killed':
    case 'timeout':
      return { tag: reason };
    default: {
      const text = message === null || isFunction ? reason : `${reason}: ${message}`;
      return { tag: 'crash', val: text.slice(0, ENDING_CHARACTERS_MAX) };
    }
  }
}
