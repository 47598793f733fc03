/**
 * Goal: every attack is refused or contained, and its harmless twin runs. Method: the table of
 * attacks, with the same limits for both, beside an agent that must not notice.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Agent, RingfenceError } from '../../src/index.ts';
import { ATTACK_FUEL, ATTACKS } from '../attacks-table.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let neighbour: Agent;

beforeAll(async () => {
  host = await testKernel({ workers: 1 });
  const module = await host.kernel.load(guest('sleeper-in-poll'));
  neighbour = await host.kernel.spawn({ module });
});
afterAll(async () => {
  await host.kernel.close();
});

async function outcome(name: string): Promise<string> {
  try {
    const module = await host.kernel.load(guest(name));
    const agent = await host.kernel.spawn({ module, limits: { fuel: ATTACK_FUEL } });
    return (await agent.exited).exit.reason;
  } catch (error) {
    if (error instanceof RingfenceError && /^RF_(MODULE|PREPARE)_/.test(error.code)) {
      expect(error.message).not.toMatch(/\n|node_modules|\.ts:/);
      return 'refused';
    }
    throw error;
  }
}

describe.each(ATTACKS.map(({ name, ...attack }) => [name, attack] as const))(
  '%s',
  (name, attack) => {
    test(`ends as ${attack.outcome}: ${attack.shows}`, async () => {
      expect(await outcome(name)).toBe(attack.outcome);
      expect(neighbour.state).toBe('running');
    });

    test('and its harmless twin runs', async () => {
      expect(await outcome(attack.control)).toBe('normal');
    });
  },
);

test('after all of them the same worker runs a guest', async () => {
  expect(await outcome('hello')).toBe('normal');
  expect(host.warnings).toEqual([]);
});
