/** Goal: no growth passes the limit, and what was there at most is the usage. Method: the calls of the injected code. */

import { expect, test } from 'vitest';
import { MemoryAccount } from './memory-account.ts';

function account(limitBytes: number) {
  const told: number[] = [];
  const memory = new MemoryAccount({ setMemoryBytes: (bytes) => told.push(bytes) }, limitBytes);
  return { memory, told };
}

test('grows up to the limit, and not by a byte more', () => {
  const { memory } = account(100);
  memory.takeDeclared(40);
  expect(memory.grow(61)).toBe(0);
  expect(memory.grow(60)).toBe(1);
  expect(memory.grow(1)).toBe(0);
});

test('grows without end where there is no limit', () => {
  const { memory } = account(0);
  expect(memory.grow(2 ** 40)).toBe(1);
});

test('what could not be had after all is neither used nor missing', () => {
  const { memory, told } = account(100);
  memory.takeDeclared(40);
  memory.grow(60);
  memory.ungrow(60);
  memory.notePeak();
  expect(told).toEqual([40]);
  expect(memory.grow(60)).toBe(1);
  memory.notePeak();
  expect(told).toEqual([40, 100]);
});
