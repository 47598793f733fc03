/** Goal: servers that may know are told of the agent's span by the host, in the agent's own words never, and no others are. */

import type { IncomingMessage } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { type ClientOptions, TestClient } from '../../test/support/network/client.ts';
import { startHttp } from '../../test/support/network/servers.ts';
import type { Field } from '../http/exchange.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const FORGED: readonly Field[] = [
  ['traceparent', '00-11111111111111111111111111111111-2222222222222222-01'],
  ['TraceParent', '00-33333333333333333333333333333333-4444444444444444-01'],
  ['tracestate', 'forged=1'],
  ['x-other', 'kept'],
];

const clients: TestClient[] = [];
afterEach(() => {
  for (const each of clients.splice(0)) {
    each.close();
  }
});
const client = (options?: ClientOptions): TestClient => {
  const made = new TestClient(['127.0.0.1'], options);
  clients.push(made);
  return made;
};

/** A server that keeps the headers that it gets, and redirects where its path says so. */
async function server() {
  const seen: IncomingMessage['headers'][] = [];
  const port = await startHttp((request, response) => {
    seen.push(request.headers);
    const [, to] = /^\/to\/(\d+)$/.exec(request.url ?? '') ?? [];
    if (to === undefined) {
      response.end();
    } else {
      response.writeHead(307, { location: `http://127.0.0.1:${to}/` }).end();
    }
  });
  return { seen, port, origin: `http://127.0.0.1:${port}` };
}

test('a server that is named is told it, whatever the agent says of its trace', async () => {
  const { seen, origin } = await server();
  const sender = client({ traceTo: [origin] });
  await sender.get(`${origin}/`, { traceparent: TRACEPARENT, fields: FORGED });
  await sender.get(`${origin}/`, { traceparent: TRACEPARENT });
  expect(seen).toMatchObject([
    { traceparent: TRACEPARENT, 'x-other': 'kept' },
    { traceparent: TRACEPARENT },
  ]);
  expect(seen[0]).not.toHaveProperty('tracestate');
});

test('another is not, nor where nobody is named, nor of an agent that is not traced', async () => {
  const { seen, port, origin } = await server();
  const others = [`http://127.0.0.1:${port + 1}`, `https://127.0.0.1:${port}`, 'http://127.0.0.1'];
  await client({ traceTo: others }).get(`${origin}/`, { traceparent: TRACEPARENT });
  await client().get(`${origin}/`, { traceparent: TRACEPARENT });
  await client({ traceTo: [origin] }).get(`${origin}/`);
  expect(seen).toHaveLength(3);
  for (const headers of seen) {
    expect(headers).not.toHaveProperty('traceparent');
  }
  // What the agent itself says goes, as any field of its own.
  await client().get(`${origin}/`, { traceparent: TRACEPARENT, fields: FORGED.slice(0, 1) });
  expect(seen[3]?.traceparent).toBe(FORGED[0]?.[1]);
});

test('of a redirect each server is told as it is named', async () => {
  const named = await server();
  const other = await server();
  const sender = client({ traceTo: [named.origin] });
  const asking = { traceparent: TRACEPARENT, redirect: 'follow' } as const;
  await sender.get(`${named.origin}/to/${other.port}`, asking);
  await sender.get(`${other.origin}/to/${named.port}`, asking);
  expect(named.seen.map(({ traceparent }) => traceparent)).toEqual([TRACEPARENT, TRACEPARENT]);
  expect(other.seen.map(({ traceparent }) => traceparent)).toEqual([undefined, undefined]);
});
