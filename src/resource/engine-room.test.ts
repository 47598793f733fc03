/** Goal: agents are refused before the process has no room for them. Method: rooms of a few agents. */

import { expect, test } from 'vitest';
import { EngineRoom } from './engine-room.ts';

const ONE = [{ maximumPages: 16, is64: false }];

test('as many agents as there are mappings for: one more is refused, and admitted when one has gone', () => {
  const room = new EngineRoom({ mapCountMax: 4_000 + 10, trapHandler: true });
  const first = room.take('one', ONE);
  room.take('two', ONE);
  expect(() => room.take('three', ONE)).toThrow(
    "Cannot spawn 'three' as the agents of this process have 10 mappings of memory, it takes 5 more, and 10 are the most that V8 is sure to survive: wait for agents to exit, raise vm.max_map_count, or run another kernel in another process, or spawn it with isolation 'process'.",
  );
  room.give(first);
  room.take('three', ONE);
});

test.each([
  ['some 14,000 memories by default, whatever they declare', true, 14_000],
  ['as many as their maxima leave room for, without the trap handler', false, 1_000_000],
])('%s', (_, trapHandler, memories) => {
  const room = new EngineRoom({ mapCountMax: 10_000_000, trapHandler });
  const all = Array.from({ length: memories }, () => ONE[0] as (typeof ONE)[0]);
  const share = room.take('all', all);
  if (trapHandler) {
    expect(() => room.take('one more', ONE)).toThrow(/node --disable-wasm-trap-handler/);
  } else {
    room.take('one more', ONE);
  }
  room.give(share);
});

test('a memory without a maximum takes 4 GiB of addresses without the trap handler', () => {
  const room = new EngineRoom({ mapCountMax: 10_000_000, trapHandler: false });
  const endless = Array.from({ length: 28_000 }, () => ({ maximumPages: null, is64: false }));
  room.take('all', endless);
  expect(() => room.take('one more', [{ maximumPages: null, is64: false }])).toThrow(
    /has a maximum/,
  );
});

test('a memory of 64 bits takes twice the addresses', () => {
  const room = new EngineRoom({ mapCountMax: 10_000_000, trapHandler: true });
  const wide = Array.from({ length: 7_000 }, () => ({ maximumPages: 1, is64: true }));
  const share = room.take('all', wide);
  expect(() => room.take('one more', ONE)).toThrow(/bytes of addresses/);
  room.give(share);
  room.take('all', wide.slice(1));
  room.take('one more', ONE);
});
