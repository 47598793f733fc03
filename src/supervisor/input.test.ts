/** Goal: input comes in bounded chunks, in order, and its source is let go with its agent. */

import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, test, vi } from 'vitest';
import { Input, type InputGiven } from './input.ts';

async function all(input: Input): Promise<{ text: string; largest: number }> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await input.next(); chunk !== null; chunk = await input.next()) {
    chunks.push(chunk);
  }
  return {
    text: Buffer.concat(chunks).toString(),
    largest: Math.max(0, ...chunks.map(({ length }) => length)),
  };
}

async function* three(): AsyncGenerator<string | Uint8Array> {
  yield 'one ';
  yield '';
  yield Buffer.from('two ');
  yield 'é';
}

const LONG = 'x'.repeat(200_000);

describe('what can be given', () => {
  test.each<[string, InputGiven | undefined, string]>([
    ['nothing', undefined, ''],
    ['a text', 'é words', 'é words'],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['what is longer than a chunk', LONG, LONG],
    ['a generator', three(), 'one two é'],
    ['a stream', Readable.from([Buffer.from('a'), Buffer.from(LONG)]), `a${LONG}`],
    ['a stream of the web', ReadableStream.from(['a', 'b']), 'ab'],
  ])('%s', async (_, given, expected) => {
    const { text, largest } = await all(new Input(given));
    expect(text).toBe(expected);
    expect(largest).toBeLessThanOrEqual(64 * 1024);
  });

  test('a source that fails, or gives what is none, ends it', async () => {
    const fails = async function* () {
      yield 'a';
      throw new Error('no more');
    };
    expect((await all(new Input(fails()))).text).toBe('a');
    const nonsense = async function* () {
      yield 'a';
      yield 5 as unknown as string;
    };
    expect((await all(new Input(nonsense()))).text).toBe('a');
  });
});

describe('at the end of its agent the source is let go', () => {
  /** A source that says when nobody reads it any more. */
  function source(next: () => Promise<IteratorResult<string>>) {
    const ended = vi.fn(async () => ({ done: true, value: undefined }) as const);
    return { ended, given: { [Symbol.asyncIterator]: () => ({ next, return: ended }) } };
  }
  const never = () => new Promise<never>(() => {});

  test('where it was never read, and where a read never settles', () => {
    const unread = source(never);
    new Input(unread.given).close();
    expect(unread.ended).toHaveBeenCalledTimes(1);
    const stuck = source(never);
    const input = new Input(stuck.given);
    void input.next();
    expect(stuck.ended).not.toHaveBeenCalled();
    input.close();
    input.close();
    expect(stuck.ended).toHaveBeenCalledTimes(1);
  });

  test('what still comes of it then is nobody’s', async () => {
    const chunk = Promise.withResolvers<IteratorResult<string>>();
    const input = new Input(source(() => chunk.promise).given);
    const read = input.next();
    input.close();
    chunk.resolve({ done: false, value: 'late' });
    expect(await read).toBe(null);
    expect(await input.next()).toBe(null);
  });

  test('streams too, within a read and before the first', async () => {
    for (const isRead of [false, true]) {
      const stream = new Readable({ read() {} });
      const cancelled = vi.fn();
      const ofTheWeb = new ReadableStream<string>({ cancel: cancelled });
      for (const given of [stream, ofTheWeb]) {
        const input = new Input(given as AsyncIterable<string>);
        const read = isRead ? input.next() : null;
        input.close();
        expect(await read).toBe(null);
      }
      expect(stream.destroyed).toBe(true);
      expect(cancelled).toHaveBeenCalledTimes(1);
    }
  });

  test('not where it has come to its end by itself', async () => {
    const over = source(async () => ({ done: true, value: undefined }));
    const input = new Input(over.given);
    expect(await input.next()).toBe(null);
    input.close();
    expect(over.ended).not.toHaveBeenCalled();
  });
});
