/**
 * Goal: where an agent stood when it was stopped, and where its fuel went, is told in the terms of its own
 * module, the same in each isolation, and of nobody who was not to be looked at. Method: guests whose
 * functions have names, in the text format and in C.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CpuProfile,
  cpuProfile,
  type Findings,
  type Frame,
  type Isolation,
  type Report,
  RingfenceError,
  type SpawnOptions,
  symbolize,
} from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

async function run(
  name: string,
  options: Partial<Omit<SpawnOptions, 'module'>>,
): Promise<{ report: Report; findings: Findings | null }> {
  const module = await host.kernel.load(guest(name));
  const agent = await host.kernel.spawn({ module, ...options });
  const report = await agent.exited;
  return { report, findings: agent.findings() };
}

async function framesOf(name: string, findings: Findings | null): Promise<Frame[]> {
  const frames = await symbolize(readFileSync(guest(name)), findings?.backtrace ?? []);
  return frames.filter((frame) => frame !== null);
}

const BACKTRACE = { diagnosis: { backtrace: true } };

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test('a trap is told with the functions that led to it', async () => {
    const { report, findings } = await run('attack-recursion', { isolation, ...BACKTRACE });
    expect(report.exit.message).toBe('call stack exhausted');
    const frames = await framesOf('attack-recursion', findings);
    expect(frames.length).toBeGreaterThan(32);
    expect(new Set(frames.map(({ name }) => name))).toEqual(new Set(['deeper']));
    expect(frames[0]!.source).toBeNull();
  });

  test('so is the place where fuel was used up', async () => {
    const { report, findings } = await run('endless-loop', {
      isolation,
      ...BACKTRACE,
      limits: { fuel: 5_000_000 },
    });
    expect(report.exit.reason).toBe('fuel');
    expect((await framesOf('endless-loop', findings)).length).toBeGreaterThan(0);
  });

  test('nothing is found out of one that was not to be looked at', async () => {
    const { report, findings } = await run('attack-recursion', { isolation });
    expect(report.exit.reason).toBe('trap');
    expect(findings).toBeNull();
  });

  test('a profile is the same each time, and has all fuel in it', async () => {
    const profiled = () =>
      run('word-count', {
        isolation,
        stdin: 'nobody trusts this module\n'.repeat(2_000),
        diagnosis: { profileEvery: 10_000 },
      });
    const [first, second] = [await profiled(), await profiled()];
    const { profile } = first.findings!;
    expect(second.findings).toEqual(first.findings);
    expect(profile!.nodes.length).toBeGreaterThan(1);
    const inNodes = profile!.nodes.reduce((sum, { fuel }) => sum + fuel, 0);
    expect(inNodes + profile!.elsewhere).toBe(first.report.usage.fuel);
    expect(profile!.elsewhere).toBeLessThan(20_000);
  });
});

test('looking at an agent changes nothing of what it uses', async () => {
  const stdin = 'nobody trusts this module\n'.repeat(2_000);
  const plain = await run('word-count', { stdin });
  const looked = await run('word-count', {
    stdin,
    diagnosis: { backtrace: true, profileEvery: 1_000 },
  });
  expect(looked.report.usage.fuel).toBe(plain.report.usage.fuel);
});

describe('a profile by functions', () => {
  let profile: CpuProfile;
  let fuel: number;
  beforeAll(async () => {
    const { report, findings } = await run('word-count', {
      stdin: 'nobody trusts this module\n'.repeat(2_000),
      diagnosis: { profileEvery: 10_000 },
    });
    fuel = report.usage.fuel;
    profile = await cpuProfile(readFileSync(guest('word-count')), findings!.profile!);
  });

  /** Fuel by node, where the delta at `offset` behind a sample is how long that lasts. */
  function lengths(offset: 0 | 1): Map<number, number> {
    const { samples, timeDeltas } = profile;
    const sums = new Map<number, number>();
    for (const [index, id] of samples.entries()) {
      const length = timeDeltas[index + offset] ?? 0;
      sums.set(id, (sums.get(id) ?? 0) + length);
    }
    return sums;
  }

  test('is a tree of the form of Profiler.Profile', () => {
    const { nodes, samples, timeDeltas, startTime, endTime } = profile;
    expect(endTime - startTime).toBe(fuel);
    expect(timeDeltas).toHaveLength(samples.length);
    expect(timeDeltas.every((delta) => Number.isInteger(delta) && delta >= 0)).toBe(true);
    const ids = new Set(nodes.map(({ id }) => id));
    expect(ids.size).toBe(nodes.length);
    expect(samples.every((id) => ids.has(id))).toBe(true);
    expect(nodes[0]!.callFrame.functionName).toBe('(root)');
    expect(nodes.flatMap(({ children }) => children).toSorted((a, b) => a - b)).toEqual(
      [...ids].filter((id) => id !== nodes[0]!.id),
    );
    for (const { callFrame, hitCount } of nodes) {
      expect(callFrame).toEqual({
        functionName: expect.any(String),
        scriptId: expect.any(String),
        url: expect.any(String),
        lineNumber: expect.any(Number),
        columnNumber: expect.any(Number),
      });
      expect(hitCount).toBeGreaterThanOrEqual(0);
    }
    expect(
      nodes.some(({ callFrame }) => callFrame.functionName.endsWith('word-count/command/count')),
    ).toBe(true);
  });

  // Chrome's DevTools and speedscope 1.25 read deltas as before their samples, older ones as behind;
  // some of Chrome's views take hit counts.
  test('gives each function its own fuel, however deltas are read', () => {
    const own = new Map(profile.nodes.map(({ id, hitCount }) => [id, hitCount]));
    expect(own.get(profile.samples.at(-1)!)).toBe(0);
    for (const offset of [0, 1] as const) {
      const sums = lengths(offset);
      for (const [id, hitCount] of own) {
        expect(sums.get(id) ?? 0).toBe(hitCount);
      }
    }
    expect([...own.values()].reduce((sum, units) => sum + units, 0)).toBe(fuel);
  });
});

test('a source map says the lines', async () => {
  const { findings } = await run('attack-recursion', BACKTRACE);
  // The whole module is of line 7, column 3 of one file: generated column 0, source 0, line 6, column 2.
  const sourceMap = JSON.stringify({
    version: 3,
    sources: ['deeper.wat'],
    names: [],
    mappings: 'AAME',
  });
  const bytes = readFileSync(guest('attack-recursion'));
  const frames = await symbolize(bytes, findings!.backtrace, { sourceMap });
  expect(frames.find((frame) => frame !== null)?.source).toEqual({
    file: 'deeper.wat',
    line: 7,
    column: 3,
  });
});

describe('what can not be looked up is refused', () => {
  test.each([
    ['no JSON', '{'],
    ['no map', '[]'],
    ['mappings that are none', '{"version":3,"sources":[],"mappings":7}'],
  ])('a source map that is %s', async (_, sourceMap) => {
    const failure = await symbolize(new Uint8Array(), [], { sourceMap }).catch((error) => error);
    expect(failure).toBeInstanceOf(RingfenceError);
    expect(failure.code).toBe('RF_USAGE');
  });

  test('a file that is no module', async () => {
    await expect(symbolize(Buffer.from('hello'), [{ module: 0, offset: 8 }])).rejects.toThrow(
      RingfenceError,
    );
  });

  test('places that are not in the module are null', async () => {
    const bytes = readFileSync(guest('attack-recursion'));
    expect(
      await symbolize(bytes, [
        { module: 0, offset: 0 },
        { module: 0, offset: 2 ** 40 },
        { module: 200, offset: 100 },
      ]),
    ).toEqual([null, null, null]);
  });

  test('an interval that would never let the agent get on', async () => {
    const module = await host.kernel.load(guest('word-count'));
    await expect(
      host.kernel.spawn({ module, diagnosis: { profileEvery: 999 } }),
    ).rejects.toMatchObject({ code: 'RF_USAGE' });
  });
});
