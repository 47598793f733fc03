/** Hands host calls to who listens to those of one agent. */

import type { HostCall } from '../process/diagnosis.ts';
import type { HostCallListener } from './process.ts';

/**
 * Hands calls on in their order. Resolves when all were taken; a listener that fails has taken them: what it
 * does with them is none of the agent's doing.
 */
export async function hearCalls(
  listener: HostCallListener | null,
  calls: readonly HostCall[],
): Promise<void> {
  if (listener === null) {
    return;
  }
  await Promise.allSettled(calls.map(async (call) => listener(call)));
}
