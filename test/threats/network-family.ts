/** Which test shows what of family 39, the network, and of handles of sockets (33). */

import type { Shown } from './families.ts';

const SCOPE = 'src/capability/network.test.ts';
const CLIENT = 'src/network/http-client.test.ts';
const REQUESTS = 'src/network/agent-requests.test.ts';
const SOCKETS = 'test/kernel/sockets.test.ts';
const RAW_SOCKETS = 'test/threats/sockets.test.ts';
const SECRETS = 'src/network/secrets.test.ts';

const shown = (act: string, ...tests: string[]): Shown => ({ family: 39, act, tests });
const handles = (act: string, ...tests: string[]): Shown => ({ family: 33, act, tests });

/** Hostile acts on the way to a host, and of the host. */
export const NETWORK_FAMILY: readonly Shown[] = [
  shown(
    'other spellings of a host: case, dot at the end, punycode, decimal and octal, IPv6-mapped, a user before it',
    `${SCOPE}: 39: one spelling for a host, however it is written`,
    `${SCOPE}: 39: whatever way the host is written in the URL`,
    `${CLIENT}: a user before the host, and other hosts in disguise`,
  ),
  shown(
    'another host, port, scheme, method or path than was granted',
    `${CLIENT}: 39: what no grant reaches is denied, and nobody hears of it`,
    `${SCOPE}: a path and what is beneath it, by segments; not what a server may read as another`,
    'test/kernel/outgoing.test.ts: what is not granted is denied',
  ),
  shown(
    'names that lead inside: loopback, 169.254.169.254, private, in disguise, beside a public address',
    `${SCOPE}: 39: the class of an address`,
    `${CLIENT}: %s addresses are refused to whom public ones are granted`,
  ),
  shown(
    'DNS that answers otherwise the second time, or between the check and the connection',
    `${CLIENT}: a name that leads inside the second time is refused the second time`,
    `${CLIENT}: what was checked is what is connected to: nobody asks again in between`,
  ),
  shown(
    'redirects to a denied host, in circles, out of TLS, with credentials',
    `${CLIENT}: 39: are checked again: to a denied host, port or path they lead nowhere`,
    `${CLIENT}: in circles, or without end, are a loop`,
    `${CLIENT}: carry no credentials to another server`,
    `${CLIENT}: a redirect does not lead out of it`,
  ),
  shown(
    'fields that inject others, or say where a message ends',
    `${CLIENT}: the field %j: %j is not the agent’s to write`,
    `${REQUESTS}: whose body breaks off never looks whole to its server`,
  ),
  shown(
    'paths and fields by which a server makes another path of the one that was granted',
    `${SCOPE}: a path and what is beneath it, by segments; not what a server may read as another`,
    `${CLIENT}: the field %j leads out of a path, so only who may reach them all may write it`,
  ),
  shown(
    'clients of `ringfence serve` that send too much, or leave, to end what others use',
    'test/kernel/serve.test.ts: larger than what is taken costs no instance that is kept',
    'test/kernel/serve.test.ts: costs no instance that is kept, if that comes to an end for it',
    'test/cli/serve.test.ts: takes as many trailers as fields, and has no module ended by more',
  ),
  shown(
    'servers with 10^5 fields, endless bodies, fields and trailers, lies about lengths, stalls',
    `${CLIENT}: servers that lie, stall and flood`,
    `${CLIENT}: sends a body, or fields, or trailers, or interim responses without end`,
    `${CLIENT}: stalls before its first byte, in its head and in its body`,
  ),
  shown(
    'a grant that is gone while a response comes; an agent that has ended',
    `${REQUESTS}: a revocation, also of one that is under way; others go on`,
    `${REQUESTS}: a revocation that nobody has told yet: nothing more is given out`,
    `${REQUESTS}: its end: the server sees it go`,
  ),
  shown(
    'connections of another agent; certificates of nobody',
    `${CLIENT}: keeps its connection for the next one of the same agent, and for no other`,
    `${CLIENT}: not by one that nobody knows, and not by a certificate of the past`,
  ),
  shown(
    'a secret told back by its server, whole, coded, in pieces',
    `${SECRETS}: a response that tells it back is cut`,
    `${SECRETS}: wherever it is cut, nothing of the secret comes through, and all that is none does`,
    `${SECRETS}: does not follow a redirect to elsewhere, though it may be used there`,
  ),
  shown(
    'sockets to ports and hosts that are not granted, and to addresses in disguise',
    `${SOCKETS}: reaches no port, address or class that is not granted, and counts it`,
    `${SOCKETS}: listens nowhere else`,
    `${RAW_SOCKETS}: 39: %s does not lead to the server`,
    `${RAW_SOCKETS}: 39: names that are none are told so`,
  ),
  shown(
    'names for sockets: looked up without a grant, that lead inside, without number',
    `${SOCKETS}: a public name that leads to the inside leads nowhere`,
    `${SOCKETS}: a rule by name reaches what the agent was told of it, and nothing before`,
    `${SOCKETS}: so many lookups at a time`,
  ),
  shown(
    'floods of connections and datagrams; peers that take nothing, end half, hang up',
    `${SOCKETS}: more clients than its backlog are reset`,
    `${SOCKETS}: a flood fills a bounded queue, and what is left is received`,
    `${SOCKETS}: a peer that takes nothing makes the agent wait`,
    `${SOCKETS}: a client that has hung up is one that was there, or none`,
  ),
  shown(
    'datagrams from and to whom nobody granted',
    `${SOCKETS}: asks where it may, and hears nobody else`,
    `${SOCKETS}: a listener answers whom it has heard, and nobody else`,
  ),
  shown(
    'sockets of a grant that is gone, and of an agent that has ended',
    `${SOCKETS}: a grant that is revoked ends its connections and listeners`,
    `${SOCKETS}: a connection that was dropped goes on sending, but not when %s has ended`,
  ),
  handles(
    'sockets and streams that are forged, dropped, of another kind, out of order',
    `${RAW_SOCKETS}: 33: a socket %s ends the agent`,
    `${RAW_SOCKETS}: 33: what was made of a socket outlives it without harm`,
    `${RAW_SOCKETS}: 33: a connection is given out once`,
    `${SOCKETS}: each call in a wrong state, and each value that is none, is told`,
  ),
  handles(
    '10^4 sockets, kept, dropped, and dropped before they are connected',
    `${RAW_SOCKETS}: 33: 10^4 sockets are no more than the handles of an agent`,
    `${RAW_SOCKETS}: 33: connections that are dropped before they are there are closed`,
    `${RAW_SOCKETS}: 33: no more are open than may be`,
    `${SOCKETS}: ten thousand connections one after another leave nothing open`,
  ),
];
