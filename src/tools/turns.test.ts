/**
 * Goal: whoever asks a tool without end, others have their turn and a place to wait for it. Method: a tool with
 * few turns and places, and callers of the test's own that ask for more than there are.
 */

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Caller, ToolRegistry } from './registry.ts';
import { IDLE_MS_MAX } from './stream.ts';
import type { ToolDescription, ToolHandler } from './tool.ts';

interface Working {
  readonly by: number;
  end(): void;
}

let registry: ToolRegistry;
/** Handlers that were called and not ended, and the pids of all that were called, in order. */
let working: Working[];
let begun: number[];
beforeEach(() => {
  registry = new ToolRegistry(() => {});
  working = [];
  begun = [];
});

const waitsToBeEnded: ToolHandler = (_, { pid }) =>
  new Promise<void>((resolve) => {
    begun.push(pid);
    working.push({ by: pid, end: resolve });
  });

function offer(limits: Partial<ToolDescription>, handler: ToolHandler = waitsToBeEnded): void {
  registry.register({ name: 't', description: 'A tool.', ...limits }, handler);
}

/** How a call comes out: `ok`, or the kind of failure. */
async function call(pid: number, owner = `pid ${pid}`, args: object = {}): Promise<string> {
  const caller: Caller = {
    pid,
    owner,
    agentId: `agent ${pid}`,
    signal: new AbortController().signal,
    admit: () => ({ until: new AbortController().signal }),
  };
  const outcome = await registry.call('t', JSON.stringify(args), caller);
  return outcome.tag === 'ok' ? 'ok' : outcome.error;
}

/** Ends what is worked on until nothing is. */
async function endAll(): Promise<void> {
  for (let next = working.shift(); next !== undefined; next = working.shift()) {
    next.end();
    await new Promise(setImmediate);
  }
}

describe('the places to wait', () => {
  test('that one agent has taken are given to others, up to as many as it keeps', async () => {
    offer({ concurrency: 1, queue: 4 });
    const flood = Array.from({ length: 5 }, () => call(1));
    const others = [call(2), call(2)];
    const third = [call(2), call(3), call(3)];
    await endAll();
    // Its newest calls have made room; one that has as many as it waits no more.
    expect(await Promise.all(flood)).toEqual([
      'ok',
      'ok',
      'limit-exceeded',
      'limit-exceeded',
      'limit-exceeded',
    ]);
    expect(await Promise.all(others)).toEqual(['ok', 'ok']);
    expect(await Promise.all(third)).toEqual(['limit-exceeded', 'ok', 'limit-exceeded']);
  });

  test('are all for one agent where no other asks', async () => {
    offer({ concurrency: 1, queue: 4 });
    const own = Array.from({ length: 6 }, () => call(1));
    await endAll();
    expect(await Promise.all(own)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'limit-exceeded']);
  });

  test('are shared by owners: many agents of one have no more than one agent of another', async () => {
    offer({ concurrency: 1, queue: 4 });
    const flood = [1, 2, 3, 4, 5].map((pid) => call(pid, 'flood'));
    const others = [call(9, 'other'), call(9, 'other'), call(9, 'other')];
    await endAll();
    expect((await Promise.all(flood)).filter((each) => each === 'ok')).toHaveLength(3);
    expect(await Promise.all(others)).toEqual(['ok', 'ok', 'limit-exceeded']);
  });

  test('of one owner are shared by its agents', async () => {
    offer({ concurrency: 1, queue: 3 });
    const flood = Array.from({ length: 4 }, () => call(1, 'owner'));
    const sibling = [call(2, 'owner'), call(2, 'owner')];
    await endAll();
    expect(await Promise.all(flood)).toEqual(['ok', 'ok', 'ok', 'limit-exceeded']);
    expect(await Promise.all(sibling)).toEqual(['ok', 'limit-exceeded']);
  });

  test('are none where the tool has none', async () => {
    offer({ concurrency: 1, queue: 0 });
    const own = [call(1), call(1)];
    const other = call(2);
    await endAll();
    expect(await Promise.all([...own, other])).toEqual(['ok', 'limit-exceeded', 'limit-exceeded']);
  });
});

describe('turns', () => {
  test('go round by the agents that wait, however many calls each has waiting', async () => {
    offer({ concurrency: 1 });
    const calls = [1, 1, 1, 1, 2, 2, 3].map((pid) => call(pid));
    await endAll();
    expect(begun).toEqual([1, 1, 2, 3, 1, 2, 1]);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']));
  });

  test('go round by owners, and by the agents of each', async () => {
    offer({ concurrency: 1 });
    const calls = [1, 1, 2, 3, 9, 9].map((pid) => call(pid, pid === 9 ? 'other' : 'many'));
    await endAll();
    expect(begun).toEqual([1, 1, 9, 2, 9, 3]);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']));
  });

  test('are not all for the agents of one owner', async () => {
    offer({ concurrency: 3 });
    const many = [1, 2, 3].map((pid) => call(pid, 'many'));
    expect(begun).toEqual([1, 2]);
    const other = call(9, 'other');
    expect(begun).toEqual([1, 2, 9]);
    await endAll();
    expect(await Promise.all([...many, other])).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  test('that a stream has kept for long are for who waits, and are its own where nobody does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    offer({ concurrency: 1 }, async function* () {
      for (;;) {
        yield 0;
      }
    });
    expect(await call(1)).toBe('ok');
    const next = () => call(1, 'pid 1', { $stream: '1' });
    for (let asked = 0; asked < 3; asked += 1) {
      await vi.advanceTimersByTimeAsync(IDLE_MS_MAX / 2);
      expect(await next()).toBe('ok');
    }
    const other = call(2);
    expect(await next()).toBe('limit-exceeded');
    expect(await other).toBe('ok');
    expect(await next()).toBe('not-found');
  });
});
