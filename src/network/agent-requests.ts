/**
 * The requests of one agent, as messages: of an agent in a thread of this process, or of one in a process of
 * its own, which is believed nothing.
 */

import type { HeldGrant, HeldGrants } from '../capability/held.ts';
import { BODY_WINDOW_BYTES } from '../http/exchange.ts';
import type { Connections } from './connections.ts';
import type { FromNetwork, NetworkFailure, SendHead, ToNetwork } from './exchange.ts';
import { ECHO } from './failure.ts';
import type { HttpClient, HttpResponse, RequestRoom } from './http-client.ts';
import { RequestBodyQueue } from './request-body.ts';
import type { Piece } from './transfer.ts';

/** What a refusal is counted under: what the agent has called. */
const OPERATION = 'http.handle';
/** What a response that was cut for a secret in it is counted under. */
const ECHO_OPERATION = 'http.secret-echo';

/** Whose requests they are. */
export interface RequestOwner {
  readonly grants: HeldGrants;
  /** What servers that may know are told of its span; null: nothing. */
  readonly traceparent: string | null;
  /** Nothing of it is asked for after the agent's end: what it still has goes back with its block. */
  readonly room: RequestRoom;
  tell(say: FromNetwork): void;
  /** A request was refused by what was granted. */
  denied(operation: string): void;
  /** So much has gone and come: a request, and bytes of bodies. */
  used(requests: number, bytesOut: number, bytesIn: number): void;
}

/** A message that no side of ours says. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
}

/** One request that is under way. */
interface Open {
  readonly stop: AbortController;
  readonly body: RequestBodyQueue | null;
  /** The grant that it goes out by; null: it does not yet. */
  grant: HeldGrant<'network'> | null;
  response: HttpResponse | null;
  /** The agent waits for a piece of the response. */
  isPulled: boolean;
}

/** The requests of one agent: as many at a time as the limits say. */
export class AgentRequests {
  readonly #client: HttpClient;
  readonly #owner: RequestOwner;
  readonly #open = new Map<number, Open>();
  #connections: Promise<Connections> | null = null;
  #closed = false;
  readonly #room: RequestRoom = {
    take: () => !this.#closed && this.#owner.room.take(),
    give: () => {
      // Its block may be another agent's by now.
      if (!this.#closed) {
        this.#owner.room.give();
      }
    },
  };

  constructor(client: HttpClient, owner: RequestOwner) {
    this.#client = client;
    this.#owner = owner;
  }

  /**
   * Takes what the agent says.
   *
   * @throws {ExchangeError} for what nobody says who keeps to the window and to ids of its own.
   */
  take(say: ToNetwork): void {
    if (say.step === 'send') {
      this.#send(say.id, say.head);
      return;
    }
    const open = this.#open.get(say.id);
    if (open === undefined) {
      // It has failed, which the agent may not have heard yet.
      return;
    }
    switch (say.step) {
      case 'bytes':
        this.#bytes(say.id, open, say.bytes);
        return;
      case 'end':
        if (say.trailers.length > 0) {
          // None are sent: as many bytes as there may be of them.
          this.#fail(say.id, { tag: 'HTTP-request-trailer-section-size', val: 0 });
          return;
        }
        open.body?.end();
        return;
      case 'broken':
        // It would never hear of it otherwise: who breaks a request off may still wait for its response.
        this.#fail(say.id, { tag: 'HTTP-protocol-error' });
        return;
      case 'drop':
        this.#forget(say.id, open);
        return;
      case 'pull':
        this.#pull(say.id, open);
    }
  }

  /** Grants may be gone: what was begun under one that is ends. */
  revoked(): void {
    this.#owner.grants.look();
    for (const [id, { grant }] of [...this.#open]) {
      if (grant !== null && !this.#owner.grants.inForce(grant)) {
        this.#deny(id);
      }
    }
  }

  /** The agent has ended. */
  close(): void {
    this.#closed = true;
    for (const [id, open] of [...this.#open]) {
      this.#forget(id, open);
    }
    // What they are made with may not have been loaded: whoever has asked for them is told.
    this.#connections?.then(
      (connections) => connections.destroy(),
      () => {},
    );
    this.#connections = null;
  }

  #send(id: number, head: SendHead): void {
    if (this.#closed) {
      return;
    }
    if (this.#open.has(id)) {
      throw new ExchangeError('a request has the name of another one');
    }
    if (this.#open.size >= this.#client.settings.limits.requestsPerAgent) {
      this.#owner.tell({ step: 'failed', id, failure: { tag: 'connection-limit-reached' } });
      return;
    }
    const body = head.hasBody
      ? new RequestBodyQueue((bytes) => {
          this.#owner.used(0, bytes, 0);
          this.#owner.tell({ step: 'taken', id, bytes });
        })
      : null;
    const stop = new AbortController();
    const open: Open = { stop, body, grant: null, response: null, isPulled: false };
    this.#open.set(id, open);
    this.#owner.used(1, 0, 0);
    void this.#sent(id, head, open);
  }

  async #sent(id: number, head: SendHead, open: Open): Promise<void> {
    this.#connections ??= this.#client.connections();
    const outcome = await this.#client.send({
      head,
      body: open.body,
      redirect: 'manual',
      access: accessOf(this.#owner.grants),
      traceparent: this.#owner.traceparent,
      connections: this.#connections,
      room: this.#room,
      signal: open.stop.signal,
      granted: (grant) => {
        open.grant = grant;
      },
    });
    if (this.#open.get(id) !== open) {
      return;
    }
    if ('failure' in outcome) {
      if (outcome.denied) {
        this.#owner.denied(OPERATION);
      }
      this.#fail(id, outcome.failure);
      return;
    }
    open.response = outcome.response;
    if (!this.#owner.grants.inForce(outcome.response.grant)) {
      this.#deny(id);
      return;
    }
    const { status, fields } = outcome.response;
    this.#owner.tell({ step: 'head', id, status, fields });
    if (open.isPulled) {
      void this.#answer(id, open, outcome.response);
    }
  }

  #bytes(id: number, open: Open, bytes: Uint8Array): void {
    const { body, grant } = open;
    if (body === null || body.underWay + bytes.length > BODY_WINDOW_BYTES) {
      throw new ExchangeError('more of a body than its window has room for');
    }
    this.#owner.grants.look();
    if (grant !== null && !this.#owner.grants.inForce(grant)) {
      this.#deny(id);
    } else {
      body.push(bytes);
    }
  }

  #pull(id: number, open: Open): void {
    if (open.isPulled) {
      return;
    }
    open.isPulled = true;
    if (open.response !== null) {
      void this.#answer(id, open, open.response);
    }
  }

  async #answer(id: number, open: Open, response: HttpResponse): Promise<void> {
    const piece: Piece = await response.next();
    if (this.#open.get(id) !== open) {
      return;
    }
    open.isPulled = false;
    this.#owner.grants.look();
    if (!this.#owner.grants.inForce(response.grant)) {
      this.#deny(id);
    } else if ('bytes' in piece) {
      this.#owner.used(0, 0, piece.bytes.length);
      this.#owner.tell({ step: 'bytes', id, bytes: piece.bytes });
    } else if ('trailers' in piece) {
      this.#open.delete(id);
      this.#owner.tell({ step: 'end', id, trailers: piece.trailers });
    } else {
      this.#fail(id, piece.failure);
    }
  }

  #deny(id: number): void {
    this.#owner.denied(OPERATION);
    this.#fail(id, { tag: 'HTTP-request-denied' });
  }

  #fail(id: number, failure: NetworkFailure): void {
    if (failure === ECHO) {
      this.#owner.denied(ECHO_OPERATION);
    }
    const open = this.#open.get(id);
    if (open !== undefined) {
      this.#forget(id, open);
      this.#owner.tell({ step: 'failed', id, failure });
    }
  }

  #forget(id: number, open: Open): void {
    this.#open.delete(id);
    open.stop.abort();
    open.body?.abandon();
    open.response?.cancel();
  }
}

/** The grants of the network that an agent holds, as they are when they are asked for. */
export function accessOf(held: HeldGrants): {
  grants(): readonly HeldGrants['of']['network'][number][];
} {
  return {
    grants: () => {
      held.look();
      return held.of.network.filter((grant) => held.inForce(grant));
    },
  };
}
