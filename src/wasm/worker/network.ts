/** The network of an agent in a thread: its requests are sent from here. */

import { AgentRequests } from '../../network/agent-requests.ts';
import type { FromNetwork } from '../../network/exchange.ts';
import type { HttpClient } from '../../network/http-client.ts';
import { requestRoomOf } from '../../resource/quota-accounts.ts';
import type { NetworkOwner } from './parts.ts';
import type { NetworkLink } from './sent-requests.ts';

/** Opens the network for an agent of this thread; `hear` is never called from within what the agent says. */
export function openAgentNetwork(
  client: HttpClient,
  owner: NetworkOwner,
  hear: (say: FromNetwork) => void,
): NetworkLink {
  return new AgentRequests(client, {
    grants: owner.grants,
    traceparent: owner.traceparent,
    room: requestRoomOf(owner.block.held),
    tell: (say) => queueMicrotask(() => hear(say)),
    denied: (operation) => owner.deny('can_network', operation),
    used: (requests, bytesOut, bytesIn) => owner.noteNetwork(requests, bytesOut, bytesIn),
  });
}
