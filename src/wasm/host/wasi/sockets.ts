/**
 * wasi:sockets: denied without a grant; with one, this build says that it has no sockets yet. So none
 * ever exists.
 */

import { err } from '../abi/binding.ts';
import type { HostAgent } from '../agent.ts';
import type { Functions as InstanceNetworkFunctions } from '../generated/wasi-sockets-instance-network.ts';
import type { Functions as IpNameLookupFunctions } from '../generated/wasi-sockets-ip-name-lookup.ts';
import type { Functions as NetworkFunctions } from '../generated/wasi-sockets-network.ts';
import type { Functions as TcpFunctions } from '../generated/wasi-sockets-tcp.ts';
import type { Functions as TcpCreateSocketFunctions } from '../generated/wasi-sockets-tcp-create-socket.ts';
import type { Functions as UdpFunctions } from '../generated/wasi-sockets-udp.ts';
import type { Functions as UdpCreateSocketFunctions } from '../generated/wasi-sockets-udp-create-socket.ts';
import { implement, notOffered, releaseHeld } from '../implement.ts';
import { Held } from './held.ts';

declare module '../abi/binding.ts' {
  interface HostResources {
    'wasi:sockets/network/network': Network;
  }
}

const NO_SOCKET = 'this build offers no sockets, so there is none to use';

/** The network as such. Having the handle grants nothing. */
class Network extends Held {
  readonly kind = 'network';
}

/** What opens the network: denied without the grant, and not there yet with it. */
const OPENING = {
  capability: 'network',
  denied: () => err('access-denied'),
  run: (_agent: HostAgent) => err('not-supported'),
} as const;

export const instanceNetwork = implement<InstanceNetworkFunctions>(
  'wasi:sockets/instance-network',
  null,
  { 'instance-network': (agent) => new Network(agent) },
);

export const network = implement<NetworkFunctions>('wasi:sockets/network', null, {
  '[resource-drop]network': releaseHeld,
});

export const tcpCreateSocket = implement<TcpCreateSocketFunctions>(
  'wasi:sockets/tcp-create-socket',
  null,
  { 'create-tcp-socket': OPENING },
);

export const udpCreateSocket = implement<UdpCreateSocketFunctions>(
  'wasi:sockets/udp-create-socket',
  null,
  { 'create-udp-socket': OPENING },
);

export const ipNameLookup = implement<IpNameLookupFunctions>('wasi:sockets/ip-name-lookup', null, {
  'resolve-addresses': OPENING,
  ...notOffered(NO_SOCKET, [
    '[method]resolve-address-stream.resolve-next-address',
    '[method]resolve-address-stream.subscribe',
    '[resource-drop]resolve-address-stream',
  ]),
});

export const tcp = implement<TcpFunctions>('wasi:sockets/tcp', null, {
  ...notOffered(NO_SOCKET, [
    '[method]tcp-socket.start-bind',
    '[method]tcp-socket.finish-bind',
    '[method]tcp-socket.start-connect',
    '[method]tcp-socket.finish-connect',
    '[method]tcp-socket.start-listen',
    '[method]tcp-socket.finish-listen',
    '[method]tcp-socket.accept',
    '[method]tcp-socket.local-address',
    '[method]tcp-socket.remote-address',
    '[method]tcp-socket.is-listening',
    '[method]tcp-socket.address-family',
    '[method]tcp-socket.set-listen-backlog-size',
    '[method]tcp-socket.keep-alive-enabled',
    '[method]tcp-socket.set-keep-alive-enabled',
    '[method]tcp-socket.keep-alive-idle-time',
    '[method]tcp-socket.set-keep-alive-idle-time',
    '[method]tcp-socket.keep-alive-interval',
    '[method]tcp-socket.set-keep-alive-interval',
    '[method]tcp-socket.keep-alive-count',
    '[method]tcp-socket.set-keep-alive-count',
    '[method]tcp-socket.hop-limit',
    '[method]tcp-socket.set-hop-limit',
    '[method]tcp-socket.receive-buffer-size',
    '[method]tcp-socket.set-receive-buffer-size',
    '[method]tcp-socket.send-buffer-size',
    '[method]tcp-socket.set-send-buffer-size',
    '[method]tcp-socket.subscribe',
    '[method]tcp-socket.shutdown',
    '[resource-drop]tcp-socket',
  ]),
});

export const udp = implement<UdpFunctions>('wasi:sockets/udp', null, {
  ...notOffered(NO_SOCKET, [
    '[method]udp-socket.start-bind',
    '[method]udp-socket.finish-bind',
    '[method]udp-socket.stream',
    '[method]udp-socket.local-address',
    '[method]udp-socket.remote-address',
    '[method]udp-socket.address-family',
    '[method]udp-socket.unicast-hop-limit',
    '[method]udp-socket.set-unicast-hop-limit',
    '[method]udp-socket.receive-buffer-size',
    '[method]udp-socket.set-receive-buffer-size',
    '[method]udp-socket.send-buffer-size',
    '[method]udp-socket.set-send-buffer-size',
    '[method]udp-socket.subscribe',
    '[method]incoming-datagram-stream.receive',
    '[method]incoming-datagram-stream.subscribe',
    '[method]outgoing-datagram-stream.check-send',
    '[method]outgoing-datagram-stream.send',
    '[method]outgoing-datagram-stream.subscribe',
    '[resource-drop]udp-socket',
    '[resource-drop]incoming-datagram-stream',
    '[resource-drop]outgoing-datagram-stream',
  ]),
});
