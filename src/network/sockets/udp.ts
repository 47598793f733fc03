/** UDP: sockets that listen and sockets that only ask, and where their datagrams may go. */

import { type Answer, failed } from './answer.ts';
import { DATAGRAMS_MAX, UDP_SOCKET_BYTES } from './caps.ts';
import { DatagramSocket } from './datagrams.ts';
import { deny } from './denied.ts';
import { isEndpoint, isRemote } from './endpoint.ts';
import { codeOf } from './failure.ts';
import type { OpenSockets } from './open-sockets.ts';
import type { SocketOwner } from './owner.ts';
import { Peers } from './peers.ts';
import type { Reach } from './reach.ts';
import type { Endpoint, Family, SocketRequest } from './request.ts';

type OnDatagrams = 'connect-udp' | 'hop-limit' | 'receive' | 'send' | 'send-room';

/** The requests of one agent that are UDP's. */
export class UdpRequests {
  readonly #owner: SocketOwner;
  readonly #reach: Reach;
  readonly #open: OpenSockets;

  constructor(owner: SocketOwner, reach: Reach, open: OpenSockets) {
    this.#owner = owner;
    this.#reach = reach;
    this.#open = open;
  }

  bind(family: Family, local: Endpoint): Answer<'bind-udp'> {
    if (!isEndpoint(local, family)) {
      return failed('invalid-argument');
    }
    const listening = this.#reach.listening('udp', local);
    // Whoever only asks is at no port that others know, and hears nobody but whom it may ask.
    const grant = listening ?? (local.port === 0 ? this.#reach.asking() : null);
    if (grant === null) {
      return deny(this.#owner, 'bind-udp');
    }
    if (!this.#open.take(UDP_SOCKET_BYTES)) {
      return failed('new-socket-limit');
    }
    let datagrams: DatagramSocket;
    try {
      datagrams = this.#socket(family, local, listening !== null);
    } catch (error) {
      this.#open.give(UDP_SOCKET_BYTES);
      return failed(codeOf(error));
    }
    const handle = this.#open.add((handle) => ({
      kind: 'datagrams',
      grant,
      datagrams,
      end: (why) => {
        this.#open.delete(handle);
        datagrams.close(why);
        this.#open.give(UDP_SOCKET_BYTES);
      },
    }));
    return { tag: 'ok', val: { handle, local: datagrams.local } };
  }

  #socket(family: Family, local: Endpoint, listens: boolean): DatagramSocket {
    const peers = listens ? new Peers() : null;
    const reaches = (to: Endpoint): boolean => this.#reach.sending('udp', to) !== null;
    return new DatagramSocket(family, local, {
      mayCome: (from) => {
        peers?.heard(from);
        return peers !== null || reaches(from);
      },
      maySend: (to) => peers?.has(to) === true || reaches(to),
      denied: () => void deny(this.#owner, 'send'),
      transferred: this.#open.transferred,
    });
  }

  /** What is done with a socket that is bound. */
  perform(datagrams: DatagramSocket, request: SocketRequest<OnDatagrams>): Answer<OnDatagrams> {
    switch (request.op) {
      case 'connect-udp': {
        const { remote } = request;
        if (remote !== null && !isRemote(remote, datagrams.family)) {
          return failed('invalid-argument');
        }
        return remote === null || datagrams.maySend(remote)
          ? datagrams.connect(remote)
          : deny(this.#owner, 'connect-udp');
      }
      case 'hop-limit':
        return Number.isInteger(request.hops) && request.hops >= 1 && request.hops <= 255
          ? datagrams.hopLimit(request.hops)
          : failed('invalid-argument');
      case 'receive':
        return datagrams.receive(Math.max(1, Math.min(request.count, DATAGRAMS_MAX)));
      case 'send':
        return request.datagrams.every(({ to }) => to === null || isRemote(to, datagrams.family))
          ? datagrams.send(request.datagrams)
          : failed('invalid-argument');
      case 'send-room':
        return datagrams.sendRoom();
    }
  }
}
