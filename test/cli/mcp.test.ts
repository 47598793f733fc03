/**
 * Goal: `ringfence mcp` is a server that clients can start and leave: its standard output is the protocol's
 * alone, whatever modules print, and it ends with its client. Method: the real command line as a process,
 * with a client of the official SDK, and with lines written by hand.
 */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitOf, textOf } from '../mcp/support.ts';
import { guest, LAUNCHER, ROOT, ringfence, start, temporaryDirectory } from './ringfence.ts';

let folder: ReturnType<typeof temporaryDirectory>;
beforeAll(async () => {
  folder = temporaryDirectory();
  // What is prepared is in the cache then, and no server waits for it.
  for (const name of ['word-count', 'echo', 'endless-loop', 'puppet', 'stdout-flood']) {
    await ringfence(['inspect', guest(name)]);
  }
});
afterAll(() => folder.remove());

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'hand', version: '1' },
  },
});
const callOf = (id: number, name: string, args: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });

/** Starts it, sends it lines, and answers the first message that fits. */
async function talk(
  args: readonly string[],
  lines: readonly string[],
  isIt: (message: { id?: number; method?: string }) => boolean,
) {
  const { child, ended, untilStderrHas } = start(['mcp', ...args], { stdin: 'open' });
  child.stdin!.write(lines.map((line) => `${line}\n`).join(''));
  const { promise: fits, resolve } = Promise.withResolvers<void>();
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    if (whole.some((line) => line !== '' && isIt(JSON.parse(line)))) {
      resolve();
    }
  });
  await Promise.race([fits, ended]);
  return { child, ended, untilStderrHas };
}

async function withClient<Value>(
  args: readonly string[],
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [LAUNCHER, 'mcp', ...args],
    cwd: ROOT,
    stderr: 'ignore',
    env: { ...process.env } as Record<string, string>,
  });
  await client.connect(transport);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

test('a client lists and calls, each module with the grants and limits of the options', async () => {
  const modules = ['word-count', 'echo', 'endless-loop'].map(guest);
  await withClient(['--allow-ipc=parent', '--max-fuel=5000000', ...modules], async (client) => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['word-count', 'echo', 'endless-loop']);
    const counted = await client.callTool({ name: 'word-count', arguments: { stdin: 'a b\n' } });
    expect(textOf(counted).trim().split(/ +/)).toEqual(['1', '2', '4']);
    const echoed = await client.callTool({ name: 'echo', arguments: { a: [1] } });
    expect(textOf(echoed)).toBe('{"a":[1]}');
    const endless = await client.callTool({ name: 'endless-loop', arguments: {} });
    expect(exitOf(endless).reason).toBe('fuel');
  });
});

test('a policy says what each may; a module that it does not know is not offered', async () => {
  const policy = join(folder.path, 'ringfence.toml');
  writeFileSync(
    policy,
    `version = 1\n[[module]]\nmatch = ${JSON.stringify(guest('endless-loop'))}\nlimits = { fuel = 1000 }\n`,
  );
  await withClient(['--policy', policy, guest('endless-loop')], async (client) => {
    const endless = await client.callTool({ name: 'endless-loop', arguments: {} });
    expect(exitOf(endless).reason).toBe('fuel');
  });
  const refused = await ringfence(['mcp', '--policy', policy, guest('word-count')]);
  expect(refused).toMatchObject({ status: 126, stdout: '' });
  expect(refused.stderr).toContain('no entry of the policy');
});

test('a policy names a tool, says what it takes, and offers it tools of other servers', async () => {
  const policy = join(folder.path, 'servers.toml');
  const server = join(ROOT, 'test', 'mcp', 'fixtures', 'good-server.ts');
  writeFileSync(
    policy,
    `version = 1
[mcp.good]
command = ${JSON.stringify([process.execPath, server])}
environment = { ONE = "1" }
inherit = ["TWO", "NOT_SET"]
[mcp.unreached]
command = ["no-such-program-anywhere"]
[[module]]
match = ${JSON.stringify(guest('puppet'))}
grants.tools = ["good.started"]
tool = { name = "obey", description = "Does what it is told." }
[[module]]
match = ${JSON.stringify(guest('word-count'))}
[module.tool]
description = "Counts one word."
[module.tool.input_schema]
type = "object"
required = ["word"]
properties.word.type = "string"
`,
  );
  await withClient(['--policy', policy, guest('word-count')], async (client) => {
    const { tools } = await client.listTools();
    expect(tools).toMatchObject([
      { name: 'word-count', description: 'Counts one word.', inputSchema: { required: ['word'] } },
    ]);
    const wrong = await client.callTool({ name: 'word-count', arguments: { stdin: 'a' } });
    expect(exitOf(wrong).reason).toBe('refused');
    const right = await client.callTool({ name: 'word-count', arguments: { word: 'a' } });
    expect(right.isError).toBe(false);
  });
  const stdin = 'tool good.started {}\ntool good.add {"a":1,"b":2}\nend\n';
  const variables = { TWO: '2', THREE: '3' };
  const ran = await ringfence(['run', '--policy', policy, guest('puppet')], { stdin, variables });
  const [started = '', denied] = ran.stdout.split('\n');
  expect(started).toContain('\\"environment\\":{\\"TWO\\":\\"2\\",\\"ONE\\":\\"1\\"}');
  expect(denied).toMatch(/^tool err denied /);
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  const explained = await ringfence(['policy', 'explain', '--policy', policy, guest('puppet')]);
  expect(explained.stdout).toMatch(/^servers\n {2}good +good\.started\nlimits$/m);
  const other = ['policy', 'explain', '--json', '--policy', policy, guest('word-count')];
  expect(JSON.parse((await ringfence(other)).stdout)).toMatchObject({ mcp: {} });
}, 60_000);

test('the header of a server is a secret that the command line gives, and that nothing shows', async () => {
  const seen: (string | undefined)[] = [];
  const server = createHttpServer(async (request, response) => {
    seen.push(request.headers.authorization);
    const { id, method } = JSON.parse(await text(request)) as { id?: number; method?: string };
    const results: Record<string, object> = {
      initialize: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'web', version: '1' },
      },
      'tools/list': { tools: [{ name: 'work', inputSchema: { type: 'object' } }] },
      'tools/call': { content: [{ type: 'text', text: 'done' }] },
    };
    const result = results[method ?? ''];
    if (result === undefined) {
      response.writeHead(id === undefined ? 202 : 400).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const policy = join(folder.path, 'secret.toml');
  writeFileSync(
    policy,
    `version = 1
[mcp.web]
url = "http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp"
headers = { authorization = { secret = "WEB_KEY" } }
[[module]]
match = ${JSON.stringify(guest('puppet'))}
grants.tools = ["web.work"]
`,
  );
  const stdin = 'tool web.work {}\nend\n';
  const variables = { KEY: 'Bearer hunter2-hunter2' };
  const run = ['run', '--policy', policy, guest('puppet')];
  try {
    const without = await ringfence(run, { stdin, variables });
    expect(without).toMatchObject({ status: 2, stdout: '' });
    expect(without.stderr).toMatch(/'web' .* the secret 'WEB_KEY'.*--secret WEB_KEY=env:/);
    expect(seen).toEqual([]);
    const secret = ['--secret', 'WEB_KEY=env:KEY'];
    const given = await ringfence([...run.slice(0, -1), ...secret, run.at(-1)!], {
      stdin,
      variables,
    });
    expect(given).toMatchObject({ status: 0, stderr: '' });
    expect(given.stdout).toContain('"text":"done"');
    expect(new Set(seen)).toEqual(new Set([variables.KEY]));
    const explained = await ringfence(['policy', 'explain', '--policy', policy, guest('puppet')]);
    expect(explained.stdout).toMatch(/^servers\n {2}web +web\.work$/m);
    expect(explained.stdout + explained.stderr + given.stdout).not.toContain('hunter2');
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 60_000);

describe('its standard output is the protocol’s alone', () => {
  test('what a module prints and what ringfence says are not in it', async () => {
    const { child, ended } = await talk(
      ['--allow-tools=x', '--max-fuel=3000000', guest('stdout-flood')],
      [INITIALIZE, callOf(1, 'stdout-flood', {})],
      ({ id }) => id === 1,
    );
    child.stdin!.end();
    const { stdout, stderr, status } = await ended;
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).jsonrpc)).toEqual(['2.0', '2.0']);
    expect(stderr).toContain('ringfence: warning: --allow-tools');
    expect(status).toBe(0);
  });

  test('lines that are no messages are passed over', async () => {
    const { child, ended } = await talk(
      [guest('word-count')],
      ['', 'hello?', '{"jsonrpc":"2.0"}', '[]', INITIALIZE, callOf(1, 'word-count', {})],
      ({ id }) => id === 1,
    );
    child.stdin!.end();
    expect((await ended).status).toBe(0);
  });
});

describe('how it ends', () => {
  test('with its client: calls under way are ended with it', async () => {
    const { child, ended } = await talk(
      [guest('endless-loop')],
      [INITIALIZE, callOf(1, 'endless-loop', {}), '{"jsonrpc":"2.0","id":2,"method":"ping"}'],
      ({ id }) => id === 2,
    );
    child.stdin!.end();
    const { status, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s', async (signal, status) => {
    const { child, ended } = await talk(
      [guest('endless-loop')],
      [INITIALIZE, callOf(1, 'endless-loop', {}), '{"jsonrpc":"2.0","id":2,"method":"ping"}'],
      ({ id }) => id === 2,
    );
    child.kill(signal);
    expect(await ended).toMatchObject({ status, stderr: '' });
  });

  test('where nobody reads it any more', async () => {
    const { child, ended } = await talk([guest('word-count')], [INITIALIZE], ({ id }) => id === 0);
    child.stdout!.destroy();
    child.stdin!.write(`${callOf(1, 'word-count', {})}\n`);
    expect((await ended).status).toBe(0);
  });

  test('a module that is not there is wrong usage, before anything is served', async () => {
    const outcome = await ringfence(['mcp', guest('word-count'), 'no-such.wasm']);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
  });
});

test('a port that is taken is wrong usage, said once', async () => {
  const other = createServer();
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  const seen = await ringfence(['mcp', '--http', `127.0.0.1:${port}`, guest('word-count')]);
  other.close();
  expect(seen).toMatchObject({
    status: 2,
    stderr: `ringfence: Cannot listen on 127.0.0.1 at port ${port} (EADDRINUSE): choose another address or port.\n`,
  });
});

test('over HTTP, with a token of the environment', async () => {
  const token = 'a-token-of-the-tests';
  const { child, ended, untilStderrHas } = start(
    ['mcp', '--http', '127.0.0.1:0', '--token-env', 'MCP_TOKEN', guest('word-count')],
    { stdin: 'open', variables: { MCP_TOKEN: token } },
  );
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await untilStderrHas('/mcp\n');
  const [url = ''] = /http:\S+/.exec(stderr) ?? [];
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  const result = await client.callTool({ name: 'word-count', arguments: { stdin: 'a' } });
  expect(result.isError).toBe(false);
  await client.close();
  child.kill('SIGTERM');
  const outcome = await ended;
  expect(outcome).toMatchObject({ status: 143, stdout: '' });
  expect(outcome.stderr).not.toContain(token);
});
