/**
 * The sockets of an agent in a process of its own: they are open here, and each request is checked and
 * performed here, by the engine that a worker has.
 */

import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import type { HttpClient } from '../../network/http-client.ts';
import type { SocketHost } from '../../network/sockets/host.ts';
import type { SocketAnswer, SocketRequest } from '../../network/sockets/request.ts';
import { Alarm } from '../../resource/alarm.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import { HostBytes } from '../../resource/host-bytes.ts';
import type { Limits } from '../../resource/limits.ts';
import { openAgentSockets, type SocketAgent } from '../../wasm/worker/sockets.ts';
import type { Denials } from './denials.ts';

/** Whose sockets they are. */
export interface SocketBrokerOwner {
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  readonly denials: Denials;
}

/** The sockets of one agent, open here; what it may do with them is checked at each request. */
export class SocketBroker {
  readonly #sockets: SocketHost;
  readonly #expiries: Alarm[] = [];
  #closed = false;

  constructor(client: HttpClient, { grants, limits, block, denials }: SocketBrokerOwner) {
    const bytes = new HostBytes(limits.hostBytes);
    const agent: SocketAgent = {
      grants,
      block,
      hold: (amount) => bytes.hold(amount),
      release: (amount) => bytes.release(amount),
      deny: (capability, operation) => denials.add(capability, operation),
    };
    this.#sockets = openAgentSockets(agent, {
      resolver: client.guard,
      limits: client.settings.limits,
    });
    for (const grant of grants.of.network) {
      this.granted(grant);
    }
  }

  /** Performs a request; `answered` is called once, at once or later. */
  perform(request: SocketRequest, answered: (answer: SocketAnswer) => void): void {
    const answer = this.#sockets.perform(request);
    if ('tag' in answer) {
      answered(answer);
      return;
    }
    answer.onSettled(() => {
      const { outcome } = answer;
      if (outcome !== null && !this.#closed) {
        answered(outcome.val);
      }
    });
  }

  /** What was opened under a grant ends with it, whether the process still asks or not. */
  granted({ kind, expiresAtMs }: HeldGrant): void {
    if (kind === 'network' && expiresAtMs !== Number.POSITIVE_INFINITY) {
      const ring = (): void => this.look();
      this.#expiries.push(new Alarm({ atMs: expiresAtMs, now: Date.now, ring }));
    }
  }

  /** Grants were revoked. */
  look(): void {
    this.#sockets.look();
  }

  close(): void {
    this.#closed = true;
    for (const expiry of this.#expiries) {
      expiry.clear();
    }
    this.#sockets.close();
  }
}
