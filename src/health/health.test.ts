/** Goal: the reference's rule of the whole, with its gaps closed. Method: findings made by hand. */

import { describe, expect, test } from 'vitest';
import { HealthChecks } from './checks.ts';
import { type HealthPart, levelOf, type PartStatus, wholeOf, worstOf } from './health.ts';

const part = (name: string, status: PartStatus): HealthPart => ({
  name,
  status,
  message: status === 'healthy' ? null : `${name} is ${status}`,
});
const whole = (...parts: HealthPart[]) => wholeOf(parts, new Set(['essential']));

describe('the whole', () => {
  test.each([
    ['healthy', ['healthy', 'healthy']],
    ['degraded', ['healthy', 'degraded']],
    ['degraded', ['degraded', 'degraded']],
    ['degraded', ['healthy', 'unhealthy']],
    ['degraded', ['healthy', 'unknown']],
    ['unhealthy', ['unhealthy', 'unhealthy']],
    ['unhealthy', ['unhealthy', 'unknown']],
    ['unhealthy', []],
  ] as const)('is %s where its parts are %j', (status, parts) => {
    expect(whole(...parts.map((each, index) => part(`part ${index}`, each))).status).toBe(status);
  });

  test('is unhealthy where an essential part is, and says all reasons by name', () => {
    const health = whole(
      part('one', 'healthy'),
      part('other', 'degraded'),
      part('essential', 'unhealthy'),
    );
    expect(health.status).toBe('unhealthy');
    expect(health.reasons).toEqual([
      'other: other is degraded',
      'essential: essential is unhealthy',
    ]);
    expect(whole(part('one', 'healthy'), part('essential', 'degraded')).status).toBe('degraded');
  });
});

describe('a level', () => {
  test.each([
    [79, 100, 'healthy'],
    [80, 100, 'degraded'],
    [99, 100, 'degraded'],
    [100, 100, 'unhealthy'],
    [1e9, 0, 'healthy'],
  ])('of %d in %d is %s', (used, max, status) => {
    expect(levelOf('agents', 'agents', used, max).status).toBe(status);
  });

  test('of several is the worst, with all that is wrong', () => {
    const findings = [levelOf('q', 'stacks', 9, 10), levelOf('q', 'bytes', 10, 10)];
    expect(worstOf('q', findings)).toEqual({
      name: 'q',
      status: 'unhealthy',
      message: '9 of 10 stacks are in use; 10 of 10 bytes are in use',
    });
    expect(worstOf('q', [levelOf('q', 'stacks', 1, 10)]).status).toBe('healthy');
  });
});

describe('checks of the program', () => {
  test('say what they say; one that throws or answers nonsense is unhealthy', async () => {
    const checks = new HealthChecks({
      silent: () => undefined,
      asynchronous: async () => ({ status: 'degraded', message: 'slow' }),
      throws: () => {
        throw new Error('no disk');
      },
      nonsense: () => ({ status: 'fine' }) as never,
    });
    expect(await checks.run()).toEqual([
      { name: 'silent', status: 'healthy', message: null },
      { name: 'asynchronous', status: 'degraded', message: 'slow' },
      { name: 'throws', status: 'unhealthy', message: 'no disk' },
      {
        name: 'nonsense',
        status: 'unhealthy',
        message: expect.stringContaining('answered no status'),
      },
    ]);
  });

  test('one that hangs is unknown, holds nobody up, and is asked again when it has answered', async () => {
    let asked = 0;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const checks = new HealthChecks(
      {
        hangs: () => {
          asked += 1;
          return promise;
        },
        sound: () => undefined,
      },
      1,
    );
    const late = { name: 'hangs', status: 'unknown', message: 'it has not answered within 1 ms' };
    const sound = { name: 'sound', status: 'healthy', message: null };
    expect(await checks.run()).toEqual([late, sound]);
    expect(await checks.run()).toEqual([late, sound]);
    expect(asked).toBe(1);
    resolve(undefined);
    await expect.poll(async () => (await checks.run())[0]?.status).toBe('healthy');
    expect(asked).toBeGreaterThan(1);
  });
});
