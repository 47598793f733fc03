/** wasi:sockets/udp and udp-create-socket. */

import { DATAGRAM_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from '../../../../network/sockets/caps.ts';
import { err, ok } from '../../abi/binding.ts';
import type { Functions as UdpFunctions } from '../../generated/wasi-sockets-udp.ts';
import type { Functions as UdpCreateSocketFunctions } from '../../generated/wasi-sockets-udp-create-socket.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Pollable } from '../io/pollable.ts';
import { abandon } from './ask.ts';
import { UdpSocketResource } from './udp-socket.ts';

/** What needs a grant of the network: which address it is for is looked at where it is performed. */
const GRANTED = { capability: 'network', denied: () => err('access-denied') } as const;
/** The same for what may have to wait for an answer. */
const ASKED = { ...GRANTED, blocking: true, cancel: abandon } as const;

const INVALID = err('invalid-argument');

export const udpCreateSocket = implement<UdpCreateSocketFunctions>(
  'wasi:sockets/udp-create-socket',
  null,
  {
    'create-udp-socket': {
      ...GRANTED,
      run: (agent, family) => ok(new UdpSocketResource(agent, family)),
    },
  },
);

export const udp = implement<UdpFunctions>('wasi:sockets/udp', null, {
  '[method]udp-socket.start-bind': {
    ...GRANTED,
    run: (agent, self, _network, address) => self.startBind(agent, address),
  },
  '[method]udp-socket.finish-bind': (agent, self) => self.finishBind(agent),
  '[method]udp-socket.stream': {
    ...ASKED,
    run: (agent, self, remote) => self.stream(agent, remote),
  },
  '[method]udp-socket.local-address': (_agent, self) => self.localAddress(),
  '[method]udp-socket.remote-address': (_agent, self) => self.remoteAddress(),
  '[method]udp-socket.address-family': (_agent, self) => self.family,
  '[method]udp-socket.unicast-hop-limit': (_agent, self) => ok(self.hopLimit),
  '[method]udp-socket.set-unicast-hop-limit': {
    ...ASKED,
    run: (agent, self, hops) => self.setHopLimit(agent, hops),
  },
  '[method]udp-socket.receive-buffer-size': () => ok(BigInt(DATAGRAM_BYTES_MAX)),
  '[method]udp-socket.set-receive-buffer-size': (_agent, _self, size) =>
    size === 0n ? INVALID : ok(),
  '[method]udp-socket.send-buffer-size': () => ok(BigInt(SEND_QUEUE_BYTES_MAX)),
  '[method]udp-socket.set-send-buffer-size': (_agent, _self, size) =>
    size === 0n ? INVALID : ok(),
  '[method]udp-socket.subscribe': (agent, self) => new Pollable(agent, self),
  '[method]incoming-datagram-stream.receive': {
    ...GRANTED,
    run: (agent, self, most) => self.receive(agent, most),
  },
  '[method]incoming-datagram-stream.subscribe': (agent, self) =>
    new Pollable(agent, self.subscribed(agent)),
  '[method]outgoing-datagram-stream.check-send': (_agent, self) => self.checkSend(),
  '[method]outgoing-datagram-stream.send': {
    ...ASKED,
    run: (agent, self, datagrams) => self.send(agent, datagrams),
  },
  '[method]outgoing-datagram-stream.subscribe': (agent, self) => new Pollable(agent, self),
  '[resource-drop]udp-socket': releaseHeld,
  '[resource-drop]incoming-datagram-stream': releaseHeld,
  '[resource-drop]outgoing-datagram-stream': releaseHeld,
});
