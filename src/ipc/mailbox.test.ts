import { describe, expect, test } from 'vitest';
import { Mailbox } from './mailbox.ts';
import { type Delivery, MAILBOX_MESSAGES_MAX } from './message.ts';

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

const mail = (sender: number, val = ''): Delivery => ({
  tag: 'message',
  sender,
  payload: { tag: 'text', val },
});

describe('a mailbox', () => {
  test('keeps the order, also of what a filter passes over', () => {
    const mailbox = new Mailbox(new Held());
    for (const sender of [1, 2, 1, 3]) {
      mailbox.post(mail(sender));
    }
    expect(mailbox.take({ tag: 'sender', val: 2 })?.sender).toBe(2);
    expect(mailbox.take({ tag: 'sender', val: 9 })).toBeNull();
    const rest = [1, 2, 3].map(() => mailbox.take({ tag: 'any' })?.sender);
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
    expect(mailbox.close()).toBe(1);
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
});
