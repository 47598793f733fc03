/**
 * Goal: frames come out as they went in however the stream is cut, and a length that is out of bounds
 * is refused before anything is allocated for it.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, FrameError, FrameReader, frameOf } from './frames.ts';

const BOUNDS = { headBytes: 64, bodyBytes: 20_000 };

function read(stream: Uint8Array, cuts: readonly number[] = []): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(BOUNDS, (frame) => frames.push(frame));
  const places = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length];
  let at = 0;
  for (const place of places.sort((a, b) => a - b)) {
    reader.push(stream.subarray(at, place));
    at = place;
  }
  return frames;
}

function prefix(total: number, head: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(total, 0);
  bytes.writeUInt32LE(head, 4);
  return bytes;
}

test('frames come out as they went in, however the stream is cut', () => {
  const parts = fc.record({
    head: fc.uint8Array({ maxLength: BOUNDS.headBytes }),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 32 }),
      fc.nat(BOUNDS.bodyBytes).map((length) => new Uint8Array(length).fill(7)),
    ),
  });
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), fc.array(fc.nat()), (sent, cuts) => {
      const stream = Buffer.concat(sent.flatMap(({ head, body }) => frameOf(head, body)));
      const got = read(stream, cuts).map(({ head, body }) => ({
        head: new Uint8Array(head),
        body: new Uint8Array(body),
      }));
      expect(got).toEqual(sent);
    }),
  );
});

test('what is not taken yet is told, and taken when it is pushed again', () => {
  const stream = Buffer.concat(
    ['one', 'two', ''].flatMap((text) => frameOf(Buffer.from(text), Buffer.from(text))),
  );
  const heads: string[] = [];
  const reader = new FrameReader(BOUNDS, ({ head }) => heads.push(head.toString()));
  const next = (left: Uint8Array): Uint8Array => {
    const before = heads.length;
    return left.subarray(reader.push(left, () => heads.length === before));
  };
  const afterOne = next(stream);
  expect(heads).toEqual(['one']);
  const afterTwo = next(afterOne);
  expect(heads).toEqual(['one', 'two']);
  expect(next(afterTwo)).toHaveLength(0);
  expect(heads).toEqual(['one', 'two', '']);
});

describe('a length out of bounds is refused', () => {
  test.each([
    ['a head', 65, 65, 64, 64],
    ['a body', 20_001, 0, 20_000, 0],
    ['a head that is longer than the whole', 3, 4, 4, 4],
    ['the greatest number', 0xffff_ffff, 0, 0, 0],
  ])('%s', (_, total, head, totalAllowed, headAllowed) => {
    expect(() => read(prefix(total, head))).toThrow(FrameError);
    // The control: the nearest that is allowed is taken.
    const allowed = Buffer.concat([
      prefix(totalAllowed, headAllowed),
      Buffer.alloc(totalAllowed, 1),
    ]);
    expect(read(allowed)).toHaveLength(1);
  });
});

test('what is announced and does not come takes no memory', () => {
  const reader = new FrameReader({ headBytes: 0, bodyBytes: 0xffff_ffff }, () => {});
  const before = process.memoryUsage().arrayBuffers;
  reader.push(prefix(0xffff_fff0, 0));
  reader.push(new Uint8Array(100));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});
