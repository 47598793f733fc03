/**
 * Goal: whatever a caller passes and a handler does, the call comes out in a typed way, within its limits, and
 * nothing of the host is said. Method: a registry with callers of the test's own.
 */

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { canonicalJson } from '../json-schema/text.ts';
import { ToolError } from './outcome.ts';
import { type Admission, type Caller, ToolRegistry } from './registry.ts';
import { IDLE_MS_MAX } from './stream.ts';
import { STREAMS_PER_AGENT_MAX } from './streams.ts';
import type { ToolDescription, ToolHandler } from './tool.ts';

const NUMBERS = {
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
  additionalProperties: false,
} as const;

let failures: [string, unknown][];
let registry: ToolRegistry;
beforeEach(() => {
  failures = [];
  registry = new ToolRegistry((tool, error) => failures.push([tool, error]));
});

function caller(pid = 1, more: Partial<Caller> = {}): Caller {
  return {
    pid,
    agentId: `agent ${pid}`,
    owner: `pid ${pid}`,
    signal: new AbortController().signal,
    admit: (): Admission => ({ until: new AbortController().signal }),
    ...more,
  };
}

const offer = (handler: ToolHandler, more: Partial<ToolDescription> = {}): void =>
  registry.register({ name: 't', description: 'A tool.', ...more }, handler);

async function call(args: unknown, by: Caller = caller()): Promise<string> {
  const json = typeof args === 'string' ? args : JSON.stringify(args);
  const outcome = await registry.call('t', json, by);
  return outcome.tag === 'ok' ? outcome.val : `${outcome.error}: ${outcome.message}`;
}

/** Resolves when its handler was called so often. */
function endless() {
  const calls: { signal: AbortSignal; answer: (value: unknown) => void }[] = [];
  const handler: ToolHandler = (_, { signal }) =>
    new Promise((resolve) => calls.push({ signal, answer: resolve }));
  return { calls, handler };
}

describe('arguments', () => {
  test.each<[string, unknown, string]>([
    ['that fit', { a: 1, b: 2 }, '3'],
    ['of which one is missing', { a: 1 }, 'invalid: arguments/b: is missing'],
    ['of another type', { a: 1, b: '2' }, 'invalid: arguments/b: must be number'],
    ['of which one is not known', { a: 1, b: 2, c: 3 }, 'invalid: arguments/c: is not known'],
    ['that are no object', [1, 2], 'invalid: arguments: must be object'],
    ['that are no JSON', '{', 'invalid: the arguments are not JSON: pass a JSON object'],
    ['that are nothing', '', 'invalid: the arguments are not JSON: pass a JSON object'],
    [
      'with __proto__',
      '{"a":1,"b":2,"__proto__":{}}',
      'invalid: arguments/__proto__: is not known',
    ],
  ])('%s', async (_, args, answer) => {
    offer((given) => (given as { a: number; b: number }).a + (given as { b: number }).b, {
      parameters: NUMBERS,
    });
    expect(await call(args)).toBe(answer);
  });

  test('__proto__ stays out wherever a schema would let it pass', async () => {
    const merged = {};
    offer((args) => canonicalJson(Object.assign(merged, args)), {
      parameters: { type: 'object' },
    });
    const nested = '{"in":[{"__proto__":{"polluted":1}}]}';
    expect(await call(nested)).toBe("invalid: arguments: has a field '__proto__'");
    expect(await call('{"in":[{"proto":1}]}')).toBe('"{\\"in\\":[{\\"proto\\":1}]}"');
  });

  test('are as deep as 64 levels, whatever the tool takes', async () => {
    offer(() => 'ok');
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(await call(nested(64))).toBe('"ok"');
    expect(await call(nested(65))).toMatch(/^invalid: .* more than 64 levels/);
    expect(await call('['.repeat(500_000))).toMatch(/^invalid: .* more than 64 levels/);
    expect(await call(JSON.stringify(`${'['.repeat(99)}\\"${'{'.repeat(99)}`))).toBe('"ok"');
  });

  test('are as large as the tool says, in bytes', async () => {
    offer(() => 'ok', { maxArgumentBytes: 10 });
    expect(await call('"12345678"')).toBe('"ok"');
    expect(await call('"123456789"')).toMatch(/^limit-exceeded: .* 10 bytes/);
    expect(await call('"€€€"')).toMatch(/^limit-exceeded/);
    expect(await call('"€€"')).toBe('"ok"');
  });

  test('are not looked at where the caller has no grant for them', async () => {
    let called = 0;
    offer(() => (called += 1), { parameters: NUMBERS });
    const denied = caller(1, { admit: () => ({ denied: 'out of scope' }) });
    expect(await call({}, denied)).toBe('denied: out of scope');
    expect(called).toBe(0);
    expect(await call({ a: 1, b: 1 })).toBe('1');
  });
});

describe('what a handler throws', () => {
  const secret = new Error('the password of /srv/host is 1234');
  test.each<[string, ToolHandler]>([
    [
      'at once',
      () => {
        throw secret;
      },
    ],
    [
      'later',
      async () => {
        throw secret;
      },
    ],
    [
      'while it is written as JSON',
      () => ({
        toJSON: () => {
          throw secret;
        },
      }),
    ],
    [
      'while it is read',
      () => ({
        get field(): never {
          throw secret;
        },
      }),
    ],
  ])('%s stays with the host', async (_, handler) => {
    offer(handler);
    expect(await call({})).toBe('unavailable: the tool failed: the host knows why');
    expect(failures).toEqual([['t', secret]]);
  });

  test('is told the caller where it is meant for it', async () => {
    offer(async () => {
      throw new ToolError('not-found', 'no such customer');
    });
    expect(await call({})).toBe('not-found: no such customer');
    expect(failures).toEqual([]);
  });

  test('an error that only looks like one for the caller is not', async () => {
    offer(() => {
      throw Object.assign(new Error('secret'), { name: 'ToolError', kind: 'invalid' });
    });
    expect(await call({})).toMatch(/^unavailable/);
  });
});

describe('an answer', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'null'],
    ['a record', { a: [1, 'x'] }, '{"a":[1,"x"]}'],
    ['as large as may be', 'x'.repeat(98), `"${'x'.repeat(98)}"`],
    ['larger', 'x'.repeat(99), 'limit-exceeded: the answer of the tool is too large: ask for less'],
    [
      'of many bytes a character',
      '€'.repeat(40),
      'limit-exceeded: the answer of the tool is too large: ask for less',
    ],
    [
      'a list of nothing, of many items',
      new Array(10 ** 9),
      'limit-exceeded: the answer of the tool is too large: ask for less',
    ],
  ])('%s', async (_, value, answer) => {
    offer(() => value, { maxAnswerBytes: 100 });
    expect(await call({})).toBe(answer);
  });

  test('of a gigabyte is not written to be refused', async () => {
    let written = 0;
    const part = { toJSON: () => (written += 1) };
    const large = 'x'.repeat(512 * 1024 * 1024 - 100);
    offer(() => [part, large, large]);
    expect(await call({})).toMatch(/^limit-exceeded/);
    expect(written).toBe(0);
  });

  test('that goes around in circles has failed', async () => {
    const circle: Record<string, unknown> = {};
    circle.itself = circle;
    offer(() => circle, { maxAnswerBytes: 1_000 });
    expect(await call({})).toMatch(/^(unavailable|limit-exceeded)/);
  });
});

describe('time', () => {
  test('a tool that never answers is given up, and told so', async () => {
    const { calls, handler } = endless();
    offer(handler, { timeoutMs: 20 });
    expect(await call({})).toMatch(/^timeout: /);
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  test('who calls gives up', async () => {
    const { calls, handler } = endless();
    offer(handler);
    const gone = new AbortController();
    const called = call({}, caller(1, { signal: gone.signal }));
    gone.abort();
    expect(await called).toMatch(/^cancelled/);
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  test('the grant is revoked', async () => {
    const { calls, handler } = endless();
    offer(handler);
    const gone = new AbortController();
    const called = call({}, caller(1, { admit: () => ({ until: gone.signal }) }));
    gone.abort();
    expect(await called).toMatch(/^denied: the grant .* is gone/);
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  test('the tool is unregistered', async () => {
    const { calls, handler } = endless();
    offer(handler);
    const called = call({});
    expect(registry.unregister('t')).toBe(true);
    expect(await called).toMatch(/^unavailable: the host offers the tool no longer/);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(await call({})).toMatch(/^not-found/);
    expect(registry.unregister('t')).toBe(false);
    offer(() => 'again');
    expect(await call({})).toBe('"again"');
  });
});

describe('at a time', () => {
  test('as many calls are worked on as may be; others wait in their order, and too many are refused', async () => {
    const { calls, handler } = endless();
    offer(handler, { concurrency: 1, queue: 1 });
    const first = call({}, caller(1));
    const second = call({}, caller(2));
    expect(await call({}, caller(3))).toMatch(/^limit-exceeded: too many calls/);
    expect(calls).toHaveLength(1);
    calls[0]?.answer('first');
    expect(await first).toBe('"first"');
    calls[1]?.answer('second');
    expect(await second).toBe('"second"');
  });

  test('an agent that has its share waits, and others pass it', async () => {
    const { calls, handler } = endless();
    offer(handler, { concurrencyPerAgent: 1 });
    const own = [call({}, caller(1)), call({}, caller(1))];
    const other = call({}, caller(2));
    expect(calls).toHaveLength(2);
    calls[1]?.answer('other');
    expect(await other).toBe('"other"');
    calls[0]?.answer('one');
    expect(await own[0]).toBe('"one"');
    calls[2]?.answer('two');
    expect(await own[1]).toBe('"two"');
  });

  test('the last turn is for another agent than who has all before it', async () => {
    const { calls, handler } = endless();
    offer(handler, { concurrency: 3 });
    const answers = [1, 2, 3].map((number) => call({ number }, caller(1)));
    await expect.poll(() => calls.length).toBe(2);
    const others = call({}, caller(2));
    await expect.poll(() => calls.length).toBe(3);
    calls[2]?.answer('another');
    expect(await others).toBe('"another"');
    calls[0]?.answer('first');
    await expect.poll(() => calls.length).toBe(4);
    calls[1]?.answer('second');
    calls[3]?.answer('third');
    expect(await Promise.all(answers)).toEqual(['"first"', '"second"', '"third"']);
  });

  test('a call that is given up while it waits takes no turn', async () => {
    const { calls, handler } = endless();
    offer(handler, { concurrency: 1 });
    const first = call({});
    const gone = new AbortController();
    const second = call({}, caller(2, { signal: gone.signal }));
    gone.abort();
    expect(await second).toMatch(/^cancelled/);
    calls[0]?.answer(1);
    expect(await first).toBe('1');
    expect(calls).toHaveLength(1);
  });

  test('handlers that ignore that they were given up are bounded', async () => {
    const { calls, handler } = endless();
    offer(handler, { concurrency: 1, timeoutMs: 1 });
    for (let given = 0; given < 16; given += 1) {
      expect(await call({})).toMatch(/^timeout/);
    }
    expect(await call({})).toMatch(/^unavailable: too many calls of the tool were given up/);
    calls[0]?.answer('at last');
    await new Promise(setImmediate);
    expect(await call({})).toMatch(/^timeout/);
  });

  test('in a minute an agent calls as often as it may', async () => {
    offer(() => 'ok', { callsPerMinute: 2 });
    expect([await call({}), await call({})]).toEqual(['"ok"', '"ok"']);
    expect(await call({})).toMatch(/^limit-exceeded: .* 2 times in a minute/);
    expect(await call({}, caller(2))).toBe('"ok"');
    registry.exited(1);
    expect(await call({})).toBe('"ok"');
  });
});

describe('a stream', () => {
  test('that nobody asks for long is ended, and its turn is another’s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let ended = 0;
    offer(
      async function* () {
        try {
          for (let item = 0; ; item += 1) {
            yield item;
          }
        } finally {
          ended += 1;
        }
      },
      { concurrency: 1 },
    );
    const { $stream } = JSON.parse(await call({}));
    await vi.advanceTimersByTimeAsync(IDLE_MS_MAX - 1);
    expect(JSON.parse(await call({ $stream }))).toMatchObject({ $stream });
    await vi.advanceTimersByTimeAsync(IDLE_MS_MAX - 1);
    expect(ended).toBe(0);
    const others = call({}, caller(2));
    await vi.advanceTimersByTimeAsync(2);
    expect(ended).toBe(1);
    expect(JSON.parse(await others)).toMatchObject({ items: expect.any(Array) });
    expect(await call({ $stream })).toMatch(/^not-found: no stream/);
  });

  async function read(by = caller(), args: unknown = {}): Promise<unknown[]> {
    const items: unknown[] = [];
    for (let next: unknown = args; next !== null; ) {
      const answer = JSON.parse(await call(next, by)) as { $stream?: string; items: unknown[] };
      items.push(...answer.items);
      next = answer.$stream === undefined ? null : { $stream: answer.$stream };
    }
    return items;
  }

  test('comes in batches, to its end', async () => {
    offer(async function* ({ to }: { to: number }) {
      for (let item = 0; item < to; item += 1) {
        yield item;
      }
    } as ToolHandler);
    expect(await read(caller(), { to: 1_000 })).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(await call({ to: 0 })).toBe('{"items":[],"done":true}');
  });

  test('without end is read ahead a little, and ended with its agent', async () => {
    let made = 0;
    const cleaned = Promise.withResolvers<void>();
    offer(async function* () {
      try {
        for (;;) {
          made += 1;
          yield 'x'.repeat(1_000);
        }
      } finally {
        cleaned.resolve();
      }
    });
    const gone = new AbortController();
    const by = caller(1, { admit: () => ({ until: gone.signal }) });
    const { $stream, items } = JSON.parse(await call({}, by));
    expect(items.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made).toBeLessThan(200);
    const next = JSON.parse(await call({ $stream }, by));
    expect(next.items.length).toBeLessThanOrEqual(64);
    gone.abort();
    await cleaned.promise;
    expect(await call({ $stream }, by)).toMatch(/^not-found: no stream/);
  });

  test('that is given up in the moment it is opened leaves nothing behind', async () => {
    for (let moment = 0; moment < 12; moment += 1) {
      const { calls, handler } = endless();
      offer(handler);
      const gone = new AbortController();
      const called = call({}, caller(1, { admit: () => ({ until: gone.signal }) }));
      calls[0]?.answer(
        (async function* () {
          yield* [1, 2, 3];
        })(),
      );
      for (let turn = 0; turn < moment; turn += 1) {
        await null;
      }
      gone.abort();
      await called;
      // As many as were opened, and one that may be the last.
      for (let name = 1; name <= moment + 1; name += 1) {
        expect(await call({ $stream: String(name) })).toMatch(/^not-found/);
      }
      registry.unregister('t');
    }
  });

  test('is its agent’s and its tool’s alone', async () => {
    offer(async function* () {
      yield 1;
      await new Promise(() => {});
    });
    registry.register({ name: 'other', description: '' }, () => 'x');
    const { $stream } = JSON.parse(await call({}));
    expect(await call({ $stream }, caller(2))).toMatch(/^not-found/);
    expect(await registry.call('other', JSON.stringify({ $stream }), caller(1))).toMatchObject({
      error: 'not-found',
    });
    expect(await call({ $stream, waitMs: 1 })).toBe(`{"$stream":"${$stream}","items":[]}`);
    expect(await call({ $stream, close: true })).toBe('{"items":[],"done":true}');
    expect(await call({ $stream })).toMatch(/^not-found/);
    expect(await call({ $stream, more: 1 })).toMatch(/^invalid/);
  });

  test('that fails has failed after what came before', async () => {
    offer(async function* () {
      yield 1;
      throw new Error('secret');
    });
    const { $stream, items } = JSON.parse(await call({}));
    expect(items).toEqual([1]);
    expect(await call({ $stream })).toBe('unavailable: the tool failed: the host knows why');
    expect(failures).toHaveLength(1);
  });

  test('whose next item is late is ended', async () => {
    const aborted = Promise.withResolvers<void>();
    offer(
      async function* (_: unknown, { signal }: { signal: AbortSignal }) {
        signal.addEventListener('abort', () => aborted.resolve());
        yield 1;
        await new Promise(() => {});
      } as ToolHandler,
      { timeoutMs: 20 },
    );
    const { $stream } = JSON.parse(await call({}));
    expect(await call({ $stream })).toMatch(/^timeout/);
    await aborted.promise;
  });

  test('of an item that is too large has failed', async () => {
    offer(
      async function* () {
        yield 'x'.repeat(100);
      },
      { maxAnswerBytes: 50 },
    );
    expect(await call({})).toMatch(/^limit-exceeded/);
  });

  test('is one of as many as an agent may have open', async () => {
    offer(async function* () {
      yield 1;
      await new Promise(() => {});
    });
    for (let open = 0; open < STREAMS_PER_AGENT_MAX; open += 1) {
      expect(await call({})).toMatch(/^\{"\$stream"/);
    }
    expect(await call({})).toMatch(/^limit-exceeded/);
    expect(await call({}, caller(2))).toMatch(/^\{"\$stream"/);
  });
});

describe('a tool is not registered', () => {
  test.each<[string, Partial<ToolDescription>, RegExp]>([
    ['without a name', { name: '' }, /name/],
    ['with a field that nobody knows', { timeout: 5 } as never, /timeout/],
    [
      'with parameters that are no schema',
      { parameters: { type: 'objekt' } },
      /parameters: .*schema/,
    ],
    ['with a keyword that nobody knows', { parameters: { requierd: ['a'] } }, /requierd/],
    ['with a pattern that looks around', { parameters: { pattern: '(?=a)' } }, /regexp/],
    [
      'with a parameter that streams have',
      { parameters: { properties: { $stream: {} } } },
      /\$stream/,
    ],
    ['with a schema from elsewhere', { parameters: { $ref: 'https://example.org/s' } }, /\$ref/],
  ])('%s', (_, more, message) => {
    expect(() => offer(() => 1, more)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.stringMatching(message) }),
    );
  });

  test('twice', () => {
    offer(() => 1);
    expect(() => offer(() => 1)).toThrow(/the name is taken/);
  });

  test('and is where only its keywords are others’', async () => {
    offer(() => 'ok', { parameters: { 'x-order': 1, type: 'object' }, strictSchema: false });
    expect(await call({})).toBe('"ok"');
  });
});
