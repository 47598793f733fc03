/** What waits for the thread that writes is handed on whole, in order, and is bounded. */

import { describe, expect, it } from 'vitest';
import { draft } from './event.ts';
import { Outbox, PENDING_CHARACTERS_MAX } from './outbox.ts';
import { draftsOfText } from './store/protocol.ts';

const HOUR_MS = 3_600_000;

const event = (name: string) => draft({ kind: 'app.event', payload: { data: null, name } }, 1);

/** A thread that says how much it has not written yet. */
class Thread {
  unwritten = 0;
  readonly taken: string[] = [];

  pending(): number {
    return this.unwritten;
  }

  take(drafts: string): void {
    this.taken.push(drafts);
  }

  /** What the events say that it was given. */
  get said(): string[] {
    return this.taken.flatMap(draftsOfText).map(({ middle }) => middle);
  }
}

describe('events on their way to the thread', () => {
  it('wait until one is due, and go together in order', () => {
    const thread = new Thread();
    const outbox = new Outbox(thread, HOUR_MS);
    outbox.add(event('one'), false);
    expect(thread.taken).toHaveLength(0);
    expect(outbox.pending).toBeGreaterThan(0);
    outbox.add(event('two'), true);
    expect(thread.taken).toHaveLength(1);
    expect(thread.said).toEqual([event('one').middle, event('two').middle]);
    expect(outbox.pending).toBe(0);
    outbox.send();
    expect(thread.taken).toHaveLength(1);
  });

  it('are counted and not kept where too much waits, and the chain says how many when there is room', () => {
    const thread = new Thread();
    const outbox = new Outbox(thread, HOUR_MS);
    thread.unwritten = PENDING_CHARACTERS_MAX;
    outbox.add(event('lost'), true);
    outbox.add(event('lost, too'), true);
    expect(thread.taken).toHaveLength(0);
    thread.unwritten = 0;
    outbox.add(event('kept'), true);
    const [first, last, ...rest] = thread.said;
    expect(rest).toEqual([]);
    expect(first).toBe(event('kept').middle);
    expect(last).toContain('"kind":"chain.lost"');
    expect(last).toContain('"events":2,');
  });
});
