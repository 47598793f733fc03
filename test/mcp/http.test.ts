/**
 * Goal: over HTTP, tools are there for whom they are for, and for nobody else: no web page, no name that
 * was made to lead here, nobody without the token. Method: a real server on loopback, clients of the
 * official SDK, and requests written by hand; beside each refusal stands the same request that passes.
 */

import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type McpHttpOptions, type McpServing, type McpTool, serveMcp } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { ERAS, textOf } from './support.ts';

let world: TestKernel;
let tools: McpTool[];
beforeAll(async () => {
  world = await testKernel();
  tools = [];
  for (const name of ['word-count', 'endless-loop']) {
    tools.push({ module: await world.kernel.load(guest(name)) });
  }
});
afterAll(() => world.kernel.close());

const serve = (http: McpHttpOptions = {}): Promise<McpServing> =>
  serveMcp(world.kernel, { tools, http });

const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
const TOKEN = 'a-token-of-the-tests';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A request as it is written, with any Host. */
async function post(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body: string = LIST,
): Promise<Answer> {
  const sent = request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  });
  // A server that has seen enough may close before all was sent.
  sent.on('error', () => {});
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
  }
  return { status: response.statusCode, body: text };
}

describe.each(Object.entries(ERAS))('a client of revision %s', (revision, options) => {
  test('calls a tool', async () => {
    await using serving = await serve({ token: TOKEN });
    const client = new Client({ name: 'test', version: '1' }, options);
    await client.connect(
      new StreamableHTTPClientTransport(new URL(serving.url!), {
        requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
      }),
    );
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const result = await client.callTool({ name: 'word-count', arguments: { stdin: 'a b c' } });
    expect(textOf(result).trim().split(/ +/)).toEqual(['0', '3', '5']);
    await client.close();
  });

  test('cancels a call, or is gone in the middle of it: its agent is ended', async () => {
    await using serving = await serve();
    const client = new Client({ name: 'test', version: '1' }, options);
    await client.connect(new StreamableHTTPClientTransport(new URL(serving.url!)));
    const call = client.callTool({ name: 'endless-loop', arguments: {} });
    const ended = expect(call).rejects.toThrow();
    await expect.poll(() => world.kernel.counts().running).toBe(1);
    await client.close();
    await ended;
    await expect.poll(() => world.kernel.list()).toEqual([]);
  });
});

describe('who may talk to it', () => {
  test.each<[string, McpHttpOptions, Record<string, string>, number]>([
    ['a Host that was made to lead here', {}, { host: 'rebound.example' }, 403],
    ['a Host behind ours', {}, { host: 'localhost@rebound.example' }, 403],
    ['a Host that begins like one of ours', {}, { host: 'localhost.rebound.example' }, 403],
    ['localhost', {}, { host: 'localhost' }, 200],
    ['a Host that is allowed', { hosts: ['tools.example'] }, { host: 'tools.example:80' }, 200],
    ['a web page', {}, { origin: 'https://page.example' }, 403],
    ['a web page of this machine', {}, { origin: 'http://localhost:3000' }, 403],
    ['a web page without an origin', {}, { origin: 'null' }, 403],
    [
      'a web page that is allowed',
      { origins: ['https://page.example'] },
      { origin: 'https://page.example' },
      200,
    ],
    [
      'another page, where one is allowed',
      { origins: ['https://page.example'] },
      { origin: 'https://page.example.net' },
      403,
    ],
    ['nobody in particular', {}, {}, 200],
    ['no token where there is one', { token: TOKEN }, {}, 401],
    ['another token', { token: TOKEN }, { authorization: `Bearer ${TOKEN}x` }, 401],
    ['the token as a password', { token: TOKEN }, { authorization: `Basic ${TOKEN}` }, 401],
    ['the token', { token: TOKEN }, { authorization: `Bearer ${TOKEN}` }, 200],
  ])('%s', async (_, http, headers, status) => {
    await using serving = await serve(http);
    const answer = await post(serving.url!, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.includes('word-count')).toBe(status === 200);
  });

  test('others than this machine need a token', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringContaining('without a token'),
    });
    await using serving = await serve({ host: '0.0.0.0', token: TOKEN });
    const url = serving.url!.replace('0.0.0.0', '127.0.0.1');
    expect(await post(url)).toMatchObject({ status: 401 });
    expect(await post(url, { authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 200 });
  });

  test('an address that is taken is wrong usage', async () => {
    await using serving = await serve();
    const port = Number(new URL(serving.url!).port);
    await expect(serve({ port })).rejects.toMatchObject({ code: 'RF_USAGE' });
  });
});

describe('requests that are none', () => {
  test.each<[string, Record<string, string>, string, number]>([
    ['no JSON', {}, '{', 400],
    ['JSON that is no message', {}, '[]', 400],
    ['another type', { 'content-type': 'text/plain' }, LIST, 415],
    ['too much', {}, JSON.stringify({ pad: 'x'.repeat(5 * 1024 * 1024) }), 413],
    ['a list', {}, LIST, 200],
  ])('%s', async (_, headers, body, status) => {
    await using serving = await serve();
    expect((await post(serving.url!, headers, body)).status).toBe(status);
  });

  test('another path, another method', async () => {
    await using serving = await serve();
    expect(await post(`${serving.url}s`)).toMatchObject({ status: 404 });
    expect((await fetch(serving.url!)).status).toBe(405);
    expect(await post(`${serving.url}?x=1`)).toMatchObject({ status: 200 });
  });

  test('a client that sends half a request is not waited for when it is closed', async () => {
    const serving = await serve();
    const { port } = new URL(serving.url!);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{');
    expect(await post(serving.url!)).toMatchObject({ status: 200 });
    await serving.close();
    socket.destroy();
  });
});
