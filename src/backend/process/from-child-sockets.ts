/** Requests on sockets that an agent's process writes, read without believing any of it. */

import * as z from 'zod';
import { SENT_AT_A_TIME_MAX } from '../../network/sockets/caps.ts';
import type { SocketRequest } from '../../network/sockets/request.ts';
import { ChildProtocolError } from './from-child.ts';

/** No host has a longer name, and no address a longer text; a guest's own longer ones stay in its process. */
const TEXT_MAX = 512;

const handle = z.int();
const endpoint = z.strictObject({ address: z.string().max(TEXT_MAX), port: z.int() });
const family = z.enum(['ipv4', 'ipv6']);
const seconds = z.int().min(1).max(32_767);
const keepAlive = z.strictObject({
  enabled: z.boolean(),
  idle: seconds,
  interval: seconds,
  count: z.int().min(1).max(127),
});
const op = <Name extends SocketRequest['op'], Shape extends z.ZodRawShape>(
  name: Name,
  shape: Shape,
) => z.strictObject({ op: z.literal(name), ...shape });

const socketRequest = z.discriminatedUnion('op', [
  op('bind-tcp', { family, local: endpoint }),
  op('listen', { handle, backlog: z.int() }),
  op('accept', { handle }),
  op('connect', { family, bound: handle.nullable(), remote: endpoint, keepAlive }),
  op('read', { handle, length: z.int() }),
  op('write', { handle }),
  op('flush', { handle }),
  op('shutdown', { handle, receive: z.boolean(), send: z.boolean() }),
  op('keep-alive', { handle, keepAlive }),
  op('bind-udp', { family, local: endpoint }),
  op('connect-udp', { handle, remote: endpoint.nullable() }),
  op('hop-limit', { handle, hops: z.int() }),
  op('receive', { handle, count: z.int() }),
  op('send', {
    handle,
    datagrams: z
      .array(z.strictObject({ length: z.int().nonnegative(), to: endpoint.nullable() }))
      .max(SENT_AT_A_TIME_MAX),
  }),
  op('send-room', { handle }),
  op('resolve', { name: z.string().max(TEXT_MAX) }),
  op('close', { handle }),
]);

/** The request in a frame; what is sent is its body. The engine checks what the numbers mean. */
export function readSocketRequest(request: unknown, body: Buffer): SocketRequest {
  const result = socketRequest.safeParse(request);
  if (!result.success) {
    throw new ChildProtocolError('a request on sockets has not the form of one');
  }
  const { data } = result;
  if (data.op === 'write') {
    return { ...data, bytes: body };
  }
  if (data.op === 'send') {
    return { ...data, datagrams: cut(data.datagrams, body) };
  }
  if (body.length > 0) {
    throw new ChildProtocolError(`a request '${data.op}' with a body`);
  }
  return data;
}

type Sent = SocketRequest<'send'>['datagrams'];

/** The datagrams whose bytes stand one after another in a body. */
function cut(
  datagrams: readonly { readonly length: number; readonly to: Sent[number]['to'] }[],
  body: Buffer,
): Sent {
  let at = 0;
  const sent = datagrams.map(({ length, to }) => {
    const bytes = body.subarray(at, at + length);
    at += length;
    return { bytes, to };
  });
  if (at !== body.length) {
    throw new ChildProtocolError('datagrams whose lengths are not those of their bytes');
  }
  return sent;
}
