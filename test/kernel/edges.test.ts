/**
 * Goal: what a caller hands in is checked at the edge, and no function of the caller's can take the
 * kernel down or hold it up. Method: wrong values, and callbacks that throw or never answer.
 */

import { describe, expect, test } from 'vitest';
import { guest, testKernel } from '../support/kernel.ts';

describe('wrong values are refused by name', () => {
  test('a module of another kernel, or none', async () => {
    const one = await testKernel({ workers: 1 });
    const other = await testKernel({ workers: 1 });
    const module = await one.kernel.load(guest('hello'));
    await expect(other.kernel.spawn({ module })).rejects.toMatchObject({ code: 'RF_USAGE' });
    await expect(one.kernel.spawn({ module: { ...module } })).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
    const agent = await one.kernel.spawn({ module });
    expect((await agent.exited).exit.reason).toBe('normal');
    await one.kernel.close();
    await other.kernel.close();
  });

  test.each([
    ['an unknown option', { stdinn: '' }],
    ['an input that is none', { stdin: 5 }],
    ['a writer that is none', { stdout: 'file' }],
    ['an environment name with =', { environment: { 'a=b': '' } }],
    ['an unknown limit', { limits: { feul: 1 } }],
    ['an unknown grant', { grants: { root: true } }],
  ])('%s', async (_, wrong) => {
    const { kernel } = await testKernel({ workers: 1 });
    const module = await kernel.load(guest('hello'));
    await expect(kernel.spawn({ module, ...wrong } as never)).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
    await kernel.close();
  });

  test('messages, waits, sources and handlers', async () => {
    const { kernel } = await testKernel({ workers: 1 });
    const module = await kernel.load(guest('sleeper-in-poll'));
    const agent = await kernel.spawn({ module });
    const refused = { code: 'RF_USAGE' };
    await expect(agent.send({ tag: 'nonsense', val: 5 } as never)).rejects.toMatchObject(refused);
    await expect(agent.send(undefined as never)).rejects.toMatchObject(refused);
    await expect(agent.send('x', { waitMs: Number.NaN })).rejects.toMatchObject(refused);
    await expect(kernel.load(new URL('http://example.org/x'))).rejects.toMatchObject(refused);
    await expect(kernel.load(5 as never)).rejects.toMatchObject(refused);
    expect(() => kernel.registerTool({ name: 'x', description: '' }, 5 as never)).toThrow(
      /handler/,
    );
    await kernel.close();
  });
});

test('a throwing onLog or onWarning ends nobody', async () => {
  const { kernel } = await testKernel({
    workers: 1,
    onLog: () => {
      throw new Error('log');
    },
    onWarning: () => {
      throw new Error('warning');
    },
  });
  const emitted: string[] = [];
  const listen = (warning: Error): void => {
    emitted.push(warning.message);
  };
  process.on('warning', listen);
  const module = await kernel.load(guest('hello'));
  const report = await (await kernel.spawn({ module })).exited;
  expect(report.exit.reason).toBe('normal');
  await kernel.close();
  process.off('warning', listen);
  expect(emitted.some((message) => /onWarning failed: warning/.test(message))).toBe(true);
});

test('a writer that never answers holds up neither the report nor the close', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('stdout-flood'));
  const agent = await kernel.spawn({
    module,
    stdout: () => new Promise<void>(() => {}),
    limits: { wallTimeMs: 100 },
  });
  expect((await agent.exited).exit.reason).toBe('timeout');
  await kernel.close();
}, 20_000);

test('a writer that throws is a closed stream for the agent', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('word-count'));
  const agent = await kernel.spawn({
    module,
    stdin: 'some words',
    stdout: () => {
      throw new Error('gone');
    },
    limits: { wallTimeMs: 5_000 },
  });
  expect((await agent.exited).exit.reason).not.toBe('timeout');
  await kernel.close();
});

test('a close ends what is being loaded, and a closed kernel loads nothing', async () => {
  const { kernel } = await testKernel({ workers: 1, cacheDirectory: null });
  const loading = Promise.allSettled([1, 2, 3].map(() => kernel.load(guest('hello'))));
  await kernel.close();
  for (const outcome of await loading) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'RF_CLOSED' } });
  }
  await expect(kernel.load(guest('hello'))).rejects.toMatchObject({ code: 'RF_CLOSED' });
});

test('what the host holds for a tool call counts', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  kernel.registerTool({ name: 'add', description: 'Answers much.' }, () => 'x'.repeat(100_000));
  const module = await kernel.load(guest('tool-user'));
  const run = async (hostBytes: number) => {
    const agent = await kernel.spawn({ module, grants: { tools: 'all' }, limits: { hostBytes } });
    return (await agent.exited).exit;
  };
  expect((await run(50_000)).message).toMatch(/limit-exceeded/);
  expect((await run(1_000_000)).message ?? '').not.toMatch(/limit-exceeded/);
  await kernel.close();
});
