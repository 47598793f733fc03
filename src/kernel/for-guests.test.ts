import { describe, expect, test } from 'vitest';
import { RingfenceError } from '../errors.ts';
import { outcomeForGuest } from './for-guests.ts';

describe('what a guest is told of an error', () => {
  const told: string[] = [];
  const outcomeOf = (error: unknown) => {
    told.length = 0;
    return outcomeForGuest(error, (why) => told.push(why));
  };

  test('never has the words of the error, which can name paths', () => {
    for (const code of ['RF_FILE', 'RF_CAPABILITY_DENIED', 'RF_USAGE', 'RF_INTERNAL'] as const) {
      const outcome = outcomeOf(new RingfenceError(code, 'Cannot mount /srv/secret.'));
      expect(outcome.tag).toBe('err');
      expect(JSON.stringify(outcome)).not.toContain('secret');
    }
  });

  test.each([
    ['RF_CAPABILITY_DENIED', 'denied'],
    ['RF_CLOSED', 'unavailable'],
  ] as const)('says what the guest can mend, and bothers nobody else: %s', (code, error) => {
    expect(outcomeOf(new RingfenceError(code, 'x.'))).toMatchObject({ error });
    expect(told).toEqual([]);
  });

  test.each([new Error('at /srv/secret'), new RingfenceError('RF_INTERNAL', 'at /srv/secret')])(
    'says that the operator knows, and the operator does',
    (error) => {
      expect(outcomeOf(error)).toMatchObject({
        error: 'unavailable',
        message: 'the host failed: its operator knows why',
      });
      expect(told).toEqual(['at /srv/secret']);
    },
  );
});
