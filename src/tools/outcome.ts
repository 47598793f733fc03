/** How a call of a tool came out, as the agent is told. */

/** What a tool can say to its caller that is its caller's to know. */
export type ToolErrorKind =
  | 'denied'
  | 'invalid'
  | 'limit-exceeded'
  | 'not-found'
  | 'timeout'
  | 'unavailable';

const KINDS: ReadonlySet<unknown> = new Set<ToolErrorKind>([
  'denied',
  'invalid',
  'limit-exceeded',
  'not-found',
  'timeout',
  'unavailable',
]);

/** Characters of what a tool says of its failure. */
const MESSAGE_CHARACTERS_MAX = 1_000;

/**
 * A failure that the agent is told of: thrown by a handler, its kind and message go to the guest. Anything
 * else that a handler throws stays with the host.
 *
 * @example
 * ```ts
 * throw new ToolError('not-found', 'no customer has this number: list them first');
 * ```
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly kind: ToolErrorKind;

  constructor(kind: ToolErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** How a call came out. */
export type ToolOutcome =
  | { readonly tag: 'ok'; readonly val: string }
  | { readonly tag: 'err'; readonly error: string; readonly message: string };

export const failure = (error: ToolErrorKind | 'cancelled', message: string): ToolOutcome => ({
  tag: 'err',
  error,
  message,
});

/** What is told of a failure that is meant for the caller; null: it is the operator's alone. */
export function saidOf(error: unknown): ToolOutcome | null {
  return error instanceof ToolError && KINDS.has(error.kind)
    ? failure(error.kind, String(error.message).slice(0, MESSAGE_CHARACTERS_MAX))
    : null;
}
