/** Datagrams that come and go: each stream of a socket is used until another pair is made. */

import { SENT_AT_A_TIME_MAX } from '../../../../network/sockets/caps.ts';
import type {
  Datagram,
  Endpoint,
  Family,
  OutgoingDatagram,
} from '../../../../network/sockets/request.ts';
import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import type { ErrorCode } from '../../generated/wasi-sockets-network.ts';
import type {
  OutgoingDatagram as GuestDatagram,
  IncomingDatagram,
} from '../../generated/wasi-sockets-udp.ts';
import { Held } from '../held.ts';
import type { Readiness } from '../io/pollable.ts';
import { ipSocketAddress, remoteOf } from './addresses.ts';
import { type Asked, AT_ONCE, answerOf, ask, type SharedSocket, whenAnswered } from './ask.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/udp/incoming-datagram-stream': IncomingDatagramStream;
    'wasi:sockets/udp/outgoing-datagram-stream': OutgoingDatagramStream;
  }
}

/** What the streams of a socket see of it. */
export interface DatagramOwner {
  readonly family: Family;
  /** Where it is connected to; null: nowhere. */
  readonly remote: Endpoint | null;
  /** Goes up with each pair of streams: those of an earlier one are of no use. */
  readonly generation: number;
}

/** Datagrams that are asked for ahead. */
const AHEAD_MAX = 16;

/** What both have in common: the socket, and whether they are its last pair. */
class DatagramStream extends Held {
  protected readonly socket: DatagramOwner;
  protected readonly shared: SharedSocket;
  readonly #generation: number;
  #released = false;

  constructor(agent: HostAgent, socket: DatagramOwner, shared: SharedSocket) {
    super(agent);
    this.socket = socket;
    this.shared = shared.share();
    this.#generation = socket.generation;
  }

  protected get isStale(): boolean {
    return this.#generation !== this.socket.generation;
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    if (!this.#released) {
      this.#released = true;
      this.shared.release(agent);
    }
  }
}

/** What comes to a socket. */
export class IncomingDatagramStream extends DatagramStream implements Readiness {
  #asked: Asked<'receive'> | null = null;
  #ahead: readonly Datagram[] = [];

  get ready(): boolean {
    return this.#asked === null || answerOf(this.#asked) !== null;
  }

  readonly onReady: Subscribe = (wake) =>
    this.#asked === null ? AT_ONCE(wake) : whenAnswered(this.#asked)(wake);

  /** Asks for what comes next, so that it can be waited for. */
  subscribed(agent: HostAgent): this {
    if (this.#ahead.length === 0 && !this.isStale) {
      this.#asked ??= this.#ask(agent);
    }
    return this;
  }

  receive(agent: HostAgent, most: bigint): Result<IncomingDatagram[], ErrorCode> {
    if (this.isStale) {
      return err('invalid-state');
    }
    if (most === 0n) {
      return ok([]);
    }
    if (this.#ahead.length === 0) {
      this.#asked ??= this.#ask(agent);
      const answer = answerOf(this.#asked);
      if (answer === null) {
        return ok([]);
      }
      this.#asked = null;
      if (answer.tag === 'err') {
        return answer;
      }
      this.#ahead = answer.val;
    }
    const count = most < AHEAD_MAX ? Number(most) : AHEAD_MAX;
    const taken = this.#ahead.slice(0, count);
    this.#ahead = this.#ahead.slice(count);
    return ok(
      taken.map(({ bytes, from }) => ({ data: bytes, remoteAddress: ipSocketAddress(from) })),
    );
  }

  #ask(agent: HostAgent): Asked<'receive'> {
    const { handle } = this.shared;
    return agent.sockets.perform<'receive'>({ op: 'receive', handle, count: AHEAD_MAX });
  }
}

/** What goes from a socket: as many at a time as `check-send` has permitted. */
export class OutgoingDatagramStream extends DatagramStream implements Readiness {
  #permit = 0;
  #room: Asked<'send-room'> | null = null;

  get ready(): boolean {
    this.#look();
    return this.#room === null;
  }

  readonly onReady: Subscribe = (wake) =>
    this.#room === null ? AT_ONCE(wake) : whenAnswered(this.#room)(wake);

  checkSend(): Result<bigint, ErrorCode> {
    if (this.isStale) {
      return err('invalid-state');
    }
    this.#look();
    this.#permit = this.#room === null ? SENT_AT_A_TIME_MAX : 0;
    return ok(BigInt(this.#permit));
  }

  send(
    agent: HostAgent,
    datagrams: readonly GuestDatagram[],
  ): Result<bigint, ErrorCode> | typeof WAIT {
    if (this.isStale) {
      return err('invalid-state');
    }
    if (agent.pending === undefined && datagrams.length > this.#permit) {
      return agent.trap(
        `a send of ${datagrams.length} datagrams, where check-send had permitted ${this.#permit}`,
      );
    }
    if (datagrams.length === 0) {
      return ok(0n);
    }
    const outgoing = this.#outgoing(datagrams);
    if (typeof outgoing === 'string') {
      return err(outgoing);
    }
    const { handle } = this.shared;
    const answer = ask<'send'>(agent, { op: 'send', handle, datagrams: outgoing });
    if (answer === WAIT || answer.tag === 'err') {
      return answer;
    }
    this.#permit -= answer.val;
    if (answer.val < outgoing.length) {
      // Either there is no room, or the next one fails: which it is, the next try tells.
      this.#permit = 0;
      this.#room = agent.sockets.perform<'send-room'>({ op: 'send-room', handle });
    }
    return ok(BigInt(answer.val));
  }

  /** Those before the first that is not addressed rightly; why, where that is the first of all. */
  #outgoing(datagrams: readonly GuestDatagram[]): OutgoingDatagram[] | ErrorCode {
    const outgoing: OutgoingDatagram[] = [];
    for (const { data, remoteAddress } of datagrams) {
      const to = remoteAddress === undefined ? null : remoteOf(this.socket.family, remoteAddress);
      const wrong =
        typeof to === 'string'
          ? to
          : to === null && this.socket.remote === null
            ? 'invalid-argument'
            : null;
      if (wrong !== null) {
        return outgoing.length === 0 ? wrong : outgoing;
      }
      outgoing.push({ bytes: data, to: to as OutgoingDatagram['to'] });
    }
    return outgoing;
  }

  #look(): void {
    if (this.#room !== null && answerOf(this.#room) !== null) {
      this.#room = null;
    }
  }
}
