/**
 * Goal: a recording is read as it was written, and whatever else is given for one ends in a typed error.
 * Method: values and files by a generator, then files that are cut, flipped, and of lengths that lie.
 */

import { hash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENTRY } from './entries.ts';
import { makeRecording, type RecordingHeader, readRecording } from './file.ts';
import { StandIn, VALUES_MAX, ValueReader, ValueWriter } from './values.ts';

const HEADER: RecordingHeader = {
  ringfence: '0.0.0',
  node: 'v26.0.0',
  v8: '14',
  arch: 'x64',
  module_sha256: 'ab'.repeat(32),
  agent_id: 'agent',
  pid: 1,
  isolation: 'shared',
  world: 'wasi:cli',
  fuel_table: 3,
  features: { gc: false, relaxed_simd: false },
  limits: { fuel: 0, memory_bytes: 0 },
  entries_bytes: 0,
  calls: 0,
  cut: null,
  exit: { code: 0, reason: 'normal', message: null },
  ended_outside: false,
  fuel: 1_000,
  memory_bytes: 65_536,
  stdout: { bytes: 0, sha256: 'cd'.repeat(32) },
  stderr: { bytes: 0, sha256: 'cd'.repeat(32) },
};

/** Some calls, with what values there are. */
function entriesOf(values: readonly unknown[]): Uint8Array {
  const writer = new ValueWriter();
  writer.byte(ENTRY.function);
  writer.name('wasi:test/test#call');
  for (const value of values) {
    writer.byte(ENTRY.call);
    writer.unsigned(0);
    writer.unsigned(10);
    writer.unsigned(0);
    writer.value(value, () => 0);
  }
  writer.byte(ENTRY.refused);
  writer.unsigned(3);
  return writer.written.slice();
}

const VALUES = ['text', new Uint8Array(100), { tag: 'ok', val: [1, 2n, -3n] }, undefined, 0.5];
const ENTRIES = entriesOf(VALUES);
const whole = (entries: Uint8Array, header: Partial<RecordingHeader> = {}) =>
  makeRecording(
    { ...HEADER, entries_bytes: entries.length, calls: VALUES.length, ...header },
    entries,
  );

const invalid = expect.objectContaining({ code: 'RF_RECORDING_INVALID' });

describe('values', () => {
  const leaf = fc.oneof(
    fc.constantFrom(undefined, null, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY),
    fc.double(),
    fc.integer(),
    fc.maxSafeNat(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    }),
    fc.uint8Array(),
    fc.uint16Array(),
    fc.bigInt64Array(),
    fc.float64Array(),
  );
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value'), { noNullPrototype: false }),
    ),
  })).value;

  test('come back as they were written', () => {
    fc.assert(
      fc.property(value, (written) => {
        const writer = new ValueWriter(1);
        writer.value(written, () => 0);
        const reader = new ValueReader(writer.written.slice());
        const read = reader.value(() => ({}));
        expect(reader.isAtEnd).toBe(true);
        expect(normal(read)).toEqual(normal(written));
      }),
    );
  });

  test('objects of the host come back as one for each number', () => {
    const writer = new ValueWriter();
    writer.value([new StandIn(7, null), { tag: 'ok', val: new StandIn(8, null) }], (object) =>
      object instanceof StandIn ? object.id : -1,
    );
    const made: number[] = [];
    new ValueReader(writer.written).value((id) => {
      made.push(id);
      return {};
    });
    expect(made).toEqual([7, 8]);
  });

  test('long bytes and texts of arguments are kept in short', () => {
    const writer = new ValueWriter();
    writer.value(new Uint8Array(1000).fill(65), () => 0, true);
    writer.value('B'.repeat(65), () => 0, true);
    writer.value('B'.repeat(64), () => 0, true);
    const reader = new ValueReader(writer.written);
    const shown = { length: 1000, kind: 'bytes', start: Buffer.alloc(32, 65) };
    expect(reader.value(() => ({}))).toMatchObject({
      ...shown,
      start: new Uint8Array(32).fill(65),
      sha256: hash('sha256', Buffer.alloc(1000, 65), 'hex'),
    });
    expect(reader.value(() => ({}))).toMatchObject({ kind: 'text', length: 65 });
    expect(reader.value(() => ({}))).toBe('B'.repeat(64));
  });
});

/** With records of one prototype, and NaNs and zeroes that compare. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(normal);
  }
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    return new Map(Object.entries(value).map(([name, field]) => [name, normal(field)]));
  }
  return value;
}

describe('a file', () => {
  test('is read as it was written', async () => {
    const made = await whole(ENTRIES);
    const read = await readRecording(made.bytes);
    expect(read.header).toEqual(made.header);
    expect(read.digest).toBe(made.digest);
    expect(Buffer.from(read.entries)).toEqual(Buffer.from(ENTRIES));
    expect([...read.trace()].map(({ answer }) => answer)).toEqual([
      '"text"',
      `100 bytes ${'00'.repeat(32)}…`,
      'ok([1, 2, -3])',
      'none',
      '0.5',
    ]);
  });

  test('that is cut or has a bit flipped is none, anywhere', async () => {
    const { bytes } = await whole(ENTRIES);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        await expect(readRecording(bytes.subarray(0, at))).rejects.toEqual(invalid);
        const flipped = Uint8Array.from(bytes);
        flipped[at]! ^= 1 << bit;
        await expect(readRecording(flipped)).rejects.toEqual(invalid);
      }),
    );
  });

  test('whose maker lies is none either, or is read to its end', async () => {
    let accepted = 0;
    const entries = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.nat(ENTRIES.length - 1), fc.nat(255))
        .map(([at, byte]) => Uint8Array.from(ENTRIES, (was, index) => (index === at ? byte : was))),
      fc.nat(ENTRIES.length).map((length) => ENTRIES.subarray(0, length)),
    );
    await fc.assert(
      fc.asyncProperty(entries, fc.constantFrom(0, 1, VALUES.length), async (lies, calls) => {
        const { bytes } = await whole(lies, { calls });
        try {
          const read = await readRecording(bytes);
          accepted += [...read.trace()].length >= 0 ? 1 : 0;
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  /** A file with all that is said of its lengths in the hands of a stranger. */
  function forged(header: string, compressed: Uint8Array, headerBytes = header.length): Uint8Array {
    const prefix = Buffer.alloc(16);
    prefix.write('RFRECORD', 'latin1');
    prefix.writeUInt32LE(1, 8);
    prefix.writeUInt32LE(headerBytes, 12);
    const content = Buffer.concat([prefix, Buffer.from(header), compressed]);
    return Buffer.concat([content, hash('sha256', content, 'buffer')]);
  }
  const json = (header: object): string => JSON.stringify({ ...HEADER, ...header });

  test.each([
    ['a header of four gigabytes', forged(json({}), deflateRawSync(''), 0xffff_ffff)],
    ['a header that is no JSON', forged('{', deflateRawSync(''))],
    ['a header with a field more', forged(json({ more: 1 }), deflateRawSync(''))],
    [
      'a path for an identifier',
      forged(json({ agent_id: 'x'.repeat(10_000) }), deflateRawSync('')),
    ],
    ['more entries than may be', forged(json({ entries_bytes: 2 ** 40 }), deflateRawSync(''))],
    ['a bomb', forged(json({ entries_bytes: 10 }), deflateRawSync(Buffer.alloc(64 * 2 ** 20)))],
    ['fewer entries than it says', forged(json({ entries_bytes: 10 }), deflateRawSync('x'))],
    ['what is not compressed', forged(json({ entries_bytes: 10 }), Buffer.from('not deflate'))],
    ['nothing', new Uint8Array(0)],
    ['something else', Buffer.from('\0asm\u0001\0\0\0'.padEnd(100))],
  ])('with %s is refused', async (_, bytes) => {
    await expect(readRecording(bytes)).rejects.toEqual(invalid);
  });

  test('with a name of a function that is too long is refused, and with one of 256 is read', async () => {
    for (const [length, calls] of [
      [256, 0],
      [257, null],
    ] as const) {
      const writer = new ValueWriter();
      writer.byte(ENTRY.function);
      writer.name('x'.repeat(length));
      const { bytes } = await whole(writer.written.slice(), { calls: 0 });
      const read = readRecording(bytes);
      await (calls === null
        ? expect(read).rejects.toEqual(invalid)
        : expect(read).resolves.toMatchObject({ header: { calls } }));
    }
  });

  test('of a later version says which', async () => {
    const bytes = Buffer.from((await whole(ENTRIES)).bytes);
    bytes.writeUInt32LE(2, 8);
    await expect(readRecording(bytes)).rejects.toThrow(/version 2/);
  });

  test('with values too deep in each other is refused, and with fewer is read', async () => {
    const deep = (levels: number): Uint8Array => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level += 1) {
        value = [value];
      }
      return entriesOf([value]);
    };
    await expect(
      whole(deep(30), { calls: 1 }).then(({ bytes }) => readRecording(bytes)),
    ).resolves.toBeDefined();
    await expect(
      whole(deep(40), { calls: 1 }).then(({ bytes }) => readRecording(bytes)),
    ).rejects.toEqual(invalid);
  });
});

describe('what a recording says of its end is what runs can say', () => {
  const read = async (header: Partial<RecordingHeader>, entries = ENTRIES) =>
    readRecording((await whole(entries, header)).bytes);
  const killed = { code: -1, reason: 'killed', message: 'enough' } as const;
  const trap = { code: -3, reason: 'trap', message: 'out of memory' } as const;
  const normal = { code: 0, reason: 'normal', message: null } as const;
  const gc = { gc: true, relaxed_simd: false };
  const last = (): Uint8Array => {
    const writer = new ValueWriter();
    writer.raw(entriesOf(VALUES.slice(1)));
    writer.raw(Uint8Array.of(ENTRY.last, 0, 10, 0));
    return writer.written.slice();
  };

  test.each<[string, Partial<RecordingHeader>, Partial<RecordingHeader>, Uint8Array?]>([
    [
      'from outside, it is not by its own doing',
      { ended_outside: true, exit: killed },
      { ended_outside: true, exit: normal },
    ],
    [
      'from outside, it is no trap but of a heap',
      { ended_outside: true, exit: trap, features: gc },
      { ended_outside: true, exit: trap },
    ],
    ['in a call, it is not from outside', {}, { ended_outside: true, exit: killed }, last()],
    ['in a call, nothing is cut', {}, { cut: 'lost' }, last()],
    ['at all, it says what was written', { cut: 'lost', stdout: null }, { stdout: null }],
    ['behind its calls', { fuel: 10 * VALUES.length }, { fuel: 10 * VALUES.length - 1 }],
  ])('where it ended %s', async (_, can, canNot, entries = ENTRIES) => {
    await expect(read(can, entries)).resolves.toBeDefined();
    await expect(read(canNot, entries)).rejects.toEqual(invalid);
  });

  /** Calls that answer one object of the host each: functions and numbers. */
  const objects = (...answers: readonly [string, number][]): Uint8Array => {
    const writer = new ValueWriter();
    for (const [at, [name, id]] of answers.entries()) {
      writer.byte(ENTRY.function);
      writer.name(name);
      writer.raw(Uint8Array.of(ENTRY.call, at, 1, 0));
      writer.value(new StandIn(id, null), () => id);
    }
    return writer.written.slice();
  };
  const STDOUT = 'wasi:cli/stdout#get-stdout';
  const STDERR = 'wasi:cli/stderr#get-stderr';

  test('an object of the host is one stream, or none, and has the number that comes next', async () => {
    const right = objects([STDOUT, 0], [STDERR, 1], [STDOUT, 0], ['wasi:test/test#other', 2]);
    await expect(read({ calls: 4 }, right)).resolves.toBeDefined();
    for (const [first, second] of [
      [STDOUT, STDERR],
      [STDOUT, 'wasi:test/test#other'],
      ['wasi:test/test#other', STDOUT],
    ] as const) {
      await expect(read({ calls: 2 }, objects([first, 0], [second, 0]))).rejects.toEqual(invalid);
    }
    await expect(read({ calls: 1 }, objects([STDOUT, 1]))).rejects.toEqual(invalid);
  });

  test('of arguments only something is kept in short', async () => {
    const writer = new ValueWriter();
    writer.raw(entriesOf([]).subarray(0, -2));
    writer.raw(Uint8Array.of(ENTRY.call, 0, 1, 0));
    writer.value(new Uint8Array(100), () => 0, true);
    await expect(read({ calls: 1 }, writer.written.slice())).rejects.toEqual(invalid);
  });
});

describe('a byte of a file is no way to much memory', () => {
  /** A call whose answer is a list of so many times nothing. */
  const listOf = (length: number): Uint8Array => {
    const writer = new ValueWriter();
    writer.raw(entriesOf([new Array<undefined>(length).fill(undefined)]));
    return writer.written.slice();
  };

  test('an answer of as many values as there may be is read, and one of more is not', async () => {
    const most = listOf(VALUES_MAX - 1);
    await expect(
      whole(most, { calls: 1 }).then(({ bytes }) => readRecording(bytes)),
    ).resolves.toBeDefined();
    const more = await whole(listOf(VALUES_MAX), { calls: 1 });
    expect(more.bytes.length).toBeLessThan(10_000);
    await expect(readRecording(more.bytes)).rejects.toEqual(invalid);
  });

  test('arguments of more values than there may be are not shown', async () => {
    const writer = new ValueWriter();
    writer.byte(ENTRY.function);
    writer.name('wasi:test/test#call');
    writer.byte(ENTRY.call);
    writer.unsigned(0);
    writer.unsigned(10);
    writer.unsigned(2 * VALUES_MAX);
    writer.raw(new Uint8Array(2 * VALUES_MAX));
    writer.value(undefined, () => 0);
    const { bytes } = await whole(writer.written.slice(), { calls: 1 });
    const [call] = (await readRecording(bytes)).trace();
    expect(call?.arguments).toBe('arguments that can not be read');
  });

  test('of numbers in a row the first are shown', async () => {
    const { bytes } = await whole(entriesOf([new Uint16Array(1_000_000)]), { calls: 1 });
    const [call] = (await readRecording(bytes)).trace();
    expect(call?.answer).toBe('[0, 0, 0, 0, 0, 0, 0, 0, … 1000000 in all]');
  });
});

test.each([
  ['a tag that is a record', { tag: {} }, '{tag: {}}'],
  ['the fields of what is kept in short', { sha256: 1, start: 2 }, '{sha256: 1, start: 2}'],
  ['a tag', { tag: 'ok', val: 1 }, 'ok(1)'],
])('%s in an answer has a trace', async (_, value, answer) => {
  const recording = await whole(entriesOf([value]), { calls: 1 });
  const read = await readRecording(recording.bytes);
  expect([...read.trace()]).toMatchObject([{ answer }]);
});

// As units: the reader of imports knows no literal that is half a surrogate.
test.each([
  [[0xd800]],
  [[0xd800, 0xd83d, 0xde00]],
  [[0xd83d, 0xde00, 0xd800, 0x7a]],
  [[0xd83d, 0xde00]],
])('the text of the units %j is read as it was written', (units) => {
  const text = String.fromCharCode(...units);
  const writer = new ValueWriter();
  writer.value([text, 7], () => 0);
  const reader = new ValueReader(writer.written.slice());
  expect(reader.value(() => ({}))).toEqual([text, 7]);
  expect(reader.isAtEnd).toBe(true);
});
