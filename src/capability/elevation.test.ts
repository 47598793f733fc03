import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ASKED_PER_AGENT_MAX,
  type ElevationAnswer,
  type ElevationOptions,
  type ElevationRequest,
  Elevations,
  PENDING_MAX,
  PENDING_PER_AGENT_MAX,
} from './elevation.ts';
import type { GrantSpec } from './grant.ts';

const PID = 5;

const tools = (...names: string[]): GrantSpec => ({
  kind: 'tools',
  scope: { allow: new Set(names), deny: new Set() },
  expiresAtMs: null,
});

/** Elevations with what they did, in order. */
function watched(decide: ElevationOptions['decide'], more: Partial<ElevationOptions> = {}) {
  const asked: ElevationRequest[] = [];
  const granted: [number, GrantSpec][] = [];
  const warnings: string[] = [];
  const elevations = new Elevations({
    ...(decide && {
      decide: (request: ElevationRequest) => {
        asked.push(request);
        return decide(request);
      },
    }),
    grant: (pid, spec) => void granted.push([pid, spec]),
    warn: (text) => void warnings.push(text),
    ...more,
  });
  const request = (spec: GrantSpec, pid = PID, reason = 'please') =>
    elevations.request(pid, `agent ${pid}`, spec, reason);
  return { elevations, request, asked, granted, warnings };
}

describe('what is decided at once', () => {
  test.each<[string, ElevationOptions['decide']]>([
    ['a function', () => 'permit'],
    ['a promise', () => Promise.resolve<ElevationAnswer>('permit')],
  ])('permitted by %s: it is granted before it is told', async (_, decide) => {
    const { request, asked, granted, elevations } = watched(decide);
    expect(await request(tools('a'))).toBe('permitted');
    expect(granted).toEqual([[PID, tools('a')]]);
    expect(asked).toEqual([
      { id: 1, pid: PID, agentId: 'agent 5', spec: tools('a'), reason: 'please' },
    ]);
    expect(elevations.list()).toEqual([]);
  });

  test('denied: nothing is granted, and it is not asked again, whatever its expiry and order', async () => {
    const { request, asked, granted } = watched(() => 'deny');
    expect(await request(tools('a', 'b'))).toBe('denied');
    expect(await request(tools('b', 'a'))).toBe('denied');
    expect(await request({ ...tools('a', 'b'), expiresAtMs: 7 })).toBe('denied');
    expect([asked.length, granted.length]).toEqual([1, 0]);
    // Another agent, and another scope, are asked for.
    await request(tools('a', 'b'), PID + 1);
    await request(tools('a'));
    expect(asked.length).toBe(3);
  });

  test('what was permitted is asked again: it may have been revoked', async () => {
    const { request, asked } = watched(() => 'permit');
    expect([await request(tools('a')), await request(tools('a'))]).toEqual([
      'permitted',
      'permitted',
    ]);
    expect(asked.length).toBe(2);
  });

  test('while it is decided the same is not asked twice', async () => {
    const decision = Promise.withResolvers<ElevationAnswer>();
    const { request, asked, granted } = watched(() => decision.promise);
    const both = [request(tools('a')), request(tools('a'))];
    decision.resolve('permit');
    expect(await Promise.all(both)).toEqual(['permitted', 'permitted']);
    expect([asked.length, granted.length]).toEqual([1, 1]);
  });

  test('without anybody to decide all is denied', async () => {
    const { request, granted, warnings } = watched(undefined);
    expect(await request(tools('a'))).toBe('denied');
    expect([granted, warnings]).toEqual([[], []]);
  });

  test('a directory is denied without asking: it is mounted at the spawn only', async () => {
    const { request, asked } = watched(() => 'permit');
    const spec: GrantSpec = {
      kind: 'files',
      scope: {
        guest: '/',
        source: { kind: 'memory' },
        modes: { write: true, create: true },
        quota: { bytes: 1, files: 1 },
      },
      expiresAtMs: null,
    };
    expect([await request(spec), asked.length]).toEqual(['denied', 0]);
  });
});

describe('a decision that fails is a denial with a warning', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('out of order');
      },
    ],
    ['rejects', () => Promise.reject(new Error('out of order'))],
    ['answers true', () => true],
    ['answers nothing', () => undefined],
    ['answers "permitted"', () => 'permitted'],
  ])('it %s', async (_, decide) => {
    const { request, granted, warnings } = watched(decide as never);
    expect([await request(tools('a')), granted]).toEqual(['denied', []]);
    expect(warnings).toEqual([
      expect.stringMatching(/^the request 1 of pid 5 for tools was denied/),
    ]);
  });

  test('it is late: what it says then changes nothing', async () => {
    const decision = Promise.withResolvers<ElevationAnswer>();
    const { request, granted, warnings, elevations } = watched(() => decision.promise, {
      timeoutMs: 100,
    });
    const answer = request(tools('a'));
    await vi.advanceTimersByTimeAsync(99);
    expect(warnings).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('denied');
    decision.resolve('permit');
    await vi.runAllTimersAsync();
    expect([granted, elevations.list(), warnings.length]).toEqual([[], [], 1]);
  });

  test('a decision in time leaves no timer', async () => {
    const { request } = watched(() => 'deny');
    await request(tools('a'));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('it is permitted and can not be granted', async () => {
    const { request, warnings } = watched(() => 'permit', {
      grant: () => {
        throw new Error('it has 256 grants');
      },
    });
    expect(await request(tools('a'))).toBe('denied');
    expect(warnings).toEqual([expect.stringContaining('it has 256 grants')]);
  });
});

test('a decider that never answers does not keep the program alive', () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  const { request } = watched(() => new Promise(() => {}));
  void request(tools('a'));
  expect(timers()).toBe(before);
  // The control: what does keep it alive is seen.
  const timer = setTimeout(() => {}, 1_000);
  expect(timers()).toBe(before + 1);
  clearTimeout(timer);
});

describe('what is deferred', () => {
  test('waits in a list, the oldest first, and is not asked twice', async () => {
    const { request, elevations, asked } = watched(() => 'defer');
    expect(await request(tools('a'))).toBe('deferred');
    expect(await request(tools('b'))).toBe('deferred');
    expect(await request(tools('a'))).toBe('deferred');
    expect(elevations.list().map(({ id, spec }) => [id, spec])).toEqual([
      [1, tools('a')],
      [2, tools('b')],
    ]);
    expect(asked.length).toBe(2);
  });

  test('is granted when it is permitted, once', async () => {
    const { request, elevations, granted } = watched(() => 'defer');
    await request(tools('a'));
    elevations.answer(1, 'permit');
    expect([granted, elevations.list()]).toEqual([[[PID, tools('a')]], []]);
    expect(() => elevations.answer(1, 'permit')).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
    expect(granted.length).toBe(1);
  });

  test('is denied for good when it is denied', async () => {
    const { request, elevations, granted, asked } = watched(() => 'defer');
    await request(tools('a'));
    elevations.answer(1, 'deny');
    expect(await request(tools('a'))).toBe('denied');
    expect([granted, asked.length]).toEqual([[], 1]);
  });

  test.each([
    [2, 'permit'],
    [1, 'defer'],
    [1, undefined],
    ['1', 'permit'],
  ])('an answer to %j with %j is refused, and it waits on', async (id, answer) => {
    const { request, elevations } = watched(() => 'defer');
    await request(tools('a'));
    expect(() => elevations.answer(id as number, answer as 'permit')).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
    expect(elevations.list()).toHaveLength(1);
  });

  test('what granting throws reaches who answers, and it waits no longer', async () => {
    const { request, elevations } = watched(() => 'defer', {
      grant: () => {
        throw new Error('it has 256 grants');
      },
    });
    await request(tools('a'));
    expect(() => elevations.answer(1, 'permit')).toThrow('it has 256 grants');
    expect(elevations.list()).toEqual([]);
  });
});

describe('an agent that has ended', () => {
  test('is granted nothing that is decided later', async () => {
    const decision = Promise.withResolvers<ElevationAnswer>();
    const { request, elevations, granted } = watched(() => decision.promise);
    const answer = request(tools('a'));
    elevations.exited(PID);
    decision.resolve('permit');
    expect([await answer, granted]).toEqual(['denied', []]);
  });

  test('has no requests that wait', async () => {
    const { request, elevations } = watched(() => 'defer');
    await request(tools('a'));
    await request(tools('a'), PID + 1);
    elevations.exited(PID);
    expect(elevations.list().map(({ pid }) => pid)).toEqual([PID + 1]);
    expect(() => elevations.answer(1, 'permit')).toThrow(/none of this id waits/);
  });
});

describe('bounds', () => {
  test('of what waits for one agent', async () => {
    const { request, elevations } = watched(() => 'defer');
    for (let index = 0; index < PENDING_PER_AGENT_MAX; index += 1) {
      expect(await request(tools(`${index}`))).toBe('deferred');
    }
    expect(await request(tools('more'))).toBe('denied');
    // Another agent is asked for; and so is it, when one was answered.
    expect(await request(tools('more'), PID + 1)).toBe('deferred');
    elevations.answer(1, 'deny');
    expect(await request(tools('more'))).toBe('deferred');
  });

  test('of what waits for all', async () => {
    const { request, elevations } = watched(() => 'defer');
    for (let index = 0; index < PENDING_MAX; index += 1) {
      const pid = 1 + Math.floor(index / PENDING_PER_AGENT_MAX);
      expect(await request(tools(`${index}`), pid)).toBe('deferred');
    }
    expect(await request(tools('more'), 5_000)).toBe('denied');
    elevations.exited(1);
    expect(await request(tools('more'), 5_000)).toBe('deferred');
  });

  test('of what is being decided, too', async () => {
    const never = Promise.withResolvers<ElevationAnswer>();
    const { request, elevations, asked } = watched(() => never.promise);
    const requests = Array.from({ length: PENDING_PER_AGENT_MAX + 1 }, (_, index) =>
      request(tools(`${index}`)),
    );
    expect(await requests.at(-1)).toBe('denied');
    expect(asked.length).toBe(PENDING_PER_AGENT_MAX);
    elevations.exited(PID);
    never.resolve('permit');
    await Promise.all(requests);
    // Nothing of it is counted any more.
    expect(elevations.list()).toEqual([]);
  });

  test('of what an agent has put to the decider in its life', async () => {
    const { request, asked } = watched(() => 'deny');
    for (let index = 0; index < ASKED_PER_AGENT_MAX + 10; index += 1) {
      await request(tools(`${index}`));
    }
    expect(asked.length).toBe(ASKED_PER_AGENT_MAX);
  });

  test('of a scope, and of a reason', async () => {
    const { request, asked } = watched(() => 'permit');
    expect(await request(tools('x'.repeat(20_000)))).toBe('denied');
    expect(await request(tools('x'.repeat(10_000)), PID, `${'r'.repeat(999)}😀`)).toBe('permitted');
    expect(asked.map(({ reason }) => reason)).toEqual([`${'r'.repeat(999)}\ufffd`]);
  });
});
