/**
 * Family 43: a worker thread dies in the middle of whatever its agents do. Goal: each of them is reported
 * as lost, whoever waits for one of them is told, those of the other thread go on, and who is supervised
 * comes back. Method: the test ends a thread behind the kernel's back, and looks who was in it.
 */

import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const threads: Worker[] = [];
const remember = (thread: Worker): void => {
  threads.push(thread);
};
let host: TestKernel;
beforeEach(async () => {
  threads.length = 0;
  process.on('worker', remember);
  host = await testKernel({ workers: 2 });
});
afterEach(async () => {
  process.off('worker', remember);
  await host.kernel.close();
});

const LOST = { code: -1, reason: 'worker_lost' } as const;

async function puppets(count: number): Promise<Puppet[]> {
  const module = await host.kernel.load(guest('puppet'));
  const made: Puppet[] = [];
  for (let index = 0; index < count; index += 1) {
    const grants = { ipc: 'all', tools: 'all' } as const;
    made.push(await spawnPuppet(host.kernel, module, { grants }));
  }
  return made;
}

/** Ends a thread, and says who was in it and who was not. */
async function loseThread(all: readonly Puppet[]): Promise<[lost: Puppet[], left: Puppet[]]> {
  await threads[0]?.terminate();
  await Promise.race(all.map(({ agent }) => agent.exited));
  const isLost = ({ agent }: Puppet): boolean => agent.state === 'exited';
  return [all.filter(isLost), all.filter((each) => !isLost(each))];
}

it('43: who asked one of them is told closed, those of the other thread answer each other', async () => {
  const all = await puppets(4);
  // Each asks each, and waits for an answer of the next one.
  for (const asker of all) {
    for (const { agent } of all) {
      expect(await asker.tell(`request ${agent.pid} how`)).toMatch(/^request ok/);
      expect(await asker.tell(`monitor ${agent.pid}`)).toMatch(/^monitor ok/);
    }
  }
  for (const asked of all) {
    await asked.tell('receive 9000');
  }
  const [lost, left] = await loseThread(all);
  expect([lost.length, left.length]).toEqual([2, 2]);
  for (const { agent } of lost) {
    expect((await agent.exited).exit).toMatchObject(LOST);
  }
  for (const survivor of left) {
    for (const [at, asked] of all.entries()) {
      const answer = await survivor.tell(`await ${at + 1} 0`);
      // Who lives has not answered yet: that wait is over for its time alone.
      expect(answer).toMatch(lost.includes(asked) ? /^receive err closed/ : /^receive err timeout/);
    }
    for (const gone of lost) {
      const { pid } = gone.agent;
      expect(await survivor.tell(`request ${pid} late`)).toMatch(/^request err closed/);
    }
  }
  const [one, other] = left as [Puppet, Puppet];
  expect(await one.tell(`send ${other.agent.pid} hello`)).toBe('send ok');
  expect(await other.tell(`from ${one.agent.pid} 9000`)).toMatch(/^receive ok/);
  // Each end is told to each who watched it, once.
  for (const survivor of left) {
    const told: string[] = [];
    for (let answer = ''; !/timeout/.test(answer); answer = await survivor.tell('receive 0')) {
      told.push(...(/ down /.test(answer) ? [answer] : []));
    }
    expect(told.map((each) => Number(each.split(' ')[4])).sort()).toEqual(
      lost.map(({ agent }) => agent.pid).sort(),
    );
    expect(told.every((each) => / crash worker_lost/.test(each))).toBe(true);
  }
  expect(host.warnings).toHaveLength(1);
});

it('43: a tool that runs for one of them is told to stop, and the program’s own requests are closed', async () => {
  const stopped: number[] = [];
  host.kernel.registerTool(
    { name: 'waits', description: 'Answers never.' },
    (_arguments, { pid, signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          stopped.push(pid);
          resolve(null);
        });
      }),
  );
  const all = await puppets(4);
  const requests = all.map(({ agent }) => agent.request('how', { timeoutMs: 60_000 }));
  const ends = requests.map((request) =>
    request.then(
      () => 'replied',
      ({ code }) => String(code),
    ),
  );
  for (const each of all) {
    expect(await each.tell('receive 9000')).toMatch(/^receive ok request 0 1/);
    each.say('tool waits {}');
  }
  await expect.poll(() => all.map(({ agent }) => agent.usage().tool_calls)).toEqual([1, 1, 1, 1]);
  const [lost, left] = await loseThread(all);
  expect(lost).toHaveLength(2);
  await expect.poll(() => [...stopped].sort()).toEqual(lost.map(({ agent }) => agent.pid).sort());
  for (const gone of lost) {
    expect(await ends[all.indexOf(gone)]).toBe('RF_CLOSED');
  }
  // The others still wait for their tool, and end when they are told to.
  for (const { agent } of left) {
    expect(agent.state).toBe('running');
    agent.kill();
    expect((await agent.exited).exit.reason).toBe('killed');
  }
});

it('43: a thread of its own that dies while it starts takes its agent along, who asks it is told, and its place is free', async () => {
  const module = await host.kernel.load(guest('puppet'));
  process.once('worker', (thread) => void thread.terminate());
  const agent = await host.kernel.spawn({
    module,
    isolation: 'thread',
    grants: { ipc: 'all' },
    provides: ['early'],
  });
  const [asked, sent] = await Promise.allSettled([
    agent.request('how', { timeoutMs: 60_000 }),
    agent.send('hello', { waitMs: 60_000 }),
  ]);
  expect(asked).toMatchObject({ status: 'rejected', reason: { code: 'RF_CLOSED' } });
  expect(sent).toMatchObject({ status: 'rejected', reason: { code: 'RF_CLOSED' } });
  expect((await agent.exited).exit).toMatchObject(LOST);
  expect(host.kernel.services()).toEqual([]);
  expect(host.warnings).toEqual([expect.stringMatching(/^a worker died/)]);
  // The control: the next one starts, under the same name.
  const next = await host.kernel.spawn({
    module,
    isolation: 'thread',
    grants: { ipc: 'all' },
    provides: ['early'],
    stdin: 'receive 60000\nend\n',
  });
  await next.send('hello', { waitMs: 60_000 });
  expect((await next.exited).exit).toMatchObject({ reason: 'normal' });
});

it('43: who is supervised comes back, and who is not is gone', async () => {
  const sleeper = await host.kernel.load(guest('sleeper'));
  const seen: string[] = [];
  const supervisor = await host.kernel.supervise({
    onExit: (id, { exit }) => seen.push(`${id} ${exit.reason}`),
    backoff: { initialMs: 1, maxMs: 1 },
    children: ['a', 'b', 'c', 'd'].map((id) => ({
      id,
      module: sleeper,
      grants: { ipc: 'all' },
      shutdownMs: 0,
    })),
  });
  const before = supervisor.children();
  const all = await puppets(2);
  const [lost] = await loseThread(all);
  expect(lost).toHaveLength(1);
  await expect
    .poll(() => supervisor.children().filter(({ restarts }) => restarts === 1))
    .toHaveLength(2);
  await expect
    .poll(() => supervisor.children().map(({ state }) => state))
    .toEqual(['running', 'running', 'running', 'running']);
  const back = supervisor.children().filter(({ restarts }) => restarts === 1);
  expect([...seen].sort()).toEqual(back.map(({ id }) => `${id} worker_lost`));
  for (const { id, restartedFrom } of back) {
    expect(restartedFrom).toBe(before.find((child) => child.id === id)?.pid);
  }
  expect(host.kernel.list().some(({ pid }) => pid === lost[0]?.agent.pid)).toBe(false);
  await supervisor.close();
});
