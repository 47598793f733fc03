/**
 * Goal: nobody begins before it is on disk that he does, and whatever is told to him meanwhile reaches him in
 * order, or is answered where he never begins. Method: a backend and a log that are made of promises.
 */

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { COMMAND, ControlBlocks } from '../resource/control-blocks.ts';
import type { Backend, BackendAgent, BackendEnd, BackendStart } from './backend.ts';
import { WriteAheadBackend } from './write-ahead.ts';

const told: string[] = [];
const ends: BackendEnd[] = [];
let fails = false;
let onDisk: PromiseWithResolvers<void>;
let start: BackendStart;

const inner: Backend = {
  name: 'wasm',
  start: () => {
    if (fails) {
      throw new Error('no room');
    }
    told.push('start');
    const agent: BackendAgent = {
      command: (message) => void told.push(`command ${message}`),
      answers: async () => void told.push('answers'),
      reap: () => void told.push('reap'),
      suspended: () => void told.push('suspended'),
      resumed: () => void told.push('resumed'),
      granted: ({ kind }) => void told.push(`granted ${kind}`),
      revoked: async () => void told.push('revoked'),
      deliver: async () => {
        told.push('deliver');
        return { tag: 'ok', val: 1 };
      },
      signal: () => void told.push('signal'),
      exchange: () => void told.push('exchange'),
    };
    return agent;
  },
  close: async () => {},
};

beforeEach(() => {
  told.length = 0;
  ends.length = 0;
  fails = false;
  onDisk = Promise.withResolvers();
  onDisk.promise.catch(() => {});
  start = { pid: 1, block: new ControlBlocks(1).take() } as unknown as BackendStart;
});

const grant = (kind: string) => ({ kind }) as never;

function begin(waits: boolean): BackendAgent {
  const backend = new WriteAheadBackend(inner, {
    started: () => (waits ? onDisk.promise : null),
    grantOnDisk: ({ kind }) => (kind === 'network' ? onDisk.promise : null),
  });
  return backend.start(start, { exited: (end: BackendEnd) => ends.push(end) } as never);
}

const ended = () => vi.waitFor(() => expect(ends).toHaveLength(1));

describe('an agent that waits', () => {
  test('begins when it is on disk, and is told all in order', async () => {
    const agent = begin(true);
    const delivered = agent.deliver({} as never, null);
    agent.granted(grant('ipc'));
    const revoked = agent.revoked();
    agent.signal({} as never);
    agent.exchange?.({} as never);
    await agent.answers();
    expect(told).toEqual([]);
    onDisk.resolve();
    expect(await delivered).toEqual({ tag: 'ok', val: 1 });
    await revoked;
    expect(told).toEqual(['start', 'deliver', 'granted ipc', 'revoked', 'signal', 'exchange']);
    agent.command('end');
    expect(told.at(-1)).toBe('command end');
  });

  test('does not begin where that can not be recorded, and has ended', async () => {
    const agent = begin(true);
    const delivered = agent.deliver({} as never, null);
    onDisk.reject(new Error('full'));
    await ended();
    expect(ends[0]).toMatchObject({
      reason: 'internal',
      message: 'its start could not be recorded',
    });
    expect(await delivered).toMatchObject({ tag: 'err', error: 'closed' });
    await agent.revoked();
    expect(told).toEqual([]);
  });

  test.each([
    ['command', COMMAND.kill, 'killed'],
    ['command', COMMAND.timeout, 'timeout'],
    ['reap', COMMAND.reap, 'killed'],
  ] as const)('is ended by %s %s, and never begins', async (how, command, reason) => {
    const agent = begin(true);
    start.block.request(command);
    agent[how]('by the test');
    await ended();
    onDisk.resolve();
    await agent.revoked();
    expect(ends).toMatchObject([{ reason }]);
    expect(told).toEqual([]);
  });

  test('has ended where it can not be started then', async () => {
    fails = true;
    begin(true);
    onDisk.resolve();
    await ended();
    expect(ends).toMatchObject([{ reason: 'internal', message: 'it could not be started' }]);
  });
});

describe('an agent that does not', () => {
  test('begins at once, and what is told to it passes at once', () => {
    const agent = begin(false);
    agent.granted(grant('ipc'));
    agent.suspended();
    agent.resumed();
    expect(told).toEqual(['start', 'granted ipc', 'suspended', 'resumed']);
  });

  test('says at once that it can not be started', () => {
    fails = true;
    expect(() => begin(false)).toThrow('no room');
  });

  test('waits for a grant that must be recorded, and what comes later waits behind it', async () => {
    const agent = begin(false);
    agent.granted(grant('network'));
    const delivered = agent.deliver({} as never, null);
    expect(told).toEqual(['start']);
    onDisk.resolve();
    await delivered;
    expect(told).toEqual(['start', 'granted network', 'deliver']);
  });

  test('has no grant that could not be recorded, and goes on', async () => {
    const agent = begin(false);
    agent.granted(grant('network'));
    onDisk.reject(new Error('full'));
    await agent.deliver({} as never, null);
    expect(told).toEqual(['start', 'deliver']);
  });
});
