/**
 * Goal: what `ringfence serve` and `ringfence mcp` do is recorded as what `run` does is: in a chain that is
 * signed and anchored, with receipts. Method: the real command line, its chain verified afterwards.
 */

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  checkReceipt,
  createAuditKey,
  notesOf,
  type Receipt,
  readEvents,
  verifyChain,
} from '../../src/index.ts';
import { guest, LAUNCHER, ROOT, ringfence, start, temporaryDirectory } from './ringfence.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let count = 0;
let at: (name: string) => string;

beforeAll(() => {
  directory = temporaryDirectory();
  createAuditKey(join(directory.path, 'key'));
});
beforeEach(() => {
  count += 1;
  at = (name) => join(directory.path, `${name}-${count}`);
});
afterAll(() => directory.remove());

/** The options, all of them. */
const recorded = (): string[] => [
  `--audit=${at('chain')}`,
  `--audit-key=${join(directory.path, 'key')}`,
  `--audit-anchor=file:${at('anchor')}`,
  '--audit-sync=event',
  '--audit-keep=1h',
  '--audit-max=1GiB',
  `--receipt=${at('receipts')}`,
];

/** Verifies the chain with its key and anchors, and each receipt with the chain. */
async function receipts(): Promise<Receipt[]> {
  const { key } = await verifyChain(at('chain'));
  const keys = [key ?? ''];
  const anchors = notesOf(readFileSync(at('anchor'), 'utf8'));
  const verdict = await verifyChain(at('chain'), { keys, anchors });
  expect(verdict).toMatchObject({ valid: true, trusted: true, anchors: anchors.length });
  expect(anchors.length).toBeGreaterThan(0);
  const found: Receipt[] = [];
  for (const line of readFileSync(at('receipts'), 'utf8').trimEnd().split('\n')) {
    const { receipt, events } = await checkReceipt(line, keys, at('chain'));
    expect(events).toBe(true);
    found.push(receipt);
  }
  return found;
}

async function kinds(): Promise<string[]> {
  const found: string[] = [];
  for await (const { kind } of readEvents(at('chain'))) {
    found.push(kind);
  }
  return found;
}

test('serve records each instance, and gives a receipt of each', { timeout: 120_000 }, async () => {
  const args = ['serve', '--addr', ':0', '--json', ...recorded(), guest('http-puppet')];
  const { child, ended } = start(args, { stdin: 'open' });
  let text = '';
  while (!text.includes('\n')) {
    const [chunk] = (await Promise.race([
      once(child.stdout!, 'data'),
      ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])) as [Buffer];
    text += chunk.toString();
  }
  const { url } = JSON.parse(text.split('\n')[0] ?? '') as { url: string };
  for (let request = 0; request < 2; request += 1) {
    expect(await (await fetch(`${url}hello`)).text()).toBe('hello');
  }
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ status: 0 });
  expect(await receipts()).toMatchObject([
    { agent_id: 'http-puppet', exit: { reason: 'normal' } },
    { agent_id: 'http-puppet', exit: { reason: 'normal' } },
  ]);
  expect(await kinds()).toEqual(
    expect.arrayContaining(['module.load', 'agent.spawn', 'chain.close']),
  );
});

test('mcp records each call, and gives a receipt of each', { timeout: 120_000 }, async () => {
  const client = new Client({ name: 'test', version: '1' });
  const modules = [guest('word-count'), guest('endless-loop')];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [LAUNCHER, 'mcp', '--max-fuel=5000000', ...recorded(), ...modules],
      cwd: ROOT,
      stderr: 'ignore',
      env: { ...process.env } as Record<string, string>,
    }),
  );
  try {
    await client.callTool({ name: 'word-count', arguments: { stdin: 'a b\n' } });
    await client.callTool({ name: 'endless-loop', arguments: {} });
  } finally {
    await client.close();
  }
  // The client does not wait for the server's own end.
  await expect.poll(kinds).toContain('chain.close');
  await expect.poll(() => existsSync(at('anchor'))).toBe(true);
  expect(await receipts()).toMatchObject([
    { agent_id: 'word-count', exit: { reason: 'normal' } },
    { agent_id: 'endless-loop', exit: { reason: 'fuel' } },
  ]);
});

test.each([
  [['--audit-key', 'k'], '--audit-key without a chain'],
  [['--audit-anchor', 'file:x'], '--audit-anchor without a chain'],
  [['--audit-anchor-token-env', 'PATH'], '--audit-anchor-token-env without a chain'],
  [['--audit-sync', 'exit'], '--audit-sync without a chain'],
  [['--audit-keep', '1h'], '--audit-keep without a chain'],
  [['--audit-max', '1GiB'], '--audit-max without a chain'],
  [['--audit', 'a', '--audit-keep', '1h'], 'nobody has signed'],
  [['--audit', 'a', '--audit-max', '1KiB'], '--audit-max'],
  [['--receipt', 'r'], '--receipt without a chain'],
  [['--audit', 'a', '--receipt', 'r'], 'nobody has signed'],
  [['--audit', 'a', '--audit-anchor', 'file:x'], 'nobody has signed'],
  [['--audit', 'a', '--audit-anchor', 'ftp://a.test'], '--audit-anchor'],
  [['--audit', 'a', '--audit-anchor', 'git:'], '--audit-anchor'],
  [['--audit', 'a', '--audit-sync', 'never'], 'duration'],
  [['--audit', 'a', '--audit-sync', '0'], '--audit-sync'],
])('wrong options are refused in a sentence: %j', { timeout: 120_000 }, async (options, said) => {
  for (const command of ['run', 'serve', 'mcp']) {
    const { status, stdout, stderr } = await ringfence([command, ...options, guest('hello')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(said);
  }
});
