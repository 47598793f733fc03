/**
 * Goal: a function that runs as an agent asks, replies, publishes, watches, links and times as a guest
 * does, and reaches nobody whom it may not. Method: functions that talk to guests and to each other
 * through the public API, each refusal with its positive control.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type {
  GrantsInput,
  LoadedModule,
  ProgramMessage,
  Received,
  WorkContext,
} from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

const onMessage = vi.fn<(message: ProgramMessage) => void>();
let host: TestKernel;
let puppet: LoadedModule;
beforeAll(async () => {
  host = await testKernel({ onMessage });
  host.kernel.registerTool(
    { name: 'add', description: 'Adds.', parameters: { type: 'object' } },
    () => 3,
  );
  host.kernel.registerTool({ name: 'secret', description: 'Hidden.' }, () => 4);
  puppet = await host.kernel.load(guest('puppet'));
});
beforeEach(() => {
  onMessage.mockReset();
});
afterAll(() => host.kernel.close());

/** Starts a function as an agent that may send to anybody, unless it is said what it may. */
const start = <Value>(
  work: (context: WorkContext) => Promise<Value>,
  options: { grants?: GrantsInput; limits?: { messages?: number }; provides?: string[] } = {},
) => host.kernel.spawn({ work, grants: { ipc: 'all' }, ...options });

/** Runs a function as an agent until it has ended; answers its result. */
async function run<Value>(...started: Parameters<typeof start<Value>>) {
  const agent = await start(...started);
  const { exit, denied, usage } = await agent.exited;
  expect(exit).toMatchObject({ reason: 'normal' });
  return { result: agent.result, denied, usage };
}

/** What a promise was rejected with. */
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );

/** A function that answers each request with what is made of it. */
const answers =
  (answer: (text: string) => string) =>
  async ({ receive, reply }: WorkContext): Promise<void> => {
    for (;;) {
      const received = await receive();
      if (received.tag === 'cancelled') {
        return;
      }
      if (received.tag === 'request') {
        await reply(received.correlation, answer(String(received.payload.val)));
      }
    }
  };

const silent = async ({ receive }: WorkContext): Promise<Received> => receive({ sender: 999_999 });

describe('requests', () => {
  test('are answered, each by its own reply, while other mail is taken', async () => {
    const echo = await start(answers((text) => text.toUpperCase()));
    const { result } = await run(async ({ pid, request, receive, send }) => {
      const mail = receive();
      const replies = await Promise.all([request(echo.pid, 'a'), request(echo.pid, 'b')]);
      await send(pid, 'mail');
      return [...replies.map(({ val }) => val), (await mail).tag];
    });
    expect(result).toEqual(['A', 'B', 'message']);
    echo.kill();
  });

  test('go to guests and come from them', async () => {
    const talker = await spawnPuppet(host.kernel, puppet, { grants: { ipc: 'all' } });
    const { pid } = talker.agent;
    const asker = await start(async ({ request }) => (await request(pid, 'how')).val);
    expect(await talker.tell('receive 9000')).toBe(`receive ok request ${asker.pid} 1 - how`);
    expect(await talker.tell('reply 1 well')).toBe('reply ok');
    await asker.exited;
    expect(asker.result).toBe('well');

    const echo = await start(answers((text) => `${text}!`));
    expect(await talker.tell(`request ${echo.pid} hey`)).toBe('request ok 1');
    expect(await talker.tell('await 1 9000')).toBe(`receive ok reply ${echo.pid} 1 hey!`);
    echo.kill();
    await talker.end();
  });

  test('need the grant, and its scope; a reply needs no scope', async () => {
    const echo = await start(
      answers((text) => text),
      { grants: { ipc: 'receive_only' } },
    );
    const ask = async ({ request }: WorkContext) => codeOf(request(echo.pid, 'x'));
    const none = await run(ask, { grants: {} });
    expect(none.result).toBe('RF_CAPABILITY_DENIED');
    expect(none.denied).toEqual([{ capability: 'can_ipc', operation: 'ipc.request', count: 1 }]);
    const narrow = await run(ask, { grants: { ipc: 'receive_only' } });
    expect(narrow.result).toBe('RF_CAPABILITY_DENIED');
    const granted = await run(ask, { grants: { ipc: { pids: [echo.pid] } } });
    expect(granted.result).toBe('ok');
    expect(granted.usage.messages_sent).toBe(1);
    echo.kill();
  });

  test('count as messages', async () => {
    const echo = await start(answers((text) => text));
    const { result } = await run(
      async ({ request }) => [
        await codeOf(request(echo.pid, 'x')),
        await codeOf(request(echo.pid, 'x')),
      ],
      { grants: { ipc: 'all' }, limits: { messages: 1 } },
    );
    expect(result).toEqual(['ok', 'RF_LIMIT_EXCEEDED']);
    echo.kill();
  });

  test('end where who was asked does, and where no reply comes in time', async () => {
    const mute = await start(silent);
    const asker = await start(async ({ request }) => [
      await codeOf(request(mute.pid, 'x', { timeoutMs: 5 })),
      await Promise.all([codeOf(request(mute.pid, 'last')), mute.kill()]).then(([code]) => code),
      await codeOf(request(mute.pid, 'x')),
      await codeOf(request(999_999, 'x')),
    ]);
    await asker.exited;
    expect(asker.result).toEqual(['RF_TIMEOUT', 'RF_CLOSED', 'RF_CLOSED', 'RF_PROCESS_NOT_FOUND']);
  });

  test('that were given up get no reply, nor does what was never asked', async () => {
    const gaveUp = Promise.withResolvers<void>();
    const asked = await start(async ({ receive, reply }) => {
      const received = await receive();
      await gaveUp.promise;
      const second = await receive();
      return received.tag === 'request' && second.tag === 'request'
        ? [
            await codeOf(reply(received.correlation, 'late')),
            await codeOf(reply(second.correlation, 'in time')),
            await codeOf(reply(second.correlation, 'again')),
            await codeOf(reply(999, 'never asked')),
          ]
        : received;
    });
    const { result } = await run(async ({ request, receive }) => {
      const late = await codeOf(request(asked.pid, 'x', { timeoutMs: 1 }));
      gaveUp.resolve();
      const { val } = await request(asked.pid, 'y');
      return [late, val, await codeOf(receive({ timeoutMs: 0 }))];
    });
    expect(result).toEqual(['RF_TIMEOUT', 'in time', 'RF_TIMEOUT']);
    await asked.exited;
    expect(asked.result).toEqual(['RF_CLOSED', 'ok', 'RF_CLOSED', 'RF_CLOSED']);
  });

  test('are given up by who is asked to stop: to let that be thrown is a normal end', async () => {
    const mute = await start(silent);
    const waits = await start(async ({ request }) => (await request(mute.pid, 'x')).val);
    const { promise: waiting, resolve } = Promise.withResolvers<void>();
    const goesOn = await start(async ({ request, receive }) => {
      const given = codeOf(request(mute.pid, 'x'));
      resolve();
      const code = await given;
      return [code, (await receive()).tag, await codeOf(request(mute.pid, 'x', { timeoutMs: 1 }))];
    });
    await waiting;
    waits.stop();
    goesOn.stop();
    expect((await waits.exited).exit.reason).toBe('normal');
    expect((await goesOn.exited).exit.reason).toBe('normal');
    expect(goesOn.result).toEqual(['RF_CANCELLED', 'cancelled', 'RF_TIMEOUT']);
    mute.kill();
  });
});

describe('targets', () => {
  test('the program is told, and answers', async () => {
    onMessage.mockImplementation(({ payload, reply }) => {
      void reply?.({ tag: 'text', val: `${payload.val}!` });
    });
    const work = async ({ send, request }: WorkContext) => [
      await codeOf(send('kernel', 'news')),
      await request('kernel', 'how').then(
        ({ val }) => val,
        (error: { code: string }) => error.code,
      ),
    ];
    expect((await run(work)).result).toEqual(['ok', 'how!']);
    expect(onMessage).toHaveBeenCalledTimes(2);
    const denied = await run(work, { grants: { ipc: { pids: [999_999] } } });
    expect(denied.result).toEqual(['RF_CAPABILITY_DENIED', 'RF_CAPABILITY_DENIED']);
    expect(onMessage).toHaveBeenCalledTimes(2);
  });

  test('a service leads to who provides it, for those who are granted it', async () => {
    const provider = await start(
      async ({ receive, reply }) => {
        const received = await receive();
        if (received.tag === 'request') {
          await reply(received.correlation, received.method ?? 'none');
        }
        return (await receive()).tag;
      },
      { provides: ['clock'] },
    );
    const work = async ({ request, send }: WorkContext) => [
      await request({ service: 'clock', method: 'now' }, 'x').then(
        ({ val }) => val,
        (error: { code: string }) => error.code,
      ),
      await codeOf(send({ service: 'clock' }, 'x')),
    ];
    const denied = await run(work, { grants: { ipc: 'all', services: ['other'] } });
    expect(denied.result).toEqual(['RF_CAPABILITY_DENIED', 'RF_CAPABILITY_DENIED']);
    const granted: GrantsInput = { ipc: 'receive_only', services: ['clock'] };
    expect((await run(work, { grants: granted })).result).toEqual(['now', 'ok']);
    await provider.exited;
    expect(provider.result).toBe('message');
    const gone = await run(work, { grants: granted });
    expect(gone.result).toEqual(['RF_UNAVAILABLE', 'RF_UNAVAILABLE']);
  });

  test('a broadcast reaches whom its sender may send to', async () => {
    const near = await start(async ({ receive }) => (await receive()).tag);
    const far = await start(async ({ receive }) => (await receive()).tag);
    const { result } = await run(
      async ({ send, request }) => [
        await codeOf(send('broadcast', 'x')),
        await codeOf(request('broadcast' as never, 'x')),
      ],
      { grants: { ipc: { pids: [near.pid] } } },
    );
    expect(result).toEqual(['ok', 'RF_USAGE']);
    await near.exited;
    expect(near.result).toBe('message');
    expect(host.kernel.inspect(far.pid)).toMatchObject({ state: 'running', mailbox: 0 });
    far.kill();
  });
});

describe('topics', () => {
  test('reach who has subscribed and may, until it leaves', async () => {
    const ready = Promise.withResolvers<void>();
    const reader = await start(
      async ({ subscribe, unsubscribe, receive, send, pid }) => {
        const refused = await codeOf(subscribe('weather'));
        await subscribe('news');
        ready.resolve();
        await send(pid, 'other mail');
        const received = await receive({ topic: 'news' });
        return [refused, received, await unsubscribe('news'), await unsubscribe('news')];
      },
      { grants: { ipc: { topics: ['news'], pids: 'all' } } },
    );
    await ready.promise;
    const writer = await start(
      async ({ publish }) => [
        await codeOf(publish('weather', 'x')),
        await codeOf(publish('news', 'one')),
      ],
      { grants: { ipc: { topics: ['news'] } } },
    );
    await Promise.all([writer.exited, reader.exited]);
    expect(writer.result).toEqual(['RF_CAPABILITY_DENIED', 'ok']);
    const one = { tag: 'text', val: 'one' };
    expect(reader.result).toEqual([
      'RF_CAPABILITY_DENIED',
      { tag: 'topic', sender: writer.pid, topic: 'news', payload: one },
      true,
      false,
    ]);
    expect(await host.kernel.publish('news', 'two')).toBe(0);
  });

  test('are one way to take messages, senders another', async () => {
    const { result } = await run(async ({ receive }) => [
      await codeOf(receive({ topic: 'news', sender: 1 })),
      await codeOf(receive({ topic: 'news', timeoutMs: 0 })),
    ]);
    expect(result).toEqual(['RF_USAGE', 'RF_TIMEOUT']);
  });
});

describe('monitors and links', () => {
  test('the end of one who is watched is told once', async () => {
    const watched = await start(silent);
    const { result } = await run(async ({ monitor, demonitor, receive }) => {
      const id = await monitor(watched.pid);
      const given = await monitor(watched.pid);
      const first = [await demonitor(given), await demonitor(given)];
      watched.kill();
      const { tag, monitor: told, pid, end } = (await receive()) as Received & { tag: 'down' };
      return [...first, tag, told === id, pid, end.reason, await codeOf(receive({ timeoutMs: 0 }))];
    });
    expect(result).toEqual([true, false, 'down', true, watched.pid, 'killed', 'RF_TIMEOUT']);
  });

  test('who leaves a thousand ends unread watches no more until it has received one', async () => {
    const { result } = await run(async ({ monitor, receive }) => {
      for (let count = 0; count < 1_024; count += 1) {
        await monitor(999_999);
      }
      const refused = await codeOf(monitor(999_999));
      await receive();
      return [refused, await codeOf(monitor(999_999))];
    });
    expect(result).toEqual(['RF_LIMIT_EXCEEDED', 'ok']);
  });

  test('strangers out of scope are neither watched nor linked', async () => {
    const stranger = await start(silent);
    const work = async ({ monitor, link }: WorkContext) => [
      await codeOf(monitor(stranger.pid)),
      await codeOf(link(stranger.pid)),
    ];
    const denied = await run(work, { grants: { ipc: 'receive_only' } });
    expect(denied.result).toEqual(['RF_CAPABILITY_DENIED', 'RF_CAPABILITY_DENIED']);
    expect(denied.denied.map(({ operation }) => operation)).toEqual([
      'process.monitor',
      'process.link',
    ]);
    // Within its scope it may be watched, and never linked.
    const near = await run(work, { grants: { ipc: { pids: [stranger.pid] } } });
    expect(near.result).toEqual(['ok', 'RF_CAPABILITY_DENIED']);
    stranger.kill();
  });

  test('a child is linked; who traps exits is told of its end, and who does not is ended', async () => {
    const link = Promise.withResolvers<number>();
    const linked = Promise.withResolvers<void>();
    const parent = await start(
      async (context) => {
        await context.trapExit(true);
        await context.link(await link.promise);
        linked.resolve();
        return context.receive();
      },
      { grants: { ipc: 'all', spawn: 1 } },
    );
    const child = await host.kernel.spawn({ work: silent, parent, grants: { ipc: 'parent_only' } });
    link.resolve(child.pid);
    await linked.promise;
    const victim = await start(silent);
    const unlinked = Promise.withResolvers<void>();
    const spared = await start(async ({ unlink, receive }) => {
      await receive();
      await unlink(child.pid);
      unlinked.resolve();
      return receive();
    });
    host.kernel.link(child.pid, victim.pid);
    host.kernel.link(child.pid, spared.pid);
    await spared.send('unlink');
    await unlinked.promise;
    child.kill();
    await parent.exited;
    expect(parent.result).toMatchObject({ tag: 'exit', pid: child.pid, end: { reason: 'killed' } });
    expect((await victim.exited).exit).toMatchObject({ reason: 'killed' });
    await spared.send('x');
    await spared.exited;
    expect(spared.result).toMatchObject({ tag: 'message' });
  });

  test('a function stops its children, asked or by force, and nobody else', async () => {
    const told = Promise.withResolvers<readonly number[]>();
    const stranger = await start(silent);
    const parent = await start(
      async ({ stop }) => {
        const [asked = 0, forced = 0] = await told.promise;
        await stop(asked);
        await stop(forced, { force: true });
        return [
          await codeOf(stop(stranger.pid)),
          await codeOf(stop(999_999)),
          await codeOf(stop(1.5)),
        ];
      },
      { grants: { ipc: 'all', spawn: 2 } },
    );
    const asked = await host.kernel.spawn({
      parent,
      work: async ({ receive }) => (await receive()).tag,
      grants: { ipc: 'parent_only' },
    });
    const forced = await host.kernel.spawn({ work: silent, parent });
    told.resolve([asked.pid, forced.pid]);
    expect((await asked.exited).exit).toMatchObject({ reason: 'normal' });
    expect(asked.result).toBe('cancelled');
    expect((await forced.exited).exit).toMatchObject({ reason: 'killed' });
    await parent.exited;
    expect(parent.result).toEqual(['RF_CAPABILITY_DENIED', 'RF_PROCESS_NOT_FOUND', 'RF_USAGE']);
    // Without the grant nobody is.
    const denied = await run(({ stop }) => codeOf(stop(stranger.pid)), { grants: {} });
    expect(denied.result).toBe('RF_CAPABILITY_DENIED');
    expect(denied.denied.map(({ operation }) => operation)).toEqual(['process.stop']);
    expect(stranger.state).toBe('running');
    stranger.kill();
  });
});

describe('timers', () => {
  test('ring once, or again and again, until they are cancelled', async () => {
    const { result } = await run(async ({ after, every, cancelTimer, receive }) => {
      const once = await after(1, 'tea');
      const first = await receive();
      const gone = await cancelTimer(once);
      const timer = await every(1, 'tick');
      const ticks = [await receive(), await receive()];
      return { first, once, gone, timer, ticks, cancelled: await cancelTimer(timer) };
    });
    const tick = { tag: 'timer', timer: 2, payload: { tag: 'text', val: 'tick' } };
    expect(result).toEqual({
      first: { tag: 'timer', timer: 1, payload: { tag: 'text', val: 'tea' } },
      once: 1,
      gone: false,
      timer: 2,
      ticks: [tick, tick],
      cancelled: true,
    });
  });

  test('are for who may receive, and no more than 256', async () => {
    const denied = await run(async (context) => codeOf(context.after(1, 'x')), { grants: {} });
    expect(denied.result).toBe('RF_CAPABILITY_DENIED');
    const { result } = await run(async (context) => {
      for (let count = 0; count < 256; count += 1) {
        await context.after(1_000_000, 'x');
      }
      return codeOf(context.after(1_000_000, 'x'));
    });
    expect(result).toBe('RF_LIMIT_EXCEEDED');
  });
});

test('tools are listed that may be called', async () => {
  const list = async ({ tools }: WorkContext) => tools();
  const { result } = await run(list, { grants: { tools: ['add'] } });
  expect(result).toEqual([{ name: 'add', description: 'Adds.', parameters: { type: 'object' } }]);
  const { result: none } = await run(async ({ tools }) => codeOf(tools()), { grants: {} });
  expect(none).toBe('RF_CAPABILITY_DENIED');
});

test('what can not be understood is refused, and counts nothing', async () => {
  const { result, usage } = await run(async (context) => {
    const { pid, send, request, reply, publish, subscribe, link, monitor, after } = context;
    return Promise.all([
      codeOf(send('nobody' as never, 'x')),
      codeOf(send({ service: 1 } as never, 'x')),
      codeOf(request(pid, 7 as never)),
      codeOf(request(pid, 'x', { timeoutMs: -1 })),
      codeOf(reply(-1, 'x')),
      codeOf(publish(1 as never, 'x')),
      codeOf(subscribe('x'.repeat(257))),
      codeOf(link(-1)),
      codeOf(monitor(1.5)),
      codeOf(context.demonitor('1' as never)),
      codeOf(context.trapExit('yes' as never)),
      codeOf(after(-1, 'x')),
      codeOf(context.every(1, 7 as never)),
      codeOf(context.cancelTimer(-1)),
    ]);
  });
  expect(new Set(result)).toEqual(new Set(['RF_USAGE']));
  expect(usage.messages_sent).toBe(0);
});

test('whoever has ended does nothing any more', async () => {
  const { promise: context, resolve } = Promise.withResolvers<WorkContext>();
  const agent = await start(async (given) => {
    resolve(given);
    await silent(given);
  });
  const { pid, request, publish, monitor, after, tools } = await context;
  const before = await codeOf(monitor(pid));
  agent.kill();
  await agent.exited;
  expect(before).toBe('ok');
  const codes = await Promise.all(
    [request(pid, 'x'), publish('news', 'x'), monitor(pid), after(1, 'x'), tools()].map(codeOf),
  );
  expect(new Set(codes)).toEqual(new Set(['RF_CLOSED']));
});
