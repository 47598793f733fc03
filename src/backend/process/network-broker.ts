/**
 * The network of an agent in a process of its own, which has none: its requests are sent from here, under
 * the grants that are kept here, and counted here.
 */

import type { HeldGrants } from '../../capability/held.ts';
import { AgentRequests, ExchangeError } from '../../network/agent-requests.ts';
import type { FromNetwork, ToNetwork } from '../../network/exchange.ts';
import type { HttpClient } from '../../network/http-client.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import { requestRoomOf } from '../../resource/quota-accounts.ts';
import type { Denials } from './denials.ts';
import { ChildProtocolError } from './from-child.ts';

/** Whose network it is. */
export interface BrokeredAgent {
  readonly grants: HeldGrants;
  readonly block: ControlBlock;
  readonly denials: Denials;
  readonly traceparent: string | null;
  tell(say: FromNetwork): void;
}

/** Sends what one process asks for, if it may. */
export class NetworkBroker {
  readonly #requests: AgentRequests;

  constructor(client: HttpClient, { grants, block, denials, traceparent, tell }: BrokeredAgent) {
    this.#requests = new AgentRequests(client, {
      grants,
      traceparent,
      room: requestRoomOf(block.held),
      tell,
      denied: (operation) => denials.add('can_network', operation),
      used: (requests, bytesOut, bytesIn) => block.addNetwork(requests, bytesOut, bytesIn),
    });
  }

  /** @throws {ChildProtocolError} for what no process of ours says */
  take(say: ToNetwork): void {
    try {
      this.#requests.take(say);
    } catch (error) {
      throw error instanceof ExchangeError ? new ChildProtocolError(error.message) : error;
    }
  }

  /** Grants are gone. */
  revoked(): void {
    this.#requests.revoked();
  }

  close(): void {
    this.#requests.close();
  }
}
