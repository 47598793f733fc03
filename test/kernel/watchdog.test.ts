/**
 * Goal: an agent whose thread or process does not answer is reaped, with its code and reason, and nobody
 * else is. Method: real threads and processes, whose answers are kept from the kernel.
 */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { ChildAgent } from '../../src/backend/process/child-agent.ts';
import { WorkerLink } from '../../src/backend/wasm/worker-link.ts';
import { type Agent, type Isolation, type Kernel, openKernel } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

const soon = { timeout: 20_000 };

interface Answering {
  answers(): Promise<void>;
}

/** Keeps the answers of whoever is asked first from the kernel. */
function silenceFirst(prototype: Answering): void {
  const { answers } = prototype;
  let first: Answering | null = null;
  vi.spyOn(prototype, 'answers').mockImplementation(function (this: Answering) {
    first ??= this;
    return this === first ? new Promise(() => {}) : answers.call(this);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

async function running(kernel: Kernel, name: string, isolation: Isolation): Promise<Agent> {
  const module = await kernel.load(guest(name));
  const agent = await kernel.spawn({ module, isolation, grants: { ipc: 'all' } });
  await vi.waitFor(() => expect(agent.state).toBe('running'), soon);
  return agent;
}

const REAPED = {
  code: -2,
  reason: 'reaped',
  message: 'what ran it did not answer within 200 ms',
} as const;

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test('whose host is silent is reaped; the others are not', async () => {
    const { kernel } = await testKernel({ workers: 2 });
    const first = await running(kernel, 'endless-loop', isolation);
    const second = await running(kernel, 'sleeper', isolation);
    silenceFirst((isolation === 'process' ? ChildAgent : WorkerLink).prototype);
    expect(await kernel.sweep({ withinMs: 200 })).toEqual([first.pid]);
    expect((await first.exited).exit).toEqual(REAPED);
    vi.restoreAllMocks();
    expect(await kernel.sweep({ withinMs: 20_000 })).toEqual([]);
    expect(second.state).toBe('running');
    // What took its place runs others.
    const spin = await kernel.load(guest('spin'));
    const next = await kernel.spawn({ module: spin, isolation });
    expect((await next.exited).exit.reason).toBe('normal');
    await kernel.close();
  });

  test('who answers is not reaped: computing, waiting or suspended', async () => {
    const { kernel } = await testKernel({ workers: 1 });
    const agents = [
      await running(kernel, 'endless-loop', isolation),
      await running(kernel, 'sleeper', isolation),
      await running(kernel, 'endless-loop', isolation),
    ];
    agents[2]?.suspend();
    expect(await kernel.sweep({ withinMs: 20_000 })).toEqual([]);
    expect(agents.map(({ state }) => state)).toEqual(['running', 'running', 'suspended']);
    await kernel.close();
  });
});

test('all agents of a silent thread are reaped, and started again where a supervisor has them', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('endless-loop'));
  const exits: string[] = [];
  await using supervisor = await kernel.supervise({
    children: ['a', 'b'].map((id) => ({ id, module })),
    backoff: { initialMs: 10 },
    onExit: (id, { exit }) => exits.push(`${id} ${exit.reason} ${exit.code}`),
  });
  const states = () => kernel.list().map(({ state }) => state);
  await vi.waitFor(() => expect(states()).toEqual(['running', 'running']), soon);
  silenceFirst(WorkerLink.prototype);
  expect(await kernel.sweep({ withinMs: 200 })).toEqual([1, 2]);
  await vi.waitFor(() => expect(exits.sort()).toEqual(['a reaped -2', 'b reaped -2']), soon);
  vi.restoreAllMocks();
  await vi.waitFor(() => expect(states()).toEqual(['running', 'running']), soon);
  expect(supervisor.children().map(({ restarts }) => restarts)).toEqual([1, 1]);
  await supervisor.close();
  await kernel.close();
});

test('a kernel that was opened with a watchdog sweeps by itself, and says what it did', async () => {
  const { kernel, warnings } = await testKernel({
    workers: 1,
    watchdog: { everyMs: 100, withinMs: 200 },
  });
  const agent = await running(kernel, 'sleeper', 'thread');
  silenceFirst(WorkerLink.prototype);
  expect((await agent.exited).exit).toEqual(REAPED);
  await vi.waitFor(() => {
    expect(warnings).toContain(`the watchdog has reaped 1 agents: pids ${agent.pid}`);
  }, soon);
  await kernel.close();
});

test('one that was killed before stays so', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const agent = await running(kernel, 'sleeper', 'thread');
  silenceFirst(WorkerLink.prototype);
  const swept = kernel.sweep({ withinMs: 200 });
  agent.kill('enough');
  expect(await swept).toEqual([]);
  expect((await agent.exited).exit).toMatchObject({ reason: 'killed', message: 'enough' });
  await kernel.close();
});

test('what can not be understood is refused', async () => {
  const { kernel } = await testKernel();
  for (const withinMs of [0, 99, 1.5, Number.NaN, '5s' as never]) {
    await expect(kernel.sweep({ withinMs })).rejects.toMatchObject({ code: 'RF_USAGE' });
  }
  await kernel.close();
  await expect(openKernel({ watchdog: { everyMs: 0 } })).rejects.toMatchObject({
    code: 'RF_USAGE',
  });
});
