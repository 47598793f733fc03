import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Captured } from '../../test/support/cli/fake-environment.ts';
import { Outlet, OutletClosedError } from './outlet.ts';

/** A stream whose reader takes a chunk only when the test lets it. */
class Stalled extends Writable {
  readonly taken: string[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor() {
    super({ highWaterMark: 16 * 1024 * 1024 });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#waiting.push(done);
  }

  take(): void {
    this.#waiting.shift()?.();
  }
}

const bytes = (text: string) => Buffer.from(text);

describe('write', () => {
  test('resolves when the reader has taken the bytes, not before', async () => {
    const stream = new Stalled();
    const outlet = new Outlet(stream, 1);
    let written = false;
    const writing = outlet.write(bytes('a')).then(() => {
      written = true;
    });
    await new Promise(setImmediate);
    expect(written).toBe(false);
    stream.take();
    await writing;
    expect(written).toBe(true);
  });

  test('rejects when the reader is gone, now and later, and it is no failure', async () => {
    const stream = new Stalled();
    const outlet = new Outlet(stream, 1);
    const writing = outlet.write(bytes('a'));
    stream.destroy(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    await expect(writing).rejects.toBeInstanceOf(OutletClosedError);
    await expect(outlet.write(bytes('b'))).rejects.toBeInstanceOf(OutletClosedError);
    expect(outlet.failure).toBeNull();
  });

  test('a full disk is a failure', async () => {
    const outlet = new Outlet(
      new Writable({
        write: (_chunk, _encoding, done) =>
          done(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
      }),
      1,
    );
    await expect(outlet.write(bytes('a'))).rejects.toBeInstanceOf(OutletClosedError);
    expect(outlet.failure).toBe('ENOSPC');
  });

  test('knows whether a line was ended', async () => {
    const outlet = new Outlet(new Captured(), 1);
    expect(outlet.atLineStart).toBe(true);
    await outlet.write(bytes('a'));
    expect(outlet.atLineStart).toBe(false);
    await outlet.write(bytes('b\n'));
    expect(outlet.atLineStart).toBe(true);
    await outlet.write(bytes(''));
    expect(outlet.atLineStart).toBe(true);
  });
});

describe('abandonIfStalled', () => {
  test('ends every write that waits', async () => {
    const outlet = new Outlet(new Stalled(), 1);
    const writes = [outlet.write(bytes('a')), outlet.write(bytes('b'))];
    outlet.abandonIfStalled();
    for (const write of writes) {
      await expect(write).rejects.toBeInstanceOf(OutletClosedError);
    }
    await outlet.flushed();
    expect(outlet.wasAbandoned).toBe(true);
    expect(outlet.failure).toBeNull();
  });

  test('does nothing where nothing waits', async () => {
    const captured = new Captured();
    const outlet = new Outlet(captured, 1);
    outlet.abandonIfStalled();
    await outlet.write(bytes('a'));
    expect(captured.text).toBe('a');
    expect(outlet.wasAbandoned).toBe(false);
  });
});

test('print keeps at most a bound of lines for a reader that stalls, and says how many it dropped', async () => {
  const stream = new Stalled();
  const outlet = new Outlet(stream, 2);
  const line = `${'x'.repeat(64 * 1024 - 1)}\n`;
  for (let count = 0; count < 100; count += 1) {
    outlet.print(line);
  }
  expect(stream.writableLength).toBeLessThanOrEqual(1024 * 1024 + 2 * line.length);
  while (stream.writableLength > 0) {
    stream.take();
    await new Promise(setImmediate);
  }
  outlet.print('after\n');
  const dropped = 100 - stream.taken.length + 1;
  expect(dropped).toBeGreaterThan(50);
  expect(stream.taken.at(-1)).toBe(
    `ringfence: ${dropped} lines were dropped here as nobody read them\nafter\n`,
  );
});
