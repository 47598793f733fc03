/**
 * Goal: the supervision tree of guest-examples restarts, gives up and stops as its README says. Method: its
 * workers end as they are told; who came and went is read from the states of agents and from the log.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Agent } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const soon = { timeout: 30_000 };

describe('the tree', () => {
  let host: TestKernel;
  beforeEach(async () => {
    host = await testKernel();
  });
  afterEach(() => host.kernel.close());

  async function open(role: string): Promise<Agent> {
    const { kernel } = host;
    await kernel.load(guest('crasher'), { name: 'crasher' });
    const module = await kernel.load(guest('guest-supervisor'), { name: 'guest-supervisor' });
    return kernel.spawn({
      module,
      agentId: role,
      arguments: ['guest-supervisor', role],
      grants: { ipc: 'all', spawn: { count: 4, depth: 2 } },
    });
  }

  /** The agent that is ready under this id; another one than `before`. */
  function ready(id: string, before?: Agent): Promise<Agent> {
    return vi.waitFor(() => {
      const line = host.lines.findLast(
        ({ agentId, message }) => agentId === id && message === 'ready',
      );
      expect(line?.pid, id).toBeDefined();
      expect(line?.pid, id).not.toBe(before?.pid);
      return host.kernel.agent(line?.pid ?? 0);
    }, soon);
  }

  const said = (message: string): string[] =>
    host.lines.filter((line) => line.message === message).map(({ agentId }) => agentId);

  test('restarts who crashes or fails, and nobody else', async () => {
    const shop = await open('shop');
    const report = await ready('report');
    const ledger = await ready('ledger');
    const ada = await ready('ada');
    await ledger.send('crash');
    const second = await ready('ledger', ledger);
    await second.send('fail');
    await ready('ledger', second);
    expect((await second.exited).exit).toMatchObject({
      reason: 'error',
      message: expect.stringContaining('told to fail'),
    });
    expect([shop, report, ada].map(({ state }) => state)).toEqual(Array(3).fill('running'));
  });

  test('restarts a transient one that fails, and not when it is finished', async () => {
    await open('shop');
    const report = await ready('report');
    await report.send('fail');
    const second = await ready('report', report);
    await second.send('finish');
    await second.exited;
    // A permanent one that finishes is restarted.
    const ledger = await ready('ledger');
    await ledger.send('finish');
    const next = await ready('ledger', ledger);
    // Its second wait is over later than that of a restart of the report would have been.
    await next.send('finish');
    await ready('ledger', next);
    expect(said('ready').filter((id) => id === 'report')).toHaveLength(2);
  });

  test('gives up past its intensity, and nobody is left', async () => {
    const doomed = await open('doomed');
    const { exit } = await doomed.exited;
    expect(exit.reason).toBe('error');
    expect(exit.message).toMatch(/gave up after 3 restarts: 'crasher': /);
    expect(said('ready').filter((id) => id === 'crasher')).toHaveLength(4);
    expect(said('stopped')).toEqual(['ledger']);
    expect(host.kernel.list()).toEqual([]);
  });

  test('a supervisor that gives up is a child that has failed', async () => {
    const shop = await open('shop');
    const bob = await ready('bob');
    let ada = await ready('ada');
    for (let restart = 0; restart < 2; restart += 1) {
      await ada.send('crash');
      ada = await ready('ada', ada);
    }
    await ada.send('crash');
    await ready('ada', ada);
    const otherBob = await ready('bob', bob);
    expect(bob.state).toBe('exited');
    expect(otherBob.state).toBe('running');
    expect(shop.state).toBe('running');
  });

  test('is stopped from the last child to the first', async () => {
    const shop = await open('shop');
    await Promise.all(['ledger', 'ada', 'bob', 'report'].map((id) => ready(id)));
    shop.stop();
    expect((await shop.exited).exit.reason).toBe('normal');
    expect(said('stopped')).toEqual(['report', 'bob', 'ada', 'ledger']);
    expect(host.kernel.list()).toEqual([]);
  });

  test('nobody outlives a supervisor that is killed', async () => {
    const shop = await open('shop');
    const all = await Promise.all(['ledger', 'ada', 'bob', 'report'].map((id) => ready(id)));
    shop.kill();
    const reasons = await Promise.all(all.map(async (agent) => (await agent.exited).exit.reason));
    // The supervisor between hears of it, and ends its own in order.
    expect(reasons).toEqual(['killed', 'normal', 'normal', 'killed']);
    await vi.waitFor(() => expect(host.kernel.list()).toEqual([]), soon);
    expect(said('stopped')).toEqual(['bob', 'ada']);
    expect(said('ready')).toHaveLength(4);
  });

  test('a part of the tree that is not there is an error', async () => {
    const { exit } = await (await open('nobody')).exited;
    expect(exit.reason).toBe('error');
    expect(exit.message).toContain("'nobody'");
  });
});
