/**
 * Goal: a function that runs as an agent ends as an agent does, whatever it does itself, and nothing of
 * it is left behind. Method: functions that return, throw, wait for ever, do not hear, and go on after
 * their end; each with one that is left alone.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type LoadedModule,
  RingfenceError,
  type SpawnOptions,
  type SuperviseOptions,
  type WorkContext,
  type WorkOptions,
} from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let sleeper: LoadedModule;
let hello: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  [sleeper, hello] = (await Promise.all(
    ['sleeper', 'hello'].map((name) => host.kernel.load(guest(name))),
  )) as [LoadedModule, LoadedModule];
});
afterAll(() => host.kernel.close());

const forEver = (): Promise<never> => new Promise(() => {});

/** What a promise was rejected with. */
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );

/** A function that says when it runs, and what its context was. */
function started<Value>(work: (context: WorkContext) => Promise<Value> | Value) {
  const { promise, resolve } = Promise.withResolvers<WorkContext>();
  return {
    context: promise,
    work: (context: WorkContext) => {
      resolve(context);
      return work(context);
    },
  };
}

describe('a function that ends by itself', () => {
  test('and throws has failed: its sentence is in the report, its stack for the operator alone', async () => {
    const agent = await host.kernel.spawn({
      agentId: 'thrower',
      work: async () => {
        throw new Error('no parrots left');
      },
    });
    const report = await agent.exited;
    expect(report.exit).toEqual({ code: 1, reason: 'error', message: 'no parrots left' });
    expect(agent.result).toBeUndefined();
    expect(JSON.stringify(report)).not.toContain('native-ends');
    const told = host.warnings.filter((text) => text.includes("('thrower')"));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/no parrots left[\s\S]*native-ends\.test\.ts/);
  });

  test.each([
    ['a text', 'just so', "'just so'"],
    ['nothing', undefined, 'undefined'],
    ['more than is kept', new Error('x'.repeat(100_000)), 'x'.repeat(8192)],
    [
      'what can not be shown',
      {
        get [Symbol.toStringTag]() {
          throw new Error('no');
        },
        [Symbol.for('nodejs.util.inspect.custom')]() {
          throw new Error('no');
        },
      },
      'something that can not be shown',
    ],
  ])('and throws %s has failed just as well', async (_, thrown, message) => {
    const agent = await host.kernel.spawn({
      work: () => {
        throw thrown;
      },
    });
    expect((await agent.exited).exit).toEqual({ code: 1, reason: 'error', message });
  });

  test('leaves nothing that goes on: its signal is aborted, its calls are refused', async () => {
    const { context, work } = started(() => 'done');
    const agent = await host.kernel.spawn({ work, grants: { ipc: 'all' } });
    await agent.exited;
    const { signal, send } = await context;
    expect(signal.reason).toMatchObject({ code: 'RF_CLOSED' });
    expect(await codeOf(send(1, 'x'))).toBe('RF_CLOSED');
  });
});

describe('a function that is killed', () => {
  test('has ended at once, though it never does, and all that it asks for is refused', async () => {
    const { context, work } = started(forEver);
    const agent = await host.kernel.spawn({ work, grants: { ipc: 'all', tools: 'all' } });
    const { receive, send, callTool, log, signal } = await context;
    const waiting = codeOf(receive());
    agent.kill('enough');
    expect(agent.state).toBe('exited');
    expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
    expect(signal.reason).toMatchObject({ code: 'RF_CLOSED' });
    expect(await waiting).toBe('RF_CLOSED');
    expect(await codeOf(receive())).toBe('RF_CLOSED');
    expect(await codeOf(send(agent.pid, 'x'))).toBe('RF_CLOSED');
    expect(await codeOf(callTool('add'))).toBe('RF_CLOSED');
    expect(() => log('info', 'still here')).toThrow(expect.objectContaining({ code: 'RF_CLOSED' }));
    await expect(agent.send('x')).rejects.toMatchObject({ code: 'RF_CLOSED' });
  });

  test('before it began never begins', async () => {
    let began = false;
    const agent = await host.kernel.spawn({
      work: () => {
        began = true;
      },
    });
    agent.kill();
    expect((await agent.exited).exit.reason).toBe('killed');
    await nextTurn();
    expect(began).toBe(false);
  });

  test('has no result, and no failure, whatever it does later', async () => {
    const gate = Promise.withResolvers<string>();
    const { context, work } = started(() => gate.promise);
    const [returns, throws] = [
      await host.kernel.spawn({ work }),
      await host.kernel.spawn({
        agentId: 'late',
        work: () => gate.promise.then(() => Promise.reject(new Error('late'))),
      }),
    ];
    await context;
    returns.kill();
    throws.kill();
    gate.resolve('late');
    await Promise.all([returns.exited, throws.exited]);
    await nextTurn();
    expect(returns.result).toBeUndefined();
    expect(host.warnings.filter((text) => text.includes("'late'"))).toEqual([]);
  });

  test('with promises that nobody awaits does not end the program', async () => {
    const unhandled: unknown[] = [];
    const keep = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', keep);
    const { context, work } = started(forEver);
    const agent = await host.kernel.spawn({ work, grants: { ipc: 'all' } });
    void (await context).receive();
    agent.kill();
    void (await context).receive();
    await agent.exited;
    await nextTurn();
    process.off('unhandledRejection', keep);
    expect(unhandled).toEqual([]);
  });

  test('and does not believe it leaves the program its turn', async () => {
    let stubborn = true;
    let refused = 0;
    const { context, work } = started(async ({ receive }) => {
      while (stubborn) {
        refused += (await codeOf(receive())) === 'RF_CLOSED' ? 1 : 0;
      }
    });
    const agent = await host.kernel.spawn({ work, grants: { ipc: 'all' } });
    await context;
    agent.kill();
    while (refused < 1_000) {
      await nextTurn();
    }
    stubborn = false;
    expect((await agent.exited).exit.reason).toBe('killed');
  });

  test('touches nothing of who comes after it', async () => {
    const small = await testKernel({ capacity: 1 });
    const { context, work } = started(forEver);
    const first = await small.kernel.spawn({ work, grants: { ipc: 'all' } });
    const { send, receive } = await context;
    void receive().catch(() => {});
    first.kill();
    // The only control block there is.
    const second = await small.kernel.spawn({ work: forEver, grants: { ipc: 'all' } });
    expect(await codeOf(send(second.pid, 'x'))).toBe('RF_CLOSED');
    expect(second.usage().messages_sent).toBe(0);
    expect(small.kernel.inspect(second.pid)).toMatchObject({ mailbox: 0, denials: 0 });
    await small.kernel.close();
  });

  test('has its tool called no more', async () => {
    const aborted = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    host.kernel.registerTool({ name: 'endless', description: 'Waits.' }, (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      called.resolve();
      return forEver();
    });
    const agent = await host.kernel.spawn({
      work: ({ callTool }) => callTool('endless'),
      grants: { tools: ['endless'] },
    });
    await called.promise;
    agent.kill();
    await aborted.promise;
    expect((await agent.exited).exit.reason).toBe('killed');
  });

  test('with its kernel is reported', async () => {
    const other = await testKernel();
    const agent = await other.kernel.spawn({ work: forEver });
    const reports = await other.kernel.close();
    expect(reports.map(({ pid, exit }) => [pid, exit.reason])).toEqual([[agent.pid, 'killed']]);
    await expect(other.kernel.spawn({ work: forEver })).rejects.toMatchObject({
      code: 'RF_CLOSED',
    });
  });
});

describe('a function that is asked to stop', () => {
  test('hears it by its signal, and by its mail where it may have some', async () => {
    const { context, work } = started(async ({ receive }) => receive());
    const agent = await host.kernel.spawn({ work, grants: { ipc: 'all' } });
    const { signal } = await context;
    agent.stop({ message: 'go home' });
    expect(signal.reason).toBeInstanceOf(RingfenceError);
    expect(signal.reason).toMatchObject({ code: 'RF_STOPPED', message: /go home/ });
    expect(agent.state).toBe('stopping');
    expect((await agent.exited).exit).toEqual({ code: 0, reason: 'normal', message: null });
    expect(agent.result).toEqual({ tag: 'cancelled', reason: 'go home' });
  });

  test('needs no grant to hear it, and may let what it waits for be aborted', async () => {
    const { context, work } = started(({ signal }) => sleep(600_000, 'slept', { signal }));
    const agent = await host.kernel.spawn({ work });
    await context;
    agent.stop();
    expect((await agent.exited).exit).toEqual({ code: 0, reason: 'normal', message: null });
    const other = started(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const second = await host.kernel.spawn({ work: other.work });
    await other.context;
    second.stop();
    expect((await second.exited).exit.reason).toBe('normal');
  });

  test('has failed where it throws something else, or without being asked', async () => {
    const { context, work } = started(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('could not save')));
        }),
    );
    const agent = await host.kernel.spawn({ work });
    await context;
    agent.stop();
    expect((await agent.exited).exit).toMatchObject({ reason: 'error', message: 'could not save' });
    const unasked = await host.kernel.spawn({
      work: () => sleep(600_000, null, { signal: AbortSignal.abort() }),
    });
    expect((await unasked.exited).exit.reason).toBe('error');
  });

  test('is ended by force when its time has passed', async () => {
    const { context, work } = started(forEver);
    const agent = await host.kernel.spawn({ work });
    await context;
    agent.stop({ shutdownMs: 20, message: 'please' });
    expect((await agent.exited).exit).toEqual({
      code: -1,
      reason: 'killed',
      message: 'please, and it did not end within 20 ms',
    });
  });
});

describe('a function whose time passes', () => {
  test('is ended, and has its time otherwise', async () => {
    const late = await host.kernel.spawn({ work: forEver, limits: { wallTimeMs: 20 } });
    const early = await host.kernel.spawn({ work: () => 1, limits: { wallTimeMs: 60_000 } });
    expect((await late.exited).exit).toEqual({
      code: -1,
      reason: 'timeout',
      message: 'its timeout of 20 ms passed',
    });
    expect((await early.exited).exit.reason).toBe('normal');
  });

  test('is ended too where it kept everybody waiting meanwhile', async () => {
    const busy = await host.kernel.spawn({
      limits: { wallTimeMs: 20 },
      work: () => {
        const until = performance.now() + 60;
        while (performance.now() < until) {
          // It blocks the thread of the program: nobody can stop that.
        }
        return 'too late';
      },
    });
    expect((await busy.exited).exit.reason).toBe('timeout');
    expect(busy.result).toBeUndefined();
  });
});

describe('a function under a supervisor', () => {
  const QUICK = { initialMs: 1, maxMs: 8, stableMs: 60_000 };

  test('is called anew when it has failed, with a new pid, beside guests', async () => {
    const pids: number[] = [];
    const again = Promise.withResolvers<void>();
    const supervisor = await host.kernel.supervise({
      backoff: QUICK,
      children: [
        { id: 'guest', module: sleeper },
        {
          id: 'worker',
          grants: { ipc: 'all' },
          work: async ({ pid, receive }) => {
            pids.push(pid);
            if (pids.length < 3) {
              throw new Error('not yet');
            }
            again.resolve();
            return receive();
          },
        },
      ],
    });
    await again.promise;
    const [, worker] = supervisor.children();
    expect(worker).toMatchObject({ state: 'running', pid: pids[2], restarts: 2 });
    expect(host.kernel.agent(pids[2] as number).agentId).toBe('worker');
    expect(new Set(pids).size).toBe(3);
    await supervisor.close();
  });

  test('is not called again when it has returned and is transient', async () => {
    let calls = 0;
    const ended = Promise.withResolvers<void>();
    await using supervisor = await host.kernel.supervise({
      backoff: QUICK,
      onExit: () => ended.resolve(),
      children: [
        {
          id: 'once',
          restart: 'transient',
          work: () => {
            calls += 1;
          },
        },
      ],
    });
    await ended.promise;
    await nextTurn();
    expect(supervisor.children()[0]).toMatchObject({ state: 'ended', restarts: 0 });
    expect(calls).toBe(1);
  });

  test('that fails without end exhausts it', async () => {
    const supervisor = await host.kernel.supervise({
      intensity: 2,
      backoff: QUICK,
      children: [
        {
          id: 'hostile',
          work: () => {
            throw new Error('always');
          },
        },
      ],
    });
    expect(await supervisor.ended).toEqual({ reason: 'exhausted', childId: 'hostile' });
  });

  test('is asked to stop in its turn, and ended by force where it does not hear', async () => {
    const stopped: string[] = [];
    const child = (id: string) => ({
      id,
      work: async ({ signal }: WorkContext) => {
        await sleep(600_000, null, { signal }).catch(() => {});
        stopped.push(id);
      },
    });
    const ends: [string, string][] = [];
    const supervisor = await host.kernel.supervise({
      onExit: (id, { exit }) => ends.push([id, exit.reason]),
      children: [child('a'), { id: 'deaf', work: forEver, shutdownMs: 10 }, child('b')],
    });
    await supervisor.close();
    expect(stopped).toEqual(['b', 'a']);
    expect(ends).toEqual([
      ['b', 'normal'],
      ['deaf', 'killed'],
      ['a', 'normal'],
    ]);
  });
});

describe('what can not be spawned is refused', () => {
  const work = (): void => {};

  test('with a sentence that names it', async () => {
    const wrong: [object, RegExp][] = [
      [{}, /nothing to run/],
      [{ work, module: hello }, /'module' and 'work'/],
      [{ work: 'echo' }, /'work': give a function/],
      [{ work, backend: 'wasm' }, /runs no functions/],
      [{ module: hello, backend: 'native' }, /runs no modules/],
      [{ module: hello, backend: 'parrot' }, /'backend' is none/],
      [{ work, limits: { fuel: 1 } }, /'fuel'.*counts no fuel/],
      [{ work, limits: { memoryBytes: 1024 } }, /'memoryBytes'.*shares the memory/],
      [{ work, limits: { cpuTimeMs: 10 } }, /'cpuTimeMs'.*shares the thread/],
      [{ work, limits: { diskBytes: 10 } }, /'diskBytes'.*opens files/],
      [{ work, limits: { messages: -1 } }, /'messages'/],
      [{ work, isolation: 'thread' }, /'isolation'.*kept apart/],
      [{ work, arguments: ['x'] }, /'arguments'.*closes over/],
      [{ work, environment: {} }, /'environment'.*closes over/],
      [{ work, stdin: 'x' }, /'stdin'.*closes over/],
      [{ work, stdout: () => {} }, /'stdout'.*closes over/],
      [{ work, agentId: '' }, /'agentId'/],
      [{ work, parrots: 1 }, /parrots/],
    ];
    const before = host.kernel.list().length;
    for (const [options, message] of wrong) {
      await expect(host.kernel.spawn(options as SpawnOptions)).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.stringMatching(message),
      });
    }
    await expect(
      host.kernel.supervise({ children: [{ id: 'a', work, stdin: 'x' }] } as SuperviseOptions),
    ).rejects.toMatchObject({ code: 'RF_USAGE', message: /closes over/ });
    expect(host.kernel.list()).toHaveLength(before);
  });

  test('and what can be, is: with its backend named, and limits of 0 where there are none', async () => {
    const options: WorkOptions<number> = {
      backend: 'native',
      work: () => 7,
      limits: { messages: 10, ...{ fuel: 0, memoryBytes: 0, cpuTimeMs: 0, diskBytes: 0 } },
    };
    const native = await host.kernel.spawn(options);
    const wasm = await host.kernel.spawn({ backend: 'wasm', module: hello });
    expect((await wasm.exited).exit.reason).toBe('normal');
    await native.exited;
    expect(native.result).toBe(7);
  });

  test.each(['container', 'remote', 'tee'] as const)(
    'on the backend %s, by its name, whatever is to be run',
    async (backend) => {
      for (const options of [{ backend }, { backend, module: hello }, { backend, work }]) {
        await expect(host.kernel.spawn(options as SpawnOptions)).rejects.toMatchObject({
          code: 'RF_BACKEND_NOT_AVAILABLE',
          fields: { backend },
          message: expect.stringMatching(new RegExp(`'${backend}'.*'wasm'.*'native'`)),
        });
      }
      await expect(
        host.kernel.supervise({ children: [{ id: 'a', backend, module: hello }] }),
      ).rejects.toMatchObject({ code: 'RF_BACKEND_NOT_AVAILABLE' });
    },
  );

  test('when a quota is used up: a function counts as an agent, and takes no stack', async () => {
    const small = await testKernel({ ownerQuotas: { agents: 2, stacks: 1 } });
    const owner = 'ada';
    await small.kernel.spawn({ work: forEver, owner });
    const second = await small.kernel.spawn({ work: forEver, owner });
    await expect(small.kernel.spawn({ work: forEver, owner })).rejects.toMatchObject({
      code: 'RF_QUOTA_EXCEEDED',
      fields: { quota: 'agents' },
    });
    second.kill();
    await second.exited;
    await small.kernel.spawn({ work: forEver, owner });
    await small.kernel.close();
  });
});
