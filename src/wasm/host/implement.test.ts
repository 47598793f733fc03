import { describe, expect, test } from 'vitest';
import { call, callUntilAnswered, FakeAgent } from '../../../test/support/fake-agent.ts';
import { implement, notOffered } from './implement.ts';

interface Functions {
  plain: () => string;
  '[method]thing.act': (self: object) => string;
  exempt: () => string;
  slow: () => { tag: 'ok' | 'err' };
  missing: () => void;
}

const functions = implement<Functions>('test:package/things', 'network', {
  plain: { denied: (message) => message, run: () => 'done' },
  '[method]thing.act': { denied: (message) => message, run: () => 'done' },
  exempt: { capability: null, run: () => 'done' },
  slow: {
    blocking: true,
    denied: () => ({ tag: 'err' }),
    run: (agent) => {
      const tries = ((agent.pending as number | undefined) ?? 0) + 1;
      if (tries > 3) {
        return { tag: 'ok' };
      }
      agent.pending = tries;
      return agent.wait(agent.stdin.onReady);
    },
  },
  ...notOffered('there is none', ['missing']),
});

const granted = { grants: { network: 'all' } } as const;

describe('an implemented interface', () => {
  test('has its capability on every function, and its package in their operations', () => {
    const agent = new FakeAgent();
    expect(call(agent, functions.get('plain'))).toMatch(/^package\.plain needs can_network/);
    expect(call(agent, functions.get('[method]thing.act'), {})).toMatch(
      /^package\.thing\.act needs/,
    );
    expect(agent.denials.map(({ operation }) => operation)).toEqual([
      'package.plain',
      'package.thing.act',
    ]);
    expect(call(new FakeAgent(granted), functions.get('plain'))).toBe('done');
  });

  test('can exempt one function', () => {
    expect(call(new FakeAgent(), functions.get('exempt'))).toBe('done');
  });

  test('counts the denial of a blocking call once, and never waits for it', async () => {
    const agent = new FakeAgent();
    expect(await callUntilAnswered(agent, functions.get('slow'))).toEqual({ tag: 'err' });
    expect(agent.denials).toHaveLength(1);
    expect(agent.waits).toBe(0);
  });

  test('performs nothing for an agent that has ended', () => {
    const agent = new FakeAgent(granted);
    agent.kill();
    for (const hostFunction of functions.values()) {
      expect(() => call(agent, hostFunction)).toThrow('ended');
    }
  });

  test('traps where a function is not offered, and denies nothing', () => {
    const agent = new FakeAgent();
    expect(() => call(agent, functions.get('missing'))).toThrow(
      'unavailable: test:package/things#missing is not offered: there is none',
    );
    expect(agent.denials).toEqual([]);
  });
});
