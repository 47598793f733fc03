/** How an agent can end; the table is in docs/exits.md. */

/** What a worker can see of the end of an agent that it runs. */
export type RunEndReason =
  | 'normal'
  | 'error'
  | 'trap'
  | 'fuel'
  | 'cpu_time'
  | 'timeout'
  | 'killed'
  | 'internal';

/** What a backend can see besides: its worker may die. */
export type BackendEndReason = RunEndReason | 'worker_lost';

/** How an agent ended, or that it could not be run. */
export type ExitReason = BackendEndReason | 'reaped' | 'refused';
