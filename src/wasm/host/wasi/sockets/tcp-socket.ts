/** A socket of TCP as a guest has it: WASI's states, and what may be done in each. */

import { BACKLOG_DEFAULT, BACKLOG_MAX } from '../../../../network/sockets/caps.ts';
import type {
  Connected,
  Endpoint,
  Family,
  KeepAlive,
  SocketErrorCode,
} from '../../../../network/sockets/request.ts';
import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type { ErrorCode, IpSocketAddress } from '../../generated/wasi-sockets-network.ts';
import { Held } from '../held.ts';
import { InputStream } from '../io/input-stream.ts';
import { OutputStream } from '../io/output-stream.ts';
import type { Readiness } from '../io/pollable.ts';
import { endpointOf, ipSocketAddress, remoteOf } from './addresses.ts';
import { type Asked, AT_ONCE, answerOf, ask, SharedSocket, whenAnswered } from './ask.ts';
import { TcpSink, TcpSource } from './tcp-streams.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/tcp/tcp-socket': TcpSocketResource;
  }
}

/** A socket that has a place in the system. */
interface Placed {
  readonly shared: SharedSocket;
  readonly local: Endpoint;
}

/** A connection, with the streams that were made for it. */
interface ConnectedState extends Placed {
  readonly at: 'connected';
  readonly remote: Endpoint;
  readonly source: TcpSource;
  readonly sink: TcpSink;
}

type State =
  | { readonly at: 'unbound' | 'closed' }
  | { readonly at: 'binding'; readonly asked: Asked<'bind-tcp'> }
  | ({ readonly at: 'bound' } & Placed)
  | ({ readonly at: 'starting'; readonly asked: Asked<'listen'> } & Placed)
  | ({ readonly at: 'listening'; accepting: Asked<'accept'> | null } & Placed)
  | {
      readonly at: 'connecting';
      readonly asked: Asked<'connect'>;
      /** The address that was bound before; the connection has taken it over, if it could be begun. */
      readonly bound: ({ readonly at: 'bound' } & Placed) | null;
    }
  | ConnectedState;

/** What can be set, and is handed on from a listener to its connections. */
interface Options {
  keepAlive: KeepAlive;
  backlog: number;
}

/** As Linux has them: tcp(7). */
const KEEP_ALIVE_DEFAULT: KeepAlive = { enabled: false, idle: 7_200, interval: 75, count: 9 };

/** Nothing has come of it: where it is known at once, `start-connect` itself fails with it. */
const NOT_BEGUN = new Set<SocketErrorCode>(['access-denied', 'new-socket-limit']);

const IN_PROGRESS = new Set<State['at']>(['binding', 'starting', 'connecting']);

const failed = (code: ErrorCode) => err(code);
const isCode = (value: Endpoint | SocketErrorCode): value is SocketErrorCode =>
  typeof value === 'string';

/** One socket. Its streams outlive it: what it is made of is closed when all are dropped. */
export class TcpSocketResource extends Held implements Readiness {
  readonly family: Family;
  readonly options: Options;
  #state: State = { at: 'unbound' };

  constructor(agent: HostAgent, family: Family, options: Partial<Options> = {}) {
    super(agent);
    this.family = family;
    this.options = { keepAlive: KEEP_ALIVE_DEFAULT, backlog: BACKLOG_DEFAULT, ...options };
  }

  get at(): State['at'] {
    return this.#state.at;
  }

  /** Whether what is under way is through, or somebody can be accepted. */
  get ready(): boolean {
    const asked = this.#asked;
    return asked === null || answerOf(asked) !== null;
  }

  readonly onReady: Subscribe = (wake) => {
    const asked = this.#asked;
    return asked === null ? AT_ONCE(wake) : whenAnswered(asked)(wake);
  };

  // ── binding ─────────────────────────────────────────────────────────────────────────────────────

  startBind(agent: HostAgent, address: IpSocketAddress): Result<undefined, ErrorCode> {
    const refused = this.#refusedUnless('unbound');
    if (refused !== null) {
      return refused;
    }
    const local = endpointOf(this.family, address);
    if (isCode(local)) {
      return failed(local);
    }
    const asked = agent.sockets.perform<'bind-tcp'>({ op: 'bind-tcp', family: this.family, local });
    if ('tag' in asked && asked.tag === 'err') {
      return failed(asked.val);
    }
    this.#state = { at: 'binding', asked };
    return ok();
  }

  finishBind(): Result<undefined, ErrorCode> {
    const state = this.#state;
    if (state.at !== 'binding') {
      return failed('not-in-progress');
    }
    const answer = answerOf(state.asked);
    if (answer === null) {
      return failed('would-block');
    }
    if (answer.tag === 'err') {
      this.#state = { at: 'unbound' };
      return failed(answer.val);
    }
    const { handle, local } = answer.val;
    this.#state = { at: 'bound', shared: new SharedSocket(handle), local };
    return ok();
  }

  // ── connecting ──────────────────────────────────────────────────────────────────────────────────

  startConnect(agent: HostAgent, address: IpSocketAddress): Result<undefined, ErrorCode> {
    const state = this.#state;
    const refused = state.at === 'bound' ? null : this.#refusedUnless('unbound');
    if (refused !== null) {
      return refused;
    }
    const remote = remoteOf(this.family, address);
    if (isCode(remote)) {
      return failed(remote);
    }
    const bound = state.at === 'bound' ? state : null;
    const asked = agent.sockets.perform<'connect'>({
      op: 'connect',
      family: this.family,
      bound: bound === null ? null : bound.shared.handle,
      remote,
      keepAlive: this.options.keepAlive,
    });
    if ('tag' in asked && asked.tag === 'err') {
      return failed(asked.val);
    }
    this.#state = { at: 'connecting', asked, bound };
    return ok();
  }

  finishConnect(agent: HostAgent): Result<readonly [InputStream, OutputStream], ErrorCode> {
    const state = this.#state;
    if (state.at !== 'connecting') {
      return failed('not-in-progress');
    }
    const answer = answerOf(state.asked);
    if (answer === null) {
      return failed('would-block');
    }
    if (answer.tag === 'err') {
      if (NOT_BEGUN.has(answer.val)) {
        this.#state = state.bound ?? { at: 'unbound' };
      } else {
        this.#state = { at: 'closed' };
        state.bound?.shared.release(agent);
      }
      return failed(answer.val);
    }
    return ok(this.#connected(agent, answer.val));
  }

  // ── listening ───────────────────────────────────────────────────────────────────────────────────

  startListen(agent: HostAgent): Result<undefined, ErrorCode> {
    const state = this.#state;
    if (state.at !== 'bound') {
      return this.#refused();
    }
    const { shared, local } = state;
    const { backlog } = this.options;
    const asked = agent.sockets.perform<'listen'>({ op: 'listen', handle: shared.handle, backlog });
    if ('tag' in asked && asked.tag === 'err') {
      return failed(asked.val);
    }
    this.#state = { at: 'starting', asked, shared, local };
    return ok();
  }

  finishListen(): Result<undefined, ErrorCode> {
    const state = this.#state;
    if (state.at !== 'starting') {
      return failed('not-in-progress');
    }
    const answer = answerOf(state.asked);
    if (answer === null) {
      return failed('would-block');
    }
    if (answer.tag === 'err') {
      this.#state = { at: 'closed' };
      return failed(answer.val);
    }
    const { shared, local } = state;
    this.#state = { at: 'listening', shared, local, accepting: null };
    return ok();
  }

  accept(
    agent: HostAgent,
  ): Result<readonly [TcpSocketResource, InputStream, OutputStream], ErrorCode> {
    const state = this.#state;
    if (state.at !== 'listening') {
      return failed('invalid-state');
    }
    state.accepting ??= this.#accept(agent, state.shared);
    const answer = answerOf(state.accepting);
    if (answer === null) {
      return failed('would-block');
    }
    state.accepting = null;
    if (answer.tag === 'err') {
      return failed(answer.val);
    }
    const socket = new TcpSocketResource(agent, this.family, this.options);
    return ok([socket, ...socket.#connected(agent, answer.val)]);
  }

  /** Asks for the next connection ahead, so that it can be waited for. */
  subscribed(agent: HostAgent): this {
    const state = this.#state;
    if (state.at === 'listening') {
      state.accepting ??= this.#accept(agent, state.shared);
    }
    return this;
  }

  // ── connected ───────────────────────────────────────────────────────────────────────────────────

  shutdown(
    agent: HostAgent,
    receive: boolean,
    send: boolean,
  ): Result<undefined, ErrorCode> | typeof WAIT {
    const state = this.#state;
    if (state.at !== 'connected') {
      return failed('invalid-state');
    }
    const { handle } = state.shared;
    const answer = ask<'shutdown'>(agent, { op: 'shutdown', handle, receive, send });
    if (answer !== WAIT && answer.tag === 'ok') {
      if (receive) {
        state.source.shutdown();
      }
      if (send) {
        state.sink.shutdown();
      }
    }
    return answer === WAIT || answer.tag === 'err' ? answer : ok();
  }

  setKeepAlive(
    agent: HostAgent,
    change: Partial<KeepAlive>,
  ): Result<undefined, ErrorCode> | typeof WAIT {
    const state = this.#state;
    if (state.at === 'closed') {
      return failed('invalid-state');
    }
    this.options.keepAlive = { ...this.options.keepAlive, ...change };
    if (state.at !== 'connected') {
      return ok();
    }
    const { handle } = state.shared;
    const { keepAlive } = this.options;
    const answer = ask<'keep-alive'>(agent, { op: 'keep-alive', handle, keepAlive });
    return answer === WAIT || answer.tag === 'err' ? answer : ok();
  }

  setBacklog(size: bigint): Result<undefined, ErrorCode> {
    if (size === 0n) {
      return failed('invalid-argument');
    }
    switch (this.at) {
      case 'unbound':
      case 'binding':
      case 'bound':
        this.options.backlog = size < BACKLOG_MAX ? Number(size) : BACKLOG_MAX;
        return ok();
      case 'starting':
      case 'listening':
        return failed('not-supported');
      default:
        return failed('invalid-state');
    }
  }

  localAddress(): Result<IpSocketAddress, ErrorCode> {
    const state = this.#state;
    return 'local' in state ? ok(ipSocketAddress(state.local)) : failed('invalid-state');
  }

  remoteAddress(): Result<IpSocketAddress, ErrorCode> {
    const state = this.#state;
    return 'remote' in state ? ok(ipSocketAddress(state.remote)) : failed('invalid-state');
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    const state = this.#state;
    this.#state = { at: 'closed' };
    if ('shared' in state) {
      state.shared.release(agent);
    } else if ('asked' in state) {
      closeWhenOpened(agent, state.asked);
    }
    if (state.at === 'connecting') {
      state.bound?.shared.release(agent);
    }
    if (state.at === 'listening' && state.accepting !== null) {
      closeWhenOpened(agent, state.accepting);
    }
  }

  get #asked(): Asked<'bind-tcp' | 'connect' | 'listen' | 'accept'> | null {
    const state = this.#state;
    if (state.at === 'listening') {
      return state.accepting;
    }
    return 'asked' in state ? state.asked : null;
  }

  #accept(agent: HostAgent, { handle }: SharedSocket): Asked<'accept'> {
    return agent.sockets.perform<'accept'>({ op: 'accept', handle });
  }

  #connected(agent: HostAgent, { handle, local, remote }: Connected): [InputStream, OutputStream] {
    const shared = new SharedSocket(handle);
    const source = new TcpSource(agent, shared);
    const sink = new TcpSink(agent, shared);
    this.#state = { at: 'connected', shared, local, remote, source, sink };
    return [new InputStream(agent, source), new OutputStream(agent, sink)];
  }

  #refusedUnless(at: State['at']): Result<never, ErrorCode> | null {
    return this.at === at ? null : this.#refused();
  }

  #refused(): Result<never, ErrorCode> {
    return failed(IN_PROGRESS.has(this.at) ? 'concurrency-conflict' : 'invalid-state');
  }
}

/** What was asked for by one who is gone is closed as soon as it is there. */
function closeWhenOpened(
  agent: HostAgent,
  asked: Asked<'bind-tcp' | 'connect' | 'listen' | 'accept'>,
): void {
  const close = (): void => {
    const answer = answerOf(asked);
    if (answer?.tag === 'ok' && answer.val !== undefined) {
      agent.sockets.perform<'close'>({ op: 'close', handle: answer.val.handle });
    }
  };
  if (answerOf(asked) === null) {
    whenAnswered(asked)(close);
  } else {
    close();
  }
}
