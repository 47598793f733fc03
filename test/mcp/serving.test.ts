/**
 * Goal: a module that is offered as a tool of an MCP server does its work for a client of the official SDK,
 * and is ended as any other agent where it misbehaves. Method: a client and a server joined by streams in
 * memory, in both revisions of the protocol; beside each refusal stands what is allowed.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Isolation, McpTool } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { ERAS, exitOf, joined, textOf } from './support.ts';

let world: TestKernel;
const modules = new Map<string, McpTool['module']>();
beforeAll(async () => {
  world = await testKernel();
  for (const name of [
    'args-env',
    'echo',
    'endless-loop',
    'exit-code',
    'hello',
    'memory-bomb',
    'puppet',
    'sleeper',
    'stdout-flood',
    'tool-user',
    'word-count',
  ]) {
    modules.set(name, await world.kernel.load(guest(name)));
  }
});
afterAll(() => world.kernel.close());

/** A tool of a guest, with what else is said of it. */
const tool = (name: string, more: Omit<McpTool, 'module'> = {}): McpTool => ({
  module: modules.get(name)!,
  ...more,
});

describe.each(Object.entries(ERAS))('a client of revision %s', (revision, clientOptions) => {
  test('lists the tools and calls a command', async () => {
    await using mcp = await joined(
      world.kernel,
      { tools: [tool('word-count', { description: 'Counts words.' }), tool('args-env')] },
      clientOptions,
    );
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(revision);
    const { tools } = await mcp.client.listTools();
    expect(tools.map(({ name, description }) => [name, description])).toEqual([
      ['word-count', 'Counts words.'],
      ['args-env', expect.stringContaining("'args-env'")],
    ]);
    expect(tools[0]?.inputSchema).toMatchObject({
      properties: { arguments: { type: 'array' }, stdin: { type: 'string' } },
    });
    const result = await mcp.client.callTool({
      name: 'word-count',
      arguments: { stdin: 'nobody trusts\nthis module\n' },
    });
    expect(textOf(result).trim().split(/ +/)).toEqual(['2', '4', '26']);
    expect(result).toMatchObject({
      isError: false,
      structuredContent: {
        stdout: expect.stringContaining('26'),
        exit: { code: 0, reason: 'normal' },
        usage: { fuel: expect.any(Number) },
        denied: [],
      },
    });
  });

  test('hands a command its arguments, behind those of the program', async () => {
    await using mcp = await joined(
      world.kernel,
      { tools: [tool('args-env', { arguments: ['fixed'], environment: { MODE: 'test' } })] },
      clientOptions,
    );
    const result = await mcp.client.callTool({
      name: 'args-env',
      arguments: { arguments: ['--flag', 'two words', '$(id)'] },
    });
    expect(textOf(result)).toBe(
      [
        'argument args-env.wasm',
        'argument fixed',
        'argument --flag',
        'argument two words',
        'argument $(id)',
        'environment MODE=test',
        'no working directory',
        '',
      ].join('\n'),
    );
  });

  test('asks an agent, which answers and is ended', async () => {
    await using mcp = await joined(
      world.kernel,
      { tools: [tool('echo', { grants: { ipc: 'parent_only' } })] },
      clientOptions,
    );
    const question = { question: 'how are you?', deep: [{ er: true }] };
    const result = await mcp.client.callTool({ name: 'echo', arguments: question });
    expect(JSON.parse(textOf(result))).toEqual(question);
    expect(exitOf(result).reason).toBe('normal');
    expect(world.kernel.list()).toEqual([]);
  });

  test('hears how far a call is, and cancels it: its agent is ended', async () => {
    await using mcp = await joined(world.kernel, { tools: [tool('endless-loop')] }, clientOptions);
    const controller = new AbortController();
    const progress: number[] = [];
    const call = mcp.client.callTool(
      { name: 'endless-loop', arguments: {} },
      {
        signal: controller.signal,
        onprogress: ({ progress: so }) => {
          progress.push(so);
          if (progress.length === 2) {
            controller.abort();
          }
        },
      },
    );
    await expect(call).rejects.toThrow();
    expect(progress[1]).toBeGreaterThan(progress[0]!);
    await expect.poll(() => world.kernel.list()).toEqual([]);
  });

  test('is told that there is no such tool', async () => {
    await using mcp = await joined(world.kernel, { tools: [tool('hello')] }, clientOptions);
    await expect(mcp.client.callTool({ name: 'goodbye', arguments: {} })).rejects.toThrow(
      'No tool has this name',
    );
    expect(textOf(await mcp.client.callTool({ name: 'hello', arguments: {} }))).toBe(
      'log:\ninfo hello from inside the fence\n',
    );
  });
});

describe('what a module may', () => {
  test('it is granted nothing, and the client is told what was denied', async () => {
    await using mcp = await joined(world.kernel, { tools: [tool('tool-user')] });
    const result = await mcp.client.callTool({ name: 'tool-user', arguments: {} });
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { denied: [{ operation: 'tools.call', count: 1 }] },
    });
    expect(textOf(result)).toContain('ringfence: denied: tools.call, 1 times');
  });

  test('with the grant it goes through', async () => {
    const { kernel } = await testKernel({ workers: 1 });
    kernel.registerTool({ name: 'add', description: 'Adds.' }, () => 3);
    const module = await kernel.load(guest('tool-user'));
    await using mcp = await joined(kernel, { tools: [{ module, grants: { tools: ['add'] } }] });
    const result = await mcp.client.callTool({ name: 'tool-user', arguments: {} });
    expect(result).toMatchObject({ isError: false, structuredContent: { denied: [] } });
    await kernel.close();
  });

  test.each<[string, Omit<McpTool, 'module'>, string]>([
    ['endless-loop', { limits: { fuel: 1_000_000 } }, 'fuel'],
    ['endless-loop', { limits: { wallTimeMs: 50 } }, 'timeout'],
    ['memory-bomb', { limits: { memoryBytes: 1024 * 1024, fuel: 50_000_000 } }, 'fuel'],
    ['exit-code', {}, 'error'],
    ['word-count', {}, 'normal'],
  ])('%s ends by its own limit, and the client knows', async (name, more, reason) => {
    await using mcp = await joined(world.kernel, { tools: [tool(name, more)] });
    const result = await mcp.client.callTool({ name, arguments: {} });
    expect(exitOf(result).reason).toBe(reason);
    expect(result.isError).toBe(reason !== 'normal');
    if (reason !== 'normal') {
      expect(textOf(result)).toContain(`ringfence: ${reason}: `);
    }
  });

  test('where no timeout is given there is one', async () => {
    await using mcp = await joined(world.kernel, { tools: [tool('hello')] });
    const result = await mcp.client.callTool({ name: 'hello', arguments: {} });
    expect(result.structuredContent).toMatchObject({ limits: { wall_time_ms: 60_000 } });
  });

  test('a flood of output is cut, and what is left out is said', async () => {
    await using mcp = await joined(world.kernel, {
      tools: [tool('stdout-flood', { limits: { fuel: 20_000_000 } })],
      outputBytes: 10_000,
    });
    const result = await mcp.client.callTool({ name: 'stdout-flood', arguments: {} });
    const { stdout, left_out_bytes: left } = result.structuredContent as {
      stdout: string;
      left_out_bytes: { stdout: number };
    };
    expect(stdout).toHaveLength(10_000);
    expect(left.stdout).toBeGreaterThan(100_000);
    expect(textOf(result)).toContain(`left out: ${left.stdout} bytes of its stdout`);
  });
});

describe('arguments that do not fit', () => {
  test.each<[string, Record<string, unknown>]>([
    ['a text for the arguments', { arguments: 'rm -rf' }],
    ['a number among them', { arguments: ['a', 1] }],
    ['a number as the input', { stdin: 5 }],
    ['something else', { shell: 'true' }],
    ['too many', { arguments: Array.from({ length: 1_001 }, () => 'a') }],
  ])('are refused before anything runs: %s', async (_, args) => {
    await using mcp = await joined(world.kernel, { tools: [tool('args-env')] });
    const result = await mcp.client.callTool({ name: 'args-env', arguments: args });
    expect(result.isError).toBe(true);
    expect(exitOf(result)).toMatchObject({ code: null, reason: 'refused' });
    expect(textOf(result)).toContain('do not fit the input schema');
  });

  test('a schema of its own: what fits reaches the command as a line of JSON', async () => {
    const inputSchema = {
      type: 'object',
      properties: { words: { type: 'integer', minimum: 1 } },
      required: ['words'],
      additionalProperties: false,
    };
    await using mcp = await joined(world.kernel, { tools: [tool('word-count', { inputSchema })] });
    const { tools } = await mcp.client.listTools();
    expect(tools[0]?.inputSchema).toEqual(inputSchema);
    const refused = await mcp.client.callTool({ name: 'word-count', arguments: { words: 0 } });
    expect(exitOf(refused).reason).toBe('refused');
    const fits = await mcp.client.callTool({ name: 'word-count', arguments: { words: 7 } });
    expect(textOf(fits).trim().split(/ +/)).toEqual(['1', '1', `${'{"words":7}\n'.length}`]);
  });
});

describe('many calls', () => {
  test('run as many at a time as they may, and all are answered', async () => {
    await using mcp = await joined(world.kernel, { tools: [tool('word-count')], concurrency: 2 });
    let most = 0;
    const watching = new AbortController();
    const watched = (async () => {
      for await (const _ of world.kernel.watch({ signal: watching.signal })) {
        most = Math.max(most, world.kernel.list().length);
      }
    })();
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        mcp.client.callTool({ name: 'word-count', arguments: { stdin: 'a '.repeat(index) } }),
      ),
    );
    watching.abort();
    await watched.catch(() => {});
    expect(results.map((result) => Number(textOf(result).trim().split(/ +/)[1]))).toEqual(
      Array.from({ length: 40 }, (_, index) => index),
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  test('more than may wait are told so, and those that were cancelled make room', async () => {
    await using mcp = await joined(world.kernel, {
      tools: [tool('endless-loop'), tool('hello')],
      concurrency: 1,
    });
    const controller = new AbortController();
    const { signal } = controller;
    let busy = 0;
    const calls = Array.from({ length: 1_100 }, async () => {
      const args = { name: 'endless-loop', arguments: {} };
      const result = await mcp.client.callTool(args, { signal });
      busy += textOf(result).startsWith('ringfence: busy') ? 1 : 0;
    });
    const ended = Promise.allSettled(calls);
    // One runs, and 1,024 wait.
    await expect.poll(() => busy).toBe(1_100 - 1_025);
    controller.abort();
    await ended;
    expect(busy).toBe(1_100 - 1_025);
    const hello = await mcp.client.callTool({ name: 'hello', arguments: {} });
    expect(hello.isError).toBe(false);
  });

  test('a client that is gone in the middle of its calls leaves no agent behind', async () => {
    const mcp = await joined(world.kernel, { tools: [tool('endless-loop')], concurrency: 3 });
    const calls = Array.from({ length: 5 }, () =>
      mcp.client.callTool({ name: 'endless-loop', arguments: {} }),
    );
    const ended = Promise.allSettled(calls);
    await expect.poll(() => world.kernel.counts().running).toBe(3);
    mcp.wires.input.end();
    await mcp.serving.closed;
    await expect.poll(() => world.kernel.list()).toEqual([]);
    await mcp.client.close();
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
  });
});

describe('children of a call', () => {
  /** A puppet that spawns a sleeper, and one that is to be started again, and does what it is told besides. */
  const spawning = (isolation: Isolation = 'shared', ...told: string[]): McpTool => {
    const spawn = `do:spawn ${modules.get('sleeper')!.digest} ipc=all`;
    const lines = [spawn, `${spawn} permanent`, ...told.map((line) => `do:${line}`)];
    return tool('puppet', { arguments: lines, grants: { ipc: 'all', spawn: 8 }, isolation });
  };

  test.each<Isolation>(['shared', 'thread', 'process'])(
    'end with it, in isolation %s',
    async (isolation) => {
      await using mcp = await joined(world.kernel, { tools: [spawning(isolation)] });
      const result = await mcp.client.callTool({ name: 'puppet', arguments: {} });
      // The control: it could spawn them, and a sleeper does not end by itself.
      expect(textOf(result)).toMatch(/^spawn ok \d+\nspawn ok \d+\n/);
      expect(exitOf(result).reason).toBe('normal');
      expect(world.kernel.list()).toEqual([]);
    },
  );

  test('end with one that is cancelled', async () => {
    const tools = [spawning('shared', 'on nothing 600000')];
    await using mcp = await joined(world.kernel, { tools });
    const controller = new AbortController();
    const call = mcp.client.callTool(
      { name: 'puppet', arguments: {} },
      { signal: controller.signal },
    );
    call.catch(() => {});
    await expect.poll(() => world.kernel.list().length).toBe(3);
    controller.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(() => world.kernel.list()).toEqual([]);
  });

  test('are none of those that others have spawned', async () => {
    const module = modules.get('sleeper')!;
    const beside = await world.kernel.spawn({ module, grants: { ipc: 'all', spawn: 4 } });
    const below = await world.kernel.spawn({ module, parent: beside, grants: { ipc: 'all' } });
    await using mcp = await joined(world.kernel, { tools: [spawning()] });
    await mcp.client.callTool({ name: 'puppet', arguments: {} });
    expect(world.kernel.list().map(({ pid }) => pid)).toEqual(
      expect.arrayContaining([beside.pid, below.pid]),
    );
    for (const agent of [beside, below]) {
      agent.kill();
      await agent.exited;
    }
  });
});
