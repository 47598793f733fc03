/** Goal: mail leaves its owner room. Method: an owner that counts, at the edge of the share. */

import { expect, test } from 'vitest';
import { MAIL_SHARE, MailShare } from './mail-share.ts';

class Owner {
  held = 0;
  readonly max: number;
  constructor(max: number) {
    this.max = max;
  }
  hold(bytes: number): boolean {
    if (this.held + bytes > this.max) return false;
    this.held += bytes;
    return true;
  }
  couldHold(bytes: number): boolean {
    return bytes <= this.max;
  }
  release(bytes: number): void {
    this.held -= bytes;
  }
}

class Block {
  messages: number | null = null;
  setMailboxMessages(messages: number): void {
    this.messages = messages;
  }
}

const SHARE = 1000 * MAIL_SHARE;

test('mail takes its share and not a byte more, and gives everything back', () => {
  const owner = new Owner(1000);
  const mail = new MailShare(owner, 1000, new Block());
  expect([mail.hold(SHARE - 1), mail.hold(2), mail.hold(1), mail.hold(1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(owner.held).toBe(SHARE);
  expect(owner.hold(1000 - SHARE)).toBe(true);
  mail.release(SHARE);
  expect(owner.held).toBe(1000 - SHARE);
  expect(mail.hold(SHARE)).toBe(true);
});

test('what its owner holds besides counts as well', () => {
  const owner = new Owner(1000);
  const mail = new MailShare(owner, 1000, new Block());
  owner.hold(900);
  expect([mail.hold(101), mail.hold(100)]).toEqual([false, true]);
  mail.release(100);
  expect(owner.held).toBe(900);
});

test('what is larger than the share could never be held; without a limit anything could', () => {
  const mail = new MailShare(new Owner(1000), 1000, new Block());
  expect([mail.couldHold(SHARE), mail.couldHold(SHARE + 1)]).toEqual([true, false]);
  const unlimited = new MailShare(new Owner(Number.POSITIVE_INFINITY), 0, new Block());
  expect([unlimited.couldHold(2 ** 40), unlimited.hold(2 ** 40)]).toEqual([true, true]);
});

test('its control block says how many messages there are: what found no room is none', () => {
  const block = new Block();
  const mail = new MailShare(new Owner(1000), 1000, block);
  const counts = [100, SHARE, 200].map((bytes) => [mail.hold(bytes), block.messages]);
  expect(counts).toEqual([
    [true, 1],
    [false, 1],
    [true, 2],
  ]);
  mail.release(100);
  expect(block.messages).toBe(1);
});
