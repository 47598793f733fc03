/**
 * A function with so many locals and nested blocks that compiling it takes gigabytes: a compiler
 * keeps a state of all locals for every block that is open.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const I32 = 0x7f;
const [LOCAL_GET, BR_IF, BLOCK, END, EMPTY] = [0x20, 0x0d, 0x02, 0x0b, 0x40];

function moduleWith(localCount: number, blockCount: number): Uint8Array {
  const code: number[] = [...unsigned(1), ...unsigned(localCount), I32];
  for (let block = 0; block < blockCount; block += 1) code.push(BLOCK, EMPTY);
  for (let block = 0; block < blockCount; block += 1) {
    code.push(LOCAL_GET, 0, BR_IF, ...unsigned(block));
  }
  for (let block = 0; block < blockCount; block += 1) code.push(END);
  code.push(LOCAL_GET, 0, END);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('run'), 0, 0, ...name('memory'), 2, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** An unsigned LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function bomb(localCount: number, blockCount: number) {
  const make = () => moduleWith(localCount, blockCount);
  return { kind: 'core-binary', world: 'agent', make } as const;
}

export const guests: Variants = {
  'attack-bomb': bomb(49_000, 12_000),
  'attack-bomb-small': bomb(20_000, 2_000),
  'attack-bomb-control': bomb(50, 12),
};
