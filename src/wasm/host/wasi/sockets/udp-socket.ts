/** A socket of UDP as a guest has it: WASI's states, and what may be done in each. */

import type { Endpoint, Family } from '../../../../network/sockets/request.ts';
import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type { ErrorCode, IpSocketAddress } from '../../generated/wasi-sockets-network.ts';
import { Held } from '../held.ts';
import type { Readiness } from '../io/pollable.ts';
import { endpointOf, ipSocketAddress, remoteOf } from './addresses.ts';
import { type Asked, AT_ONCE, answerOf, ask, SharedSocket, whenAnswered } from './ask.ts';
import {
  type DatagramOwner,
  IncomingDatagramStream,
  OutgoingDatagramStream,
} from './udp-streams.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/udp/udp-socket': UdpSocketResource;
  }
}

type State =
  | { readonly at: 'unbound' | 'closed' }
  | { readonly at: 'binding'; readonly asked: Asked<'bind-udp'> }
  | {
      readonly at: 'bound';
      readonly shared: SharedSocket;
      local: Endpoint;
      remote: Endpoint | null;
    };

/** What the system sends with: IANA's recommended value. */
const HOP_LIMIT = 64;

/** One socket. Its streams outlive it: what it is made of is closed when all are dropped. */
export class UdpSocketResource extends Held implements Readiness, DatagramOwner {
  readonly family: Family;
  generation = 0;
  #state: State = { at: 'unbound' };
  #hopLimit = HOP_LIMIT;

  constructor(agent: HostAgent, family: Family) {
    super(agent);
    this.family = family;
  }

  get remote(): Endpoint | null {
    return this.#state.at === 'bound' ? this.#state.remote : null;
  }

  get ready(): boolean {
    const state = this.#state;
    return state.at !== 'binding' || answerOf(state.asked) !== null;
  }

  readonly onReady: Subscribe = (wake) => {
    const state = this.#state;
    return state.at === 'binding' ? whenAnswered(state.asked)(wake) : AT_ONCE(wake);
  };

  startBind(agent: HostAgent, address: IpSocketAddress): Result<undefined, ErrorCode> {
    const { at } = this.#state;
    if (at !== 'unbound') {
      return err(at === 'binding' ? 'concurrency-conflict' : 'invalid-state');
    }
    const local = endpointOf(this.family, address);
    if (typeof local === 'string') {
      return err(local);
    }
    const asked = agent.sockets.perform<'bind-udp'>({ op: 'bind-udp', family: this.family, local });
    if ('tag' in asked && asked.tag === 'err') {
      return asked;
    }
    this.#state = { at: 'binding', asked };
    return ok();
  }

  finishBind(agent: HostAgent): Result<undefined, ErrorCode> {
    const state = this.#state;
    if (state.at !== 'binding') {
      return err('not-in-progress');
    }
    const answer = answerOf(state.asked);
    if (answer === null) {
      return err('would-block');
    }
    if (answer.tag === 'err') {
      this.#state = { at: 'unbound' };
      return answer;
    }
    const { handle, local } = answer.val;
    this.#state = { at: 'bound', shared: new SharedSocket(handle), local, remote: null };
    if (this.#hopLimit !== HOP_LIMIT) {
      agent.sockets.perform<'hop-limit'>({ op: 'hop-limit', handle, hops: this.#hopLimit });
    }
    return ok();
  }

  stream(
    agent: HostAgent,
    address: IpSocketAddress | undefined,
  ): Result<readonly [IncomingDatagramStream, OutgoingDatagramStream], ErrorCode> | typeof WAIT {
    const state = this.#state;
    if (state.at !== 'bound') {
      return err('invalid-state');
    }
    const remote = address === undefined ? null : remoteOf(this.family, address);
    if (typeof remote === 'string') {
      return err(remote);
    }
    const { handle } = state.shared;
    const answer = ask<'connect-udp'>(agent, { op: 'connect-udp', handle, remote });
    if (answer === WAIT || answer.tag === 'err') {
      return answer;
    }
    state.local = answer.val;
    state.remote = remote;
    this.generation += 1;
    return ok([
      new IncomingDatagramStream(agent, this, state.shared),
      new OutgoingDatagramStream(agent, this, state.shared),
    ]);
  }

  localAddress(): Result<IpSocketAddress, ErrorCode> {
    const state = this.#state;
    return state.at === 'bound' ? ok(ipSocketAddress(state.local)) : err('invalid-state');
  }

  remoteAddress(): Result<IpSocketAddress, ErrorCode> {
    const { remote } = this;
    return remote === null ? err('invalid-state') : ok(ipSocketAddress(remote));
  }

  get hopLimit(): number {
    return this.#hopLimit;
  }

  setHopLimit(agent: HostAgent, hops: number): Result<undefined, ErrorCode> | typeof WAIT {
    if (hops === 0) {
      return err('invalid-argument');
    }
    const state = this.#state;
    if (state.at === 'bound') {
      const { handle } = state.shared;
      const answer = ask<'hop-limit'>(agent, { op: 'hop-limit', handle, hops });
      if (answer === WAIT || answer.tag === 'err') {
        return answer;
      }
    }
    this.#hopLimit = hops;
    return ok();
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    const state = this.#state;
    this.#state = { at: 'closed' };
    if (state.at === 'bound') {
      state.shared.release(agent);
    } else if (state.at === 'binding') {
      closeWhenOpened(agent, state.asked);
    }
  }
}

/** What was asked for by one who is gone is closed as soon as it is there. */
function closeWhenOpened(agent: HostAgent, asked: Asked<'bind-udp'>): void {
  const close = (): void => {
    const answer = answerOf(asked);
    if (answer?.tag === 'ok') {
      agent.sockets.perform<'close'>({ op: 'close', handle: answer.val.handle });
    }
  };
  if (answerOf(asked) === null) {
    whenAnswered(asked)(close);
  } else {
    close();
  }
}
