/**
 * Families 33 and 39: sockets. Goal: a guest that keeps to no order, keeps what it has dropped and writes
 * addresses in disguise reaches nothing, and harms nobody but itself. Method: one guest of many acts against
 * the bare ABI, with real servers on loopback, each act with its control.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actsOf, NORMAL, type Ran, TRAPPED, until, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const SOCKETS_MAX = 32;

const fence = useFence({ network: { limits: { socketsPerAgent: SOCKETS_MAX } } });

const TCP = 'wasi:sockets/tcp';
const text = new GuestText()
  .use('wasi:sockets/instance-network', 'instance-network', '$network')
  .use('wasi:sockets/network', '[resource-drop]network', '$drop_network')
  .use('wasi:sockets/ip-name-lookup', 'resolve-addresses', '$resolve')
  .use('wasi:sockets/tcp-create-socket', 'create-tcp-socket', '$create')
  .use(TCP, '[method]tcp-socket.start-connect', '$start_connect')
  .use(TCP, '[method]tcp-socket.finish-connect', '$finish_connect')
  .use(TCP, '[method]tcp-socket.local-address', '$local')
  .use(TCP, '[method]tcp-socket.subscribe', '$subscribe')
  .use(TCP, '[method]tcp-socket.is-listening', '$is_listening')
  .use(TCP, '[resource-drop]tcp-socket', '$drop')
  .use('wasi:sockets/udp-create-socket', 'create-udp-socket', '$create_udp')
  .use('wasi:sockets/udp', '[method]udp-socket.start-bind', '$start_bind_udp')
  .use('wasi:sockets/udp', '[method]udp-socket.finish-bind', '$finish_bind_udp')
  .use('wasi:sockets/udp', '[method]udp-socket.address-family', '$family_udp')
  .use('wasi:sockets/udp', '[method]udp-socket.stream', '$stream_udp')
  .use('wasi:sockets/udp', '[method]outgoing-datagram-stream.check-send', '$check_send')
  .use('wasi:sockets/udp', '[method]outgoing-datagram-stream.send', '$send')
  .use('wasi:io/poll', '[method]pollable.block', '$block')
  .use('wasi:io/poll', '[resource-drop]pollable', '$drop_pollable')
  .use('wasi:io/streams', '[method]input-stream.blocking-read', '$read')
  .use('wasi:io/streams', '[method]input-stream.subscribe', '$subscribe_input')
  .use('wasi:io/streams', '[resource-drop]input-stream', '$drop_input')
  .use('wasi:io/streams', '[method]output-stream.blocking-write-and-flush', '$write')
  .use('wasi:io/streams', '[resource-drop]output-stream', '$drop_output');
const run = actsOf(fence, text);

/** Echoes, and knows how many are connected, and how many ever were. */
let server: Server;
let port: number;
const connected = new Set<Socket>();
let connectedEver = 0;
beforeAll(async () => {
  server = createServer((socket) => {
    connectedEver += 1;
    connected.add(socket);
    socket.on('error', () => {}).on('close', () => connected.delete(socket));
    socket.pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** Does an act, with a grant for the server and its port as the act's own argument. */
const act = (name: string): Promise<Ran> =>
  run(name, {
    arguments: [String(port)],
    grants: { network: [`127.0.0.1:${port} tcp`, '127.0.0.1 udp'] },
  });

const AT = `(i32.const ${PLACE})`;
const code = (offset: number): string =>
  `(i64.extend_i32_u (i32.load8_u (i32.const ${PLACE + offset})))`;
const say = (value: string): string => `(call $say_number ${value})`;
const SAID = (value: number): string => value.toString(16).padStart(16, '0');

/** Codes of wasi:sockets, by their place in the enumeration. */
const ACCESS_DENIED = 1;
const NOT_SUPPORTED = 2;
const INVALID_ARGUMENT = 3;
const NOT_IN_PROGRESS = 7;
const NEW_SOCKET_LIMIT = 10;

text.define(`
  ;; The port: the second of the arguments.
  (func $port (result i32) (local $at i32) (local $end i32) (local $port i32)
    (call $get_arguments (i32.const 96))
    (local.set $at (i32.load offset=8 (i32.load (i32.const 96))))
    (local.set $end (i32.add (local.get $at) (i32.load offset=12 (i32.load (i32.const 96)))))
    (loop $again
      (local.set $port (i32.add (i32.mul (local.get $port) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $port))
  (func $made (result i32) (call $create (i32.const 0) ${AT}) (i32.load offset=4 ${AT}))
  (func $made_v6 (result i32) (call $create (i32.const 1) ${AT}) (i32.load offset=4 ${AT}))
  ;; Begins to connect to the server.
  (func $begin (param $socket i32)
    (call $start_connect (local.get $socket) (call $network) (i32.const 0) (call $port)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) ${AT})
    (if (i32.load8_u ${AT}) (then (unreachable))))
  ;; Waits until it is through, and leaves the streams at the place.
  (func $finish (param $socket i32) (local $pollable i32)
    (local.set $pollable (call $subscribe (local.get $socket)))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable))
    (call $finish_connect (local.get $socket) ${AT})
    (if (i32.load8_u ${AT}) (then (unreachable))))
  ;; Sends three bytes, and hears them again.
  (func $echo (param $input i32) (param $output i32)
    (call $write (local.get $output) (i32.const 64) (i32.const 3) ${AT})
    (if (i32.load8_u ${AT}) (then (unreachable)))
    (call $read (local.get $input) (i64.const 3) ${AT})
    (if (i32.ne (i32.load offset=8 ${AT}) (i32.const 3)) (then (unreachable))))
  (func $udp (result i32) (local $socket i32)
    (call $create_udp (i32.const 0) ${AT})
    (local.set $socket (i32.load offset=4 ${AT}))
    (call $start_bind_udp (local.get $socket) (call $network) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) ${AT})
    (call $finish_bind_udp (local.get $socket) ${AT})
    (call $stream_udp (local.get $socket) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) ${AT})
    (if (i32.load8_u ${AT}) (then (unreachable)))
    (i32.load offset=8 ${AT}))`);

const SOCKET = '(local.set $i (call $made))';
const CONNECTED = `${SOCKET} (call $begin (local.get $i)) (call $finish (local.get $i))
  (local.set $j (i32.load offset=4 ${AT})) (local.set $k (i32.load offset=8 ${AT}))`;
const [i, j, k] = ['(local.get $i)', '(local.get $j)', '(local.get $k)'];
const use = (handle: string): string => `(drop (call $is_listening ${handle}))`;
const drop = (handle: string): string => `(call $drop ${handle})`;

describe('family 33: handles of sockets', () => {
  const hostile: readonly [name: string, act: string, control: string][] = [
    ['that was dropped', `${SOCKET} ${drop(i)} ${use(i)}`, `${SOCKET} ${use(i)} ${drop(i)}`],
    ['that is dropped twice', `${SOCKET} ${drop(i)} ${drop(i)}`, `${SOCKET} ${drop(i)}`],
    [
      'whose place another has taken',
      `${SOCKET} ${drop(i)} (local.set $j (call $made)) ${use(i)}`,
      `${SOCKET} ${drop(i)} (local.set $j (call $made)) ${use(j)}`,
    ],
    [
      'that is one of UDP',
      `(call $create_udp (i32.const 0) ${AT}) ${use(`(i32.load offset=4 ${AT})`)}`,
      `(call $create_udp (i32.const 0) ${AT}) (drop (call $family_udp (i32.load offset=4 ${AT})))`,
    ],
    ['that is the network', use('(call $network)'), '(call $drop_network (call $network))'],
    [
      'that is to be a stream',
      `${SOCKET} (drop (call $subscribe_input ${i}))`,
      `${CONNECTED} (call $drop_pollable (call $subscribe_input ${j}))`,
    ],
    [
      'on a network that was dropped',
      `${SOCKET} (local.set $j (call $network)) (call $drop_network ${j})
       (call $start_connect ${i} ${j} (i32.const 0) (call $port) (i32.const 127) (i32.const 0) (i32.const 0)
         (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) ${AT})`,
      `${SOCKET} (call $begin ${i})`,
    ],
    [
      'and its stream, which was dropped',
      `${CONNECTED} (call $drop_input ${j}) (call $echo ${j} ${k})`,
      `${CONNECTED} (call $echo ${j} ${k}) (call $drop_input ${j})`,
    ],
    [
      'for an address of a family that there is not',
      `${SOCKET} (call $start_connect ${i} (call $network) (i32.const 2) (call $port) (i32.const 127)
         (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
         (i32.const 0) (i32.const 0) ${AT})`,
      `${SOCKET} (call $begin ${i})`,
    ],
    [
      'for more datagrams than there is memory for',
      `(local.set $i (call $udp)) (call $check_send ${i} ${AT})
       (call $send ${i} (i32.const 2048) (i32.const 0x0fff_ffff) ${AT})`,
      `(local.set $i (call $udp)) (call $check_send ${i} ${AT})
       (call $send ${i} (i32.const 2048) (i32.const 0) ${AT})`,
    ],
  ];
  for (const [name, body, control] of hostile) {
    text.act(`a socket ${name}`, body).act(`a socket not ${name}`, control);
  }

  it.each(hostile.map(([name]) => name))('33: a socket %s ends the agent', async (name) => {
    expect((await act(`a socket ${name}`)).report.exit).toMatchObject(TRAPPED);
    expect((await act(`a socket not ${name}`)).report.exit).toEqual(NORMAL);
  });

  text
    .act(
      'streams outlive their socket',
      `${CONNECTED} ${drop(i)} (call $echo ${j} ${k}) (call $drop_input ${j}) (call $drop_output ${k})`,
    )
    .act(
      'a poll outlives its socket',
      `${SOCKET} (call $begin ${i}) (local.set $j (call $subscribe ${i})) ${drop(i)} (call $block ${j})
       (call $drop_pollable ${j})`,
    )
    .act(
      'finished twice',
      `${CONNECTED} (call $finish_connect ${i} ${AT}) ${say(code(0))} ${say(code(4))}
       (call $echo ${j} ${k})`,
    );

  it('33: what was made of a socket outlives it without harm', async () => {
    for (const name of ['streams outlive their socket', 'a poll outlives its socket']) {
      expect((await act(name)).report.exit).toEqual(NORMAL);
    }
  });

  it('33: a connection is given out once, in whatever order it is asked for', async () => {
    const { said, report } = await act('finished twice');
    expect(said).toEqual([SAID(1), SAID(NOT_IN_PROGRESS)]);
    expect(report.exit).toEqual(NORMAL);
  });

  const repeated = (count: number, body: string): string =>
    `(loop $again ${body} (local.set $n (i64.add (local.get $n) (i64.const 1)))
       (br_if $again (i64.lt_u (local.get $n) (i64.const ${count}))))`;
  text
    .act(
      'begins and drops',
      repeated(
        500,
        `${SOCKET} (call $start_connect ${i} (call $network) (i32.const 0) (call $port)
        (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) ${AT}) ${drop(i)}`,
      ),
    )
    .act(
      'keeps them all',
      repeated(SOCKETS_MAX, `${SOCKET} (call $begin ${i}) (call $finish ${i})`) +
        `${SOCKET} (call $start_connect ${i} (call $network) (i32.const 0) (call $port) (i32.const 127)
          (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) ${AT}) ${say(code(0))} ${say(code(1))}`,
    )
    .act('makes 10^4 of them', `${repeated(10_000, SOCKET)} ${say(code(0))} ${say(code(4))}`)
    .act('makes and drops 10^4 of them', repeated(10_000, `${SOCKET} ${drop(i)}`));

  it('33: connections that are dropped before they are there are closed', async () => {
    const before = connectedEver;
    expect((await act('begins and drops')).report.exit).toEqual(NORMAL);
    expect(connectedEver - before).toBeLessThanOrEqual(500);
    await until(() => connected.size === 0);
    expect((await act('streams outlive their socket')).report.exit).toEqual(NORMAL);
  });

  it('33: no more are open than may be, and none when the agent has ended', async () => {
    const { said, report } = await act('keeps them all');
    expect(said).toEqual([SAID(1), SAID(NEW_SOCKET_LIMIT)]);
    expect(report.exit).toEqual(NORMAL);
    await until(() => connected.size === 0);
  });

  it('33: 10^4 sockets are no more than the handles of an agent', async () => {
    const kept = await act('makes 10^4 of them');
    expect(kept.report.exit).toMatchObject(TRAPPED);
    expect((await act('makes and drops 10^4 of them')).report.exit).toEqual(NORMAL);
  });
});

describe('family 39: addresses in disguise', () => {
  type Parts = readonly number[];
  const v4 = (name: string, parts: Parts): [string, string] => [
    name,
    `${SOCKET} (call $start_connect ${i} (call $network) (i32.const 0) (call $port)
      ${[...parts, 0, 0, 0, 0, 0, 0].map((part) => `(i32.const ${part})`).join(' ')} ${AT})`,
  ];
  const v6 = (name: string, parts: Parts, zone = 0): [string, string] => [
    name,
    `(local.set $i (call $made_v6)) (call $start_connect ${i} (call $network) (i32.const 1) (call $port)
      (i32.const 0) ${parts.map((part) => `(i32.const ${part})`).join(' ')} (i32.const ${zone}) ${AT})`,
  ];
  const disguised = [
    v6('IPv4 in IPv6', [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]),
    v6('IPv4 in IPv6, the old way', [0, 0, 0, 0, 0, 0, 0x7f00, 1]),
    v6('NAT64', [0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1]),
    v6('6to4', [0x2002, 0x7f00, 1, 0, 0, 0, 0, 0]),
    v6('loopback of IPv6', [0, 0, 0, 0, 0, 0, 0, 1]),
    v6('link-local', [0xfe80, 0, 0, 0, 0, 0, 0, 1]),
    v6('link-local with a zone', [0xfe80, 0, 0, 0, 0, 0, 0, 1], 1),
    v6('all hosts of IPv6', [0, 0, 0, 0, 0, 0, 0, 0]),
    v6('multicast of IPv6', [0xff02, 0, 0, 0, 0, 0, 0, 1]),
    v4('all hosts', [0, 0, 0, 0]),
    v4('another of loopback', [127, 0, 0, 2]),
    v4('metadata of a cloud', [169, 254, 169, 254]),
    v4('broadcast', [255, 255, 255, 255]),
    v4('multicast', [224, 0, 0, 1]),
    v4('parts that are no bytes', [127 + 256, 0, 0, 2]),
  ];
  for (const [name, body] of disguised) {
    text.act(name, `${body} ${say(code(0))} ${say(code(1))}`);
  }
  text.act('the granted address', `${v4('', [127, 0, 0, 1])[1]} ${say(code(0))}`);

  it.each(disguised.map(([name]) => name))('39: %s does not lead to the server', async (name) => {
    const before = connectedEver;
    const { said, report } = await act(name);
    expect(said[0]).toBe(SAID(1));
    expect([ACCESS_DENIED, NOT_SUPPORTED, INVALID_ARGUMENT].map(SAID)).toContain(said[1]);
    expect(report.exit).toEqual(NORMAL);
    expect(connectedEver).toBe(before);
    expect((await act('the granted address')).said).toEqual([SAID(0)]);
  });

  const long = text.text('a'.repeat(1_000));
  const short = text.text('127.1');
  const whole = text.text('127.0.0.1');
  text
    .act(
      'a name of 1,000 letters',
      `(call $resolve (call $network) ${long.operands} ${AT}) ${say(code(0))}`,
    )
    .act(
      'a name beyond its memory',
      `(call $resolve (call $network) (i32.const 0) (i32.const -1) ${AT})`,
    )
    .act(
      'an address in another spelling',
      `(call $resolve (call $network) ${short.operands} ${AT}) ${say(code(0))}`,
    )
    .act(
      'an address as a name',
      `(call $resolve (call $network) ${whole.operands} ${AT}) ${say(code(0))}`,
    );

  it('39: names that are none are told so, and lengths beyond the memory end the agent', async () => {
    expect((await act('a name of 1,000 letters')).said).toEqual([SAID(1)]);
    expect((await act('an address in another spelling')).said).toEqual([SAID(1)]);
    expect((await act('an address as a name')).said).toEqual([SAID(0)]);
    expect((await act('a name beyond its memory')).report.exit).toMatchObject(TRAPPED);
  });
});
