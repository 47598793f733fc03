import { beforeEach, describe, expect, test } from 'vitest';
import {
  call,
  callOnce,
  callUntilAnswered,
  FakeAgent,
} from '../../../../../test/support/fake-agent.ts';
import { WAIT } from '../../abi/binding.ts';
import { stdin, stdout } from '../cli.ts';
import { HANDLE_BYTES } from '../held.ts';
import { ioError } from './error.ts';
import { type InputStream, READ_BYTES_MAX } from './input-stream.ts';
import { type OutputStream, WRITE_BYTES_MAX } from './output-stream.ts';
import { ioPoll } from './poll.ts';
import type { Pollable } from './pollable.ts';
import { BLOCKING_WRITE_BYTES_MAX, ioStreams } from './streams.ts';

const U64_MAX = 2n ** 64n - 1n;
const CLOSED = { tag: 'err', val: { tag: 'closed' } };
const OK = { tag: 'ok', val: undefined };

let agent: FakeAgent;
let input: InputStream;
let output: OutputStream;
beforeEach(() => {
  start(new FakeAgent({ stdoutCapacity: 100 }));
});

function start(fresh: FakeAgent): void {
  agent = fresh;
  input = call(agent, stdin.get('get-stdin'));
  output = call(agent, stdout.get('get-stdout'));
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const read = (length: bigint, name = 'read'): unknown =>
  call(agent, ioStreams.get(`[method]input-stream.${name}`), input, length);
const write = (name: string, ...args: unknown[]): unknown =>
  call(agent, ioStreams.get(`[method]output-stream.${name}`), output, ...args);
const writeBlocking = (name: string, ...args: unknown[]): Promise<unknown> =>
  callUntilAnswered(agent, ioStreams.get(`[method]output-stream.${name}`), output, ...args);
const okBytes = (text: string): unknown => ({ tag: 'ok', val: bytes(text) });
const okCount = (count: number): unknown => ({ tag: 'ok', val: BigInt(count) });

describe('an input stream', () => {
  test('reads what is there, no more than asked for, and then nothing', () => {
    agent.stdin.push('hello');
    expect(read(3n)).toEqual(okBytes('hel'));
    expect(read(100n)).toEqual(okBytes('lo'));
    expect(read(100n)).toEqual(okBytes(''));
  });

  test('is closed after its last byte, for ever', () => {
    agent.stdin.push('x');
    agent.stdin.close();
    expect(read(100n)).toEqual(okBytes('x'));
    expect(read(100n)).toEqual(CLOSED);
    expect(read(100n, 'skip')).toEqual(CLOSED);
    expect(read(0n)).toEqual(CLOSED);
  });

  test('a read of 0 bytes takes nothing and tells that it is open', () => {
    expect(read(0n)).toEqual(okBytes(''));
    agent.stdin.push('x');
    expect(read(0n)).toEqual(okBytes(''));
    expect(read(1n)).toEqual(okBytes('x'));
  });

  test.each([U64_MAX, 2n ** 53n, BigInt(READ_BYTES_MAX + 1)])(
    'a read of %d bytes is capped',
    (length) => {
      agent.stdin.push(new Uint8Array(3 * READ_BYTES_MAX));
      expect(read(length)).toMatchObject({ tag: 'ok', val: { length: READ_BYTES_MAX } });
      expect(read(length, 'skip')).toEqual(okCount(READ_BYTES_MAX));
    },
  );

  test('skips what is there', () => {
    agent.stdin.push('hello');
    expect(read(2n, 'skip')).toEqual(okCount(2));
    expect(read(9n)).toEqual(okBytes('llo'));
    expect(read(9n, 'skip')).toEqual(okCount(0));
  });

  test.each([
    ['blocking-read', okBytes('later')],
    ['blocking-skip', okCount(5)],
  ])('%s waits for bytes, or for the end', async (name, expected) => {
    const hostFunction = ioStreams.get(`[method]input-stream.${name}`);
    const answer = callUntilAnswered(agent, hostFunction, input, 100n);
    expect(agent.waiting).toBe(true);
    agent.stdin.push('later');
    expect(await answer).toEqual(expected);
    expect(agent.subscriptions).toBe(0);

    const end = callUntilAnswered(agent, hostFunction, input, 100n);
    agent.stdin.close();
    expect(await end).toEqual(CLOSED);
    expect(agent.pending).toBeUndefined();
  });

  test('two handles take from the same source', () => {
    const other = call<InputStream>(agent, stdin.get('get-stdin'));
    expect(other).not.toBe(input);
    agent.stdin.push('ab');
    expect(read(1n)).toEqual(okBytes('a'));
    expect(call(agent, ioStreams.get('[method]input-stream.read'), other, 1n)).toEqual(
      okBytes('b'),
    );
  });
});

describe('check-write and write', () => {
  test('permit what there is room for, in several writes', () => {
    expect(write('check-write')).toEqual(okCount(100));
    expect(write('write', bytes('hello '))).toEqual(OK);
    expect(write('write', bytes('world'))).toEqual(OK);
    expect(agent.stdout.text).toBe('hello world');
    expect(write('check-write')).toEqual(okCount(89));
  });

  test('a write without a permit traps, with one it does not', () => {
    expect(() => write('write', bytes('x'))).toThrow(
      'a write of 1 bytes, where check-write had permitted 0',
    );
    write('check-write');
    expect(write('write', bytes('x'))).toEqual(OK);
  });

  test('a write of more than was permitted traps and writes nothing', () => {
    write('check-write');
    expect(() => write('write', new Uint8Array(101))).toThrow('permitted 100');
    expect(agent.stdout.written).toEqual([]);
    expect(write('write', new Uint8Array(100))).toEqual(OK);
  });

  test('the writes of one permit together take no more than it', () => {
    write('check-write');
    write('write', new Uint8Array(60));
    expect(() => write('write', new Uint8Array(41))).toThrow('permitted 40');
  });

  test.each([U64_MAX, 101n])('write-zeroes of %d bytes traps beyond the permit', (length) => {
    write('check-write');
    expect(() => write('write-zeroes', length)).toThrow('permitted 100');
    expect(write('write-zeroes', 100n)).toEqual(OK);
    expect(agent.stdout.written).toEqual([new Uint8Array(100)]);
  });

  test('the permit has a cap, whatever room there is', () => {
    start(new FakeAgent({ stdoutCapacity: 10 * WRITE_BYTES_MAX }));
    expect(write('check-write')).toEqual(okCount(WRITE_BYTES_MAX));
    expect(write('write-zeroes', BigInt(WRITE_BYTES_MAX))).toEqual(OK);
  });

  test('a full stream permits 0 and its pollable becomes ready when there is room', async () => {
    write('check-write');
    write('write', new Uint8Array(100));
    expect(write('check-write')).toEqual(okCount(0));
    const pollable = write('subscribe') as Pollable;
    expect(call(agent, ioPoll.get('[method]pollable.ready'), pollable)).toBe(false);
    const answer = callUntilAnswered(agent, ioPoll.get('[method]pollable.block'), pollable);
    agent.stdout.take(10);
    await answer;
    expect(write('check-write')).toEqual(okCount(10));
  });

  test('a closed stream answers closed to everything, and its pollable is ready', async () => {
    write('check-write');
    agent.stdout.close();
    for (const name of ['check-write', 'flush']) {
      expect(write(name)).toEqual(CLOSED);
    }
    expect(write('write', bytes('x'))).toEqual(CLOSED);
    expect(write('write', new Uint8Array(5000))).toEqual(CLOSED);
    expect(write('write-zeroes', U64_MAX)).toEqual(CLOSED);
    expect(write('splice', input, 1n)).toEqual(CLOSED);
    expect(await writeBlocking('blocking-write-and-flush', bytes('x'))).toEqual(CLOSED);
    expect(await writeBlocking('blocking-write-and-flush', bytes(''))).toEqual(CLOSED);
    expect(await writeBlocking('blocking-write-zeroes-and-flush', 1n)).toEqual(CLOSED);
    expect(await writeBlocking('blocking-flush')).toEqual(CLOSED);
    expect(await writeBlocking('blocking-splice', input, 1n)).toEqual(CLOSED);
    expect(call(agent, ioPoll.get('[method]pollable.ready'), write('subscribe'))).toBe(true);
    expect(agent.stdout.written).toEqual([]);
  });

  test('a permit that another handle used up is a typed error, never lost bytes', () => {
    const other = call<OutputStream>(agent, stdout.get('get-stdout'));
    write('check-write');
    call(agent, ioStreams.get('[method]output-stream.check-write'), other);
    call(agent, ioStreams.get('[method]output-stream.write'), other, new Uint8Array(60));
    const failed = write('write', new Uint8Array(60)) as { val: { tag: string; val: object } };
    expect(failed).toMatchObject({ tag: 'err', val: { tag: 'last-operation-failed' } });
    const text = call<string>(agent, ioError.get('[method]error.to-debug-string'), failed.val.val);
    expect(text).toMatch(/^another handle of this stream used up the room/);
    expect(write('check-write')).toEqual(CLOSED);
  });
});

describe('flush', () => {
  test('permits nothing until all is taken over', () => {
    write('check-write');
    write('write', bytes('abc'));
    expect(write('flush')).toEqual(OK);
    expect(write('check-write')).toEqual(okCount(0));
    expect(() => write('write', bytes('x'))).toThrow('permitted 0');
    agent.stdout.take(2);
    expect(write('check-write')).toEqual(okCount(0));
    agent.stdout.take();
    expect(write('check-write')).toEqual(okCount(100));
  });

  test('of nothing is through at once', () => {
    expect(write('flush')).toEqual(OK);
    expect(write('check-write')).toEqual(okCount(100));
  });

  test('blocking-flush waits until all is taken over', async () => {
    write('check-write');
    write('write', bytes('abc'));
    const answer = writeBlocking('blocking-flush');
    expect(agent.waiting).toBe(true);
    agent.stdout.take(1);
    await Promise.resolve();
    agent.stdout.take();
    expect(await answer).toEqual(OK);
    expect(agent.subscriptions).toBe(0);
  });
});

describe('a blocking write', () => {
  test('writes as there is room, flushes, and answers once all is taken over', async () => {
    const text = 'x'.repeat(250);
    const answer = writeBlocking('blocking-write-and-flush', bytes(text));
    for (const expected of [100, 200, 250]) {
      expect(agent.stdout.text).toHaveLength(expected);
      expect(agent.waiting).toBe(true);
      agent.stdout.take();
      await new Promise(setImmediate);
    }
    expect(await answer).toEqual(OK);
    expect(agent.stdout.text).toBe(text);
    expect(agent.waits).toBe(3);
  });

  test('writes zeroes likewise', async () => {
    const answer = writeBlocking('blocking-write-zeroes-and-flush', 150n);
    agent.stdout.take();
    await new Promise(setImmediate);
    agent.stdout.take();
    expect(await answer).toEqual(OK);
    expect(Buffer.concat(agent.stdout.written)).toEqual(Buffer.alloc(150));
  });

  test.each([
    [
      'blocking-write-and-flush',
      new Uint8Array(BLOCKING_WRITE_BYTES_MAX),
      new Uint8Array(BLOCKING_WRITE_BYTES_MAX + 1),
    ],
    ['blocking-write-zeroes-and-flush', BigInt(BLOCKING_WRITE_BYTES_MAX), U64_MAX],
  ])('%s takes 4096 bytes and traps beyond', (name, allowed, tooMuch) => {
    start(new FakeAgent());
    const hostFunction = ioStreams.get(`[method]output-stream.${name}`);
    expect(() => callOnce(agent, hostFunction, output, tooMuch)).toThrow(
      'it takes at most 4096 at a time',
    );
    expect(callOnce(agent, hostFunction, output, allowed)).toBe(WAIT);
  });

  test('that finds its stream closed half way says so', async () => {
    const answer = writeBlocking('blocking-write-and-flush', bytes('x'.repeat(150)));
    agent.stdout.close();
    expect(await answer).toEqual(CLOSED);
    expect(agent.pending).toBeUndefined();
    expect(agent.subscriptions).toBe(0);
  });

  test('uses the permit of an earlier check-write up', async () => {
    write('check-write');
    const answer = writeBlocking('blocking-write-and-flush', bytes('abc'));
    agent.stdout.take();
    await answer;
    expect(() => write('write', bytes('x'))).toThrow('permitted 0');
  });
});

describe('splice', () => {
  test('moves what is there and fits', () => {
    agent.stdin.push('x'.repeat(150));
    expect(write('splice', input, 30n)).toEqual(okCount(30));
    expect(write('splice', input, U64_MAX)).toEqual(okCount(70));
    expect(write('splice', input, U64_MAX)).toEqual(okCount(0));
    expect(agent.stdout.text).toBe('x'.repeat(100));
    agent.stdout.take();
    expect(write('splice', input, U64_MAX)).toEqual(okCount(50));
  });

  test('of an open input without bytes moves none, of a closed one says so', () => {
    expect(write('splice', input, 10n)).toEqual(okCount(0));
    agent.stdin.close();
    expect(write('splice', input, 10n)).toEqual(CLOSED);
  });

  test('blocking-splice waits for room and for bytes', async () => {
    write('check-write');
    write('write', new Uint8Array(100));
    const answer = writeBlocking('blocking-splice', input, 10n);
    agent.stdout.take(4);
    await new Promise(setImmediate);
    expect(agent.waiting).toBe(true);
    agent.stdin.push('abcdef');
    expect(await answer).toEqual(okCount(4));
    expect(agent.waits).toBe(2);
    expect(agent.subscriptions).toBe(0);
  });

  test('blocking-splice ends when its output is closed while it waits', async () => {
    write('check-write');
    write('write', new Uint8Array(100));
    const answer = writeBlocking('blocking-splice', input, 10n);
    agent.stdout.close();
    expect(await answer).toEqual(CLOSED);
  });
});

describe('what streams cost', () => {
  test('each handle is accounted for, and given back once', () => {
    const before = agent.held;
    const another = call<OutputStream>(agent, stdout.get('get-stdout'));
    expect(agent.held).toBe(before + HANDLE_BYTES);
    const drop = ioStreams.get('[resource-drop]output-stream');
    call(agent, drop, another);
    expect(agent.held).toBe(before);
    call(agent, drop, another);
    expect(agent.held).toBe(before);
  });

  test('a stream that is dropped leaves the others of the same sink alone', () => {
    const another = call<OutputStream>(agent, stdout.get('get-stdout'));
    call(agent, ioStreams.get('[resource-drop]output-stream'), another);
    write('check-write');
    expect(write('write', bytes('x'))).toEqual(OK);
  });
});
