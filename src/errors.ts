/**
 * The one error type of ringfence and its stable codes.
 *
 * Every refusal and failure that reaches a caller is a {@link RingfenceError}: a `code` to branch on,
 * `fields` with the values behind it, and one sentence that names the thing, says what is wrong and
 * what to do about it.
 */

/** Stable error codes; they never change their meaning. */
export type ErrorCode =
  /** An argument, option, size, duration or scope that can't be understood. */
  | 'RF_USAGE'
  /** A file that isn't there, can't be read, or is a directory. */
  | 'RF_FILE'
  /** A policy file that can't be understood or contradicts itself; its `problems` are all there are. */
  | 'RF_POLICY'
  /** The bytes are not a valid component or wasip1 module. */
  | 'RF_MODULE_INVALID'
  /** Valid, but uses a feature, import, type or size that isn't offered. */
  | 'RF_MODULE_REFUSED'
  /** WIT that can't be understood, or that doesn't have the world that is asked for. */
  | 'RF_WIT_INVALID'
  /** Preparing the module passed its deadline or its memory. */
  | 'RF_PREPARE_LIMIT'
  /** The process table is full. */
  | 'RF_PROCESS_TABLE_FULL'
  /** No agent has this pid. */
  | 'RF_PROCESS_NOT_FOUND'
  /** A transition of the process states that isn't legal. */
  | 'RF_INVALID_STATE_TRANSITION'
  /** A spawn whose grants or limits are wider than what its parent has, or a call without its grant. */
  | 'RF_CAPABILITY_DENIED'
  /** A limit was passed by the call. */
  | 'RF_LIMIT_EXCEEDED'
  /** The quota of the kernel or of an owner has no room for the agent. */
  | 'RF_QUOTA_EXCEEDED'
  /** The receiver's mailbox is full. */
  | 'RF_MAILBOX_FULL'
  /** No pipe has this name. */
  | 'RF_PIPE_NOT_FOUND'
  /** A pipe of this name is there already, or has a reader. */
  | 'RF_PIPE_TAKEN'
  /** The pipe is full. */
  | 'RF_PIPE_FULL'
  /** What was waited for, a message or a reply, did not come in time. */
  | 'RF_TIMEOUT'
  /** No tool has this name. */
  | 'RF_TOOL_NOT_FOUND'
  /** What was asked for could not be done: a tool has failed, or this version does not offer it. */
  | 'RF_UNAVAILABLE'
  /** A compiler, or a package, that a project is built or tested with is not installed, or not one that is known. */
  | 'RF_COMPILER_MISSING'
  /** An agent is asked to stop: the reason of the `signal` that its function has. */
  | 'RF_STOPPED'
  /** A backend that isn't configured. */
  | 'RF_BACKEND_NOT_AVAILABLE'
  /** A service whose name another agent provides. */
  | 'RF_SERVICE_TAKEN'
  /** What was waited for was given up. */
  | 'RF_CANCELLED'
  /** A supervisor has no child of this id. */
  | 'RF_CHILD_NOT_FOUND'
  /** A supervisor's child could not be started; the `cause` says why. */
  | 'RF_CHILD_START'
  /** A supervisor's children ended too often before all of them were started. */
  | 'RF_RESTARTS_EXHAUSTED'
  /** The audit chain can't be written at the moment: what must not happen without its record does not. */
  | 'RF_AUDIT'
  /** The audit chain, a receipt or a proof is not what was signed or anchored; `reason` says how. */
  | 'RF_AUDIT_INVALID'
  /** A key of the audit chain can't be used. */
  | 'RF_AUDIT_KEY'
  /** A recording that can't be read, or is damaged. */
  | 'RF_RECORDING_INVALID'
  /** A recording that can't be replayed here: of another module, another fuel table, or what is not deterministic. */
  | 'RF_RECORDING_REFUSED'
  /** The file that values of agents are kept in can't be opened, or another kernel has it. */
  | 'RF_STORE'
  /** The kernel is closed, or what was called has ended. */
  | 'RF_CLOSED'
  /** ringfence itself failed. */
  | 'RF_INTERNAL';

/** Values that belong to an error: names, sizes, offsets. Never secrets, never host paths of others. */
export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * What ringfence throws.
 *
 * @example
 * ```ts
 * import { RingfenceError } from 'ringfence';
 *
 * const error = new RingfenceError('RF_USAGE', "Cannot read the size '12 parrots': write 64MiB.");
 * error.code; // 'RF_USAGE'
 * ```
 */
export class RingfenceError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(
    code: ErrorCode,
    message: string,
    fields: ErrorFields = {},
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'RingfenceError';
    this.code = code;
    this.fields = fields;
  }
}
