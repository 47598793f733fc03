/**
 * Goal: what runs without metering, for `ringfence bench` to compare with, does the same as with it, harms nobody,
 * and is nobody's but the benchmark's. Method: each module runs beside itself, metered, in a process of its own.
 */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LimitsInput, LoadedModule, Report } from '../../src/index.ts';
import * as ringfence from '../../src/index.ts';
import { openPlainKernel, type PlainKernel } from '../../src/plain/index.ts';
import { guest } from '../support/kernel.ts';

const directory = mkdtempSync(join(tmpdir(), 'ringfence-plain-'));
const { signal } = new AbortController();
let opened: PlainKernel;

beforeAll(async () => {
  opened = await openPlainKernel({ workers: 1, cacheDirectory: join(directory, 'cache') });
});
afterAll(async () => {
  await opened.kernel.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A module, and the same without metering. */
async function both(name: string): Promise<readonly [LoadedModule, LoadedModule]> {
  const module = await opened.kernel.load(fileURLToPath(guest(name)));
  return [module, await opened.loadPlain(module, signal)];
}

async function run(
  module: LoadedModule,
  limits: LimitsInput = {},
): Promise<{ readonly report: Report; readonly output: string }> {
  const agent = await opened.kernel.spawn({
    module,
    limits,
    isolation: 'process',
    stdin: 'one two\nthree\n',
  });
  const report = await agent.exited;
  return { report, output: Buffer.from(agent.stdout).toString() };
}

describe('without metering', () => {
  test.each(['word-count', 'hello', 'trap', 'exit-code'])(
    '%s ends as it does with it',
    async (name) => {
      const [metered, plain] = await both(name);
      const [one, other] = [await run(metered), await run(plain)];
      expect(other.report.exit).toEqual(one.report.exit);
      expect(other.output).toBe(one.output);
    },
  );

  test('nothing is counted but what the host does', async () => {
    const [metered, plain] = await both('word-count');
    const [one, other] = [await run(metered), await run(plain)];
    expect(one.report.usage.fuel).toBeGreaterThan(1_000);
    expect(other.report.usage.fuel).toBeLessThan(1_000);
  });

  test.each(['endless-loop', 'loop-in-start', 'catch-all'])(
    '%s is ended by its timeout, and its process with it',
    async (name) => {
      const [, plain] = await both(name);
      const { report } = await run(plain, { wallTimeMs: 1_500 });
      expect(report.exit).toMatchObject({ code: -1, reason: 'timeout' });
    },
  );

  test('a kill ends an endless loop, and nobody beside it', async () => {
    const { kernel } = opened;
    const [metered, plain] = await both('endless-loop');
    const agent = await kernel.spawn({ module: plain, isolation: 'process' });
    const neighbour = await kernel.spawn({ module: metered });
    // Its own process says nothing any more as soon as it computes.
    await vi.waitFor(() => expect(neighbour.slices()).toBeGreaterThan(0), { timeout: 20_000 });
    agent.kill();
    expect((await agent.exited).exit.reason).toBe('killed');
    expect(neighbour.state).toBe('running');
    neighbour.kill();
    await neighbour.exited;
  });

  test('what takes all memory there is takes that of its process, and the program goes on', async () => {
    const [, plain] = await both('memory-bomb');
    const { report } = await run(plain, { wallTimeMs: 3_000, memoryBytes: 16 * 1024 ** 2 });
    expect(report.exit.code).not.toBe(0);
    const [metered] = await both('word-count');
    expect((await run(metered)).report.exit.reason).toBe('normal');
  });
});

describe('it is refused', () => {
  test('with any isolation but a process', async () => {
    const { kernel } = opened;
    const [metered, plain] = await both('word-count');
    for (const isolation of ['shared', 'thread', undefined] as const) {
      await expect(kernel.spawn({ module: plain, isolation })).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.stringContaining('without metering'),
      });
      const agent = await kernel.spawn({ module: metered, isolation });
      expect((await agent.exited).exit.reason).toBe('normal');
    }
    const children = [{ id: 'one', module: plain }];
    await expect(kernel.supervise({ children })).rejects.toThrow('without metering');
  });

  test('as another kernel has not made it, and as a copy', async () => {
    const [, plain] = await both('word-count');
    const other = await ringfence.openKernel({ workers: 1 });
    for (const spawned of [
      other.spawn({ module: plain, isolation: 'process' }),
      opened.kernel.spawn({ module: { ...plain }, isolation: 'process' }),
    ]) {
      await expect(spawned).rejects.toMatchObject({ code: 'RF_USAGE' });
    }
    await other.close();
  });

  test('of a file that is another by now', async () => {
    const path = join(directory, 'module.wasm');
    copyFileSync(guest('word-count'), path);
    const module = await opened.kernel.load(path);
    expect((await opened.loadPlain(module, signal)).path).toBe(path);
    copyFileSync(guest('hello'), path);
    await expect(opened.loadPlain(module, signal)).rejects.toMatchObject({ code: 'RF_FILE' });
  });

  test('to who has the public face of a kernel: there is no way to one', () => {
    expect(Object.keys(ringfence).filter((name) => /plain/i.test(name))).toEqual([]);
    const faces = Object.getOwnPropertyNames(Object.getPrototypeOf(opened.kernel));
    expect(faces).toContain('load');
    expect(faces.filter((name) => /plain/i.test(name))).toEqual([]);
  });
});
