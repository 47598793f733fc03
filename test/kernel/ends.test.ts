/**
 * Goal: every way an agent can end is the one that the table of exits names, and ends nothing else.
 * Method: one guest for each way, through the public API.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

const MEBIBYTE = 1024 * 1024;

async function run(name: string, options: Record<string, unknown> = {}) {
  const module = await host.kernel.load(guest(name));
  const agent = await host.kernel.spawn({ module, arguments: [name], ...options });
  return { agent, report: await agent.exited };
}

describe('an agent ends', () => {
  test('normally', async () => {
    const { report } = await run('hello');
    expect(report).toMatchObject({
      exit: { code: 0, reason: 'normal', message: null },
      denied: [],
    });
    expect(host.lines.at(-1)).toMatchObject({ level: 'info', pid: report.pid });
  });

  test('with an error of its own', async () => {
    expect((await run('error')).report.exit).toEqual({
      code: 1,
      reason: 'error',
      message: 'on purpose',
    });
  });

  test('with a code of its own', async () => {
    expect((await run('exit-code')).report.exit).toMatchObject({ code: 42, reason: 'error' });
  });

  test('by a trap', async () => {
    expect((await run('trap')).report.exit).toMatchObject({ code: -3, reason: 'trap' });
  });

  test.each(['recursion', 'recursion-50-locals', 'recursion-1000-locals', 'recursion-indirect'])(
    'by the depth of its calls, in the same place every time: %s',
    async (name) => {
      const first = await run(name);
      expect(first.report.exit).toEqual({
        code: -3,
        reason: 'trap',
        message: 'call stack exhausted',
      });
      expect((await run(name)).report.usage.fuel).toBe(first.report.usage.fuel);
    },
  );

  test.each([
    'endless-loop',
    'loop-in-start',
    'memory-bomb',
    'table-bomb',
    'catch-all',
    'catch-all-legacy',
    'throw-in-loop',
    'mailbox-flood',
    'mailbox-flood-large',
    'stdout-flood',
  ])('by its fuel, exactly, whatever it does: %s', async (name) => {
    const { report } = await run(name, { limits: { fuel: 1_000_000 }, grants: { ipc: 'all' } });
    expect(report.exit).toMatchObject({ code: -1, reason: 'fuel' });
    expect(report.usage.fuel).toBe(1_000_000);
  });

  test('by the allowance of its realloc, which nothing can suspend', async () => {
    const { report } = await run('loop-in-realloc');
    expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
    expect(report.exit.message).toMatch(/cabi_realloc used more fuel/);
  });

  test('by its fuel in its realloc, where that is less than the allowance', async () => {
    const { report } = await run('loop-in-realloc', { limits: { fuel: 1_000_000 } });
    expect(report.exit.reason).toBe('fuel');
    expect(report.usage.fuel).toBe(1_000_000);
  });

  test.each(['endless-loop', 'loop-in-start', 'sleeper-in-poll', 'stdout-flood', 'catch-all'])(
    'by its timeout: %s',
    async (name) => {
      const { report } = await run(name, { limits: { wallTimeMs: 200 } });
      expect(report.exit).toMatchObject({ code: -1, reason: 'timeout' });
      expect(report.usage.wall_time_ms).toBeGreaterThanOrEqual(200);
    },
  );

  test('by its CPU time', async () => {
    const { report } = await run('endless-loop', { limits: { cpuTimeMs: 50 } });
    expect(report.exit).toMatchObject({ code: -1, reason: 'cpu_time' });
    expect(report.usage.cpu_time_ms).toBeGreaterThanOrEqual(50);
  });

  test('waiting is no CPU time', async () => {
    const { report } = await run('sleeper-in-poll', { limits: { cpuTimeMs: 50, wallTimeMs: 400 } });
    expect(report.exit.reason).toBe('timeout');
  });

  test.each(['endless-loop', 'sleeper', 'sleeper-in-poll', 'stdout-flood', 'bulk'])(
    'by force: %s',
    async (name) => {
      const module = await host.kernel.load(guest(name));
      const limits = { memoryBytes: 1024 * MEBIBYTE };
      const agent = await host.kernel.spawn({ module, limits, grants: { ipc: 'all' } });
      agent.kill('enough');
      agent.kill('again');
      expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
      agent.kill('after its end');
      expect(agent.state).toBe('exited');
    },
  );
});

describe('memory', () => {
  test('growth beyond the limit answers -1, and the program goes on', async () => {
    for (const name of ['memory-bomb', 'table-bomb']) {
      const { report } = await run(name, {
        limits: { fuel: 1_000_000_000, memoryBytes: 32 * MEBIBYTE },
      });
      expect(report.exit.reason, name).toBe('fuel');
      expect(report.usage.memory_bytes, name).toBeGreaterThan(16 * MEBIBYTE);
      expect(report.usage.memory_bytes, name).toBeLessThanOrEqual(32 * MEBIBYTE);
    }
  });

  test('declared beyond the limit is refused, below it runs', async () => {
    const module = await host.kernel.load(guest('hello'));
    const limits = { memoryBytes: module.declaredBytes - 1 };
    await expect(host.kernel.spawn({ module, limits })).rejects.toMatchObject({
      code: 'RF_MODULE_REFUSED',
      message: expect.stringMatching(/declares \d+ bytes of memory/),
    });
    const { report } = await run('hello', { limits: { memoryBytes: module.declaredBytes } });
    expect(report.exit.reason).toBe('normal');
  });
});

describe('fuel of an agent that ends by itself', () => {
  test('is the same every time and for every length of slices', async () => {
    const used = new Set<number>();
    for (const sliceFuel of [999, 12_345, 10_000_000]) {
      const { kernel } = await testKernel({ sliceFuel, workers: 1 });
      for (const name of ['spin', 'spin']) {
        const module = await kernel.load(guest(name));
        const agent = await kernel.spawn({ module, arguments: [name, '20000'] });
        const report = await agent.exited;
        expect(report.exit.reason).toBe('normal');
        used.add(report.usage.fuel);
      }
      await kernel.close();
    }
    expect(used.size).toBe(1);
    const [fuel = 0] = used;
    const exactly = await run('spin', { arguments: ['spin', '20000'], limits: { fuel } });
    expect(exactly.report.exit.reason).toBe('normal');
    const less = await run('spin', { arguments: ['spin', '20000'], limits: { fuel: fuel - 1 } });
    expect(less.report.exit.reason).toBe('fuel');
    expect(less.report.usage.fuel).toBe(fuel - 1);
  });
});

test('what is killed performs no further host call', async () => {
  const { kernel, lines } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('straight-line-logs'));
  const agent = await kernel.spawn({ module });
  const first = Promise.withResolvers<void>();
  const timer = setInterval(() => lines.length > 0 && first.resolve(), 1);
  await first.promise;
  clearInterval(timer);
  agent.kill();
  expect((await agent.exited).exit.reason).toBe('killed');
  const logged = lines.length;
  expect(logged).toBeLessThan(1000);
  await kernel.close();
  expect(lines.length).toBe(logged);
});
