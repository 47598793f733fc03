/** The five states of a process and their legal transitions. */

import { RingfenceError } from '../errors.ts';

/** The name of an agent. 0 is the kernel; given out from 1, never used again. */
export type Pid = number;

/** The kernel's own pid. */
export const KERNEL_PID: Pid = 0;

/**
 * Where an agent is in its life: from `starting` over `running` to `exited`, or from `starting` to
 * `exited`. One that was asked to end is `stopping`; one that may not run for a while is `suspended`.
 */
export type ProcessState = 'starting' | 'running' | 'suspended' | 'stopping' | 'exited';

const LEGAL: Readonly<Record<ProcessState, readonly ProcessState[]>> = {
  starting: ['running', 'exited'],
  running: ['suspended', 'stopping', 'exited'],
  suspended: ['running', 'stopping', 'exited'],
  stopping: ['exited'],
  exited: [],
};

/** @throws {RingfenceError} `RF_INVALID_STATE_TRANSITION` with both names in it. */
export function checkTransition(pid: Pid, from: ProcessState, to: ProcessState): void {
  if (!LEGAL[from].includes(to)) {
    throw new RingfenceError(
      'RF_INVALID_STATE_TRANSITION',
      `Cannot move pid ${pid} from ${from} to ${to}: from ${from} it can go to ${LEGAL[from].join(', ') || 'no other state'}.`,
      { pid, from, to },
    );
  }
}
