/**
 * Goal: it works with what others have made. Method: a client that is not the official SDK's uses modules, and
 * the protocol's example servers of npm, made with the SDK's first version, are used by guests.
 */

import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMCPClient } from '@ai-sdk/mcp';
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedModule, serveMcp } from '../../src/index.ts';
import { LAUNCHER, ROOT } from '../cli/ringfence.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let world: TestKernel;
let wordCount: LoadedModule;
let puppet: LoadedModule;
beforeAll(async () => {
  world = await testKernel({ workers: 1 });
  wordCount = await world.kernel.load(guest('word-count'));
  puppet = await world.kernel.load(guest('puppet'));
});
afterAll(() => world.kernel.close());

describe('the client of the AI SDK', () => {
  type Client = Awaited<ReturnType<typeof createMCPClient>>;

  async function countsWords(client: Client): Promise<void> {
    const tools = await client.tools();
    const counted = await tools['word-count']!.execute({ stdin: 'nobody trusts\nthis module\n' }, {
      toolCallId: '1',
      messages: [],
    } as never);
    expect(counted).toMatchObject({
      isError: false,
      structuredContent: { exit: { reason: 'normal' } },
      content: [{ type: 'text', text: expect.stringMatching(/2 +4 +26/) }],
    });
    await client.close();
  }

  test('uses a module over HTTP', async () => {
    const token = 'a-token-of-the-tests';
    const tools = [{ module: wordCount }];
    await using serving = await serveMcp(world.kernel, { tools, http: { token } });
    const url = serving.url!;
    await expect(createMCPClient({ transport: { type: 'http', url } })).rejects.toThrow();
    const headers = { authorization: `Bearer ${token}` };
    await countsWords(await createMCPClient({ transport: { type: 'http', url, headers } }));
  });

  test('uses a module over standard streams', async () => {
    const transport = new StdioMCPTransport({
      command: process.execPath,
      args: [LAUNCHER, 'mcp', fileURLToPath(guest('word-count'))],
      cwd: ROOT,
      stderr: 'ignore',
    });
    await countsWords(await createMCPClient({ transport }));
  });
});

describe('the example servers', () => {
  const commandOf = (name: string): string[] => [
    process.execPath,
    join(ROOT, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js'),
  ];

  async function say(lines: readonly string[]): Promise<string[]> {
    const agent = await world.kernel.spawn({
      module: puppet,
      grants: { tools: { allow: 'all', deny: ['files.move_file'] } },
      stdin: `${[...lines, 'end'].join('\n')}\n`,
    });
    await agent.exited;
    return new TextDecoder().decode(agent.stdout).trimEnd().split('\n');
  }

  test('a guest reads and writes by server-filesystem, where it and the grants let it', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-mcp-')));
    try {
      await using offer = await world.kernel.offerMcp({
        name: 'files',
        command: [...commandOf('server-filesystem'), folder],
      });
      expect(offer.tools).toContain('files.read_text_file');
      const path = join(folder, 'letter.txt');
      const lines = await say([
        `tool files.write_file ${JSON.stringify({ path, content: 'dear guest' })}`,
        `tool files.read_text_file ${JSON.stringify({ path })}`,
        'tool files.read_text_file {"path":"/etc/passwd"}',
        'tool files.read_text_file {"path":7}',
        `tool files.move_file ${JSON.stringify({ source: path, destination: `${path}.old` })}`,
      ]);
      expect(lines).toEqual([
        expect.stringMatching(/^tool ok .*"isError":false/),
        expect.stringMatching(/^tool ok .*"text":"dear guest"/),
        expect.stringMatching(/^tool ok .*"isError":true/),
        expect.stringMatching(/^tool err invalid .*\/path/),
        expect.stringMatching(/^tool err denied /),
      ]);
      expect(readFileSync(path, 'utf8')).toBe('dear guest');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a guest uses server-everything', async () => {
    await using offer = await world.kernel.offerMcp({
      name: 'everything',
      command: commandOf('server-everything'),
      toolLimits: { 'trigger-long-running-operation': { timeoutMs: 300 } },
    });
    expect(offer.tools).toContain('everything.echo');
    const [echoed, links, late, again] = await say([
      'tool everything.echo {"message":"hello"}',
      'tool everything.get-resource-links {"count":2}',
      'tool everything.trigger-long-running-operation {"duration":60,"steps":2}',
      'tool everything.get-sum {"a":1,"b":2}',
    ]);
    expect(echoed).toContain('hello');
    expect(links).toContain('"type":"resource_link"');
    expect(late).toMatch(/^tool err timeout /);
    expect(again).toMatch(/^tool ok .*3/);
    const agent = await world.kernel.spawn({
      grants: { tools: 'all' },
      work: ({ callTool }) => callTool('everything.get-tiny-image', {}),
    });
    await agent.exited;
    expect(agent.result).toMatchObject({
      content: expect.arrayContaining([
        { type: 'image', mimeType: 'image/png', data: expect.any(String) },
      ]),
    });
  });
});
