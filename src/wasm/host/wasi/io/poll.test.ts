import { beforeEach, describe, expect, test } from 'vitest';
import {
  call,
  callOnce,
  callUntilAnswered,
  FakeAgent,
} from '../../../../../test/support/fake-agent.ts';
import { WAIT } from '../../abi/binding.ts';
import { HANDLE_COUNT_MAX, HandleTable } from '../../abi/handles.ts';
import { stdin, stdout } from '../cli.ts';
import { monotonicClock } from '../clocks.ts';
import { HANDLE_BYTES } from '../held.ts';
import type { InputStream } from './input-stream.ts';
import type { OutputStream } from './output-stream.ts';
import { ioPoll, POLL_LENGTH_MAX } from './poll.ts';
import type { Pollable } from './pollable.ts';
import { ioStreams } from './streams.ts';

const SECOND = 1_000_000_000n;
const U64_MAX = 2n ** 64n - 1n;

let agent: FakeAgent;
beforeEach(() => {
  agent = new FakeAgent();
});

const poll = ioPoll.get('poll');
const block = ioPoll.get('[method]pollable.block');
const ready = ioPoll.get('[method]pollable.ready');

function deadlineIn(duration: bigint): Pollable {
  return call(agent, monotonicClock.get('subscribe-duration'), duration);
}

function inputReady(): Pollable {
  const stream = call<InputStream>(agent, stdin.get('get-stdin'));
  return call(agent, ioStreams.get('[method]input-stream.subscribe'), stream);
}

function outputReady(): Pollable {
  const stream = call<OutputStream>(agent, stdout.get('get-stdout'));
  return call(agent, ioStreams.get('[method]output-stream.subscribe'), stream);
}

describe('poll', () => {
  test('answers at once the indexes of all that are ready, and only of those', () => {
    agent.stdin.push('here');
    const answer = call(agent, poll, [
      deadlineIn(SECOND),
      inputReady(),
      deadlineIn(0n),
      outputReady(),
    ]);
    expect(answer).toEqual(Uint32Array.of(1, 2, 3));
    expect(agent.waits).toBe(0);
  });

  test('waits for the first of input, output and deadline', async () => {
    const pollables = [inputReady(), deadlineIn(2n * SECOND), deadlineIn(SECOND)];
    const answer = callUntilAnswered<Uint32Array>(agent, poll, pollables);
    expect(agent.waiting).toBe(true);
    agent.clocks.advance(SECOND);
    expect(await answer).toEqual(Uint32Array.of(2));

    const next = callUntilAnswered<Uint32Array>(agent, poll, pollables.slice(0, 2));
    agent.stdin.close();
    expect(await next).toEqual(Uint32Array.of(0));
    expect(agent.waits).toBe(2);
  });

  test('is answered by what is ready when the agent is woken, and by nothing that was not asked for', async () => {
    const pollables = [inputReady(), deadlineIn(SECOND)];
    const answer = callUntilAnswered<Uint32Array>(agent, poll, pollables);
    agent.stdin.push('x');
    agent.clocks.advance(SECOND);
    expect(await answer).toEqual(Uint32Array.of(0, 1));
  });

  test('takes the same pollable several times', () => {
    const now = deadlineIn(0n);
    expect(call(agent, poll, [now, now])).toEqual(Uint32Array.of(0, 1));
  });

  test('of an empty list traps, of a list of one does not', () => {
    expect(() => call(agent, poll, [])).toThrow('poll was called with an empty list');
    expect(call(agent, poll, [deadlineIn(0n)])).toEqual(Uint32Array.of(0));
  });

  test('of more pollables than an agent can hold traps and names the limit', () => {
    const now = deadlineIn(0n);
    expect(call<Uint32Array>(agent, poll, Array(POLL_LENGTH_MAX).fill(now))).toHaveLength(
      POLL_LENGTH_MAX,
    );
    expect(() => call(agent, poll, Array(POLL_LENGTH_MAX + 1).fill(now))).toThrow(
      `it takes ${POLL_LENGTH_MAX} at a time`,
    );
    expect(POLL_LENGTH_MAX).toBe(HANDLE_COUNT_MAX);
  });

  test('arms one timer and one subscription for a stream, however many pollables there are', () => {
    const pollables = Array.from({ length: 500 }, (_, index) =>
      index % 2 === 0 ? deadlineIn(SECOND + BigInt(index)) : inputReady(),
    );
    expect(callOnce(agent, poll, pollables)).toBe(WAIT);
    expect(agent.clocks.timers).toBe(1);
    expect(agent.subscriptions).toBe(2);
    agent.kill();
    expect(agent.subscriptions).toBe(0);
  });

  test('leaves no subscription behind after it was answered', async () => {
    const pollables = [inputReady(), deadlineIn(SECOND), deadlineIn(2n * SECOND)];
    const answer = callUntilAnswered(agent, poll, pollables);
    expect(agent.subscriptions).toBe(2);
    agent.stdin.push('x');
    expect(agent.subscriptions).toBe(0);
    await answer;
    expect(agent.subscriptions).toBe(0);
  });

  test('a killed agent that waits is not performed any further', () => {
    const pollables = [deadlineIn(SECOND)];
    expect(callOnce(agent, poll, pollables)).toBe(WAIT);
    agent.kill();
    expect(agent.subscriptions).toBe(0);
    expect(() => callOnce(agent, poll, pollables)).toThrow('ended');
  });
});

describe('a pollable', () => {
  test('of a deadline is ready from its instant on', () => {
    const deadline = deadlineIn(SECOND);
    expect(call(agent, ready, deadline)).toBe(false);
    agent.clocks.advance(SECOND - 1n);
    expect(call(agent, ready, deadline)).toBe(false);
    agent.clocks.advance(1n);
    expect(call(agent, ready, deadline)).toBe(true);
  });

  test('of an instant in the past is ready at once', () => {
    const past = call<Pollable>(agent, monotonicClock.get('subscribe-instant'), 1n);
    expect(call(agent, ready, past)).toBe(true);
    expect(call(agent, block, past)).toBeUndefined();
  });

  test.each([
    ['subscribe-duration', U64_MAX],
    ['subscribe-instant', U64_MAX],
  ])('of %s %d is never ready and can be waited for', (name, when) => {
    const never = call<Pollable>(agent, monotonicClock.get(name), when);
    expect(call(agent, ready, never)).toBe(false);
    expect(callOnce(agent, block, never)).toBe(WAIT);
    agent.clocks.advance(365n * 86_400n * SECOND);
    expect(call(agent, ready, never)).toBe(false);
    agent.kill();
    expect(agent.subscriptions).toBe(0);
  });

  test('blocks until it is ready', async () => {
    const deadline = deadlineIn(SECOND);
    const answer = callUntilAnswered(agent, block, deadline);
    expect(agent.waiting).toBe(true);
    agent.clocks.advance(SECOND);
    expect(await answer).toBeUndefined();
  });

  test('subscribes to nothing by itself: a storm of them costs their handles and is given back', () => {
    const heldBefore = agent.held;
    const handles = new HandleTable();
    for (let round = 0; round < 50; round += 1) {
      const names = Array.from({ length: 200 }, () =>
        handles.add('wasi:io/poll/pollable', deadlineIn(SECOND)),
      );
      expect(agent.subscriptions).toBe(0);
      expect(agent.held).toBe(heldBefore + 200 * HANDLE_BYTES);
      for (const handle of names) {
        const dropped = handles.drop('wasi:io/poll/pollable', handle);
        call(agent, ioPoll.get('[resource-drop]pollable'), dropped);
      }
    }
    expect(agent.held).toBe(heldBefore);
    expect(handles.count).toBe(0);
  });

  test('over what the host may hold for the agent ends it, below it does not', () => {
    agent = new FakeAgent({ limits: { hostBytes: 2 * HANDLE_BYTES } });
    deadlineIn(SECOND);
    deadlineIn(SECOND);
    expect(() => deadlineIn(SECOND)).toThrow('limit-exceeded');
  });
});
