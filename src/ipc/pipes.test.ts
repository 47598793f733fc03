/**
 * Goal: a pipe keeps the order of many writers, within its bounds, and goes on with its next reader. Method:
 * pipes whose idle time is in the test's hands.
 */

import { describe, expect, test } from 'vitest';
import { heldBytes, MESSAGE_BYTES_MAX, type Payload } from './message.ts';
import { PIPE_BYTES_MAX, PIPES_MAX, Pipes } from './pipes.ts';

function world() {
  const timers = new Set<() => void>();
  const dropped: number[] = [];
  const pipes = new Pipes({
    wake: (_inMs, ring) => {
      timers.add(ring);
      return { clear: () => timers.delete(ring) };
    },
    dropped: (messages) => dropped.push(messages),
  });
  const open = (name = 'pipe', change: { owner?: number; capacity?: number } = {}) =>
    pipes.open(name, { owner: null, capacity: 3, idleMs: 60_000, ...change });
  const ring = (): void => {
    for (const each of [...timers]) {
      timers.delete(each);
      each();
    }
  };
  return { pipes, open, timers, ring, dropped };
}

const FULL = expect.objectContaining({ code: 'RF_PIPE_FULL' });
const CLOSED = expect.objectContaining({ code: 'RF_CLOSED' });
const DONE = { done: true, value: undefined };
const text = ({ value }: IteratorResult<Payload, undefined>) => value?.val;

describe('a pipe', () => {
  test('keeps the order of all that is written, whoever writes, and hands it to one who waits', async () => {
    const pipe = world().open();
    const [one, other, reader] = [pipe.write(), pipe.write(), pipe.read()];
    await one.send('a');
    await other.send('b');
    expect([await reader.next(), await reader.next()].map(text)).toEqual(['a', 'b']);
    const waiting = [reader.next(), reader.next()];
    await one.send('c');
    await other.send('d');
    expect((await Promise.all(waiting)).map(text)).toEqual(['c', 'd']);
  });

  test('that is full refuses at once, or lets one wait, in order', async () => {
    const pipe = world().open();
    const [writer, reader] = [pipe.write(), pipe.read()];
    for (const message of ['a', 'b', 'c']) {
      await writer.send(message);
    }
    await expect(writer.send('no room')).rejects.toEqual(FULL);
    await expect(writer.send('not soon', { waitMs: 1 })).rejects.toEqual(FULL);
    const patient = ['d', 'e'].map((message) => writer.send(message, { waitMs: 60_000 }));
    const read = [];
    for (let count = 0; count < 5; count += 1) {
      read.push(text(await reader.next()));
    }
    await Promise.all(patient);
    expect(read).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('keeps the order where its reader and its writers wait at once', async () => {
    const pipe = world().open('pipe', { capacity: 2 });
    const [writer, reader] = [pipe.write(), pipe.read()];
    const names = Array.from({ length: 4 }, (_, index) => `m${index}`);
    const sent = names.map((message) => writer.send(message, { waitMs: 60_000 }));
    const read = await Promise.all(names.map(() => reader.next()));
    await Promise.all(sent);
    expect(read.map(text)).toEqual(names);
  });

  test('lets no more wait than it holds', async () => {
    const { open, pipes } = world();
    const pipe = open();
    const writer = pipe.write();
    await Promise.all(['a', 'b', 'c'].map((message) => writer.send(message)));
    const waiting = ['d', 'e', 'f'].map((message) => writer.send(message, { waitMs: 60_000 }));
    const ends = Promise.allSettled(waiting);
    await expect(writer.send('g', { waitMs: 60_000 })).rejects.toEqual(FULL);
    pipes.close();
    expect((await ends).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  });

  test('goes on with its next reader where the last one stopped', async () => {
    const pipe = world().open();
    const writer = pipe.write();
    await Promise.all(['a', 'b', 'c'].map((message) => writer.send(message)));
    for await (const { val } of pipe.read()) {
      expect(val).toBe('a');
      break;
    }
    const reader = pipe.read();
    expect(() => pipe.read()).toThrow(expect.objectContaining({ code: 'RF_PIPE_TAKEN' }));
    expect(text(await reader.next())).toBe('b');
    const [rest, waits] = [reader.next(), reader.next()];
    expect(text(await rest)).toBe('c');
    await reader.return();
    expect(await waits).toEqual(DONE);
    expect(await reader.next()).toEqual(DONE);
  });

  test('ends for its reader and its writers, and says what was left', async () => {
    const { pipes, open, dropped } = world();
    const pipe = open();
    const [writer, reader] = [pipe.write(), pipe.read()];
    const waits = reader.next();
    await writer.send('read');
    await writer.send('left');
    expect(pipes.end('pipe')).toBe(true);
    expect(pipes.end('pipe')).toBe(false);
    expect(text(await waits)).toBe('read');
    expect(await reader.next()).toEqual(DONE);
    await expect(writer.send('late')).rejects.toEqual(CLOSED);
    expect(dropped).toEqual([1]);
    expect(() => pipes.get('pipe')).toThrow(expect.objectContaining({ code: 'RF_PIPE_NOT_FOUND' }));
  });

  test('takes nothing of a writer that was closed, and keeps what that has written', async () => {
    const pipe = world().open();
    const [writer, reader] = [pipe.write(), pipe.read()];
    await writer.send('a');
    writer.close();
    await expect(writer.send('b')).rejects.toEqual(CLOSED);
    expect(text(await reader.next())).toBe('a');
    expect(pipe.info).toMatchObject({ writers: 0, hasReader: true, messages: 0, bytes: 0 });
  });
});

describe('a pipe that nobody is at', () => {
  test('is gone when its time has passed, and not while somebody is', () => {
    const { pipes, open, timers, ring } = world();
    const pipe = open();
    const [writer, reader] = [pipe.write(), pipe.read()];
    expect(timers.size).toBe(0);
    writer.close();
    expect(timers.size).toBe(0);
    void reader.return();
    expect(timers.size).toBe(1);
    const again = pipe.read();
    expect(timers.size).toBe(0);
    void again.return();
    ring();
    expect(pipes.list()).toEqual([]);
    expect(timers.size).toBe(0);
  });
});

describe('pipes', () => {
  test('have a name each, and are no more than there may be', () => {
    const { open } = world();
    open('same');
    expect(() => open('same')).toThrow(expect.objectContaining({ code: 'RF_PIPE_TAKEN' }));
    for (let count = 1; count < PIPES_MAX; count += 1) {
      open(`pipe ${count}`);
    }
    expect(() => open('more')).toThrow(expect.objectContaining({ code: 'RF_LIMIT_EXCEEDED' }));
  });

  test('are gone with their owner, and those of others are not', () => {
    const { pipes, open } = world();
    open('mine', { owner: 7 });
    open('yours', { owner: 8 });
    open('nobody’s');
    pipes.exited(7);
    expect(pipes.list().map(({ name }) => name)).toEqual(['yours', 'nobody’s']);
  });

  test('share the bytes that are held: room in one is room for another', async () => {
    const { open } = world();
    const [one, other] = [open('one', { capacity: 100 }), open('other')];
    const [writer, second] = [one.write(), other.write()];
    const large = new Uint8Array(MESSAGE_BYTES_MAX);
    const bytes = heldBytes({ tag: 'binary', val: large });
    const most = Math.floor(PIPE_BYTES_MAX / bytes);
    for (let count = 0; count < most; count += 1) {
      await writer.send(large);
    }
    await expect(second.send(large)).rejects.toEqual(FULL);
    await second.send('small');
    const patient = second.send(large, { waitMs: 60_000 });
    await one.read().next();
    await patient;
    expect(other.info.messages).toBe(2);
  });
});
