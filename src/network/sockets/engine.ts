/**
 * The engine: performs an agent's requests on sockets, each checked here, whoever sends it.
 *
 * It knows no agent and no gate, so it runs beside the guest in a worker, and behind a broker where the
 * agent has a process of its own. Addresses are all that it gives to the system: no name is looked up
 * but by `resolve`.
 */

import type { Resolver } from '../resolver.ts';
import type { SocketLimits } from '../settings.ts';
import { type Answer, NOT_THAT } from './answer.ts';
import { deny } from './denied.ts';
import type { SocketHost } from './host.ts';
import { Lookups } from './lookups.ts';
import { Names } from './names.ts';
import { OpenSockets } from './open-sockets.ts';
import type { SocketOwner } from './owner.ts';
import { Reach } from './reach.ts';
import type { SocketOperationName, SocketRequest } from './request.ts';
import { onConnection, TcpRequests } from './tcp.ts';
import { UdpRequests } from './udp.ts';

/** What can be set where sockets are opened. */
export interface SocketOptions {
  /** Looks names up. */
  readonly resolver: Resolver;
  readonly limits: SocketLimits;
}

/** Performs the requests of one agent. */
export class SocketEngine implements SocketHost {
  readonly #owner: SocketOwner;
  readonly #reach: Reach;
  readonly #lookups: Lookups;
  readonly #open: OpenSockets;
  readonly #tcp: TcpRequests;
  readonly #udp: UdpRequests;
  readonly #names: Names;

  constructor(owner: SocketOwner, { resolver, limits }: SocketOptions) {
    this.#owner = owner;
    this.#reach = new Reach(owner.grants);
    this.#lookups = new Lookups(resolver, limits.lookupsPerSecond, () => performance.now());
    this.#open = new OpenSockets(owner, limits);
    this.#tcp = new TcpRequests(owner, this.#reach, this.#open, limits.socketConnectMs);
    this.#udp = new UdpRequests(owner, this.#reach, this.#open);
    this.#names = new Names(owner, this.#reach, this.#lookups);
  }

  perform<Name extends SocketOperationName>(request: SocketRequest<Name>): Answer<Name> {
    if (this.#open.closed) {
      return NOT_THAT;
    }
    this.#reach.look();
    // TypeScript does not see that the answer's type follows the request's: `#perform` looks at `op`.
    return this.#perform(request as unknown as SocketRequest) as Answer<Name>;
  }

  look(): void {
    this.#reach.look();
    this.#open.look((grant) => this.#reach.isInForce(grant));
  }

  close(): void {
    this.#lookups.close();
    this.#open.close();
  }

  #perform(request: SocketRequest): Answer<SocketOperationName> {
    switch (request.op) {
      case 'bind-tcp':
        return this.#tcp.bind(request.family, request.local);
      case 'connect':
        return this.#tcp.connect(request);
      case 'bind-udp':
        return this.#udp.bind(request.family, request.local);
      case 'resolve':
        return this.#names.resolve(request.name);
      case 'close':
        return this.#open.drop(request.handle);
      default:
        return this.#performOn(request);
    }
  }

  /** Under a grant that is in force: what was opened is used only then. */
  #performOn(
    request: Exclude<
      SocketRequest,
      { op: 'bind-tcp' | 'connect' | 'bind-udp' | 'resolve' | 'close' }
    >,
  ): Answer<SocketOperationName> {
    const open = this.#open.get(request.handle);
    if (open === undefined) {
      return NOT_THAT;
    }
    if (open.kind === 'withdrawn' || !this.#reach.isInForce(open.grant)) {
      this.#open.withdraw(request.handle, open);
      return deny(this.#owner, request.op);
    }
    switch (request.op) {
      case 'listen':
        return open.kind === 'bound'
          ? this.#tcp.listen(request.handle, open, request.backlog)
          : NOT_THAT;
      case 'accept':
        return open.kind === 'listener' ? open.listener.accept() : NOT_THAT;
      case 'connect-udp':
      case 'hop-limit':
      case 'receive':
      case 'send':
      case 'send-room':
        return open.kind === 'datagrams' ? this.#udp.perform(open.datagrams, request) : NOT_THAT;
      default:
        return open.kind === 'connection' ? onConnection(open.connection, request) : NOT_THAT;
    }
  }
}
