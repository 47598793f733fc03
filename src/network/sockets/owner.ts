/** Whose sockets they are, and what they may take. */

import type { HeldGrants } from '../../capability/held.ts';

/** The agent, as far as its sockets need it. */
export interface SocketOwner {
  readonly grants: HeldGrants;
  /** Descriptors, of the quotas of whoever owns the agent; false: there is none left. */
  takeDescriptor(): boolean;
  giveDescriptor(): void;
  /** What the host holds for the agent; false: it would be more than it may. */
  hold(bytes: number): boolean;
  release(bytes: number): void;
  /** Bytes that it has sent, and that it was given of what came, for the report. */
  transferred(bytesOut: number, bytesIn: number): void;
  /** Something was denied, for the report. */
  denied(operation: string): void;
}
