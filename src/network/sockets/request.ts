/**
 * Requests on sockets and their answers, as data: what a guest's socket functions become, and what may
 * cross a process boundary (numbers, strings, booleans, and bytes as `Uint8Array`).
 */

/** Names an open socket of one agent. Positive, never given out again. */
export type SocketHandle = number;

/** The families of addresses: a socket is of one of them, and reaches none of the other. */
export type Family = 'ipv4' | 'ipv6';

/** An address as `canonicalAddress` makes it, and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** How a socket's operation failed: by a code of WASI's, and nothing else. */
export type SocketErrorCode =
  | 'unknown'
  | 'access-denied'
  | 'not-supported'
  | 'invalid-argument'
  | 'out-of-memory'
  | 'timeout'
  | 'concurrency-conflict'
  | 'invalid-state'
  | 'new-socket-limit'
  | 'address-not-bindable'
  | 'address-in-use'
  | 'remote-unreachable'
  | 'connection-refused'
  | 'connection-reset'
  | 'connection-aborted'
  | 'datagram-too-large'
  | 'name-unresolvable'
  | 'temporary-resolver-failure'
  | 'permanent-resolver-failure';

/** Probes of a connection on which nothing is said. */
export interface KeepAlive {
  readonly enabled: boolean;
  /** Seconds without anything before the first, seconds between two, and how many go unanswered. */
  readonly idle: number;
  readonly interval: number;
  readonly count: number;
}

/** What a connection is at its beginning. */
export interface Connected {
  readonly handle: SocketHandle;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** A datagram that has come. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
}

/** A datagram to be sent; `to` null: where the socket is connected to. */
export interface OutgoingDatagram {
  readonly bytes: Uint8Array;
  readonly to: Endpoint | null;
}

/** Each operation: what is asked, and what is answered where it succeeds. */
export interface SocketOperations {
  /** Reserves an address for a connection or a listener. */
  'bind-tcp': {
    request: { family: Family; local: Endpoint };
    answer: { handle: SocketHandle; local: Endpoint };
  };
  /** Turns a reserved address into a listener. */
  listen: { request: { handle: SocketHandle; backlog: number }; answer: undefined };
  /** Answers when somebody has connected. */
  accept: { request: { handle: SocketHandle }; answer: Connected };
  /** `bound` is a reserved address, which it takes over; null: the system chooses one. */
  connect: {
    request: { family: Family; bound: SocketHandle | null; remote: Endpoint; keepAlive: KeepAlive };
    answer: Connected;
  };
  /** Answers when there are bytes, or there will be no more: then with none. */
  read: { request: { handle: SocketHandle; length: number }; answer: Uint8Array };
  /** Answers when the next write may come. `bytes` are the caller's again when it returns. */
  write: { request: { handle: SocketHandle; bytes: Uint8Array }; answer: undefined };
  /** Answers when the system has taken all that was written. */
  flush: { request: { handle: SocketHandle }; answer: undefined };
  shutdown: {
    request: { handle: SocketHandle; receive: boolean; send: boolean };
    answer: undefined;
  };
  'keep-alive': { request: { handle: SocketHandle; keepAlive: KeepAlive }; answer: undefined };
  'bind-udp': {
    request: { family: Family; local: Endpoint };
    answer: { handle: SocketHandle; local: Endpoint };
  };
  /** Null: with nobody. What waits to be received is dropped. Answers its own address. */
  'connect-udp': {
    request: { handle: SocketHandle; remote: Endpoint | null };
    answer: Endpoint;
  };
  'hop-limit': { request: { handle: SocketHandle; hops: number }; answer: undefined };
  /** Answers when there is a datagram. */
  receive: { request: { handle: SocketHandle; count: number }; answer: readonly Datagram[] };
  /** Answers how many of them, from the first, were sent; an error where that is none. */
  send: {
    request: { handle: SocketHandle; datagrams: readonly OutgoingDatagram[] };
    answer: number;
  };
  /** Answers when there is room for another datagram. */
  'send-room': { request: { handle: SocketHandle }; answer: undefined };
  /** Addresses of a name, those that no grant reaches left out. */
  resolve: { request: { name: string }; answer: readonly string[] };
  /** Of any socket. What was written is still sent, for a while. */
  close: { request: { handle: SocketHandle }; answer: undefined };
}

/** The name of an operation. */
export type SocketOperationName = keyof SocketOperations;

/** What to do. `op` decides the fields. */
export type SocketRequest<Name extends SocketOperationName = SocketOperationName> = {
  [Each in Name]: { readonly op: Each } & Readonly<SocketOperations[Each]['request']>;
}[Name];

/** How it came out. An error carries nothing but its code: no text of the system. */
export type SocketAnswer<Name extends SocketOperationName = SocketOperationName> =
  | { readonly tag: 'ok'; readonly val: SocketOperations[Name]['answer'] }
  | { readonly tag: 'err'; readonly val: SocketErrorCode };

/** An answer that comes later. */
export interface Awaited<Value> {
  /** Null: it has not come yet. */
  readonly outcome: { readonly tag: 'ok'; readonly val: Value } | null;
  /** Calls `wake` once, when it has come; never at once. Answers how to be called no more. */
  readonly onSettled: (wake: () => void) => () => void;
  /** Nobody waits for it any more. */
  abandon(): void;
}
