/**
 * Goal: whatever threads die under load, every end is reported with its reason, who is supervised comes
 * back, no request waits past its time, and the kernel closes. Method: supervised puppets on two workers
 * that are sent requests without a pause, while the test ends threads at random moments; the seed is
 * printed. `RINGFENCE_CHAOS_MS` lengthens it, `RINGFENCE_CHAOS_SEED` repeats its choices.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { guest, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const CHAOS_MS = Number(process.env.RINGFENCE_CHAOS_MS ?? 20_000);
const SEED = Number(process.env.RINGFENCE_CHAOS_SEED ?? Date.now());
const CHILDREN = 8;
const REQUEST_MS = 2_000;
/** A request that is not settled so long after its time hangs: the machine may be busy. */
const PATIENCE_MS = 60_000;

const threads = new Set<Worker>();
const remember = (thread: Worker): void => {
  threads.add(thread);
  thread.once('exit', () => threads.delete(thread));
};
beforeEach(() => {
  process.on('worker', remember);
});
afterEach(() => {
  process.off('worker', remember);
  threads.clear();
});

/** How a request of the program's, or of an agent, may come out; or the agent ends meanwhile. */
const SETTLED = /^(replied|RF_CLOSED|RF_TIMEOUT|err closed|err timeout|ended: worker_lost)$/;

test('threads that die at random under load', { timeout: CHAOS_MS + 240_000 }, async () => {
  console.info(`RINGFENCE_CHAOS_SEED=${SEED}`);
  const [choices = []] = fc.sample(
    fc.array(fc.record({ afterMs: fc.integer({ min: 100, max: 1_500 }), which: fc.nat(1) }), {
      minLength: 1_000,
      maxLength: 1_000,
    }),
    { seed: SEED, numRuns: 1 },
  );
  const { kernel, warnings } = await testKernel({ workers: 2, onMessage: () => {} });
  const replier = await kernel.load(guest('echo'));
  const puppets = await kernel.load(guest('puppet'));
  const ends: { readonly pid: number; readonly reason: string }[] = [];
  const supervisor = await kernel.supervise({
    intensity: 10_000,
    backoff: { initialMs: 1, maxMs: 20 },
    onExit: (_id, { pid, exit }) => ends.push({ pid: pid as number, reason: exit.reason }),
    children: Array.from({ length: CHILDREN }, (_, at) => ({
      id: `child ${at}`,
      module: replier,
      grants: { ipc: 'all' },
      limits: { messages: 0 },
      shutdownMs: 0,
    })),
  });

  const outcomes = new Map<string, number>();
  let isOver = false;
  const settled = async (asked: Promise<string>): Promise<void> => {
    const given = new AbortController();
    const hangs = pause(REQUEST_MS + PATIENCE_MS, 'hangs', { signal: given.signal, ref: false });
    const outcome = await Promise.race([asked, hangs]);
    given.abort();
    hangs.catch(() => {});
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  /** Calls it for one child after another, and each time waits until that is settled. */
  const eachChild = async (from: number, ask: (pid: number) => Promise<string>): Promise<void> => {
    for (let at = from; !isOver; at += 1) {
      const { pid } = supervisor.children()[at % CHILDREN] ?? {};
      if (pid != null) {
        await settled(ask(pid));
      }
      await pause(1);
    }
  };
  const askAsProgram = (pid: number): Promise<string> =>
    kernel
      .agent(pid)
      .request('how', { timeoutMs: REQUEST_MS })
      .then(
        () => 'replied',
        (error: { code?: string }) => error.code ?? String(error),
      );
  /** An agent that asks, and another when that has ended. */
  const askAsAgent = () => {
    let puppet: Puppet | null = null;
    return async (pid: number): Promise<string> => {
      puppet ??= await spawnPuppet(kernel, puppets, {
        grants: { ipc: 'all' },
        limits: { messages: 0 },
      });
      let answer = await puppet.tell(`request ${pid} how`);
      const [, id] = /^request ok (\d+)/.exec(answer) ?? [];
      if (id !== undefined) {
        answer = await puppet.tell(`await ${id} ${REQUEST_MS}`);
      }
      puppet = answer.startsWith('ended') ? null : puppet;
      return /^receive ok reply/.test(answer)
        ? 'replied'
        : (/err \S+|ended: \S+/.exec(answer)?.[0] ?? answer);
    };
  };
  const asking = Array.from({ length: CHILDREN }, (_, at) =>
    eachChild(at, at % 2 === 0 ? askAsProgram : askAsAgent()),
  );

  const endsAt = performance.now() + CHAOS_MS;
  let killed = 0;
  for (const { afterMs, which } of choices) {
    await pause(afterMs);
    if (performance.now() >= endsAt) {
      break;
    }
    // NOTE: one that dies while it starts is not replaced, as one that can't start would die again.
    while (
      (await kernel.health()).parts.some(
        ({ name, status }) => name === 'workers' && status !== 'healthy',
      )
    ) {
      await pause(20);
    }
    const thread = [...threads][which];
    if (thread !== undefined) {
      killed += 1;
      await thread.terminate();
    }
  }
  isOver = true;
  await Promise.all(asking);
  console.info(`${killed} threads, ${ends.length} ends, ${JSON.stringify([...outcomes])}`);

  expect(killed).toBeGreaterThan(0);
  expect([...outcomes.keys()].filter((outcome) => !SETTLED.test(outcome))).toEqual([]);
  expect(outcomes.get('replied')).toBeGreaterThan(0);
  // All are back, and do what they are for.
  await expect
    .poll(() => supervisor.children().map(({ state }) => state), { timeout: PATIENCE_MS })
    .toEqual(Array.from({ length: CHILDREN }, () => 'running'));
  for (const { pid } of supervisor.children()) {
    await expect(
      kernel.agent(pid as number).request('how', { timeoutMs: PATIENCE_MS }),
    ).resolves.toMatchObject({ val: 'how' });
  }
  // Each end was told once, with its reason, and each was followed by somebody.
  expect(new Set(ends.map(({ pid }) => pid)).size).toBe(ends.length);
  expect(new Set(ends.map(({ reason }) => reason))).toEqual(new Set(['worker_lost']));
  const restarts = supervisor.children().reduce((sum, child) => sum + child.restarts, 0);
  expect(restarts).toBe(ends.length);
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.every((text) => /worker died/.test(text))).toBe(true);

  await supervisor.close();
  // What is left are agents that asked.
  const closed = await kernel.close();
  expect(closed.every(({ exit }) => exit.reason === 'killed')).toBe(true);
  expect(kernel.list()).toEqual([]);
});
