/**
 * Goal: what a process tells of its recording is bounded, and what it can't have meant is left out, for a guest may
 * have taken it over. Method: a recording is told in a worker's words, and in others, and is made.
 */

import { describe, expect, test } from 'vitest';
import { ENTRY } from '../recording/entries.ts';
import { type Recording, readRecording } from '../recording/file.ts';
import { PIECE_BYTES, type RecordEnd } from '../recording/kept.ts';
import type { Process } from '../supervisor/process.ts';
import { RunRecording } from './recording.ts';

const NOTHING = { bytes: 0, sha256: 'e3'.repeat(32) };
const END: RecordEnd = {
  mode: 'record',
  calls: 2,
  cutAtFuel: null,
  endedOutside: false,
  stdout: NOTHING,
  stderr: NOTHING,
};

/** A function, and two calls of it that answer nothing: the second at 20 units. */
const CALLS = Uint8Array.of(
  ENTRY.function,
  1,
  120,
  ENTRY.call,
  0,
  10,
  0,
  0,
  ENTRY.call,
  0,
  10,
  0,
  0,
);
/** The agent ends in a third. */
const LAST = Uint8Array.of(ENTRY.last, 0, 10, 0);

/** An agent of a process of its own that has ended. */
function endedProcess(fuel: number, agentId = 'agent', message: string | null = null): Process {
  const request = {
    isolation: 'process',
    features: { gc: false, relaxedSimd: false },
    limits: { fuel: 0, memoryBytes: 0 },
    module: { digest: 'ab'.repeat(32) },
  };
  const exited = Promise.resolve({
    exit: { code: 0, reason: 'normal', message },
    usage: { fuel, memory_bytes: 0 },
  });
  return { pid: 1, agentId, request, exited } as unknown as Process;
}

async function madeOf(
  pieces: readonly Uint8Array[],
  end: RecordEnd | null,
  { fuel = 100, bytesMax = 2 * PIECE_BYTES } = {},
): Promise<Recording> {
  const run = new RunRecording({ bytesMax }, 'wasi:cli');
  for (const piece of pieces) {
    run.took(piece);
  }
  if (end !== null) {
    run.ended(end);
  }
  const made = await run.of(endedProcess(fuel));
  return readRecording(made.bytes);
}

test('the name of a module in a deep folder and a long message are cut, and it is read', async () => {
  const run = new RunRecording({}, 'wasi:cli');
  run.took(CALLS);
  run.ended(END);
  const long = '\u0001'.repeat(100_000);
  const made = await run.of(endedProcess(100, long, long));
  const { agent_id: name, exit } = (await readRecording(made.bytes)).header;
  expect([name, exit.message].map((text) => text?.length)).toEqual([256, 8192]);
});

describe('a recording that a process tells', () => {
  test('is what it said, where that can be', async () => {
    const { header } = await madeOf([CALLS], END);
    expect(header).toMatchObject({ calls: 2, cut: null, fuel: 100, stdout: NOTHING });
  });

  test.each<[string, readonly Uint8Array[], RecordEnd | null, { fuel?: number }?]>([
    ['does not say how it ended', [CALLS], null],
    ['has other calls than it says', [CALLS], { ...END, calls: 3 }],
    ['has calls behind its end', [CALLS], END, { fuel: 19 }],
    ['has something else behind its calls', [CALLS, Uint8Array.of(99)], END],
    ['was ended from outside by its own doing', [CALLS], { ...END, endedOutside: true }],
    ['ends in a call and is cut', [CALLS, LAST], { ...END, calls: 3, cutAtFuel: 50 }],
    ['dies when it ends in a call', [CALLS, LAST], null],
  ])('and %s is kept as far as its calls were answered', async (_, pieces, end, options) => {
    const { header } = await madeOf(pieces, end, options);
    expect(header).toMatchObject({ calls: 2, cut: 'lost', fuel: 20, stdout: null });
    expect(header.entries_bytes).toBe(CALLS.length);
  });

  test('is taken in as few pieces as a worker makes of it', async () => {
    // Five of 128 KiB; what comes behind is not taken, however short it is.
    const pieces = [CALLS, ...new Array<Uint8Array>(100_000).fill(new Uint8Array(0)), LAST];
    const { header } = await madeOf(pieces, { ...END, calls: 3 });
    expect(header).toMatchObject({ calls: 2, cut: 'lost' });
    const few = await madeOf([CALLS, new Uint8Array(0), new Uint8Array(0), LAST], {
      ...END,
      calls: 3,
    });
    expect(few.header).toMatchObject({ calls: 3, cut: null });
  });

  test('is taken up to its bytes', async () => {
    const bytesMax = CALLS.length;
    expect((await madeOf([CALLS], END, { bytesMax })).header.cut).toBeNull();
    const cut = await madeOf([CALLS, LAST], { ...END, calls: 3 }, { bytesMax });
    expect(cut.header).toMatchObject({ calls: 2, cut: 'lost' });
  });
});
