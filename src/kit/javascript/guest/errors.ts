// Why a call of the host failed, as an exception.

/** What kinds of failure there are: the cases of `error` in `ringfence:agent/types`. */
export type FailureCode =
  | 'denied'
  | 'limit-exceeded'
  | 'mailbox-full'
  | 'not-found'
  | 'timeout'
  | 'invalid'
  | 'closed'
  | 'unavailable'
  | 'cancelled';

/** A call of the host that failed. Its message says what to do about it. */
export class AgentError extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string) {
    super(message);
    this.name = 'AgentError';
    this.code = code;
  }
}

/** Calls the host; both engines throw what it answers with the failure as `payload`. */
export function attempt<Answer>(call: () => Answer): Answer {
  try {
    return call();
  } catch (error) {
    const failure = (error as { payload?: { tag?: unknown; val?: unknown } } | null)?.payload;
    if (typeof failure?.tag !== 'string') throw error;
    throw new AgentError(failure.tag as FailureCode, String(failure.val));
  }
}
