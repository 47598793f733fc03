/**
 * Goal: no quota is passed, and what was counted is given back once. Method: blocks as the supervisor
 * takes them, and random lives of agents.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingfenceError } from '../errors.ts';
import { type ControlBlock, ControlBlocks } from './control-blocks.ts';
import { ACCOUNT } from './quota-accounts.ts';
import { type Admitted, QuotaBook, type QuotasInput } from './quotas.ts';

const NOTHING = { agents: 0, stacks: 0, memoryBytes: 0, descriptors: 0 };

function book(whole: QuotasInput, each: QuotasInput = {}, capacity = 8) {
  const blocks = new ControlBlocks(capacity);
  const quotas = new QuotaBook(blocks.accounts, whole, each);
  const spawn = (asked: Partial<Admitted> = {}) => {
    const admitted: Admitted = {
      agentId: 'an agent',
      owner: '=ada',
      memoryBytes: 100,
      descriptors: 1,
      stacks: 1,
      ...asked,
    };
    const block = blocks.take();
    try {
      quotas.admit(block, admitted);
    } catch (error) {
      blocks.release(block);
      throw error;
    }
    const exit = (): void => {
      quotas.release(block, admitted);
      blocks.release(block);
    };
    return { block, exit };
  };
  return { quotas, spawn };
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof RingfenceError ? error.code : error;
  }
}

describe.each([
  ['agents', 2],
  ['stacks', 2],
  ['descriptors', 2],
  ['memoryBytes', 200],
] as const)('the quota of %s', (name, most) => {
  test('of all agents refuses one more, and admits it when one has gone', () => {
    const { quotas, spawn } = book({ [name]: most });
    const first = spawn();
    spawn({ owner: '=bob' });
    expect(codeOf(() => spawn({ owner: '=eve' }))).toBe('RF_QUOTA_EXCEEDED');
    expect(quotas.used()[name]).toBe(most);
    first.exit();
    expect(codeOf(() => spawn({ owner: '=eve' }))).toBe(null);
  });

  test('of an owner refuses that one, and nobody else', () => {
    const { spawn } = book({}, { [name]: most });
    const first = spawn();
    spawn();
    expect(codeOf(() => spawn())).toBe('RF_QUOTA_EXCEEDED');
    expect(codeOf(() => spawn({ owner: '=bob' }))).toBe(null);
    first.exit();
    expect(codeOf(() => spawn())).toBe(null);
  });
});

test('a refusal says which quota, whose, how much, and what to do', () => {
  const { spawn } = book({}, { agents: 1 });
  spawn();
  expect(() => spawn()).toThrow(
    "Cannot spawn 'an agent' as the agents of its owner 'ada' have 1 agents, it takes 1 more, and the quota is 1: wait for one to exit, or open the kernel with a larger ownerQuotas.agents.",
  );
  try {
    spawn();
  } catch (error) {
    const { fields } = error as RingfenceError;
    expect(fields).toEqual({ quota: 'agents', owner: 'ada', used: 1, asked: 1, max: 1 });
  }
});

test('memory that may be any is refused where there is a quota, and only there', () => {
  const memoryBytes = Number.POSITIVE_INFINITY;
  expect(codeOf(() => book({ memoryBytes: 1e9 }).spawn({ memoryBytes }))).toBe('RF_QUOTA_EXCEEDED');
  expect(codeOf(() => book({}).spawn({ memoryBytes }))).toBe(null);
});

describe('what an agent takes while it runs', () => {
  test('stays within its owner’s quota and that of all, and is there again when it has exited', () => {
    const { spawn } = book({ memoryBytes: 500 }, { memoryBytes: 300 });
    const [ada, bob] = [spawn(), spawn({ owner: '=bob' })];
    expect(ada.block.held.take(ACCOUNT.memory, 201)).toBe(false);
    expect(ada.block.held.take(ACCOUNT.memory, 200)).toBe(true);
    expect(bob.block.held.take(ACCOUNT.memory, 101)).toBe(false);
    expect(bob.block.held.take(ACCOUNT.memory, 100)).toBe(true);
    ada.exit();
    expect(bob.block.held.take(ACCOUNT.memory, 100)).toBe(true);
  });

  test('is not counted where nobody counts: in a process of its own', () => {
    const block: ControlBlock = new ControlBlocks(1).take();
    expect(block.held.take(ACCOUNT.memory, 2 ** 40)).toBe(true);
    expect(block.held.hasRoom(ACCOUNT.descriptors)).toBe(true);
  });
});

test('after any spawns, growths and exits nothing is counted any more, and no owner is kept', () => {
  const step = fc.record({
    owner: fc.constantFrom('=ada', '=bob', 'pid 1', 'pid 2'),
    memoryBytes: fc.nat(400),
    descriptors: fc.nat(3),
    stacks: fc.constantFrom<0 | 1>(0, 1),
    grows: fc.array(fc.nat(300), { maxLength: 4 }),
    exits: fc.nat(7),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const whole = { memoryBytes: 1_500, agents: 7, descriptors: 9, stacks: 6 };
      const each = { memoryBytes: 900, agents: 4, descriptors: 5, stacks: 3 };
      const { quotas, spawn } = book(whole, each);
      const live: ReturnType<typeof spawn>[] = [];
      for (const { grows, exits, ...asked } of steps) {
        if (codeOf(() => live.push(spawn(asked))) === null) {
          for (const bytes of grows) {
            live.at(-1)?.block.held.take(ACCOUNT.memory, bytes);
          }
        }
        for (const [used, bound] of [
          [quotas.used(), whole],
          [quotas.used(asked.owner), each],
        ] as const) {
          for (const name of ['memoryBytes', 'agents', 'descriptors', 'stacks'] as const) {
            expect(used[name]).toBeLessThanOrEqual(bound[name]);
          }
        }
        live.splice(exits, 1)[0]?.exit();
      }
      for (const agent of live) {
        agent.exit();
      }
      expect(quotas.used()).toEqual(NOTHING);
      expect(quotas.owners).toBe(0);
    }),
  );
});
