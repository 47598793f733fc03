import { expect, test } from 'vitest';
import { ControlBlocks } from './control-blocks.ts';
import { LimitMarks, limitOf, RESOURCE_KINDS, usedOf } from './limit-marks.ts';
import { parseLimits } from './limits.ts';

const limits = parseLimits({
  fuel: 1_000,
  memoryBytes: 1_000,
  cpuTimeMs: 1_000,
  messages: 1_000,
  toolCalls: 1_000,
  diskBytes: 1_000,
});

test.each(RESOURCE_KINDS)('80 %% of %s are told once, and less is not', (kind) => {
  const marks = new LimitMarks(limits);
  const told = [0, 799, 800, 900, 1_000, 5_000].map((used) => marks.passes(kind, used));
  expect(told).toEqual([false, false, true, false, false, false]);
  // The others have marks of their own.
  const others = RESOURCE_KINDS.filter((other) => other !== kind);
  expect(others.every((other) => marks.passes(other, 1_000))).toBe(true);
});

test('who passes by more at once is told once', () => {
  const marks = new LimitMarks(limits);
  expect([1_000, 1_000].map((used) => marks.passes('fuel', used))).toEqual([true, false]);
});

test.each(RESOURCE_KINDS)('what is unlimited is never told: %s', (kind) => {
  const none = { fuel: 0, memoryBytes: 0, cpuTimeMs: 0, messages: 0, toolCalls: 0, diskBytes: 0 };
  const marks = new LimitMarks(parseLimits(none));
  expect(marks.passes(kind, Number.MAX_SAFE_INTEGER)).toBe(false);
});

test('each kind is read from its own counter, in the unit of its limit', () => {
  const block = new ControlBlocks(1).take();
  block.setFuel(1);
  block.setMemoryBytes(2);
  block.setCpuTimeMicroseconds(3_999);
  block.raise({ slices: 0, messagesSent: 4, toolCalls: 5 });
  block.setDiskBytes(6);
  expect(RESOURCE_KINDS.map((kind) => usedOf(block.read(), kind))).toEqual([1, 2, 3, 4, 5, 6]);
  const each = parseLimits({
    fuel: 1,
    memoryBytes: 2,
    cpuTimeMs: 3,
    messages: 4,
    toolCalls: 5,
    diskBytes: 6,
  });
  expect(RESOURCE_KINDS.map((kind) => limitOf(each, kind))).toEqual([1, 2, 3, 4, 5, 6]);
});
