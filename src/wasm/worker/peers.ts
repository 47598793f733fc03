/**
 * The other workers whose agents this one's talk to: mail goes to them over a port for each pair, and
 * never through the program's thread.
 *
 * A message is answered when the mailbox over there has taken or refused it, so its sender learns what
 * came of it, and mail of one sender to one receiver keeps its order. What agents say in one turn goes
 * together. The kernel tells which agent is where, and which worker is gone: what was under way to that
 * is closed, and so nothing is lost unseen.
 */

import type { MessagePort } from 'node:worker_threads';
import { dropOldest } from '../../ipc/drop-oldest.ts';
import type { Mail } from '../../ipc/message.ts';
import type { Operation, Outcome } from '../host/agent.ts';
import type { Unanswered } from './correspondence.ts';
import { closedOutcome, PendingOperation } from './mail.ts';

/** Agents elsewhere that are known: more than can live at a time. The one known the longest goes first. */
const ROUTES_MAX = 200_000;

/** Messages to one worker that go at the latest when there are so many. */
const OUTBOX_MESSAGES_MAX = 64;

/** What two workers say to each other. Both are trusted. */
export type PeerMessage =
  | { readonly kind: 'mail'; id: number; to: number; mail: Mail; waitMs: number | null }
  | { readonly kind: 'abandon'; id: number }
  | { readonly kind: 'delivered'; id: number; outcome: Outcome<number> }
  | { readonly kind: 'unanswered'; waiting: Unanswered };

/** What a port is used for here. */
export type PeerPort = Pick<MessagePort, 'postMessage' | 'close'> & {
  on(event: 'message', listener: (messages: PeerMessage[]) => void): unknown;
};

/** The worker, as mail from elsewhere needs it. */
export interface PeersOptions {
  /** Delivers to an agent of this worker. */
  deliver(to: number, mail: Mail, waitMs: number | null): Operation<number>;
  /** An agent of this worker will have no reply. */
  unanswered(waiting: Unanswered): void;
  /** A worker is gone, and these agents with it. */
  lost(isThere: (pid: number) => boolean): void;
}

interface Sent {
  readonly worker: number;
  readonly to: number;
  readonly operation: PendingOperation<number>;
}

interface Peer {
  readonly port: PeerPort;
  readonly outbox: PeerMessage[];
  /** Messages from there that wait for room here, by the ids of there. */
  readonly waiting: Map<number, Operation<number>>;
}

/** All other workers that this one talks to. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<number, Peer>();
  /** Which worker an agent is in. Pids are never used again, so this stays true. */
  readonly #routes = new Map<number, number>();
  readonly #sent = new Map<number, Sent>();
  #nextId = 1;
  #flushPlanned = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** A port to another worker: both have got one end. */
  add(worker: number, port: PeerPort): void {
    const peer: Peer = { port, outbox: [], waiting: new Map() };
    this.#peers.set(worker, peer);
    port.on('message', (messages: PeerMessage[]) => {
      for (const message of messages) {
        this.#take(worker, peer, message);
      }
    });
  }

  /** An agent is in that worker. */
  route(pid: number, worker: number): void {
    if (!this.#peers.has(worker)) {
      return;
    }
    this.#routes.set(pid, worker);
    dropOldest(this.#routes, ROUTES_MAX);
  }

  /** Sends mail to an agent elsewhere; null: it is not known where that is. */
  send(to: number, mail: Mail, waitMs: number | null): Operation<number> | null {
    const worker = this.#routes.get(to);
    const peer = worker === undefined ? undefined : this.#peers.get(worker);
    if (worker === undefined || peer === undefined) {
      return null;
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const operation = new PendingOperation<number>(() => {
      if (this.#sent.delete(id)) {
        this.#post(peer, { kind: 'abandon', id });
      }
    });
    this.#sent.set(id, { worker, to, operation });
    this.#post(peer, { kind: 'mail', id, to, mail, waitMs });
    return operation;
  }

  /** Tells an asker elsewhere that there will be no reply; false: it is not known where that is. */
  unanswered(waiting: Unanswered): boolean {
    const peer = this.#peers.get(this.#routes.get(waiting.asker) ?? -1);
    if (peer === undefined) {
      return false;
    }
    this.#post(peer, { kind: 'unanswered', waiting });
    return true;
  }

  /** A worker is gone: nothing that was under way to it arrives, as far as anybody knows. */
  gone(worker: number): void {
    const peer = this.#peers.get(worker);
    if (peer === undefined) {
      return;
    }
    this.#peers.delete(worker);
    peer.port.close();
    for (const operation of peer.waiting.values()) {
      operation.abandon();
    }
    for (const [id, sent] of [...this.#sent]) {
      if (sent.worker === worker) {
        this.#sent.delete(id);
        sent.operation.settle(closedOutcome(sent.to));
      }
    }
    this.#options.lost((pid) => this.#routes.get(pid) === worker);
    for (const [pid, where] of this.#routes) {
      if (where === worker) {
        this.#routes.delete(pid);
      }
    }
  }

  close(): void {
    this.#flush();
    for (const { port } of this.#peers.values()) {
      port.close();
    }
    this.#peers.clear();
  }

  #post(peer: Peer, message: PeerMessage): void {
    if (peer.outbox.push(message) >= OUTBOX_MESSAGES_MAX) {
      peer.port.postMessage(peer.outbox.splice(0));
    } else if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      // Agents run in microtasks, one after another: only after those is a turn over.
      process.nextTick(() => this.#flush());
    }
  }

  #flush(): void {
    this.#flushPlanned = false;
    for (const { port, outbox } of this.#peers.values()) {
      if (outbox.length > 0) {
        port.postMessage(outbox.splice(0));
      }
    }
  }

  #take(worker: number, peer: Peer, message: PeerMessage): void {
    switch (message.kind) {
      case 'mail':
        // Whom it is from can be answered on the same way.
        this.route(message.mail.sender, worker);
        this.#deliver(peer, message);
        return;
      case 'abandon':
        peer.waiting.get(message.id)?.abandon();
        peer.waiting.delete(message.id);
        return;
      case 'delivered': {
        const sent = this.#sent.get(message.id);
        this.#sent.delete(message.id);
        sent?.operation.settle(message.outcome);
        return;
      }
      case 'unanswered':
        this.#options.unanswered(message.waiting);
        return;
    }
  }

  #deliver(peer: Peer, { id, to, mail, waitMs }: Extract<PeerMessage, { kind: 'mail' }>): void {
    const operation = this.#options.deliver(to, mail, waitMs);
    if (operation.outcome !== null) {
      this.#post(peer, { kind: 'delivered', id, outcome: operation.outcome });
      return;
    }
    peer.waiting.set(id, operation);
    operation.onSettled(() => {
      peer.waiting.delete(id);
      if (operation.outcome !== null) {
        this.#post(peer, { kind: 'delivered', id, outcome: operation.outcome });
      }
    });
  }
}
