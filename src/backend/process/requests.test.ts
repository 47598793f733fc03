/**
 * Goal: what an agent's process asks for is counted and stopped here whatever the process says. Method:
 * the requests of one agent without its process, its clock and its host in the test's hands.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type HeldGrant, HeldGrants } from '../../capability/held.ts';
import { parseGrants } from '../../capability/input.ts';
import { SIGNALS_UNREAD_MAX } from '../../ipc/message.ts';
import { ControlBlocks } from '../../resource/control-blocks.ts';
import { parseLimits } from '../../resource/limits.ts';
import type { BackendEvents, BackendStart, Sending } from '../backend.ts';
import type { OperationOutcome } from '../operations.ts';
import { Denials } from './denials.ts';
import { ChildProtocolError } from './from-child.ts';
import { Requests } from './requests.ts';

const NEVER = new Promise<never>(() => {});
/** A message of a text to an agent, whose sender waits for room. */
const mail = (pid: number, val: string): Sending => ({
  to: { tag: 'process', pid },
  body: { tag: 'message' },
  payload: { tag: 'text', val },
  waitMs: 60_000,
});

/** The requests of an agent that may use tools until then, and send. */
function requestsOf({
  hostBytes = 0,
  toolsUntilMs = Number.POSITIVE_INFINITY,
  unread = 0,
  more = {},
} = {}) {
  const block = new ControlBlocks(1).take();
  const grants = parseGrants({ tools: ['add'], ipc: { pids: [7] }, ...more }).map(
    ({ kind, scope }, index): HeldGrant => ({
      id: index,
      kind,
      index,
      scope,
      expiresAtMs: kind === 'tools' ? toolsUntilMs : Number.POSITIVE_INFINITY,
    }),
  );
  const signals: AbortSignal[] = [];
  const events = {
    send: vi.fn(() => NEVER),
    ask: vi.fn(() => NEVER),
    callTool: vi.fn((_name: string, _arguments: string, signal: AbortSignal) => {
      signals.push(signal);
      return NEVER;
    }),
    spawn: vi.fn(() => NEVER),
    requestGrant: vi.fn(() => NEVER),
  };
  const start = { parentPid: 0, limits: parseLimits({ hostBytes }) };
  const answers: [number, OperationOutcome][] = [];
  const requests = new Requests(
    start as unknown as BackendStart,
    events as unknown as BackendEvents,
    new HeldGrants(block, grants),
    new Denials(() => {}),
    () => unread,
    (id, outcome) => answers.push([id, outcome]),
  );
  return { requests, events, answers, signals };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('an id that is under way is not taken for another operation', () => {
  type Ask = (requests: Requests, id: number) => void;
  const asks: [string, Ask][] = [
    ['a message', (requests, id) => requests.send(id, mail(7, 'b'))],
    ['a message that is denied', (requests, id) => requests.send(id, mail(8, 'b'))],
    ['a tool', (requests, id) => requests.callTool(id, 'add', '{}')],
    ['a tool that is denied', (requests, id) => requests.callTool(id, 'rm', '{}')],
    ['a child that is denied', (requests, id) => requests.spawn(id, {} as never)],
    ['a question', (requests, id) => requests.ask(id, { ask: 'link', pid: 7 })],
    ['more grants', (requests, id) => requests.requestGrant(id, { kind: 'ipc', scope: [] }, '')],
  ];
  test.each(asks)('%s', (_, ask) => {
    const { requests, answers } = requestsOf();
    requests.send(1, mail(7, 'a'));
    expect(() => ask(requests, 1)).toThrow(ChildProtocolError);
    expect(answers).toEqual([]);
    // The control: an id of its own.
    ask(requests, 2);
    requests.close();
  });
});

test('messages under way take no more than may be held, whatever was answered meanwhile', () => {
  const { requests, events } = requestsOf({ hostBytes: 10_000 });
  requests.send(1, mail(7, 'a'.repeat(3_000)));
  requests.callTool(2, 'rm', '{}');
  expect(() => requests.send(3, mail(7, 'a'.repeat(3_000)))).toThrow(ChildProtocolError);
  expect(events.send).toHaveBeenCalledTimes(1);
  // The control: once nobody waits for the first, there is room.
  requests.abandon(1);
  requests.send(4, mail(7, 'a'.repeat(3_000)));
  expect(events.send).toHaveBeenCalledTimes(2);
  requests.close();
});

test('who has received nothing of so many ends causes no more', () => {
  const { requests, events, answers } = requestsOf({
    unread: SIGNALS_UNREAD_MAX,
    more: { spawn: 1 },
  });
  requests.ask(1, { ask: 'monitor', pid: 7 });
  requests.spawn(2, {} as never);
  expect(answers).toMatchObject([
    [1, { tag: 'err', error: 'limit-exceeded' }],
    [2, { tag: 'err', error: 'limit-exceeded' }],
  ]);
  expect(events.ask).not.toHaveBeenCalled();
  expect(events.spawn).not.toHaveBeenCalled();
  // The control: what causes none is asked all the same, and with one less all is.
  requests.ask(3, { ask: 'demonitor', monitor: 1 });
  expect(events.ask).toHaveBeenCalledTimes(1);
  const oneLess = requestsOf({ unread: SIGNALS_UNREAD_MAX - 1, more: { spawn: 1 } });
  oneLess.requests.ask(1, { ask: 'monitor', pid: 7 });
  oneLess.requests.spawn(2, {} as never);
  expect(oneLess.events.ask).toHaveBeenCalledTimes(1);
  expect(oneLess.events.spawn).toHaveBeenCalledTimes(1);
  requests.close();
  oneLess.requests.close();
});

test('arguments of tools under way count as held too', () => {
  const { requests, signals } = requestsOf({ hostBytes: 10_000 });
  const large = JSON.stringify('x'.repeat(2_000));
  requests.callTool(1, 'add', large);
  requests.callTool(2, 'add', large);
  expect(() => requests.callTool(3, 'add', large)).toThrow(ChildProtocolError);
  requests.abandon(2);
  requests.callTool(4, 'add', large);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, false]);
  requests.close();
});

test('an id of one that was given up is answered by the one that has it now, and by no other', async () => {
  const { requests, events, answers, signals } = requestsOf({ toolsUntilMs: Date.now() + 1_000 });
  const first = Promise.withResolvers<OperationOutcome>();
  const second = Promise.withResolvers<OperationOutcome>();
  const ends = [first, second];
  events.callTool.mockImplementation((_name, _arguments, signal) => {
    signals.push(signal);
    return ends[signals.length - 1]?.promise as Promise<never>;
  });
  requests.callTool(1, 'add', '{}');
  requests.abandon(1);
  requests.callTool(1, 'add', '{}');
  first.resolve({ tag: 'ok', val: 'of the first' });
  await vi.advanceTimersByTimeAsync(0);
  expect(answers).toEqual([]);
  // Its grant is looked at still.
  await vi.advanceTimersByTimeAsync(1_000);
  expect(answers).toMatchObject([[1, { tag: 'err', error: 'denied' }]]);
  expect(signals[1]?.aborted).toBe(true);
});

describe('a call is stopped when its grant expires', () => {
  test('and not before', () => {
    const { requests, signals, answers } = requestsOf({ toolsUntilMs: Date.now() + 1_000 });
    requests.callTool(1, 'add', '{}');
    vi.advanceTimersByTime(999);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(answers).toMatchObject([[1, { tag: 'err', error: 'denied' }]]);
    expect(signals[0]?.aborted).toBe(true);
  });

  test('by the clock of dates, which may have been set back meanwhile', () => {
    const { requests, answers } = requestsOf({ toolsUntilMs: Date.now() + 1_000 });
    requests.callTool(1, 'add', '{}');
    vi.setSystemTime(Date.now() - 500);
    vi.advanceTimersByTime(1_000);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(answers).toMatchObject([[1, { tag: 'err', error: 'denied' }]]);
  });
});

test('what is asked needs the grants that the gate looks for', () => {
  const { requests, events, answers } = requestsOf();
  requests.ask(1, { ask: 'stop', pid: 7, mode: 'force' });
  requests.ask(2, { ask: 'publish', topic: 'news', payload: { tag: 'text', val: 'a' } });
  requests.ask(3, { ask: 'subscribe', topic: 'news' });
  expect(answers.map(([id, outcome]) => [id, outcome.tag])).toEqual([
    [1, 'err'],
    [2, 'err'],
    [3, 'err'],
  ]);
  expect(events.ask).not.toHaveBeenCalled();
  // The control: what it may, and what the kernel decides.
  requests.ask(4, { ask: 'tools' });
  requests.ask(5, { ask: 'monitor', pid: 7 });
  expect(events.ask).toHaveBeenCalledTimes(2);
  requests.close();
});
