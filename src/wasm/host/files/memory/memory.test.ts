/** Goal: what a mount in memory keeps is bounded by what is counted, whatever a guest does to it. */

import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../caps.ts';
import { Content } from './content.ts';
import { Entries } from './entries.ts';

describe('the content of a file', () => {
  test('is as it was written, and zero elsewhere', () => {
    const content = new Content();
    const model = Buffer.alloc(60_000);
    for (const [offset, length] of [
      [10, 5],
      [4090, 12],
      [12_000, 9000],
      [50_000, 10_000],
      [0, 1],
    ] as const) {
      const bytes = Buffer.alloc(length, offset % 251);
      content.write(bytes, offset);
      bytes.copy(model, offset);
    }
    expect(content.size).toBe(60_000);
    expect(Buffer.from(content.read(0, 100_000)).equals(model)).toBe(true);
    expect(Buffer.from(content.read(4000, 200)).equals(model.subarray(4000, 4200))).toBe(true);
    expect(content.read(60_000, 10)).toHaveLength(0);
    expect(content.read(2 ** 53, 10)).toHaveLength(0);
  });

  test('that was cut off does not come back', () => {
    const content = new Content();
    content.write(Buffer.alloc(10_000, 1), 0);
    content.setSize(5000);
    content.setSize(10_000);
    const bytes = content.read(0, 10_000);
    expect(bytes.subarray(0, 5000).every((byte) => byte === 1)).toBe(true);
    expect(bytes.subarray(5000).every((byte) => byte === 0)).toBe(true);
    content.setSize(0);
    content.setSize(10_000);
    expect(content.read(0, 10_000).every((byte) => byte === 0)).toBe(true);
  });

  test('of a huge size takes nothing until it is written', () => {
    const content = new Content();
    content.setSize(2 ** 52);
    expect(content.read(2 ** 51, BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
    content.write(Buffer.of(7), 2 ** 52 - 1);
    expect(content.read(2 ** 52 - 2, 10)).toEqual(Uint8Array.of(0, 7));
  });
});

describe('the names in a directory', () => {
  function readAll(entries: Entries<number>, from = 0): string[] {
    const names: string[] = [];
    for (let entry = entries.after(from); entry !== null; entry = entries.after(entry.number)) {
      names.push(entry.name);
    }
    return names;
  }

  test('are read in the order of their making, without those that are gone', () => {
    const entries = new Entries<number>();
    for (const name of ['c', 'a', 'b']) {
      entries.add(name, 0);
    }
    entries.remove('a');
    entries.add('a', 1);
    entries.remove('none');
    expect(readAll(entries)).toEqual(['c', 'b', 'a']);
    expect(entries.get('a')).toBe(1);
    expect(entries.get('__proto__')).toBeUndefined();
    expect(entries.count).toBe(3);
  });

  test('a reader keeps its place while others come and go', () => {
    const entries = new Entries<number>();
    for (let name = 0; name < 1000; name += 1) {
      entries.add(`${name}`, name);
    }
    const place = entries.after(500);
    for (let name = 0; name < 1000; name += 2) {
      entries.remove(`${name}`);
    }
    for (let turn = 0; turn < 10_000; turn += 1) {
      entries.add('comes and goes', 0);
      entries.remove('comes and goes');
    }
    const rest = readAll(entries, place?.number);
    expect(rest).toHaveLength(250);
    expect(rest.every((name) => Number(name) > 500 && Number(name) % 2 === 1)).toBe(true);
  });
});
