/** How a lowered function ends a guest that broke the canonical ABI, or whose host function threw. */

import type { GuestCall } from './binding.ts';

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

/** Ends the guest for what was thrown during one of its calls. Never returns. */
export function endGuest(call: GuestCall, error: unknown): never {
  if (error instanceof AbiViolation) {
    call.trap(error.message);
  }
  call.fail(error);
  // Both never return; a caller that got this far must not go on with a half-done call.
  throw error;
}
