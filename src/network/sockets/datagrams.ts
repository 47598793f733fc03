/** A socket of UDP: what comes waits in a bounded queue, what goes is bounded as well. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { canonicalAddress } from '../../capability/host.ts';
import { DONE, failed } from './answer.ts';
import {
  DATAGRAM_BYTES_MAX,
  DATAGRAM_LENGTH_MAX,
  DATAGRAM_OVERHEAD_BYTES,
  DATAGRAMS_MAX,
  SEND_QUEUE_BYTES_MAX,
  SENT_AT_A_TIME_MAX,
} from './caps.ts';
import { codeOf } from './failure.ts';
import { Later } from './later.ts';
import type {
  Datagram,
  Endpoint,
  Family,
  OutgoingDatagram,
  SocketAnswer,
  SocketErrorCode,
} from './request.ts';

/** What a socket asks about whom it talks to. */
export interface DatagramRules {
  /** Whether what came from there is the agent's business. */
  mayCome(from: Endpoint): boolean;
  /** Whether something may be sent there; asked for each datagram. */
  maySend(to: Endpoint): boolean;
  /** A datagram was not sent, as it may not. */
  denied(): void;
  /** Bytes have gone, or were given to the agent. */
  transferred(bytesOut: number, bytesIn: number): void;
}

const isSame = (one: Endpoint, other: Endpoint): boolean =>
  one.address === other.address && one.port === other.port;

/** One socket, from when it is bound. */
export class DatagramSocket {
  readonly family: Family;
  readonly #rules: DatagramRules;
  readonly #socket: Socket;
  #remote: Endpoint | null = null;
  #queue: Datagram[] = [];
  #queuedBytes = 0;
  #receiving: { readonly later: Later<SocketAnswer<'receive'>>; readonly count: number } | null =
    null;
  #drained: Later<SocketAnswer<'send-room'>> | null = null;
  /** Of something that was received or sent before: told once. */
  #failure: SocketErrorCode | null = null;
  #closed = false;

  /** @throws what the system says: the address can't be bound. */
  constructor(family: Family, local: Endpoint, rules: DatagramRules) {
    this.family = family;
    this.#rules = rules;
    this.#socket = createSocket({
      type: family === 'ipv4' ? 'udp4' : 'udp6',
      ipv6Only: family === 'ipv6',
      // Addresses are all that it is ever given: there is nothing to look up.
      lookup: (address, _options, callback) => callback(null, address, family === 'ipv4' ? 4 : 6),
    });
    this.#socket.on('message', (bytes, from) => this.#take(bytes, from));
    this.#socket.on('error', (error) => this.#fail(codeOf(error)));
    try {
      this.#socket.bindSync(local);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  get local(): Endpoint {
    const { address, port } = this.#socket.address();
    return { address: canonicalAddress(address) ?? address, port };
  }

  maySend(to: Endpoint): boolean {
    return this.#rules.maySend(to);
  }

  connect(remote: Endpoint | null): SocketAnswer<'connect-udp'> {
    try {
      if (this.#remote !== null) {
        this.#remote = null;
        this.#socket.disconnect();
      }
      if (remote !== null) {
        this.#socket.connectSync(remote.port, remote.address);
      }
    } catch (error) {
      return failed(codeOf(error));
    }
    this.#remote = remote;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#failure = null;
    return { tag: 'ok', val: this.local };
  }

  hopLimit(hops: number): SocketAnswer<'hop-limit'> {
    try {
      this.#socket.setTTL(hops);
    } catch (error) {
      return failed(codeOf(error));
    }
    return DONE;
  }

  receive(count: number): SocketAnswer<'receive'> | Later<SocketAnswer<'receive'>> {
    if (this.#receiving !== null) {
      return failed('concurrency-conflict');
    }
    const answer = this.#next(count);
    if (answer !== null) {
      return answer;
    }
    const later = new Later<SocketAnswer<'receive'>>();
    this.#receiving = { later, count };
    return later;
  }

  /** Sends those from the first that may go and have room. */
  send(datagrams: readonly OutgoingDatagram[]): SocketAnswer<'send'> {
    let sent = 0;
    for (const datagram of datagrams.slice(0, SENT_AT_A_TIME_MAX)) {
      if (this.#isFull) {
        break;
      }
      const refusal = this.#sendOne(datagram);
      if (refusal !== null) {
        if (sent === 0) {
          return failed(refusal);
        }
        break;
      }
      sent += 1;
    }
    return { tag: 'ok', val: sent };
  }

  sendRoom(): SocketAnswer<'send-room'> | Later<SocketAnswer<'send-room'>> {
    if (!this.#isFull) {
      return DONE;
    }
    if (this.#drained !== null) {
      return failed('concurrency-conflict');
    }
    this.#drained = new Later();
    return this.#drained;
  }

  close(why: SocketErrorCode): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#socket.close();
      this.#fail(why);
      this.#drained?.settle(failed(why));
      this.#drained = null;
    }
  }

  get #isFull(): boolean {
    return this.#socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX;
  }

  /** Null: it is on its way. */
  #sendOne({ bytes, to }: OutgoingDatagram): SocketErrorCode | null {
    const target = to ?? this.#remote;
    if (target === null || (this.#remote !== null && !isSame(target, this.#remote))) {
      return 'invalid-argument';
    }
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      return failure;
    }
    if (bytes.length > DATAGRAM_LENGTH_MAX[this.family]) {
      return 'datagram-too-large';
    }
    if (!this.#rules.maySend(target)) {
      this.#rules.denied();
      return 'access-denied';
    }
    this.#rules.transferred(bytes.length, 0);
    // A copy: they are the caller's again.
    const copy = Buffer.from(bytes);
    if (this.#remote === null) {
      this.#socket.send(copy, target.port, target.address, this.#sent);
    } else {
      this.#socket.send(copy, this.#sent);
    }
    return null;
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) {
      this.#failure ??= codeOf(error);
    }
    if (!this.#closed && !this.#isFull) {
      this.#drained?.settle(DONE);
      this.#drained = null;
    }
  };

  #take(bytes: Buffer, { address: written, port }: RemoteInfo): void {
    const address = canonicalAddress(written);
    if (address === null || this.#closed) {
      return;
    }
    const from = { address, port };
    const cost = bytes.length + DATAGRAM_OVERHEAD_BYTES;
    if (
      (this.#remote !== null && !isSame(from, this.#remote)) ||
      this.#queue.length >= DATAGRAMS_MAX ||
      (this.#queue.length > 0 && this.#queuedBytes + cost > DATAGRAM_BYTES_MAX) ||
      !this.#rules.mayCome(from)
    ) {
      return;
    }
    this.#queue.push({ bytes, from });
    this.#queuedBytes += cost;
    this.#goOnReceiving();
  }

  #fail(why: SocketErrorCode): void {
    this.#failure ??= why;
    this.#goOnReceiving();
  }

  #next(count: number): SocketAnswer<'receive'> | null {
    const datagrams = this.#queue.splice(0, count);
    if (datagrams.length > 0) {
      for (const { bytes } of datagrams) {
        this.#queuedBytes -= bytes.length + DATAGRAM_OVERHEAD_BYTES;
        this.#rules.transferred(0, bytes.length);
      }
      return { tag: 'ok', val: datagrams };
    }
    if (this.#failure === null) {
      return null;
    }
    const answer = failed(this.#failure);
    this.#failure = this.#closed ? this.#failure : null;
    return answer;
  }

  #goOnReceiving(): void {
    const receiving = this.#receiving;
    const answer = receiving === null ? null : this.#next(receiving.count);
    if (receiving !== null && answer !== null) {
      this.#receiving = null;
      receiving.later.settle(answer);
    }
  }
}
