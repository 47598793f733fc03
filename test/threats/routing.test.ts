/**
 * Families 41 and 44: who says to the kernel what no honest process says, and ends that end others.
 * Goal: what is kept is bounded and exact, and nobody else is held up. Method: the supervisor alone, with
 * agents that a test drives; each beside what is let pass.
 */

import { describe, expect, it } from 'vitest';
import { ASKED_MAX } from '../../src/ipc/conversations.ts';
import { agentsWorld } from '../support/agents-world.ts';

describe('family 41: requests under ids that were used before', () => {
  it('41: one under an id that waits already is refused, and nothing of it stays', async () => {
    const { supervisor, spawn } = agentsWorld(3);
    const hostile = spawn({ isolation: 'process' });
    const [one, other] = [spawn(), spawn()];
    for (let id = 0; id < 4 * ASKED_MAX; id += 1) {
      const first = hostile.requestAs(id, one.start.pid);
      expect(await hostile.requestAs(id, other.start.pid)).toBe('invalid');
      // The control: an id of its own is asked by.
      expect(await first).toBe('ok');
      one.take({ tag: 'any' });
    }
    expect(other.correspondence.mailbox.size).toBe(0);
    expect(supervisor.router.size).toBe(ASKED_MAX);
    hostile.end('normal');
    expect(supervisor.router.size).toBe(0);
  });

  it('41: the end of who was asked first answers no request to another', async () => {
    const { spawn } = agentsWorld(3);
    const hostile = spawn({ isolation: 'process' });
    const [one, other] = [spawn(), spawn()];
    expect(await hostile.requestAs(1, one.start.pid)).toBe('ok');
    await hostile.requestAs(1, other.start.pid);
    expect(await hostile.requestAs(2, other.start.pid)).toBe('ok');
    const hears: string[] = [];
    hostile.signal = ({ tag }) => void hears.push(tag);
    one.end('normal');
    expect(hears).toEqual(['unanswered']);
    other.end('normal');
    expect(hears).toEqual(['unanswered', 'unanswered']);
  });
});

describe('family 44: an end that ends others', () => {
  it('44: goes along a chain of any length', async () => {
    const LENGTH = 4_000;
    const { supervisor, spawn } = agentsWorld(LENGTH);
    const agents = Array.from({ length: LENGTH }, () => spawn());
    for (const [at, agent] of agents.entries()) {
      agent.obeys = true;
      const next = agents[at + 1];
      if (next !== undefined) {
        supervisor.router.link(agent.start.pid, next.start.pid);
      }
    }
    agents[0]?.end('trap');
    expect(supervisor.list()).toEqual([]);
    expect(supervisor.router.size).toBe(0);
  });
});
