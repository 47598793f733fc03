/**
 * Goal: whatever a module does that is a tool, its client is answered, what it prints stays text, others are
 * served, and nothing is left. Method: hostile guests behind a client of the official SDK; after each, a
 * harmless one does its work over the same connection.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { McpTool } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { exitOf, type Joined, joined, textOf } from './support.ts';

const HOSTILE = [
  'bulk',
  'catch-all',
  'endless-loop',
  'loop-in-start',
  'mailbox-flood',
  'memory-bomb',
  'recursion',
  'sleeper-in-poll',
  'stdout-flood',
  'stdout-lies',
  'table-bomb',
  'throw-in-loop',
  'trap',
  'ungranted',
];

let world: TestKernel;
let tools: McpTool[];
let mcp: Joined;
beforeAll(async () => {
  world = await testKernel();
  tools = [];
  for (const name of [...HOSTILE, 'word-count']) {
    tools.push({
      module: await world.kernel.load(guest(name)),
      limits: { fuel: 20_000_000, wallTimeMs: 2_000, memoryBytes: 600 * 1024 * 1024 },
    });
  }
});
afterAll(() => world.kernel.close());
beforeEach(async () => {
  mcp = await joined(world.kernel, { tools });
});
afterEach(() => mcp[Symbol.asyncDispose]());

const call = (name: string) => mcp.client.callTool({ name, arguments: {} });

/** The control: the same connection, the same limits. */
async function othersAreServed(): Promise<void> {
  const result = await mcp.client.callTool({ name: 'word-count', arguments: { stdin: 'a b' } });
  expect(result.isError).toBe(false);
  await expect.poll(() => world.kernel.list()).toEqual([]);
}

describe('each is answered, and ended', () => {
  test.each(HOSTILE)('%s', async (name) => {
    const result = await call(name);
    const { reason } = exitOf(result);
    expect(result.isError).toBe(reason !== 'normal');
    expect(result.content.length).toBeGreaterThan(0);
    await othersAreServed();
  });

  test('all at once', async () => {
    const names = [...HOSTILE, ...HOSTILE, ...HOSTILE];
    const results = await Promise.all(names.map(call));
    expect(results).toHaveLength(names.length);
    expect(results.filter(({ isError }) => isError === true).length).toBeGreaterThan(10);
    await othersAreServed();
  });
});

test('what is made to be misread is text, and nothing of it is a message', async () => {
  let messages = 0;
  mcp.client.fallbackNotificationHandler = async () => {
    messages += 1;
  };
  const lines: string[] = [];
  mcp.wires.output.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n')));
  const result = await call('stdout-lies');
  const text = textOf(result);
  expect(text).toContain('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
  expect(text).toContain('␛[2J␛]0;title␇\ufffd31m␈␈␀␡\n');
  expect(text).toContain(' half ');
  expect(text).not.toMatch(/[^\P{Cc}\n\t]|[\u2028\u202e\ufeff]/u);
  expect(text.isWellFormed()).toBe(true);
  expect(messages).toBe(0);
  // One message has answered one call.
  expect(lines.filter((line) => line !== '')).toHaveLength(1);
  await othersAreServed();
});

test('ten thousand calls are all answered, with what is held for them bounded', async () => {
  let answered = 0;
  let busy = 0;
  await Promise.all(
    Array.from({ length: 10_000 }, async () => {
      const result = await mcp.client.callTool(
        { name: 'word-count', arguments: {} },
        { timeout: 600_000 },
      );
      answered += 1;
      busy += textOf(result).startsWith('ringfence: busy') ? 1 : 0;
      expect(world.kernel.list().length).toBeLessThanOrEqual(8);
    }),
  );
  expect(answered).toBe(10_000);
  expect(busy).toBeLessThan(10_000);
  await othersAreServed();
}, 120_000);
