/** Every bound on what the sockets of an agent can make the host hold or allocate; settings.ts has those that can be set. */

/** Bytes that one read answers, whatever length is asked for. */
export const READ_BYTES_MAX = 64 * 1024;

/** Bytes that wait in the host of one connection beyond which the system is not asked for more. */
export const READ_AHEAD_BYTES = 16 * 1024;

/**
 * Bytes that wait in the host to be read by the agent, of one connection; then its peer has to wait: what
 * is read ahead, what one more reading of the system brings (64 KiB: libuv), and what is handed on.
 */
export const RECEIVE_BYTES_MAX = 96 * 1024;

/** Bytes that wait in the host for a peer to take them, of one connection; then the agent has to wait. */
export const SEND_BYTES_MAX = 64 * 1024;

/** What one connection counts of what the host may hold for its agent. */
export const CONNECTION_BYTES = RECEIVE_BYTES_MAX + SEND_BYTES_MAX;

/** Datagrams that wait in the host to be received, of one socket; those that come then are lost. */
export const DATAGRAMS_MAX = 128;

/** Bytes of them together, and what each counts beside its own. */
export const DATAGRAM_BYTES_MAX = 64 * 1024;
export const DATAGRAM_OVERHEAD_BYTES = 128;

/** Datagrams that one call sends. */
export const SENT_AT_A_TIME_MAX = 64;

/** Bytes of datagrams that wait in the host for the system to take them, of one socket. */
export const SEND_QUEUE_BYTES_MAX = 64 * 1024;

/** What one socket for datagrams counts of what the host may hold for its agent. */
export const UDP_SOCKET_BYTES = DATAGRAM_BYTES_MAX + SEND_QUEUE_BYTES_MAX;

/** The most bytes of a datagram: 2¹⁶ − 1, without the headers of UDP and IPv4; of IPv6 RFC 768's own. */
export const DATAGRAM_LENGTH_MAX = { ipv4: 65_507, ipv6: 65_527 } as const;

/** Connections that wait to be accepted, unless the agent says another number; and the most it may say. */
export const BACKLOG_DEFAULT = 32;
export const BACKLOG_MAX = 128;

/** Lookups of names under way for an agent at a time. */
export const LOOKUPS_UNDER_WAY_MAX = 4;

/** Lookups that an agent may begin at once, if it has begun none for a while. */
export const LOOKUPS_BURST = 64;

/** How long, since the agent has looked a name up, its rule reaches the addresses that were found. */
export const FOUND_MS = 600_000;

/** Names and addresses of which that is known, for one agent; the oldest are forgotten first. */
export const FOUND_MAX = 1_024;
