/** What a program can set about the network, and the limits that hold. Plain data: it goes to threads. */

/** Limits of sockets; all are docs/sockets.md's. */
export interface SocketLimits {
  /** Sockets that an agent has open: bound, listening, connecting, connected, waiting to be accepted. */
  readonly socketsPerAgent: number;
  /** Milliseconds until a connection of TCP is there. */
  readonly socketConnectMs: number;
  /** Milliseconds that a connection which its agent has dropped may go on sending what was written. */
  readonly socketLingerMs: number;
  /** Lookups of names that an agent may begin, a second. */
  readonly lookupsPerSecond: number;
}

/** Limits of the network; all are docs/network.md's. */
export interface NetworkLimits extends SocketLimits {
  /** Requests of one agent that are under way. */
  readonly requestsPerAgent: number;
  /** Requests of all agents of a kernel that are under way, whatever isolates them. */
  readonly requests: number;
  /** Bytes of a request's body, and of a response's. */
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  /** Milliseconds of one request, from the name's lookup to the response's last byte. */
  readonly totalMs: number;
  /** Until a name has its addresses. */
  readonly lookupMs: number;
  /** Until a connection is there, with TLS. */
  readonly connectMs: number;
  /** Until the response begins, or the server takes more of the request. */
  readonly firstByteMs: number;
  /** Between two pieces of the response. */
  readonly betweenBytesMs: number;
}

/**
 * The limits where nothing else is said. The times are between what browsers and curl have; the bytes go
 * through a window of 64 KiB, so they bound traffic and no memory.
 */
export const NETWORK_LIMITS_DEFAULT: NetworkLimits = {
  requestsPerAgent: 32,
  requests: 2_048,
  requestBodyBytes: 1024 ** 3,
  responseBodyBytes: 1024 ** 3,
  totalMs: 10 * 60_000,
  lookupMs: 5_000,
  connectMs: 10_000,
  firstByteMs: 60_000,
  betweenBytesMs: 60_000,
  socketsPerAgent: 256,
  socketConnectMs: 30_000,
  socketLingerMs: 10_000,
  lookupsPerSecond: 8,
};

/** Addresses of one name that are looked at: more is no answer that anybody needs. */
export const ADDRESSES_MAX = 16;

/** Redirects that are followed, as many as fetch's standard half: enough for any that is no circle. */
export const REDIRECTS_MAX = 10;

/** Hosts of one agent that connections are kept for. */
export const ORIGINS_KEPT_MAX = 32;

/** How long a connection that nobody uses is kept, in milliseconds: undici's own default. */
export const KEEP_ALIVE_MS = 4_000;

/** Settings of the network. */
export interface NetworkSettings {
  /**
   * Who answers what a name leads to: `dns` asks name servers, so that no name holds up another; `system`
   * asks the system's resolver, which also knows its hosts file.
   */
  readonly resolver: 'dns' | 'system';
  /** Name servers, as `address` or `address:port`; null: those of the system. */
  readonly nameServers: readonly string[] | null;
  /** Certificates of authorities that are trusted instead of Node's own, in PEM; null: those. */
  readonly ca: readonly string[] | null;
  /** Whether HTTP/2 is spoken with servers that offer it over TLS. */
  readonly http2: boolean;
  readonly limits: NetworkLimits;
  /** Origins of servers that are told which span of a trace a request of an agent's belongs to. */
  readonly traceTo: readonly string[];
  /** Values of the secrets that grants name: what their header is, as a whole. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** What holds where nothing is set. */
export const NETWORK_SETTINGS_DEFAULT: NetworkSettings = {
  resolver: 'dns',
  nameServers: null,
  ca: null,
  http2: true,
  limits: NETWORK_LIMITS_DEFAULT,
  traceTo: [],
  secrets: {},
};
