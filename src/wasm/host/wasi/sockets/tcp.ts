/** wasi:sockets/tcp and tcp-create-socket. */

import { RECEIVE_BYTES_MAX, SEND_BYTES_MAX } from '../../../../network/sockets/caps.ts';
import { err, ok, type Result } from '../../abi/binding.ts';
import type { ErrorCode } from '../../generated/wasi-sockets-network.ts';
import type { Functions as TcpFunctions } from '../../generated/wasi-sockets-tcp.ts';
import type { Functions as TcpCreateSocketFunctions } from '../../generated/wasi-sockets-tcp-create-socket.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Pollable } from '../io/pollable.ts';
import { abandon } from './ask.ts';
import { TcpSocketResource } from './tcp-socket.ts';

const NANOSECONDS = 1_000_000_000n;
/** Seconds, and times, that Linux takes: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT. */
const SECONDS_MAX = 32_767n;
const COUNT_MAX = 127;
/** What the system sends with: IANA's recommended value. It can't be changed for a connection. */
const HOP_LIMIT = 64;

/** Whole seconds, at least one: the system has no others. */
function seconds(duration: bigint): number {
  const whole = (duration + NANOSECONDS - 1n) / NANOSECONDS;
  return Number(whole < SECONDS_MAX ? whole : SECONDS_MAX);
}

/** What needs a grant of the network: which address it is for is looked at where it is performed. */
const GRANTED = { capability: 'network', denied: () => err('access-denied') } as const;
/** The same for what may have to wait for an answer. */
const ASKED = { ...GRANTED, blocking: true, cancel: abandon } as const;

const INVALID = err('invalid-argument');

/** What is fixed by this host can be asked for and is what it was. */
const sized = ({ at }: TcpSocketResource, value: bigint): Result<undefined, ErrorCode> =>
  value === 0n ? INVALID : at === 'closed' ? err('invalid-state') : ok();

const answered = <Value>({ at }: TcpSocketResource, value: Value): Result<Value, ErrorCode> =>
  at === 'closed' ? err('invalid-state') : ok(value);

export const tcpCreateSocket = implement<TcpCreateSocketFunctions>(
  'wasi:sockets/tcp-create-socket',
  null,
  {
    'create-tcp-socket': {
      ...GRANTED,
      run: (agent, family) => ok(new TcpSocketResource(agent, family)),
    },
  },
);

export const tcp = implement<TcpFunctions>('wasi:sockets/tcp', null, {
  '[method]tcp-socket.start-bind': {
    ...GRANTED,
    run: (agent, self, _network, address) => self.startBind(agent, address),
  },
  '[method]tcp-socket.finish-bind': (_agent, self) => self.finishBind(),
  '[method]tcp-socket.start-connect': {
    ...GRANTED,
    run: (agent, self, _network, address) => self.startConnect(agent, address),
  },
  '[method]tcp-socket.finish-connect': (agent, self) => self.finishConnect(agent),
  '[method]tcp-socket.start-listen': { ...GRANTED, run: (agent, self) => self.startListen(agent) },
  '[method]tcp-socket.finish-listen': (_agent, self) => self.finishListen(),
  '[method]tcp-socket.accept': { ...GRANTED, run: (agent, self) => self.accept(agent) },
  '[method]tcp-socket.local-address': (_agent, self) => self.localAddress(),
  '[method]tcp-socket.remote-address': (_agent, self) => self.remoteAddress(),
  '[method]tcp-socket.is-listening': (_agent, self) => self.at === 'listening',
  '[method]tcp-socket.address-family': (_agent, self) => self.family,
  '[method]tcp-socket.set-listen-backlog-size': (_agent, self, size) => self.setBacklog(size),
  '[method]tcp-socket.keep-alive-enabled': (_agent, self) =>
    answered(self, self.options.keepAlive.enabled),
  '[method]tcp-socket.set-keep-alive-enabled': {
    ...ASKED,
    run: (agent, self, enabled) => self.setKeepAlive(agent, { enabled }),
  },
  '[method]tcp-socket.keep-alive-idle-time': (_agent, self) =>
    answered(self, BigInt(self.options.keepAlive.idle) * NANOSECONDS),
  '[method]tcp-socket.set-keep-alive-idle-time': {
    ...ASKED,
    run: (agent, self, duration) =>
      duration === 0n ? INVALID : self.setKeepAlive(agent, { idle: seconds(duration) }),
  },
  '[method]tcp-socket.keep-alive-interval': (_agent, self) =>
    answered(self, BigInt(self.options.keepAlive.interval) * NANOSECONDS),
  '[method]tcp-socket.set-keep-alive-interval': {
    ...ASKED,
    run: (agent, self, duration) =>
      duration === 0n ? INVALID : self.setKeepAlive(agent, { interval: seconds(duration) }),
  },
  '[method]tcp-socket.keep-alive-count': (_agent, self) =>
    answered(self, self.options.keepAlive.count),
  '[method]tcp-socket.set-keep-alive-count': {
    ...ASKED,
    run: (agent, self, count) =>
      count === 0 ? INVALID : self.setKeepAlive(agent, { count: Math.min(count, COUNT_MAX) }),
  },
  '[method]tcp-socket.hop-limit': (_agent, self) => answered(self, HOP_LIMIT),
  '[method]tcp-socket.set-hop-limit': (_agent, self, hops) => {
    if (hops === 0) {
      return INVALID;
    }
    return hops === HOP_LIMIT ? answered(self, undefined) : err('not-supported');
  },
  '[method]tcp-socket.receive-buffer-size': (_agent, self) =>
    answered(self, BigInt(RECEIVE_BYTES_MAX)),
  '[method]tcp-socket.set-receive-buffer-size': (_agent, self, size) => sized(self, size),
  '[method]tcp-socket.send-buffer-size': (_agent, self) => answered(self, BigInt(SEND_BYTES_MAX)),
  '[method]tcp-socket.set-send-buffer-size': (_agent, self, size) => sized(self, size),
  '[method]tcp-socket.subscribe': (agent, self) => new Pollable(agent, self.subscribed(agent)),
  '[method]tcp-socket.shutdown': {
    ...ASKED,
    run: (agent, self, how) => self.shutdown(agent, how !== 'send', how !== 'receive'),
  },
  '[resource-drop]tcp-socket': releaseHeld,
});
