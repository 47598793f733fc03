import { describe, expect, test } from 'vitest';
import { GRANTS_PER_AGENT_MAX } from '../capability/grant.ts';
import {
  COMMAND,
  COUNT_MAX,
  ControlBlock,
  ControlBlocks,
  ControlViews,
  REVOCATION_BITS,
} from './control-blocks.ts';

describe('a control block', () => {
  test('is the same memory on both sides', () => {
    const blocks = new ControlBlocks(4);
    const kernelSide = blocks.take();
    const workerSide = new ControlBlock(new ControlViews(blocks.memory), kernelSide.slot);
    workerSide.setFuel(Number.MAX_SAFE_INTEGER);
    workerSide.addMessage();
    workerSide.addSlice();
    expect(kernelSide.read()).toMatchObject({
      fuel: Number.MAX_SAFE_INTEGER,
      messagesSent: 1,
      slices: 1,
    });
  });

  test('counts up to what its fields hold, and never round to less', () => {
    const block = new ControlBlocks(1).take();
    const counts = () => [block.slices, block.messagesSent, block.toolCalls];
    const all = (count: number) => [count, count, count];
    const before = COUNT_MAX - 1;
    block.raise({ slices: before, messagesSent: before, toolCalls: before });
    for (const count of [COUNT_MAX, COUNT_MAX]) {
      block.addSlice();
      block.addMessage();
      block.addToolCall();
      expect(counts()).toEqual(all(count));
    }
  });

  test('says that it is suspended beside the command and the revocations', () => {
    const block = new ControlBlocks(1).take();
    block.suspend();
    block.suspend();
    block.revokeGrant(3);
    expect([block.isSuspended, block.command]).toEqual([true, COMMAND.none]);
    expect(block.request(COMMAND.kill)).toBe(true);
    expect([block.isSuspended, block.command]).toEqual([true, COMMAND.kill]);
    const before = block.state;
    block.resume();
    expect(block.state).not.toBe(before);
    block.resume();
    expect([block.isSuspended, block.command]).toEqual([false, COMMAND.kill]);
    expect(block.isGrantRevoked(3)).toBe(true);
  });

  test('keeps the first command only', () => {
    const block = new ControlBlocks(1).take();
    expect(block.request(COMMAND.kill)).toBe(true);
    expect(block.request(COMMAND.timeout)).toBe(false);
    expect(block.command).toBe(COMMAND.kill);
  });

  test('has a bit for each grant that an agent can be given, and none of them is anything else', () => {
    expect(REVOCATION_BITS).toBeGreaterThanOrEqual(GRANTS_PER_AGENT_MAX);
    const block = new ControlBlocks(1).take();
    block.setFuel(7);
    const counted = block.read();
    for (let index = 0; index < REVOCATION_BITS; index += 1) {
      expect(block.isGrantRevoked(index)).toBe(false);
      block.revokeGrant(index);
      expect(block.isGrantRevoked(index)).toBe(true);
    }
    expect(block.read()).toEqual(counted);
    expect(block.command).toBe(COMMAND.none);
  });

  test('does not reach into its neighbours', () => {
    const blocks = new ControlBlocks(3);
    const [first, middle, last] = [blocks.take(), blocks.take(), blocks.take()];
    const untouched = first.read();
    middle.request(COMMAND.kill);
    middle.setFuel(1);
    middle.setMemoryBytes(2);
    middle.setCpuTimeMicroseconds(3);
    middle.addToolCall();
    expect([first.read(), last.read()]).toEqual([untouched, untouched]);
    expect([first.command, last.command]).toEqual([COMMAND.none, COMMAND.none]);
  });
});

test('a released slot comes back empty, and no slot is given out twice', () => {
  const blocks = new ControlBlocks(2);
  const first = blocks.take();
  const second = blocks.take();
  expect(first.slot).not.toBe(second.slot);
  expect(() => blocks.take()).toThrow(/every control block is taken/);
  first.request(COMMAND.kill);
  first.setFuel(9);
  blocks.release(first);
  const again = blocks.take();
  expect(again.slot).toBe(first.slot);
  expect(again.command).toBe(COMMAND.none);
  expect(again.read().fuel).toBe(0);
});
