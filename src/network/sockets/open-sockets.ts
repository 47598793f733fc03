/** What an agent has open, by its handles: how many, under which grants, and what each takes of its owner. */

import type { BoundSocket } from 'node:net';
import type { HeldGrant } from '../../capability/held.ts';
import type { SocketLimits } from '../settings.ts';
import { DONE } from './answer.ts';
import type { Connection } from './connection.ts';
import type { DatagramSocket } from './datagrams.ts';
import type { Listener } from './listener.ts';
import type { SocketOwner } from './owner.ts';
import type { Endpoint, SocketAnswer, SocketErrorCode, SocketHandle } from './request.ts';

/** What a handle leads to. `end` ends it at once. */
export type Open = { readonly grant: HeldGrant; readonly end: (why: SocketErrorCode) => void } & (
  | { readonly kind: 'bound'; readonly bound: BoundSocket; readonly local: Endpoint }
  | { readonly kind: 'listener'; readonly listener: Listener }
  | { readonly kind: 'connecting' }
  /** Its grant is gone, and what it led to with it. */
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'connection'; readonly connection: Connection }
  | { readonly kind: 'datagrams'; readonly datagrams: DatagramSocket }
);

/** The sockets of one agent. */
export class OpenSockets {
  readonly #owner: SocketOwner;
  readonly #limits: SocketLimits;
  readonly #open = new Map<SocketHandle, Open>();
  /** Connections that the agent has dropped, and that still send, by the grants that they belong to. */
  readonly #lingering = new Map<Connection, HeldGrant>();
  /** Sockets of the system: those that are closed and still send included. */
  #sockets = 0;
  #nextHandle = 1;
  #closed = false;

  constructor(owner: SocketOwner, limits: SocketLimits) {
    this.#owner = owner;
    this.#limits = limits;
  }

  /** After that nothing is opened, and nothing is counted: the agent has ended. */
  get closed(): boolean {
    return this.#closed;
  }

  get(handle: SocketHandle): Open | undefined {
    return this.#open.get(handle);
  }

  add(make: (handle: SocketHandle) => Open): SocketHandle {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#open.set(handle, make(handle));
    return handle;
  }

  /** The handle leads to something else from now on. */
  turn(handle: SocketHandle, open: Open): void {
    this.#open.set(handle, open);
  }

  /** The handle leads nowhere any more. */
  delete(handle: SocketHandle): void {
    this.#open.delete(handle);
  }

  /** Its handle is known until it is closed, so that who uses it is told why it is of no use. */
  withdraw(handle: SocketHandle, { grant, end }: Open): void {
    end('access-denied');
    this.#open.set(handle, { kind: 'withdrawn', grant, end: () => this.#open.delete(handle) });
  }

  /** Withdraws whatever belongs to a grant that is gone. */
  look(isInForce: (grant: HeldGrant) => boolean): void {
    for (const [handle, open] of [...this.#open]) {
      if (open.kind !== 'withdrawn' && !isInForce(open.grant)) {
        this.withdraw(handle, open);
      }
    }
    for (const [connection, grant] of [...this.#lingering]) {
      if (!isInForce(grant)) {
        connection.destroy('access-denied');
      }
    }
  }

  /** The agent has dropped it: of a connection what was written still goes out, for a while. */
  drop(handle: SocketHandle): SocketAnswer<'close'> {
    const open = this.#open.get(handle);
    if (open?.kind === 'connection') {
      this.#open.delete(handle);
      open.connection.close(this.#limits.socketLingerMs);
      if (!open.connection.isOver) {
        this.#lingering.set(open.connection, open.grant);
      }
    } else {
      open?.end('connection-aborted');
    }
    return DONE;
  }

  /** A connection is over, and sends nothing any more. */
  over(connection: Connection): void {
    this.#lingering.delete(connection);
  }

  close(): void {
    this.#closed = true;
    for (const open of [...this.#open.values()]) {
      open.end('connection-aborted');
    }
    // What the system has of theirs arrives; nothing else is held for an agent that is gone.
    for (const connection of [...this.#lingering.keys()]) {
      connection.leave();
    }
  }

  /** Counts a socket that holds so many bytes; false: it would be more than may be. */
  take(bytes: number): boolean {
    if (this.#sockets >= this.#limits.socketsPerAgent || !this.#owner.takeDescriptor()) {
      return false;
    }
    if (!this.#owner.hold(bytes)) {
      this.#owner.giveDescriptor();
      return false;
    }
    this.#sockets += 1;
    return true;
  }

  /** Gives back what {@link take} took. After the agent's end whoever counts has given back all. */
  give(bytes: number): void {
    this.#sockets -= 1;
    if (!this.#closed) {
      this.#owner.giveDescriptor();
      this.release(bytes);
    }
  }

  /** Of a socket that is counted already: so many bytes more. */
  hold(bytes: number): boolean {
    return !this.#closed && this.#owner.hold(bytes);
  }

  release(bytes: number): void {
    if (!this.#closed) {
      this.#owner.release(bytes);
    }
  }

  /** Bytes have gone, or were given to the agent. */
  readonly transferred = (bytesOut: number, bytesIn: number): void => {
    if (!this.#closed) {
      this.#owner.transferred(bytesOut, bytesIn);
    }
  };
}
