/**
 * Goal: a supervisor's children run, come back, and end as docs/supervision.md says. Method: real agents,
 * hostile ones among them, through the public API; what is decided is tested in src/supervisor/ for
 * every case.
 */

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModule, Report, SuperviseOptions, SupervisorHandle } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let sleeper: LoadedModule;
let trap: LoadedModule;
let hello: LoadedModule;
let puppet: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  [sleeper, trap, hello, puppet] = (await Promise.all(
    ['sleeper', 'trap', 'hello', 'puppet'].map((name) => host.kernel.load(guest(name))),
  )) as [LoadedModule, LoadedModule, LoadedModule, LoadedModule];
});
afterAll(() => host.kernel.close());

const QUICK = { initialMs: 1, maxMs: 8, stableMs: 60_000 };

/** What `onExit` was told, and a promise of so many of them. */
function exits() {
  const seen: [id: string, report: Report][] = [];
  const waiting: { count: number; resolve(): void }[] = [];
  return {
    seen,
    onExit: (id: string, report: Report): void => {
      seen.push([id, report]);
      for (const { count, resolve } of waiting) {
        if (seen.length >= count) {
          resolve();
        }
      }
    },
    atLeast: (count: number): Promise<void> =>
      seen.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
  };
}

describe('one_for_one', () => {
  test('starts its children in order, and stops the last first', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      children: ['a', 'b', 'c'].map((id) => ({
        id,
        module: sleeper,
        grants: { ipc: 'all' },
        shutdownMs: 0,
      })),
    });
    const pids = supervisor.children().map(({ pid }) => pid as number);
    expect(pids).toEqual([...pids].sort((one, other) => one - other));
    expect(supervisor.children().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'running'],
      ['b', 'running'],
      ['c', 'running'],
    ]);
    expect(await supervisor.close()).toEqual({ reason: 'stopped', childId: null });
    expect(seen.map(([id, { exit }]) => [id, exit.reason])).toEqual([
      ['c', 'killed'],
      ['b', 'killed'],
      ['a', 'killed'],
    ]);
    expect(supervisor.children()).toEqual([]);
  });

  test('starts who was killed again, under a new pid, without anyone calling', async () => {
    const { seen, onExit, atLeast } = exits();
    await using supervisor = await host.kernel.supervise({
      onExit,
      backoff: QUICK,
      children: ['a', 'b'].map((id) => ({
        id,
        module: sleeper,
        grants: { ipc: 'all' },
        shutdownMs: 0,
      })),
    });
    const [a, b] = supervisor.children();
    host.kernel.kill(a?.pid as number);
    await atLeast(1);
    await expect
      .poll(() => supervisor.children()[0])
      .toMatchObject({ state: 'running', restartedFrom: a?.pid, restarts: 1 });
    expect(supervisor.children()[1]).toEqual(b);
    const again = supervisor.children()[0]?.pid as number;
    expect(again).toBeGreaterThan(b?.pid as number);
    expect(host.kernel.list().find(({ pid }) => pid === again)).toMatchObject({
      agentId: 'a',
      parentPid: 0,
      restartedFrom: a?.pid,
    });
    expect(seen[0]?.[1]).toMatchObject({ pid: a?.pid, restarted_from: null, restarts: 0 });
    await supervisor.close();
    expect(seen.find(([, { pid }]) => pid === again)?.[1]).toMatchObject({
      restarted_from: a?.pid,
      restarts: 1,
    });
  });

  test('ends when a child crashes in a loop: after its intensity, and its siblings with it', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      backoff: QUICK,
      intensity: 3,
      children: [
        { id: 'sibling', module: sleeper, grants: { ipc: 'all' }, shutdownMs: 0 },
        { id: 'hostile', module: trap },
      ],
    });
    expect(await supervisor.ended).toEqual({ reason: 'exhausted', childId: 'hostile' });
    const crashes = seen.filter(([id]) => id === 'hostile').map(([, report]) => report);
    expect(crashes.map(({ restarts, exit }) => [restarts, exit.reason])).toEqual([
      [0, 'trap'],
      [1, 'trap'],
      [2, 'trap'],
      [3, 'trap'],
    ]);
    expect(crashes.map(({ restarted_from }) => restarted_from)).toEqual([
      null,
      ...crashes.slice(0, -1).map(({ pid }) => pid),
    ]);
    expect(seen.at(-1)?.[0]).toBe('sibling');
    expect(host.warnings.at(-1)).toMatch(/child 'hostile' ended once more, and 3 restarts/);
  });

  test('restarts by the type of the child: permanent always, transient after a failure only', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      backoff: { ...QUICK, initialMs: 60_000, maxMs: 60_000 },
      children: [
        { id: 'permanent', module: hello },
        { id: 'transient', module: hello, restart: 'transient' },
        { id: 'temporary', module: trap, restart: 'temporary' },
        { id: 'failed', module: trap, restart: 'transient' },
      ],
    });
    await expect
      .poll(() => supervisor.children().map(({ id, state }) => [id, state]))
      .toEqual([
        ['permanent', 'waiting'],
        ['transient', 'ended'],
        ['failed', 'waiting'],
      ]);
    expect(seen).toHaveLength(4);
    await supervisor.close();
    expect(seen).toHaveLength(4);
  });
});

/** A child that waits for ever, and is ended at once. */
const waits = (id: string) => ({
  id,
  module: sleeper,
  grants: { ipc: 'all' as const },
  shutdownMs: 0,
});

const kill = (supervisor: SupervisorHandle, id: string): void =>
  host.kernel.kill(supervisor.children().find((child) => child.id === id)?.pid as number);

const allRun = (supervisor: SupervisorHandle): boolean =>
  supervisor.children().every(({ state }) => state === 'running');

describe('the strategies', () => {
  test.each([
    ['one_for_one', [], ['b']],
    ['one_for_all', ['d', 'c', 'a'], ['a', 'b', 'c', 'd']],
    ['rest_for_one', ['d', 'c'], ['b', 'c', 'd']],
  ] as const)(
    '%s: who is stopped, and who is started, in order',
    async (strategy, stops, starts) => {
      const { seen, onExit } = exits();
      await using supervisor = await host.kernel.supervise({
        strategy,
        onExit,
        backoff: QUICK,
        children: ['a', 'b', 'c', 'd'].map(waits),
      });
      kill(supervisor, 'b');
      await expect.poll(() => seen.length > stops.length && allRun(supervisor)).toBe(true);
      expect(seen.map(([id]) => id)).toEqual(['b', ...stops]);
      const again = supervisor.children().filter(({ restarts }) => restarts > 0);
      expect(again.map(({ id }) => id)).toEqual(starts);
      const pids = again.map(({ pid }) => pid as number);
      expect(pids).toEqual([...pids].sort((one, other) => one - other));
    },
  );

  test('a supervisor whose children crash too often is a child that has failed', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      strategy: 'rest_for_one',
      intensity: 1,
      backoff: QUICK,
      onExit,
      children: [
        waits('before'),
        {
          id: 'inner',
          supervisor: {
            intensity: 2,
            backoff: QUICK,
            children: [waits('sibling'), { id: 'hostile', module: trap }],
          },
        },
        waits('after'),
      ],
    });
    expect(await supervisor.ended).toEqual({ reason: 'exhausted', childId: 'inner' });
    // Three lives under the first inner supervisor, and three under the one that was started for it.
    expect(seen.filter(([id]) => id === 'hostile')).toHaveLength(6);
    expect(seen.filter(([id]) => id === 'after')).toHaveLength(2);
    expect(seen.filter(([id]) => id === 'before')).toHaveLength(1);
    expect(seen.at(-1)?.[0]).toBe('before');
  });

  test('children of a nested supervisor are seen, and stopped in order with the others', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      children: [
        waits('a'),
        { id: 'inner', supervisor: { children: [waits('b'), waits('c')] } },
        waits('d'),
      ],
    });
    const [, inner] = supervisor.children();
    expect(inner).toMatchObject({ kind: 'supervisor', pid: null, state: 'running' });
    expect(inner?.children?.map(({ id, state }) => [id, state])).toEqual([
      ['b', 'running'],
      ['c', 'running'],
    ]);
    await supervisor.close();
    expect(seen.map(([id]) => id)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('a stop', () => {
  test.each(['shared', 'thread', 'process'] as const)(
    'tells who can hear it, and lets it end by itself: %s',
    async (isolation) => {
      const { seen, onExit } = exits();
      const supervisor = await host.kernel.supervise({
        onExit,
        children: [
          {
            id: 'polite',
            module: puppet,
            isolation,
            grants: { ipc: 'all' },
            stdin: 'receive 60000\nend\n',
            shutdownMs: 60_000,
          },
        ],
      });
      await supervisor.close();
      expect(seen[0]?.[1].exit).toMatchObject({ reason: 'normal', code: 0 });
    },
  );

  test('ends by force who does not end in its time, and at once who can not hear', async () => {
    const { seen, onExit } = exits();
    const endless = await host.kernel.load(guest('endless-loop'));
    const supervisor = await host.kernel.supervise({
      onExit,
      children: [
        { id: 'deaf', module: endless, shutdownMs: 600_000 },
        { ...waits('stubborn'), shutdownMs: 30 },
      ],
    });
    await supervisor.close();
    expect(seen.map(([id, { exit }]) => [id, exit.reason, exit.message])).toEqual([
      ['stubborn', 'killed', 'its supervisor has stopped it, and it did not end within 30 ms'],
      ['deaf', 'killed', 'its supervisor has stopped it'],
    ]);
  });

  test('of one child leaves the others, and a restart starts it under a new pid', async () => {
    await using supervisor = await host.kernel.supervise({ children: ['a', 'b'].map(waits) });
    const [first] = supervisor.children();
    await supervisor.stop('a');
    expect(supervisor.children()).toMatchObject([
      { id: 'a', state: 'stopped', pid: null, restartedFrom: first?.pid },
      { id: 'b', state: 'running' },
    ]);
    const pid = await supervisor.restart('a');
    expect(supervisor.children()[0]).toMatchObject({ pid, restartedFrom: first?.pid });
    expect(await supervisor.restart('a')).toBeGreaterThan(pid as number);
    await supervisor.remove('a');
    expect(supervisor.children().map(({ id }) => id)).toEqual(['b']);
    expect(await supervisor.start(waits('a'))).toBeGreaterThan(0);
    expect(supervisor.children().map(({ id }) => id)).toEqual(['b', 'a']);
    await expect(supervisor.start(waits('a'))).rejects.toMatchObject({ code: 'RF_USAGE' });
    expect(supervisor.children()[1]).toMatchObject({ id: 'a', state: 'running', restarts: 0 });
  });

  test('during the back-off cancels it: nobody comes back', async () => {
    const { seen, onExit, atLeast } = exits();
    await using supervisor = await host.kernel.supervise({
      onExit,
      backoff: { initialMs: 40, maxMs: 40 },
      children: [waits('a'), waits('b')],
    });
    kill(supervisor, 'a');
    await atLeast(1);
    await expect.poll(() => supervisor.children()[0]?.state).toBe('waiting');
    const due = supervisor.children()[0]?.restartDueMs as number;
    expect(due).toBeGreaterThan(0);
    await supervisor.stop('a');
    expect(supervisor.children()[0]).toMatchObject({ state: 'stopped', restartDueMs: null });
    // The control: who is not stopped is back by a later moment.
    kill(supervisor, 'b');
    await expect.poll(() => supervisor.children()[1]?.restarts).toBe(1);
    expect(supervisor.children()[0]).toMatchObject({ state: 'stopped', restarts: 0 });
    expect(seen.map(([id]) => id)).toEqual(['a', 'b']);
  });
});

describe('the end of the kernel', () => {
  test.each([
    ['while a restart waits', 3_600_000],
    ['while children crash in a loop', 0],
  ])('%s: nothing runs after it, and nothing comes back', async (_, initialMs) => {
    const { kernel } = await testKernel();
    const [quiet, hostile] = await Promise.all(
      ['sleeper', 'trap'].map((name) => kernel.load(guest(name))),
    );
    const { seen, onExit, atLeast } = exits();
    const supervisor = await kernel.supervise({
      onExit,
      strategy: 'one_for_one',
      intensity: 10_000,
      backoff: { initialMs, maxMs: initialMs },
      children: [
        { id: 'quiet', module: quiet as LoadedModule, grants: { ipc: 'all' } },
        { id: 'hostile', module: hostile as LoadedModule },
        {
          id: 'inner',
          supervisor: {
            strategy: 'one_for_all',
            intensity: 10_000,
            backoff: { initialMs, maxMs: initialMs },
            children: [{ id: 'inner hostile', module: hostile as LoadedModule }],
          },
        },
      ],
    });
    await atLeast(2);
    await kernel.close();
    expect(await supervisor.ended).toEqual({ reason: 'closed', childId: null });
    const { length } = seen;
    expect(kernel.list()).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toHaveLength(length);
    await expect(kernel.supervise({ children: [] })).rejects.toMatchObject({ code: 'RF_CLOSED' });
    await expect(
      supervisor.start({ id: 'late', module: quiet as LoadedModule }),
    ).rejects.toMatchObject({ code: 'RF_CLOSED' });
  });

  test('a waiting restart of a supervisor that is closed never comes', async () => {
    const { onExit, seen, atLeast } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      backoff: { initialMs: 30, maxMs: 30 },
      children: [waits('a')],
    });
    kill(supervisor, 'a');
    await atLeast(1);
    await supervisor.close();
    const control = await host.kernel.supervise({
      onExit,
      backoff: { initialMs: 60, maxMs: 60 },
      children: [waits('control')],
    });
    kill(control, 'control');
    await expect.poll(() => control.children()[0]?.restarts).toBe(1);
    expect(seen.map(([id]) => id)).toEqual(['a', 'control']);
    await control.close();
  });
});

describe('what can not be started', () => {
  const tooLittle = (id: string) => ({ ...waits(id), limits: { memoryBytes: 1 } });

  test('the third of five: those before it have ended again, and the error says which and why', async () => {
    const { seen, onExit } = exits();
    const before = host.kernel.list().length;
    await expect(
      host.kernel.supervise({
        onExit,
        children: [waits('a'), waits('b'), tooLittle('c'), waits('d'), waits('e')],
      }),
    ).rejects.toMatchObject({
      code: 'RF_CHILD_START',
      fields: { id: 'c' },
      cause: expect.objectContaining({ code: 'RF_MODULE_REFUSED' }),
    });
    expect(seen.map(([id]) => id)).toEqual(['b', 'a']);
    expect(host.kernel.list()).toHaveLength(before);
  });

  test('one that is added: it is forgotten, and the others run on', async () => {
    await using supervisor = await host.kernel.supervise({ children: [waits('a')] });
    await expect(supervisor.start(tooLittle('b'))).rejects.toMatchObject({
      code: 'RF_CHILD_START',
    });
    expect(supervisor.children()).toMatchObject([{ id: 'a', state: 'running', restarts: 0 }]);
  });

  test('what is wrong is said before anybody is started', async () => {
    const before = host.kernel.list().length;
    const wrong: [unknown, RegExp][] = [
      [{ strategy: 'all_for_one', children: [] }, /'strategy'/],
      [{ children: [waits('a'), waits('a')] }, /two children 'a'/],
      [{ children: [{ ...waits('a'), restart: 'always' }] }, /'restart'/],
      [{ children: [{ ...waits('a'), parrots: 1 }] }, /parrots/],
      [{ children: [{ ...waits('a'), limits: { fuel: -1 } }] }, /fuel/],
      [{ children: [{ ...waits('a'), stdin: [] }] }, /'stdin'/],
      [{ children: [{ id: 'a' }] }, /module/],
      [{ children: [waits('a')], intensity: 1.5 }, /'intensity'/],
      [{ children: [{ ...waits('a'), significant: true, restart: 'transient' }] }, /autoShutdown/],
      [
        { autoShutdown: 'any_significant', children: [{ ...waits('a'), significant: true }] },
        /permanent/,
      ],
    ];
    for (const [options, message] of wrong) {
      await expect(host.kernel.supervise(options as SuperviseOptions)).rejects.toMatchObject({
        code: 'RF_USAGE',
        message: expect.stringMatching(message),
      });
    }
    await expect(
      host.kernel.supervise({
        children: [
          waits('a'),
          { ...waits('b'), grants: { files: [{ host: '/nowhere', guest: '/' }] } },
        ],
      }),
    ).rejects.toMatchObject({ code: 'RF_FILE' });
    expect(host.kernel.list()).toHaveLength(before);
  });

  test('a child that nobody has is told', async () => {
    await using supervisor = await host.kernel.supervise({ children: [] });
    for (const call of [supervisor.stop('x'), supervisor.remove('x'), supervisor.restart('x')]) {
      await expect(call).rejects.toMatchObject({ code: 'RF_CHILD_NOT_FOUND', fields: { id: 'x' } });
    }
  });
});

const grantsOf = (supervisor: SupervisorHandle) =>
  host.kernel.agent(supervisor.children()[0]?.pid as number).grants();

describe('a restart gives nothing back', () => {
  test('what was revoked is gone for the next, though it crashed before or after', async () => {
    const { onExit, atLeast } = exits();
    host.kernel.registerTool({ name: 'add', description: 'Adds.' }, () => 3);
    let said = '';
    await using supervisor = await host.kernel.supervise({
      onExit,
      backoff: QUICK,
      intensity: 100,
      children: [
        {
          id: 'a',
          module: puppet,
          grants: { tools: ['add'], ipc: 'all' },
          stdin: 'tool add {}\nreceive 60000\n',
          shutdownMs: 0,
          stdout: (bytes) => {
            said += new TextDecoder().decode(bytes);
          },
        },
      ],
    });
    await expect.poll(() => said).toBe('tool ok 3\n');
    const pid = supervisor.children()[0]?.pid as number;
    kill(supervisor, 'a');
    await atLeast(1);
    // The control: a crash alone changes nothing.
    await expect.poll(() => said).toBe('tool ok 3\ntool ok 3\n');
    const ids = grantsOf(supervisor);
    expect(ids.map(({ kind }) => kind)).toContain('tools');
    expect(pid).not.toBe(supervisor.children()[0]?.pid);
    const tools = ids.find(({ kind }) => kind === 'tools')?.id as number;
    kill(supervisor, 'a');
    await host.kernel.revoke(tools);
    await expect.poll(() => said).toMatch(/tool err denied/);
    expect(grantsOf(supervisor).map(({ kind }) => kind)).toEqual(['ipc', 'clocks', 'random']);
  });

  test('its directory is the one that was opened, wherever the name leads by now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-restart-'));
    try {
      for (const name of ['mounted', 'secret']) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'letter'), name);
      }
      let said = '';
      await using supervisor = await host.kernel.supervise({
        backoff: QUICK,
        children: [
          {
            id: 'a',
            module: puppet,
            grants: { files: [{ host: join(folder, 'mounted'), guest: '/in' }], ipc: 'all' },
            stdin: 'open a letter\nread a\nreceive 60000\n',
            shutdownMs: 0,
            stdout: (bytes) => {
              said += new TextDecoder().decode(bytes);
            },
          },
        ],
      });
      await expect.poll(() => said).toMatch(/read ok mounted/);
      said = '';
      renameSync(join(folder, 'mounted'), join(folder, 'moved'));
      symlinkSync(join(folder, 'secret'), join(folder, 'mounted'));
      kill(supervisor, 'a');
      await expect.poll(() => said).toMatch(/read ok/);
      expect(said).toMatch(/read ok mounted/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('1,000 supervised agents crash at once, and all run again, none lost, in their order', async () => {
  const { seen, onExit } = exits();
  const ids = Array.from({ length: 1_000 }, (_, index) => `child ${index}`);
  const supervisor = await host.kernel.supervise({
    onExit,
    intensity: 1_000,
    backoff: QUICK,
    children: ids.map(waits),
  });
  for (const { pid } of supervisor.children()) {
    host.kernel.kill(pid as number);
  }
  await expect
    .poll(
      () =>
        supervisor.children().filter(({ state, restarts }) => state === 'running' && restarts === 1)
          .length,
      {
        timeout: 20_000,
      },
    )
    .toBe(1_000);
  expect(supervisor.children().map(({ id }) => id)).toEqual(ids);
  expect(new Set(seen.map(([id]) => id)).size).toBe(1_000);
  await supervisor.close();
  expect(seen).toHaveLength(2_000);
});

test('2,000 children of one_for_all are stopped and started for one that traps before it has begun', async () => {
  const { seen, onExit } = exits();
  const crashes = await host.kernel.load(guest('loop-in-start'));
  const ids = Array.from({ length: 2_000 }, (_, index) => `child ${index}`);
  const supervisor = await host.kernel.supervise({
    onExit,
    strategy: 'one_for_all',
    intensity: 1,
    backoff: QUICK,
    children: [...ids.map(waits), { id: 'hostile', module: crashes, limits: { fuel: 1_000 } }],
  });
  expect(await supervisor.ended).toEqual({ reason: 'exhausted', childId: 'hostile' });
  const order = ['hostile', ...ids.toReversed()];
  expect(seen.map(([id]) => id)).toEqual([...order, ...order]);
}, 60_000);
