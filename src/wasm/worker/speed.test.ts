/** Goal: agents that do the same get the same slices, however noisy the clock is. Method: slices by a table. */

import { describe, expect, test } from 'vitest';
import { AgentSpeed, Speed } from './speed.ts';

describe('the speed that slices are made by', () => {
  test('is not known before the first slice, and then by that', () => {
    const module = new Speed();
    const agent = new AgentSpeed(module);
    expect(agent.perMs).toBe(null);
    agent.add(1_000, 2);
    expect(agent.perMs).toBe(500);
    expect(new AgentSpeed(module).perMs).toBe(500);
  });

  test('is the same for all that do the same, though their threads are stopped at times', () => {
    const module = new Speed();
    const agents = Array.from({ length: 100 }, () => new AgentSpeed(module));
    let seed = 1;
    for (let slice = 0; slice < 3_000; slice += 1) {
      seed = (seed * 48_271) % 0x7fff_ffff;
      const noise = seed / 0x7fff_ffff;
      // Between half and all of its speed, and one of ten was stopped for long.
      agents[slice % 100]?.add(1_000, (noise < 0.1 ? 50 : 1) * (1 + noise));
    }
    expect(new Set(agents.map(({ perMs }) => perMs)).size).toBe(1);
  });

  test('is an agent’s own, where it is clearly another than that of its module', () => {
    const module = new Speed();
    const agents = Array.from({ length: 20 }, () => new AgentSpeed(module));
    for (let round = 0; round < 30; round += 1) {
      for (const [index, agent] of agents.entries()) {
        agent.add(index === 0 ? 100 : 1_000, 1);
      }
    }
    const [slow, fast] = [agents[0]?.perMs ?? 0, agents[1]?.perMs ?? 0];
    expect(slow).toBeGreaterThan(50);
    expect(slow).toBeLessThan(200);
    expect(fast).toBeGreaterThan(600);
  });

  test('is the module’s again for all of them, once that has caught up with code that got faster', () => {
    const module = new Speed();
    const agents = Array.from({ length: 20 }, () => new AgentSpeed(module));
    for (let round = 0; round < 200; round += 1) {
      for (const agent of agents) {
        agent.add(round < 20 ? 100 : 1_000, 1);
      }
    }
    expect(new Set(agents.map(({ perMs }) => perMs))).toEqual(new Set([module.perMs]));
  });
});
