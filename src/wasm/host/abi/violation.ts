/** How a guest is ended that broke the canonical ABI, or whose host function threw. */

/**
 * The guest broke the canonical ABI. Thrown by the code that lifts and lowers, caught by the bound
 * function, which ends the guest by its uncatchable trap: the guest never sees this error itself.
 */
export class AbiViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AbiViolation';
  }
}

/** The two ways to end a guest: a `GuestCall` has them. */
export interface Endable {
  trap(message: string): never;
  fail(error: unknown): never;
}

/** Ends the guest for what was thrown during one of its calls. Never returns. */
export function endGuest(guest: Endable, error: unknown): never {
  if (error instanceof AbiViolation) {
    guest.trap(error.message);
  }
  guest.fail(error);
  // Both never return; a caller that got this far must not go on with a half-done call.
  throw error;
}
