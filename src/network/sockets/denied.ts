/** What reports call a denial: as the gate calls the guest's functions. */

import { failed } from './answer.ts';
import type { SocketOwner } from './owner.ts';
import type { SocketOperationName } from './request.ts';

const DENIED = failed('access-denied');

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

/** Counts a denial, and is the answer. */
export function deny(owner: SocketOwner, operation: SocketOperationName): typeof DENIED {
  owner.denied(DENIED_AS[operation]);
  return DENIED;
}
