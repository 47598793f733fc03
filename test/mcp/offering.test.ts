/**
 * Goal: agents call the tools of MCP servers under the gate that the program's own tools have. Method: a
 * server made with the official SDK, as a process and over HTTP, and a guest that calls what it is told to;
 * beside each refusal stands the call that goes through.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { GrantsInput, Kernel, LoadedModule } from '../../src/index.ts';
import { isAlive } from '../cli/ringfence.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const GOOD = [process.execPath, fileURLToPath(new URL('fixtures/good-server.ts', import.meta.url))];

let world: TestKernel;
let puppet: LoadedModule;
beforeAll(async () => {
  world = await testKernel();
  puppet = await world.kernel.load(guest('puppet'));
  await world.kernel.offerMcp({ name: 'good', command: GOOD });
});
afterAll(() => world.kernel.close());

/** What a guest with these grants is told, word by word. */
async function told(
  grants: GrantsInput,
  lines: readonly string[],
  kernel: Kernel = world.kernel,
  module: LoadedModule = puppet,
): Promise<string[]> {
  const agent = await kernel.spawn({ module, grants, stdin: `${[...lines, 'end'].join('\n')}\n` });
  await agent.exited;
  return new TextDecoder().decode(agent.stdout).trimEnd().split('\n');
}

const answerOf = (line: string | undefined): unknown => JSON.parse(line!.replace('tool ok ', ''));

describe('a server that is a process', () => {
  test('its tools are offered under its name, and work', async () => {
    const [sum] = await told({ tools: ['good.add'] }, ['tool good.add {"a":1,"b":2}']);
    expect(answerOf(sum)).toEqual({
      content: [{ type: 'text', text: '3' }],
      structuredContent: { sum: 3 },
      isError: false,
    });
  });

  test('a grant names its tools; nobody has more', async () => {
    const call = 'tool good.add {"a":1,"b":2}';
    expect(await told({}, [call])).toEqual([expect.stringMatching(/^tool err denied /)]);
    expect(await told({ tools: ['good.fail'] }, [call])).toEqual([
      expect.stringMatching(/^tool err denied /),
    ]);
    const narrowed: GrantsInput = {
      tools: {
        allow: [{ name: 'good.add', arguments: { properties: { a: { maximum: 10 } } } }],
      },
    };
    expect(await told(narrowed, [call, 'tool good.add {"a":11,"b":2}'])).toEqual([
      expect.stringMatching(/^tool ok /),
      expect.stringMatching(/^tool err denied /),
    ]);
    expect(await told({ tools: { allow: ['good.add'], deny: ['good.add'] } }, [call])).toEqual([
      expect.stringMatching(/^tool err denied /),
    ]);
  });

  test('arguments are checked by its schema before it sees them', async () => {
    const [wrong, missing, right] = await told({ tools: ['good.add'] }, [
      'tool good.add {"a":"1","b":2}',
      'tool good.add {"a":1}',
      'tool good.add {"a":1,"b":2}',
    ]);
    expect(wrong).toMatch(/^tool err invalid .*\/a/);
    expect(missing).toMatch(/^tool err invalid .*\/b/);
    expect(right).toMatch(/^tool ok /);
  });

  test('what it says of a failure is its answer, as the protocol has it', async () => {
    const [failed] = await told({ tools: ['good.fail'] }, ['tool good.fail {}']);
    expect(answerOf(failed)).toMatchObject({ isError: true });
  });

  test('it has the environment, the arguments and the directory that were written, and no others', async () => {
    const { kernel } = await testKernel({ workers: 1 });
    const module = await kernel.load(guest('puppet'));
    const offer = await kernel.offerMcp({
      name: 'own',
      command: [...GOOD, '--flag', '$HOME; id'],
      environment: { ONE: '1' },
      directory: '/',
      tools: ['started'],
    });
    expect(offer.tools).toEqual(['own.started']);
    const [started] = await told({ tools: 'all' }, ['tool own.started {}'], kernel, module);
    const { content } = answerOf(started) as { content: { text: string }[] };
    const how = JSON.parse(content[0]!.text);
    expect(how).toMatchObject({ arguments: ['--flag', '$HOME; id'], directory: '/' });
    expect(how.environment).toEqual({ ONE: '1' });
    expect(isAlive(how.pid)).toBe(true);
    await kernel.close();
    expect(isAlive(how.pid)).toBe(false);
  });

  test('an agent that is ended gives its call up, and the server is told', async () => {
    const agent = await world.kernel.spawn({
      module: puppet,
      grants: { tools: ['good.wait'] },
      stdin: 'tool good.wait {}\nend\n',
    });
    await expect.poll(() => agent.usage().tool_calls).toBe(1);
    agent.kill();
    await agent.exited;
    const [sum] = await told({ tools: ['good.add'] }, ['tool good.add {"a":1,"b":2}']);
    expect(sum).toMatch(/^tool ok /);
  });

  test('each tool has its limits', async () => {
    const offer = await world.kernel.offerMcp({
      name: 'limited',
      command: GOOD,
      limits: { maxAnswerBytes: 100 },
      toolLimits: { wait: { timeoutMs: 50 }, add: { callsPerMinute: 1 } },
    });
    const lines = await told({ tools: 'all' }, [
      'tool limited.wait {}',
      'tool limited.started {}',
      'tool limited.add {"a":1,"b":2}',
      'tool limited.add {"a":1,"b":2}',
    ]);
    expect(lines).toEqual([
      expect.stringMatching(/^tool err timeout /),
      expect.stringMatching(/^tool err limit-exceeded /),
      expect.stringMatching(/^tool ok /),
      expect.stringMatching(/^tool err limit-exceeded /),
    ]);
    await offer.close();
    expect(await told({ tools: 'all' }, ['tool limited.add {"a":1,"b":2}'])).toEqual([
      expect.stringMatching(/^tool err not-found /),
    ]);
  });

  test('a name is offered once, and again when it is free', async () => {
    await expect(world.kernel.offerMcp({ name: 'good', command: GOOD })).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
    const offer = await world.kernel.offerMcp({ name: 'free', command: GOOD });
    await offer.close();
    const again = await world.kernel.offerMcp({ name: 'free', command: GOOD });
    expect(again.isUp).toBe(true);
    await again.close();
  });
});

describe('options that are none', () => {
  test.each<[string, object]>([
    ['no place', { name: 'a' }],
    ['two places', { name: 'a', command: ['a'], url: 'http://127.0.0.1/' }],
    ['a command that is a text', { name: 'a', command: 'node server.js' }],
    ['an empty command', { name: 'a', command: [] }],
    ['no such program', { name: 'a', command: ['no-such-program-anywhere'] }],
    ['a folder for a program', { name: 'a', command: ['/'] }],
    ['a name with a dot', { name: 'a.b', command: GOOD }],
    ['a file URL', { name: 'a', url: 'file:///etc/passwd' }],
    ['something else', { name: 'a', command: GOOD, shell: true }],
  ])('%s', async (_, options) => {
    await expect(world.kernel.offerMcp(options as never)).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
  });
});

describe('a server over HTTP', () => {
  test('its tools work, with the headers that were written', async () => {
    const seen: (string | undefined)[] = [];
    const answer = toNodeHandler(
      createMcpHandler(() => {
        const server = new McpServer({ name: 'http', version: '1' });
        server.registerTool('double', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => ({
          content: [{ type: 'text', text: String(2 * n) }],
        }));
        return server;
      }),
    );
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      void answer(request as Parameters<typeof answer>[0], response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const offer = await world.kernel.offerMcp({
      name: 'web',
      url: `http://127.0.0.1:${port}/mcp`,
      headers: { authorization: 'Bearer secret' },
    });
    const [four] = await told({ tools: ['web.double'] }, ['tool web.double {"n":2}']);
    expect(answerOf(four)).toMatchObject({ content: [{ text: '4' }] });
    expect(new Set(seen)).toEqual(new Set(['Bearer secret']));
    await offer.close();
    server.closeAllConnections();
    server.close();
  });

  describe('whose header is a secret', () => {
    const SECRET = 'Bearer hunter2-hunter2';
    /** What it tells back of what it was sent: to a call, in its list, in an error. */
    type Where = 'nothing' | 'in its answer' | 'in its list' | 'in an error';
    let tellsBack: Where = 'nothing';
    let seen: (string | undefined)[] = [];
    const server = createServer(async (request, response) => {
      const { authorization } = request.headers;
      seen.push(authorization);
      let text = '';
      for await (const chunk of request) {
        text += chunk;
      }
      const { id, method } = JSON.parse(text || '{}') as { id?: number; method?: string };
      const answer = (result: unknown): void => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      };
      const told = (where: Where): string =>
        tellsBack === where ? String(authorization) : 'nothing';
      if (method === 'initialize') {
        const serverInfo = { name: 'web', version: '1' };
        answer({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo });
      } else if (method === 'tools/list') {
        const description = told('in its list');
        const inputSchema = { type: 'object' };
        answer({
          tools: [
            { name: 'tell', description, inputSchema },
            { name: 'other', inputSchema },
          ],
        });
      } else if (method === 'tools/call' && tellsBack === 'in an error') {
        response.writeHead(500).end(`no access with ${authorization}`);
      } else if (method === 'tools/call') {
        answer({ content: [{ type: 'text', text: told('in its answer') }] });
      } else {
        response.writeHead(id === undefined ? 202 : 400).end();
      }
    });
    let url = '';
    let keeping: TestKernel;
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
      keeping = await testKernel({ workers: 1, secrets: { KEY: SECRET } });
    });
    afterAll(async () => {
      await keeping.kernel.close();
      server.closeAllConnections();
      server.close();
    });

    async function tell(): Promise<{ lines: string[]; tools: readonly string[] }> {
      seen = [];
      keeping.warnings.splice(0);
      const { kernel } = keeping;
      await using offer = await kernel.offerMcp({
        name: 'web',
        url,
        headers: { authorization: { secret: 'KEY' }, 'x-plain': 'plain' },
      });
      const module = await kernel.load(guest('puppet'));
      const lines = await told({ tools: 'all' }, ['tools', 'tool web.tell {}'], kernel, module);
      return { lines, tools: offer.tools };
    }

    test('is sent its value', async () => {
      tellsBack = 'nothing';
      const { lines, tools } = await tell();
      expect(new Set(seen)).toEqual(new Set([SECRET]));
      expect(tools).toEqual(['web.tell', 'web.other']);
      expect(lines[1]).toBe(
        'tool ok {"content":[{"type":"text","text":"nothing"}],"isError":false}',
      );
      expect(keeping.warnings).toEqual([]);
    });

    test.each<[Where, RegExp]>([
      ['in its answer', /^tool err unavailable the tool's server: it told back a secret/],
      ['in an error', /^tool err unavailable the tool's server: it did not answer as it should/],
      ['in its list', /^tool err not-found/],
    ])('tells no agent what it was, and no log: %s', async (where, expected) => {
      tellsBack = where;
      const { lines } = await tell();
      expect(seen).toContain(SECRET);
      expect(lines[1]).toMatch(expected);
      expect(lines.join('\n')).not.toContain('hunter2');
      expect(keeping.warnings.join('\n')).not.toContain('hunter2');
      expect(keeping.warnings).toHaveLength(1);
    });

    test('is not offered where nothing gives the secret, and the error says which', async () => {
      seen = [];
      const headers = { authorization: { secret: 'OTHER' } };
      await expect(keeping.kernel.offerMcp({ name: 'web', url, headers })).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.stringMatching(/'web'.*'OTHER'.*'authorization'.*--secret OTHER=env:/),
      });
      expect(seen).toEqual([]);
    });

    test.each<[string, Record<string, unknown>]>([
      ['a value with a line end', { 'x-a': 'hunter2\r\nx-b: c' }],
      ['a name that is none', { 'x a': 'hunter2' }],
      ['something else beside the secret', { 'x-a': { secret: 'KEY', value: 'hunter2' } }],
      ['a secret by a name that is none', { 'x-a': { secret: '../hunter2' } }],
    ])('is refused before anything is sent, without its value: %s', async (_, headers) => {
      seen = [];
      const offered = keeping.kernel.offerMcp({ name: 'web', url, headers: headers as never });
      await expect(offered).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.not.stringContaining('hunter2'),
      });
      expect(seen).toEqual([]);
    });
  });
});
