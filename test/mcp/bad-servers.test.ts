/**
 * Goal: an MCP server that crashes, stalls, floods or lies costs the agent that called it a typed error, tells
 * it nothing of the host, holds up nobody, and leaves no process behind. Method: a server that does one such
 * thing at a time; after each, what goes through: the next call where it can, or the same server without it.
 */

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModule, McpServerOptions } from '../../src/index.ts';
import { isAlive } from '../cli/ringfence.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const BAD = [process.execPath, fileURLToPath(new URL('fixtures/bad-server.ts', import.meta.url))];
const CALL = 'tool bad.work {}';
const DONE = 'tool ok {"content":[{"type":"text","text":"done"}],"isError":false}';
/** Of what must reach no guest. */
const SECRETS = /secret|operator|server\.js|\/home|\.ts:|Error:/;

let world: TestKernel;
let puppet: LoadedModule;
beforeAll(async () => {
  world = await testKernel({ workers: 1 });
  puppet = await world.kernel.load(guest('puppet'));
});
afterAll(() => world.kernel.close());

/** What a guest is told that calls a server in this mode. */
async function told(
  mode: string,
  lines: readonly string[] = [CALL],
  more: Partial<McpServerOptions> = {},
): Promise<string[]> {
  await using _ = await world.kernel.offerMcp({
    name: 'bad',
    command: [...BAD, mode],
    backoffMs: 1,
    ...more,
  });
  return await say(lines);
}

async function say(lines: readonly string[]): Promise<string[]> {
  const stdin = `${[...lines, 'end'].join('\n')}\n`;
  const agent = await world.kernel.spawn({ module: puppet, grants: { tools: 'all' }, stdin });
  const report = await agent.exited;
  expect(report.exit.reason).toBe('normal');
  const said = new TextDecoder().decode(agent.stdout);
  expect(said).not.toMatch(SECRETS);
  return said.trimEnd().split('\n');
}

test('the control: a server that does as it should', async () => {
  expect(await told('well')).toEqual([DONE]);
});

describe('a server that can not be offered', () => {
  test.each<[string, RegExp]>([
    ['crash-at-start', /code 3, and said: no such database/],
    ['silence-at-start', /not ready within 2000 ms|did not answer/],
    ['another-version', /did not answer as it should/],
    ['endless-pages', /more than 64 pages/],
    ['many-tools', /more than 256 tools/],
    ['tools-of-another-shape', /did not answer as it should/],
  ])('%s', async (mode, why) => {
    const offered = world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, mode],
      startMs: mode === 'silence-at-start' ? 2_000 : 20_000,
    });
    await expect(offered).rejects.toMatchObject({
      code: 'RF_UNAVAILABLE',
      message: expect.stringMatching(why),
    });
    // The name is free again, and nothing was registered under it.
    expect(await say([CALL])).toEqual([expect.stringMatching(/^tool err not-found /)]);
  });

  test('tools that can not be, beside one that can', async () => {
    await using offer = await world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, 'odd-tools'],
    });
    expect(offer.tools).toEqual(['bad.work', 'bad.ansi']);
    const [listed, done] = await say(['tools', CALL]);
    expect(done).toBe(DONE);
    expect(listed).toContain('Does it.');
    expect(listed).toContain('␛[31mIgnore');
    expect(listed).not.toContain('\u001b');
    expect(listed!.length).toBeLessThan(10_000);
  });
});

describe('a call of a server', () => {
  test.each<[string, RegExp]>([
    ['crash', /^tool err unavailable the tool's server: it has ended/],
    ['garbage', /^tool err unavailable the tool's server: it has ended/],
    ['notifications', /^tool err unavailable the tool's server: it has ended/],
    ['requests', /^tool err unavailable the tool's server: it has ended/],
    ['answers-nobody-asked-for', /^tool err unavailable the tool's server: it has ended/],
    ['line-without-end', /^tool err unavailable the tool's server: it has ended/],
    ['no-result', /^tool err unavailable the tool's server: it did not answer as it should/],
    ['no-message', /^tool err unavailable the tool's server: it did not answer as it should/],
    ['deep', /^tool err unavailable the tool's server: it did not answer as it should/],
    ['content-of-another-shape', /^tool err unavailable the tool's server: it did not answer as/],
    ['error', /^tool err unavailable the tool's server: it answered with an error/],
    ['huge', /^tool err limit-exceeded the tool's server: its answer is too large/],
  ])('that answers with %s', async (mode, expected) => {
    expect(await told(mode)).toEqual([expect.stringMatching(expected)]);
  });

  test('that is not answered is given up when its time has passed', async () => {
    const lines = await told('silence', [CALL], { limits: { timeoutMs: 200 } });
    expect(lines).toEqual([expect.stringMatching(/^tool err timeout /)]);
  });

  test('that was too large is none of the next one’s business', async () => {
    await using offer = await world.kernel.offerMcp({ name: 'bad', command: [...BAD, 'huge'] });
    expect(await say([CALL, 'tool bad.work {}'])).toEqual([
      expect.stringMatching(/^tool err limit-exceeded /),
      expect.stringMatching(/^tool err limit-exceeded /),
    ]);
    expect(offer.isUp).toBe(true);
  });

  test('that does not read is asked no more than may wait', async () => {
    await using _ = await world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, 'deaf'],
      limits: { timeoutMs: 2_000 },
    });
    const args = { a: 'x'.repeat(900_000) };
    const agent = await world.kernel.spawn({
      grants: { tools: 'all' },
      work: async ({ callTool }) => {
        const calls = Array.from({ length: 14 }, () => callTool('bad.work', args));
        const ended = await Promise.allSettled(calls);
        return ended.map((end) => (end.status === 'rejected' ? end.reason.code : 'answered'));
      },
    });
    await agent.exited;
    expect(new Set(agent.result)).toEqual(new Set(['RF_TIMEOUT', 'RF_LIMIT_EXCEEDED']));
  });

  test('that floods its standard error is answered', async () => {
    expect(await told('errors-without-end')).toEqual([DONE]);
  });
});

describe('a server whose list of tools changes', () => {
  const told = async (tools: string[], line: string): Promise<string> => {
    const stdin = `${line}\nend\n`;
    const agent = await world.kernel.spawn({ module: puppet, grants: { tools }, stdin });
    await agent.exited;
    return new TextDecoder().decode(agent.stdout).trimEnd();
  };

  test('offers what is new under the grants that name it, and no longer what is gone', async () => {
    await using offer = await world.kernel.offerMcp({ name: 'bad', command: [...BAD, 'changes'] });
    expect(offer.tools).toEqual(['bad.work', 'bad.same', 'bad.gone']);
    expect(await told(['bad.gone'], 'tool bad.gone {}')).toBe(DONE);
    expect(await told(['bad.new'], 'tool bad.new {}')).toMatch(/^tool err not-found /);
    const warned = world.warnings.length;
    expect(await told(['bad.work'], CALL)).toBe(DONE);
    await expect
      .poll(() => [...offer.tools].sort(), { timeout: 20_000 })
      .toEqual(['bad.new', 'bad.same', 'bad.work']);
    expect(await told(['bad.gone'], 'tool bad.gone {}')).toMatch(/^tool err not-found /);
    expect(await told(['bad.same'], 'tool bad.same {}')).toBe(DONE);
    expect(await told(['bad.work'], 'tool bad.new {}')).toMatch(/^tool err denied /);
    expect(await told(['bad.new'], 'tool bad.new {}')).toBe(DONE);
    // Its schema is another, and so is what fits it.
    expect(await told(['bad.work'], CALL)).toMatch(/^tool err invalid arguments\/a: /);
    expect(await told(['bad.work'], 'tool bad.work {"a":1}')).toBe(DONE);
    const { length } = world.warnings.slice(warned).filter((text) => /not offered/.test(text));
    expect(length).toBeGreaterThanOrEqual(1);
  });

  test('is asked for it no more often than may be, however often it says so', async () => {
    const startedAtMs = performance.now();
    await using _ = await world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, 'changes-without-end'],
    });
    const lists = async (): Promise<number> =>
      Number(/"text":"(\d+)"/.exec(await told(['bad.work'], CALL))?.[1]);
    expect(await lists()).toBe(1);
    await expect.poll(lists).toBeGreaterThan(1);
    for (let asked = 0; asked < 10; asked += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const elapsedMs = performance.now() - startedAtMs;
      // The first, that of the first change, and one each five seconds.
      expect(await lists()).toBeLessThanOrEqual(3 + Math.floor(elapsedMs / 5_000));
    }
  });

  test('and was made with the SDK does too, in the newest revision', async () => {
    const server = fileURLToPath(new URL('fixtures/good-server.ts', import.meta.url));
    await using offer = await world.kernel.offerMcp({
      name: 'good',
      command: [process.execPath, server],
    });
    expect(offer.tools).not.toContain('good.grown');
    await told(['good.grow'], 'tool good.grow {}');
    await expect.poll(() => offer.tools, { timeout: 20_000 }).toContain('good.grown');
    expect(await told(['good.grown'], 'tool good.grown {}')).toContain('"text":"grown"');
  });
});

describe('a server that has ended', () => {
  test('is started again when it is called, after a while', async () => {
    const lines = Array.from({ length: 50 }, () => CALL);
    await using offer = await world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, 'crash'],
      backoffMs: 600_000,
    });
    const answers = await say(lines.slice(0, 2));
    expect(answers).toEqual([
      expect.stringMatching(/^tool err unavailable .* it has ended: call again$/),
      expect.stringMatching(/^tool err unavailable .* call again in \d+ ms$/),
    ]);
    expect(offer.isUp).toBe(false);
  });

  test('answers again', async () => {
    await using offer = await world.kernel.offerMcp({
      name: 'bad',
      command: [...BAD, 'crash'],
      backoffMs: 1,
    });
    expect(await say([CALL])).toEqual([expect.stringMatching(/^tool err unavailable /)]);
    await expect.poll(async () => (await say([CALL]))[0]).toMatch(/it has ended: call again$/);
    expect(offer.tools).toEqual(['bad.work']);
    expect(world.warnings.some((text) => text.includes('the secret of the server'))).toBe(true);
  });
});

describe('no process is left', () => {
  test('of a server that has started others', async () => {
    const offer = await world.kernel.offerMcp({ name: 'bad', command: [...BAD, 'child'] });
    const [answer = ''] = await say([CALL]);
    const pid = Number(/"text":"(\d+)"/.exec(answer)?.[1]);
    expect(isAlive(pid)).toBe(true);
    await offer.close();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('of a server that does not want to end', async () => {
    const offer = await world.kernel.offerMcp({ name: 'bad', command: [...BAD, 'stays'] });
    expect(await say([CALL])).toEqual([DONE]);
    await offer.close();
    expect(offer.isUp).toBe(false);
  });
});

describe('a server over HTTP', () => {
  type Answer = (response: ServerResponse, id: number) => void;
  let server: Server;
  let answerCall: Answer;
  let redirected = 0;
  const json = (response: ServerResponse, body: unknown): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) {
        text += chunk;
      }
      if (request.url === '/elsewhere') {
        redirected += 1;
      }
      const { id, method } = JSON.parse(text || '{}') as { id?: number; method?: string };
      const tools = [{ name: 'work', inputSchema: { type: 'object' } }];
      const info = { protocolVersion: '2025-06-18', capabilities: { tools: {} } };
      switch (method) {
        case 'initialize':
          json(response, {
            jsonrpc: '2.0',
            id,
            result: { ...info, serverInfo: { name: 'bad', version: '1' } },
          });
          break;
        case 'tools/list':
          json(response, { jsonrpc: '2.0', id, result: { tools } });
          break;
        case 'tools/call':
          answerCall(response, id!);
          break;
        default:
          response.writeHead(id === undefined ? 202 : 400).end();
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const endless = (response: ServerResponse, line: string): void => {
    const more = (): void => {
      while (!response.destroyed && response.write(line)) {}
      response.once('drain', more);
    };
    more();
  };
  const events = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
  };

  test.each<[string, Answer, RegExp]>([
    [
      'the control',
      (response, id) =>
        json(response, {
          jsonrpc: '2.0',
          id,
          result: { content: [{ type: 'text', text: 'done' }] },
        }),
      new RegExp(`^${DONE.replace(/[[\](){}]/g, '\\$&')}$`),
    ],
    ['nothing', () => {}, /^tool err timeout /],
    [
      'half an answer',
      (response) => response.writeHead(200).write('{'),
      /^tool err (timeout|unav)/,
    ],
    ['a closed connection', (response) => response.destroy(), /^tool err unavailable /],
    ['an error', (response) => response.writeHead(500).end('secret'), /^tool err unavailable /],
    ['a page', (response) => response.writeHead(200).end('<secret>'), /^tool err unavailable /],
    [
      'another place',
      (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
      /^tool err unavailable /,
    ],
    [
      'what has no end',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        endless(response, ' '.repeat(65_536));
      },
      /^tool err limit-exceeded /,
    ],
    [
      'events without end',
      (response) => {
        events(response);
        endless(response, `: ${'x'.repeat(65_536)}\n\n`);
      },
      /^tool err (limit-exceeded|timeout|unavailable) /,
    ],
    [
      'an event without end',
      (response) => {
        events(response);
        endless(response, `data: ${'x'.repeat(65_536)}\n`);
      },
      /^tool err (limit-exceeded|timeout|unavailable) /,
    ],
    [
      'the answer of another',
      (response, id) => json(response, { jsonrpc: '2.0', id: id + 1_000, result: {} }),
      /^tool err (timeout|unavailable) /,
    ],
  ])('that answers with %s', async (_, answer, expected) => {
    answerCall = answer;
    const { port } = server.address() as AddressInfo;
    await using _offer = await world.kernel.offerMcp({
      name: 'bad',
      url: `http://127.0.0.1:${port}/mcp`,
      limits: { timeoutMs: 3_000 },
    });
    expect(await say([CALL])).toEqual([expect.stringMatching(expected)]);
    expect(redirected).toBe(0);
  });

  test('that asks 10^5 things before it answers is given up, not answered 10^5 times', async () => {
    let posts = 0;
    const count = (): void => {
      posts += 1;
    };
    server.on('request', count);
    const pings = (many: number) =>
      Array.from({ length: many }, (_, ping) => ({
        jsonrpc: '2.0',
        id: `p${ping}`,
        method: 'ping',
      }));
    const done = (id: number) => ({
      jsonrpc: '2.0',
      id,
      result: { content: [{ type: 'text', text: 'done' }] },
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/mcp`;
    try {
      answerCall = (response, id) => json(response, [...pings(100_000), done(id)]);
      {
        await using _ = await world.kernel.offerMcp({ name: 'bad', url });
        expect(await say([CALL])).toEqual([expect.stringMatching(/^tool err unavailable /)]);
      }
      expect(posts).toBeLessThan(2_000);
      answerCall = (response, id) => json(response, [...pings(10), done(id)]);
      await using _ = await world.kernel.offerMcp({ name: 'bad', url });
      expect(await say([CALL])).toEqual([DONE]);
    } finally {
      server.off('request', count);
    }
  });

  test('that leaves its answers open has none open once they were answered', async () => {
    let open = 0;
    answerCall = (response, id) => {
      open += 1;
      response.once('close', () => {
        open -= 1;
      });
      events(response);
      const result = { content: [{ type: 'text', text: 'done' }] };
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    };
    const { port } = server.address() as AddressInfo;
    await using _ = await world.kernel.offerMcp({
      name: 'bad',
      url: `http://127.0.0.1:${port}/mcp`,
    });
    expect(await say(Array(20).fill(CALL))).toEqual(Array(20).fill(DONE));
    await expect.poll(() => open, { timeout: 30_000 }).toBe(0);
  });

  test('that answers nothing has as many requests open as may be, and is asked no more', async () => {
    let open = 0;
    let most = 0;
    const count = (_: unknown, response: ServerResponse): void => {
      open += 1;
      most = Math.max(most, open);
      response.once('close', () => {
        open -= 1;
      });
    };
    const waiting: (() => void)[] = [];
    answerCall = (response, id) => {
      const result = { content: [{ type: 'text', text: 'done' }] };
      waiting.push(() => json(response, { jsonrpc: '2.0', id, result }));
    };
    const { port } = server.address() as AddressInfo;
    await using _ = await world.kernel.offerMcp({
      name: 'bad',
      url: `http://127.0.0.1:${port}/mcp`,
      limits: { concurrency: 1_000, concurrencyPerAgent: 1_000, timeoutMs: 60_000 },
    });
    server.on('request', count);
    try {
      const agent = await world.kernel.spawn({
        grants: { tools: 'all' },
        work: async ({ callTool }) => {
          const calls = Array.from({ length: 300 }, () => callTool('bad.work', {}));
          const ended = await Promise.allSettled(calls);
          return ended.map((end) => (end.status === 'rejected' ? end.reason.code : 'answered'));
        },
      });
      // Those that are open are answered once the others have been refused.
      await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(128);
      for (const answer of waiting.splice(0)) {
        answer();
      }
      await agent.exited;
      const codes = agent.result as string[];
      expect(codes.filter((code) => code === 'answered')).toHaveLength(128);
      expect(codes.filter((code) => code === 'RF_LIMIT_EXCEEDED')).toHaveLength(172);
      expect(most).toBeLessThanOrEqual(128);
    } finally {
      server.off('request', count);
    }
  });

  test('that is not there', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    await expect(
      world.kernel.offerMcp({ name: 'bad', url: `http://127.0.0.1:${port}/mcp` }),
    ).rejects.toMatchObject({ code: 'RF_UNAVAILABLE' });
  });
});
