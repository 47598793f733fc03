/** What every object has in common that the host holds for an agent: it is accounted for. */

import type { HostAgent } from '../agent.ts';

/** What one handle costs: its object, its slot in the handle table. */
export const HANDLE_BYTES = 256;

/** Takes bytes of the agent's limit; ends the agent where the call has no typed way to fail. */
export function holdOrTrap(agent: HostAgent, bytes: number): void {
  if (!agent.hold(bytes)) {
    agent.trap(
      `limit-exceeded: the host would hold more than ${agent.limits.hostBytes} bytes for it: drop handles that are no longer used, or raise the limit`,
    );
  }
}

/** A host object behind a handle. Its constructor takes its cost, {@link release} gives it back. */
export abstract class Held {
  #bytes: number;

  /** `keptBytes` is what it keeps besides. Ends the agent by a trap where its limit would be passed. */
  constructor(agent: HostAgent, keptBytes = 0) {
    const bytes = HANDLE_BYTES + keptBytes;
    holdOrTrap(agent, bytes);
    this.#bytes = bytes;
  }

  /** The handle is gone: gives back what was taken. Calling it again does nothing. */
  release(agent: HostAgent): void {
    agent.release(this.#bytes);
    this.#bytes = 0;
  }
}
