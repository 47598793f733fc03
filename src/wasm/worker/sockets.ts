/** The sockets of an agent inside its worker: its grants, and what they are counted against. */

import type { HeldGrants } from '../../capability/held.ts';
import { SocketEngine, type SocketOptions } from '../../network/sockets/engine.ts';
import type { SocketHost } from '../../network/sockets/host.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import { ACCOUNT } from '../../resource/quota-accounts.ts';

/** An agent, as far as its sockets need it. */
export interface SocketAgent {
  readonly grants: HeldGrants;
  readonly block: ControlBlock;
  hold(bytes: number): boolean;
  release(bytes: number): void;
  deny(capability: string, operation: string): void;
}

/** Performs an agent's requests on sockets in this thread. */
export function openAgentSockets(agent: SocketAgent, options: SocketOptions): SocketHost {
  const { held } = agent.block;
  return new SocketEngine(
    {
      grants: agent.grants,
      takeDescriptor: () => held.take(ACCOUNT.descriptors, 1),
      giveDescriptor: () => held.add(ACCOUNT.descriptors, -1),
      hold: (bytes) => agent.hold(bytes),
      release: (bytes) => agent.release(bytes),
      transferred: (bytesOut, bytesIn) => agent.block.addNetwork(0, bytesOut, bytesIn),
      denied: (operation) => agent.deny('can_network', operation),
    },
    options,
  );
}
