import { describe, expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';
import {
  MAILBOX_MESSAGES_MAX,
  type Mail,
  type MessageFilter,
  WARNINGS_UNREAD_MAX,
} from './message.ts';

class Held {
  bytes = 0;
  readonly max: number;
  constructor(max = Number.POSITIVE_INFINITY) {
    this.max = max;
  }
  hold(bytes: number): boolean {
    if (this.bytes + bytes > this.max) {
      return false;
    }
    this.bytes += bytes;
    return true;
  }
  couldHold(bytes: number): boolean {
    return bytes <= this.max;
  }
  release(bytes: number): void {
    this.bytes -= bytes;
  }
}

const mail = (sender: number, val = ''): Mail => ({
  tag: 'message',
  sender,
  payload: { tag: 'text', val },
});

const senderOf = (mailbox: Mailbox, filter: MessageFilter): number | undefined =>
  (mailbox.take(filter) as Mail | null)?.sender;

test('warnings find room beside whatever is there, up to so many that nobody has read', () => {
  const mailbox = new Mailbox(new Held());
  for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
    mailbox.post(mail(1));
  }
  expect(mailbox.post(mail(1))).toBe('full');
  const warn = (pid: number) =>
    mailbox.signal({ tag: 'warning', pid, kind: 'fuel', used: 8, limit: 10 });
  for (let pid = 1; pid <= WARNINGS_UNREAD_MAX + 10; pid += 1) {
    warn(pid);
  }
  expect(mailbox.signals).toBe(WARNINGS_UNREAD_MAX);
  for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
    mailbox.take({ tag: 'any' });
  }
  expect(mailbox.take({ tag: 'any' })).toMatchObject({ tag: 'warning', pid: 1 });
  warn(1_000);
  expect(mailbox.signals).toBe(WARNINGS_UNREAD_MAX);
  mailbox.signal({ tag: 'cancelled', message: 'x' });
  expect(mailbox.signals).toBe(WARNINGS_UNREAD_MAX + 1);
});

describe('a mailbox', () => {
  test('keeps the order, also of what a filter passes over', () => {
    const mailbox = new Mailbox(new Held());
    for (const sender of [1, 2, 1, 3]) {
      mailbox.post(mail(sender));
    }
    expect(senderOf(mailbox, { tag: 'sender', val: 2 })).toBe(2);
    expect(mailbox.take({ tag: 'sender', val: 9 })).toBeNull();
    const rest = [1, 2, 3].map(() => senderOf(mailbox, { tag: 'any' }));
    expect(rest).toEqual([1, 1, 3]);
    expect(mailbox.take({ tag: 'any' })).toBeNull();
  });

  test('is full at 1,024 messages, and has room again when one is taken', () => {
    const mailbox = new Mailbox(new Held());
    for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
      expect(mailbox.post(mail(1))).toBe('delivered');
    }
    expect(mailbox.post(mail(1))).toBe('full');
    mailbox.take({ tag: 'any' });
    expect(mailbox.post(mail(1))).toBe('delivered');
  });

  test('is full when the host holds enough for its owner, and gives everything back', () => {
    const held = new Held(10_000);
    const mailbox = new Mailbox(held);
    expect(mailbox.post(mail(1, 'x'.repeat(4000)))).toBe('delivered');
    expect(mailbox.post(mail(1, 'x'.repeat(4000)))).toBe('full');
    expect(mailbox.post(mail(1, 'x'))).toBe('delivered');
    mailbox.take({ tag: 'any' });
    expect(mailbox.close()).toEqual([mail(1, 'x')]);
    expect(held.bytes).toBe(0);
  });

  test('says of a message that its owner could never hold that it is too large', () => {
    const mailbox = new Mailbox(new Held(10_000));
    expect(mailbox.post(mail(1, 'x'.repeat(5000)))).toBe('too-large');
    expect(mailbox.post(mail(1, 'x'.repeat(4000)))).toBe('delivered');
  });

  test('wakes once for mail and once for room, and not after the subscription ended', () => {
    const mailbox = new Mailbox(new Held());
    const woken: string[] = [];
    mailbox.onMail(() => woken.push('mail'));
    mailbox.onMail(() => woken.push('ended'))();
    mailbox.onRoom(() => woken.push('room'));
    mailbox.post(mail(1));
    mailbox.post(mail(1));
    mailbox.take({ tag: 'any' });
    mailbox.take({ tag: 'any' });
    expect(woken).toEqual(['mail', 'room']);
  });

  test('wakes as many of those that wait for room as there is room for, in order', () => {
    const mailbox = new Mailbox(new Held());
    for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
      mailbox.post(mail(0));
    }
    const tried: number[] = [];
    for (let sender = 1; sender <= 5; sender += 1) {
      mailbox.onRoom(() => {
        tried.push(sender);
        // The third has changed its mind: the room is for who comes next.
        if (sender !== 3) mailbox.post(mail(sender));
      });
    }
    mailbox.take({ tag: 'any' });
    expect(tried).toEqual([1]);
    mailbox.take({ tag: 'any' });
    expect(tried).toEqual([1, 2]);
    mailbox.take({ tag: 'any' });
    expect(tried).toEqual([1, 2, 3, 4]);
    mailbox.close();
    expect(tried).toEqual([1, 2, 3, 4, 5]);
  });

  test('tries each that waits for room once, where none of their messages fits', () => {
    const mailbox = new Mailbox(new Held(10_000));
    expect(mailbox.post(mail(0))).toBe('delivered');
    let tried = 0;
    for (let count = 0; count < 5; count += 1) {
      const tryAgain = (): void => {
        tried += 1;
        mailbox.onRoom(tryAgain);
      };
      mailbox.onRoom(tryAgain);
    }
    mailbox.take({ tag: 'any' });
    expect(tried).toBe(5);
  });

  test('keeps the order of many that come and go, by filters too', () => {
    const mailbox = new Mailbox(new Held());
    let posted = 0;
    const taken: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      for (let count = 0; count < 100; count += 1) {
        posted += 1;
        mailbox.post(mail(posted));
      }
      const middle = posted - 50;
      expect(senderOf(mailbox, { tag: 'sender', val: middle })).toBe(middle);
      for (let count = 0; count < 99; count += 1) {
        taken.push(senderOf(mailbox, { tag: 'any' }) ?? -1);
      }
    }
    expect(mailbox.size).toBe(0);
    expect(taken).toEqual([...taken].sort((one, other) => one - other));
    expect(taken).toHaveLength(posted - 40);
  });

  test('has room for signals when it is full, in order with the mail', () => {
    const mailbox = new Mailbox(new Held());
    for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
      mailbox.post(mail(1));
    }
    mailbox.signal({ tag: 'cancelled', message: 'enough' });
    expect([mailbox.post(mail(1)), mailbox.cancelled, mailbox.signals]).toEqual(['full', true, 1]);
    mailbox.take({ tag: 'any' });
    expect(mailbox.post(mail(2))).toBe('delivered');
    expect(mailbox.take({ tag: 'sender', val: 2 })).not.toBeNull();
    for (let count = 1; count < MAILBOX_MESSAGES_MAX; count += 1) {
      mailbox.take({ tag: 'sender', val: 1 });
    }
    expect(mailbox.take({ tag: 'any' })).toEqual({ tag: 'cancelled', message: 'enough' });
    expect([mailbox.cancelled, mailbox.signals, mailbox.size]).toEqual([false, 0, 0]);
  });
});
