/** TCP: addresses that are reserved, listeners, connections, each under the grant that reaches it. */

import { BoundSocket, Socket } from 'node:net';
import type { HeldGrant } from '../../capability/held.ts';
import { type Answer, failed, NOT_THAT } from './answer.ts';
import { BACKLOG_MAX, CONNECTION_BYTES, READ_AHEAD_BYTES, READ_BYTES_MAX } from './caps.ts';
import { Connection, setKeepAlive } from './connection.ts';
import { deny } from './denied.ts';
import { isEndpoint, isRemote } from './endpoint.ts';
import { codeOf } from './failure.ts';
import { Later } from './later.ts';
import { Listener } from './listener.ts';
import type { Open, OpenSockets } from './open-sockets.ts';
import type { SocketOwner } from './owner.ts';
import type { Reach } from './reach.ts';
import type {
  Awaited,
  Endpoint,
  Family,
  SocketAnswer,
  SocketErrorCode,
  SocketHandle,
  SocketRequest,
} from './request.ts';

type OnConnection = 'read' | 'write' | 'flush' | 'shutdown' | 'keep-alive';

/** The requests of one agent that are TCP's. */
export class TcpRequests {
  readonly #owner: SocketOwner;
  readonly #reach: Reach;
  readonly #open: OpenSockets;
  readonly #connectMs: number;

  constructor(owner: SocketOwner, reach: Reach, open: OpenSockets, connectMs: number) {
    this.#owner = owner;
    this.#reach = reach;
    this.#open = open;
    this.#connectMs = connectMs;
  }

  bind(family: Family, local: Endpoint): Answer<'bind-tcp'> {
    if (!isEndpoint(local, family)) {
      return failed('invalid-argument');
    }
    const grant = this.#reach.listening('tcp', local);
    if (grant === null) {
      return deny(this.#owner, 'bind-tcp');
    }
    if (!this.#open.take(0)) {
      return failed('new-socket-limit');
    }
    let bound: BoundSocket;
    try {
      const { address: host, port } = local;
      bound = new BoundSocket({ host, port, ipv6Only: family === 'ipv6' });
    } catch (error) {
      this.#open.give(0);
      return failed(codeOf(error));
    }
    const { port } = bound.address();
    const endpoint = { address: local.address, port };
    const handle = this.#open.add((handle) => ({
      kind: 'bound',
      grant,
      bound,
      local: endpoint,
      end: () => {
        this.#open.delete(handle);
        bound.close();
        this.#open.give(0);
      },
    }));
    return { tag: 'ok', val: { handle, local: endpoint } };
  }

  listen(
    handle: SocketHandle,
    { bound, grant }: Extract<Open, { kind: 'bound' }>,
    backlog: number,
  ): Answer<'listen'> {
    if (!Number.isInteger(backlog) || backlog < 1 || backlog > BACKLOG_MAX) {
      return failed('invalid-argument');
    }
    const later = new Later<SocketAnswer<'listen'>>();
    const listener = new Listener(
      bound,
      backlog,
      {
        count: (socket) => this.#count(socket),
        adopt: (socket) => this.#adopt(socket, grant),
      },
      (answer) => {
        if (answer.tag === 'err') {
          this.#open.get(handle)?.end(answer.val);
        }
        later.settle(answer);
      },
    );
    this.#open.turn(handle, {
      kind: 'listener',
      grant,
      listener,
      end: (why) => {
        this.#open.delete(handle);
        listener.close(why);
        this.#open.give(0);
      },
    });
    return later;
  }

  connect({ family, bound, remote, keepAlive }: SocketRequest<'connect'>): Answer<'connect'> {
    if (!isRemote(remote, family)) {
      return failed('invalid-argument');
    }
    const grant = this.#reach.sending('tcp', remote);
    if (grant === null) {
      return deny(this.#owner, 'connect');
    }
    const reserved = bound === null ? undefined : this.#open.get(bound);
    if (bound !== null && (reserved === undefined || reserved.kind !== 'bound')) {
      return NOT_THAT;
    }
    // A reserved address is a socket already.
    const taken =
      reserved === undefined
        ? this.#open.take(CONNECTION_BYTES)
        : this.#open.hold(CONNECTION_BYTES);
    if (!taken) {
      return failed('new-socket-limit');
    }
    if (bound !== null) {
      this.#open.delete(bound);
    }
    const handle = reserved?.kind === 'bound' ? reserved.bound : undefined;
    return this.#dial(remote, grant, keepAlive, handle);
  }

  /** A connection that waits to be accepted. */
  #count(socket: Socket): boolean {
    if (!this.#open.take(0)) {
      return false;
    }
    socket.on('close', () => this.#open.give(0));
    return true;
  }

  #adopt(socket: Socket, grant: HeldGrant): SocketAnswer<'accept'> {
    if (!this.#open.hold(CONNECTION_BYTES)) {
      return failed('new-socket-limit');
    }
    socket.on('close', () => this.#open.release(CONNECTION_BYTES));
    socket.setNoDelay(true);
    return this.#connected(socket, grant);
  }

  #connected(socket: Socket, grant: HeldGrant, known?: SocketHandle): SocketAnswer<'accept'> {
    const connection = new Connection(socket, this.#open.transferred);
    socket.on('close', () => this.#open.over(connection));
    const make = (handle: SocketHandle): Open => ({
      kind: 'connection',
      grant,
      connection,
      end: (why) => {
        this.#open.delete(handle);
        connection.destroy(why);
      },
    });
    const handle = known ?? this.#open.add(make);
    if (known !== undefined) {
      this.#open.turn(known, make(known));
    }
    const { local, remote } = connection;
    return { tag: 'ok', val: { handle, local, remote } };
  }

  #dial(
    remote: Endpoint,
    grant: HeldGrant,
    keepAlive: SocketRequest<'connect'>['keepAlive'],
    bound: BoundSocket | undefined,
  ): Awaited<SocketAnswer<'connect'>> {
    const later = new Later<SocketAnswer<'connect'>>();
    const options = {
      allowHalfOpen: true,
      highWaterMark: READ_AHEAD_BYTES,
      ...(bound && { handle: bound }),
    };
    const socket = new Socket(options);
    const handle = this.#open.add((own) => ({
      kind: 'connecting',
      grant,
      end: (why) => {
        this.#open.delete(own);
        socket.destroy();
        later.settle(failed(why));
      },
    }));
    const fail = (why: SocketErrorCode): void => this.#open.get(handle)?.end(why);
    const refused = (error: unknown): void => fail(codeOf(error));
    const timer = setTimeout(() => fail('timeout'), this.#connectMs);
    socket.on('error', refused);
    socket.on('close', () => {
      clearTimeout(timer);
      this.#open.give(CONNECTION_BYTES);
    });
    socket.setNoDelay(true);
    setKeepAlive(socket, keepAlive);
    socket.on('connect', () => {
      clearTimeout(timer);
      if (this.#open.get(handle)?.kind === 'connecting') {
        const connected = this.#connected(socket, grant, handle);
        socket.off('error', refused);
        later.settle(connected);
      }
    });
    // Nothing is looked up: it is an address.
    socket.connect({ host: remote.address, port: remote.port, autoSelectFamily: false });
    return later;
  }
}

/** What is done with a connection that is there. */
export function onConnection(
  connection: Connection,
  request: SocketRequest<OnConnection>,
): Answer<OnConnection> {
  switch (request.op) {
    case 'read':
      return connection.read(Math.max(1, Math.min(request.length, READ_BYTES_MAX)));
    case 'write':
      return connection.write(request.bytes);
    case 'flush':
      return connection.flush();
    case 'shutdown':
      return connection.shutdown(request.receive, request.send);
    case 'keep-alive':
      return connection.keepAlive(request.keepAlive);
  }
}
