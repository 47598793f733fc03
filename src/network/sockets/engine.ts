/**
 * The engine: performs an agent's requests on sockets, each checked here, whoever sends it.
 *
 * It knows no agent and no gate, so it runs beside the guest in a worker, and behind a broker where the
 * agent has a process of its own. Addresses are all that it gives to the system: no name is looked up
 * but by `resolve`.
 */

import { BoundSocket, isIP, Socket } from 'node:net';
import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import {
  addressOfHost,
  canonicalAddress,
  canonicalHost,
  isLocalName,
} from '../../capability/host.ts';
import type { Resolver } from '../resolver.ts';
import {
  BACKLOG_MAX,
  CONNECT_MS_MAX,
  CONNECTION_BYTES,
  DATAGRAMS_MAX,
  READ_AHEAD_BYTES,
  READ_BYTES_MAX,
  SOCKETS_MAX,
  UDP_SOCKET_BYTES,
} from './caps.ts';
import { Connection, setKeepAlive } from './connection.ts';
import { DatagramSocket } from './datagrams.ts';
import { codeOf } from './failure.ts';
import type { SocketHost } from './host.ts';
import { Later } from './later.ts';
import { Listener } from './listener.ts';
import { Lookups } from './lookups.ts';
import { Peers } from './peers.ts';
import { Reach } from './reach.ts';
import type {
  Awaited,
  Endpoint,
  Family,
  SocketAnswer,
  SocketErrorCode,
  SocketHandle,
  SocketOperationName,
  SocketRequest,
} from './request.ts';

/** Whose sockets they are, and what they may take. */
export interface SocketOwner {
  readonly grants: HeldGrants;
  /** Descriptors, of the quotas of whoever owns the agent; false: there is none left. */
  takeDescriptor(): boolean;
  giveDescriptor(): void;
  /** What the host holds for the agent; false: it would be more than it may. */
  hold(bytes: number): boolean;
  release(bytes: number): void;
  /** Something was denied, for the report. */
  denied(operation: string): void;
}

/** What can be set where sockets are opened. */
export interface SocketOptions {
  /** Looks names up. */
  readonly resolver: Resolver;
  /** How long a connection may take to be made. @default {@link CONNECT_MS_MAX} */
  readonly connectMs?: number;
}

/** What a handle leads to. `end` ends it at once. */
type Open = { readonly grant: HeldGrant; readonly end: (why: SocketErrorCode) => void } & (
  | { readonly kind: 'bound'; readonly bound: BoundSocket; readonly local: Endpoint }
  | { readonly kind: 'listener'; readonly listener: Listener }
  | { readonly kind: 'connecting' }
  /** Its grant is gone, and what it led to with it. */
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'connection'; readonly connection: Connection }
  | { readonly kind: 'datagrams'; readonly datagrams: DatagramSocket }
);

type Answer<Name extends SocketOperationName> = SocketAnswer<Name> | Awaited<SocketAnswer<Name>>;

const failed = (val: SocketErrorCode) => ({ tag: 'err', val }) as const;
const DONE = { tag: 'ok', val: undefined } as const;
const NOT_THAT = failed('invalid-state');
const DENIED = failed('access-denied');

/** What reports call a denial: as the gate calls the guest's functions. */
const DENIED_AS: Readonly<Record<SocketOperationName, string>> = {
  'bind-tcp': 'sockets.tcp-socket.start-bind',
  listen: 'sockets.tcp-socket.start-listen',
  accept: 'sockets.tcp-socket.accept',
  connect: 'sockets.tcp-socket.start-connect',
  read: 'sockets.tcp-socket.read',
  write: 'sockets.tcp-socket.write',
  flush: 'sockets.tcp-socket.flush',
  shutdown: 'sockets.tcp-socket.shutdown',
  'keep-alive': 'sockets.tcp-socket.set-keep-alive-enabled',
  'bind-udp': 'sockets.udp-socket.start-bind',
  'connect-udp': 'sockets.udp-socket.stream',
  'hop-limit': 'sockets.udp-socket.set-unicast-hop-limit',
  receive: 'sockets.incoming-datagram-stream.receive',
  send: 'sockets.outgoing-datagram-stream.send',
  'send-room': 'sockets.outgoing-datagram-stream.check-send',
  resolve: 'sockets.resolve-addresses',
  close: 'sockets.close',
};

const LOOPBACK = ['127.0.0.1', '::1'] as const;

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535;

/** As the gate would have made it: of the family, spelt in the one way. */
function isEndpoint({ address, port }: Endpoint, family: Family): boolean {
  return (
    isPort(port) &&
    isIP(address) === (family === 'ipv4' ? 4 : 6) &&
    canonicalAddress(address) === address
  );
}

/** Somewhere that a socket can send to. */
const isRemote = (remote: Endpoint, family: Family): boolean =>
  isEndpoint(remote, family) && remote.port !== 0;

/** Performs the requests of one agent. */
export class SocketEngine implements SocketHost {
  readonly #owner: SocketOwner;
  readonly #reach: Reach;
  readonly #lookups: Lookups;
  readonly #connectMs: number;
  readonly #open = new Map<SocketHandle, Open>();
  /** Connections that the agent has dropped, and that still send, by the grants that they belong to. */
  readonly #lingering = new Map<Connection, HeldGrant>();
  /** Sockets of the system: those that are closed and still send included. */
  #sockets = 0;
  #nextHandle = 1;
  #closed = false;

  constructor(owner: SocketOwner, options: SocketOptions) {
    this.#owner = owner;
    this.#reach = new Reach(owner.grants);
    this.#lookups = new Lookups(options.resolver, () => performance.now());
    this.#connectMs = options.connectMs ?? CONNECT_MS_MAX;
  }

  perform<Name extends SocketOperationName>(request: SocketRequest<Name>): Answer<Name> {
    if (this.#closed) {
      return NOT_THAT;
    }
    this.#reach.look();
    // TypeScript does not see that the answer's type follows the request's: `#perform` looks at `op`.
    return this.#perform(request as unknown as SocketRequest) as Answer<Name>;
  }

  look(): void {
    this.#reach.look();
    for (const [handle, open] of [...this.#open]) {
      if (open.kind !== 'withdrawn' && !this.#reach.isInForce(open.grant)) {
        this.#withdraw(handle, open);
      }
    }
    for (const [connection, grant] of [...this.#lingering]) {
      if (!this.#reach.isInForce(grant)) {
        connection.destroy('access-denied');
      }
    }
  }

  /** Its handle is known until it is closed, so that who uses it is told why it is of no use. */
  #withdraw(handle: SocketHandle, { grant, end }: Open): void {
    end('access-denied');
    this.#open.set(handle, {
      kind: 'withdrawn',
      grant,
      end: () => this.#open.delete(handle),
    });
  }

  close(): void {
    this.#closed = true;
    this.#lookups.close();
    for (const open of [...this.#open.values()]) {
      open.end('connection-aborted');
    }
    // What the system has of theirs arrives; nothing else is held for an agent that is gone.
    for (const connection of [...this.#lingering.keys()]) {
      connection.leave();
    }
  }

  #perform(request: SocketRequest): Answer<SocketOperationName> {
    switch (request.op) {
      case 'bind-tcp':
        return this.#bindTcp(request.family, request.local);
      case 'connect':
        return this.#connect(request);
      case 'bind-udp':
        return this.#bindUdp(request.family, request.local);
      case 'resolve':
        return this.#resolve(request.name);
      case 'close':
        return this.#close(request.handle);
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
      this.#withdraw(request.handle, open);
      return this.#deny(request.op);
    }
    switch (request.op) {
      case 'listen':
        return open.kind === 'bound'
          ? this.#listen(request.handle, open, request.backlog)
          : NOT_THAT;
      case 'accept':
        return open.kind === 'listener' ? open.listener.accept() : NOT_THAT;
      case 'connect-udp':
      case 'hop-limit':
      case 'receive':
      case 'send':
      case 'send-room':
        return open.kind === 'datagrams' ? this.#datagrams(open.datagrams, request) : NOT_THAT;
      default:
        return open.kind === 'connection' ? onConnection(open.connection, request) : NOT_THAT;
    }
  }

  #datagrams(datagrams: DatagramSocket, request: SocketRequest<OnDatagrams>): Answer<OnDatagrams> {
    switch (request.op) {
      case 'connect-udp': {
        const { remote } = request;
        if (remote !== null && !isRemote(remote, datagrams.family)) {
          return failed('invalid-argument');
        }
        return remote === null || datagrams.maySend(remote)
          ? datagrams.connect(remote)
          : this.#deny('connect-udp');
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

  // ── TCP ─────────────────────────────────────────────────────────────────────────────────────────

  #bindTcp(family: Family, local: Endpoint): Answer<'bind-tcp'> {
    if (!isEndpoint(local, family)) {
      return failed('invalid-argument');
    }
    const grant = this.#reach.listening('tcp', local);
    if (grant === null) {
      return this.#deny('bind-tcp');
    }
    if (!this.#take(0)) {
      return failed('new-socket-limit');
    }
    let bound: BoundSocket;
    try {
      const { address: host, port } = local;
      bound = new BoundSocket({ host, port, ipv6Only: family === 'ipv6' });
    } catch (error) {
      this.#give(0);
      return failed(codeOf(error));
    }
    const { port } = bound.address();
    const endpoint = { address: local.address, port };
    const handle = this.#add((handle) => ({
      kind: 'bound',
      grant,
      bound,
      local: endpoint,
      end: () => {
        this.#open.delete(handle);
        bound.close();
        this.#give(0);
      },
    }));
    return { tag: 'ok', val: { handle, local: endpoint } };
  }

  #listen(
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
    this.#open.set(handle, {
      kind: 'listener',
      grant,
      listener,
      end: (why) => {
        this.#open.delete(handle);
        listener.close(why);
        this.#give(0);
      },
    });
    return later;
  }

  /** A connection that waits to be accepted. */
  #count(socket: Socket): boolean {
    if (!this.#take(0)) {
      return false;
    }
    socket.on('close', () => this.#give(0));
    return true;
  }

  #adopt(socket: Socket, grant: HeldGrant): SocketAnswer<'accept'> {
    if (this.#closed || !this.#owner.hold(CONNECTION_BYTES)) {
      return failed('new-socket-limit');
    }
    socket.on('close', () => this.#release(CONNECTION_BYTES));
    socket.setNoDelay(true);
    return this.#connected(socket, grant);
  }

  #connected(socket: Socket, grant: HeldGrant, known?: SocketHandle): SocketAnswer<'accept'> {
    const connection = new Connection(socket);
    socket.on('close', () => this.#lingering.delete(connection));
    const make = (handle: SocketHandle): Open => ({
      kind: 'connection',
      grant,
      connection,
      end: (why) => {
        this.#open.delete(handle);
        connection.destroy(why);
      },
    });
    const handle = known ?? this.#add(make);
    if (known !== undefined) {
      this.#open.set(known, make(known));
    }
    const { local, remote } = connection;
    return { tag: 'ok', val: { handle, local, remote } };
  }

  #connect({ family, bound, remote, keepAlive }: SocketRequest<'connect'>): Answer<'connect'> {
    if (!isRemote(remote, family)) {
      return failed('invalid-argument');
    }
    const grant = this.#reach.sending('tcp', remote);
    if (grant === null) {
      return this.#deny('connect');
    }
    const reserved = bound === null ? undefined : this.#open.get(bound);
    if (bound !== null && (reserved === undefined || reserved.kind !== 'bound')) {
      return NOT_THAT;
    }
    // A reserved address is a socket already.
    const taken =
      reserved === undefined ? this.#take(CONNECTION_BYTES) : this.#owner.hold(CONNECTION_BYTES);
    if (!taken) {
      return failed('new-socket-limit');
    }
    if (bound !== null) {
      this.#open.delete(bound);
    }
    const handle = reserved?.kind === 'bound' ? reserved.bound : undefined;
    return this.#dial(remote, grant, keepAlive, handle);
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
    const handle = this.#add((own) => ({
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
      this.#give(CONNECTION_BYTES);
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

  // ── UDP ─────────────────────────────────────────────────────────────────────────────────────────

  #bindUdp(family: Family, local: Endpoint): Answer<'bind-udp'> {
    if (!isEndpoint(local, family)) {
      return failed('invalid-argument');
    }
    const listening = this.#reach.listening('udp', local);
    // Whoever only asks is at no port that others know, and hears nobody but whom it may ask.
    const grant = listening ?? (local.port === 0 ? this.#reach.asking() : null);
    if (grant === null) {
      return this.#deny('bind-udp');
    }
    if (!this.#take(UDP_SOCKET_BYTES)) {
      return failed('new-socket-limit');
    }
    const peers = listening === null ? null : new Peers();
    const reaches = (to: Endpoint): boolean => this.#reach.sending('udp', to) !== null;
    let datagrams: DatagramSocket;
    try {
      datagrams = new DatagramSocket(family, local, {
        mayCome: (from) => {
          peers?.heard(from);
          return peers !== null || reaches(from);
        },
        maySend: (to) => peers?.has(to) === true || reaches(to),
        denied: () => this.#owner.denied(DENIED_AS.send),
      });
    } catch (error) {
      this.#give(UDP_SOCKET_BYTES);
      return failed(codeOf(error));
    }
    const handle = this.#add((handle) => ({
      kind: 'datagrams',
      grant,
      datagrams,
      end: (why) => {
        this.#open.delete(handle);
        datagrams.close(why);
        this.#give(UDP_SOCKET_BYTES);
      },
    }));
    return { tag: 'ok', val: { handle, local: datagrams.local } };
  }

  // ── names ───────────────────────────────────────────────────────────────────────────────────────

  #resolve(written: string): Answer<'resolve'> {
    const literal = canonicalAddress(written);
    if (literal !== null) {
      return this.#reach.any() === null ? this.#deny('resolve') : { tag: 'ok', val: [literal] };
    }
    const name = canonicalHost(written);
    if (name === null || addressOfHost(name) !== null) {
      return failed('invalid-argument');
    }
    if (this.#reach.lookingUp(name) === null) {
      return this.#deny('resolve');
    }
    if (isLocalName(name)) {
      return this.#reached(name, LOOPBACK);
    }
    const looked = this.#lookups.begin(name);
    if (looked === null) {
      return failed('temporary-resolver-failure');
    }
    const later = new Later<SocketAnswer<'resolve'>>();
    void looked.then((found) => {
      this.#reach.look();
      later.settle(found.tag === 'err' ? found : this.#reached(name, found.val));
    });
    return later;
  }

  /** Only what may be reached is told: where else a name leads is nobody's business. */
  #reached(name: string, addresses: readonly string[]): SocketAnswer<'resolve'> {
    const reached = this.#reach.found(name, addresses);
    return reached.length === 0 ? failed('name-unresolvable') : { tag: 'ok', val: reached };
  }

  // ── what is open ────────────────────────────────────────────────────────────────────────────────

  #close(handle: SocketHandle): SocketAnswer<'close'> {
    const open = this.#open.get(handle);
    if (open?.kind === 'connection') {
      this.#open.delete(handle);
      open.connection.close();
      if (!open.connection.isOver) {
        this.#lingering.set(open.connection, open.grant);
      }
    } else {
      open?.end('connection-aborted');
    }
    return DONE;
  }

  #add(make: (handle: SocketHandle) => Open): SocketHandle {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#open.set(handle, make(handle));
    return handle;
  }

  #take(bytes: number): boolean {
    if (this.#sockets >= SOCKETS_MAX || !this.#owner.takeDescriptor()) {
      return false;
    }
    if (!this.#owner.hold(bytes)) {
      this.#owner.giveDescriptor();
      return false;
    }
    this.#sockets += 1;
    return true;
  }

  #give(bytes: number): void {
    this.#sockets -= 1;
    if (!this.#closed) {
      // After the agent's end all that it took was given back by whoever counts.
      this.#owner.giveDescriptor();
      this.#release(bytes);
    }
  }

  #release(bytes: number): void {
    if (!this.#closed) {
      this.#owner.release(bytes);
    }
  }

  #deny(operation: SocketOperationName): typeof DENIED {
    this.#owner.denied(DENIED_AS[operation]);
    return DENIED;
  }
}

type OnDatagrams = 'connect-udp' | 'hop-limit' | 'receive' | 'send' | 'send-room';
type OnConnection = 'read' | 'write' | 'flush' | 'shutdown' | 'keep-alive';

function onConnection(
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
