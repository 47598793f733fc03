/**
 * Goal: whatever a client sends to `ringfence mcp` or to `serveMcp`, and whether it reads or not, what is held for
 * it has a bound, and an honest client is served. Method: clients that send more than the bounds, counted by what
 * is taken of them; beside each, one that sends the same within them.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedModule, serveMcp } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { joined, textOf } from './support.ts';

const MIB = 1024 * 1024;

let world: TestKernel;
let wordCount: LoadedModule;
let endless: LoadedModule;
beforeAll(async () => {
  world = await testKernel({ workers: 1 });
  wordCount = await world.kernel.load(guest('word-count'));
  endless = await world.kernel.load(guest('endless-loop'));
});
afterAll(() => world.kernel.close());

const message = (id: number, method: string, params: object = {}): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
const HELLO = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
});

describe('calls that wait', () => {
  /** How many of so many calls are answered `busy` while another one runs; then that is cancelled. */
  async function busyOf(calls: number, args: object): Promise<number> {
    await using mcp = await joined(world.kernel, {
      tools: [{ module: wordCount }, { module: endless, limits: { fuel: 0, wallTimeMs: 600_000 } }],
      concurrency: 1,
    });
    const running = new AbortController();
    const first = mcp.client.callTool(
      { name: 'endless-loop', arguments: {} },
      { signal: running.signal },
    );
    first.catch(() => {});
    await expect.poll(() => world.kernel.list().length).toBe(1);
    let busy = 0;
    let answered = 0;
    const waiting = Array.from({ length: calls }, async () => {
      const result = await mcp.client.callTool(
        { name: 'word-count', arguments: { ...args } },
        { timeout: 600_000 },
      );
      answered += 1;
      busy += textOf(result).startsWith('ringfence: busy') ? 1 : 0;
    });
    // Whoever is refused is told before the next one that waits has its turn.
    const small = mcp.client.listTools();
    await small;
    running.abort();
    await Promise.all(waiting);
    expect(answered).toBe(calls);
    return busy;
  }

  test('have together as many bytes as may wait: more are answered busy', async () => {
    const busy = await busyOf(16, { stdin: 'x'.repeat(5 * MIB) });
    expect(busy).toBeGreaterThanOrEqual(9);
    expect(busy).toBeLessThan(16);
  });

  test('are counted by what they take in memory, not by their text', async () => {
    const busy = await busyOf(20, { arguments: Array.from({ length: 100_000 }, () => ({})) });
    expect(busy).toBeGreaterThan(0);
  });

  test('and are small all wait', async () => {
    expect(await busyOf(200, { stdin: 'x'.repeat(50_000) })).toBe(0);
  });
});

describe('a client on streams that does not read', () => {
  /** Sends up to so many bytes; answers how many were taken, and how many of answers wait. */
  async function taken(lines: string, bytesMax: number): Promise<{ sent: number; unread: number }> {
    const input = new PassThrough();
    const output = new Writable({ highWaterMark: 16_384, write: () => {} });
    const description = 'x'.repeat(10_000);
    await using serving = await serveMcp(world.kernel, {
      tools: Array.from({ length: 100 }, (_, at) => ({
        module: wordCount,
        name: `tool${at}`,
        description,
      })),
      streams: { input, output },
    });
    input.write(HELLO);
    let sent = 0;
    for (let stalledAt = -1; sent < bytesMax && stalledAt !== sent; ) {
      stalledAt = sent;
      for (let turn = 0; turn < 200; turn += 1) {
        if (!input.writableNeedDrain && sent < bytesMax) {
          input.write(lines);
          sent += lines.length;
        }
        await new Promise(setImmediate);
      }
    }
    const unread = output.writableLength;
    await serving.close();
    return { sent, unread };
  }

  const lists = Array.from({ length: 500 }, (_, at) => message(at + 1, 'tools/list')).join('');

  test('is answered no list that it does not read', async () => {
    const { unread } = await taken(lists, lists.length);
    expect(unread).toBeGreaterThan(MIB);
    expect(unread).toBeLessThan(16 * MIB);
  });

  test('is not read on for ever', async () => {
    const pings = message(1, 'ping').repeat(2_000);
    const { sent } = await taken(pings, 64 * MIB);
    expect(sent).toBeLessThan(32 * MIB);
  });

  test('the control: one that reads is answered each', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    await using _ = await serveMcp(world.kernel, {
      tools: [{ module: wordCount }],
      streams: { input, output },
    });
    let answers = 0;
    output.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('\n').length - 1;
    });
    input.write(HELLO);
    const pings = message(1, 'ping').repeat(2_000);
    for (let at = 0; at < 5; at += 1) {
      if (!input.write(lists + pings)) {
        await once(input, 'drain');
      }
    }
    await expect.poll(() => answers, { timeout: 30_000 }).toBe(1 + 5 * 2_500);
  });
});

describe('requests over HTTP', () => {
  const BODY = 3 * MIB;

  test('have together as many bytes as may be held: more are refused, and small ones go through', async () => {
    await using serving = await serveMcp(world.kernel, {
      tools: [{ module: wordCount }],
      http: { port: 0 },
    });
    const url = new URL(serving.url!);
    const half = async () => {
      const socket = connect(Number(url.port), url.hostname);
      socket.on('error', () => {});
      await once(socket, 'connect');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.write(
        `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: ${BODY}\r\n\r\n`,
      );
      return { socket, answer: () => answer };
    };
    const open = await Promise.all(Array.from({ length: 100 }, half));
    const waiting = () => open.filter(({ answer }) => answer() === '').length;
    await expect.poll(() => waiting() * BODY, { timeout: 30_000 }).toBeLessThanOrEqual(64 * MIB);
    expect(waiting()).toBeGreaterThan(10);
    const refused = open.filter(({ answer }) => answer().startsWith('HTTP/1.1 503'));
    expect(refused.length + waiting()).toBe(open.length);
    const list = () =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: message(1, 'tools/list'),
      });
    expect((await list()).status).toBe(200);
    for (const { socket } of open) {
      socket.destroy();
    }
    // What was held for them is free again.
    await expect
      .poll(async () => {
        const again = await half();
        await new Promise((resolve) => setTimeout(resolve, 50));
        const text = again.answer();
        again.socket.destroy();
        return text;
      })
      .toBe('');
    expect((await list()).status).toBe(200);
  });
});
