/** The table of exit statuses: docs/exits.md. */

import type { EndReason, ErrorCode, Exit } from '../index.ts';

/** Exit statuses that have no exit reason of their own. */
export const STATUS = {
  ok: 0,
  /** It was to be started again, but ended normally too often for that. */
  exhausted: 1,
  /** An audit chain, a receipt or a proof is bad; a replay is not identical. */
  bad: 1,
  /** Wrong usage; a file that isn't there, can't be read or is a directory. */
  usage: 2,
  timeout: 124,
  /** ringfence itself failed. */
  internal: 125,
  /** The module can't be run. */
  refused: 126,
  /** A compiler or a package of a project is not installed; a shell says so of a command that it does not find. */
  missing: 127,
  trap: 134,
  killed: 137,
} as const;

/** The signals that end a run, and the exit status of each: 128 and the signal's number. */
export const STATUS_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;
/** A signal that ends a run. */
export type EndingSignal = keyof typeof STATUS_OF_SIGNAL;

/** A status is one byte; a code that doesn't fit must not turn into success. */
function statusOfCode(code: number | null): number {
  return code !== null && Number.isInteger(code) && code >= 1 && code <= 255 ? code : 1;
}

/**
 * The exit status of a run.
 *
 * @param signal the signal that ended it, or null
 */
export function statusOfExit(exit: Exit, signal: EndingSignal | null): number {
  switch (exit.reason) {
    case 'normal':
      return STATUS.ok;
    case 'error':
      return statusOfCode(exit.code);
    case 'trap':
      return STATUS.trap;
    case 'timeout':
      return STATUS.timeout;
    case 'killed':
      return signal === null ? STATUS.killed : STATUS_OF_SIGNAL[signal];
    case 'fuel':
    case 'cpu_time':
    case 'worker_lost':
    case 'reaped':
      return STATUS.killed;
    case 'internal':
      return STATUS.internal;
    case 'refused':
      return STATUS.refused;
  }
}

/**
 * The exit status of a run that a supervisor may have started again and again.
 *
 * @param supervisor why that has ended; null: there was none
 */
export function statusOfRun(
  exit: Exit,
  supervisor: EndReason | null,
  signal: EndingSignal | null,
): number {
  if (supervisor === 'stopped' && signal !== null) {
    return STATUS_OF_SIGNAL[signal];
  }
  const status = statusOfExit(exit, signal);
  // What was given up has not succeeded, however its last agent has ended.
  return supervisor === 'exhausted' && status === STATUS.ok ? STATUS.exhausted : status;
}

/** The exit status for an error that was thrown before there was a report. */
export function statusOfError(code: ErrorCode): number {
  switch (code) {
    case 'RF_USAGE':
    case 'RF_FILE':
    case 'RF_POLICY':
    case 'RF_WIT_INVALID':
    case 'RF_AUDIT_KEY':
      return STATUS.usage;
    case 'RF_MODULE_INVALID':
    case 'RF_MODULE_REFUSED':
    case 'RF_PREPARE_LIMIT':
    case 'RF_RECORDING_INVALID':
    case 'RF_RECORDING_REFUSED':
      return STATUS.refused;
    case 'RF_COMPILER_MISSING':
      return STATUS.missing;
    case 'RF_AUDIT_INVALID':
      return STATUS.bad;
    default:
      return STATUS.internal;
  }
}
