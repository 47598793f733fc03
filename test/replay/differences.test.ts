/**
 * Goal: a replay that is not its recording is told, by the first thing that differs; what can't be replayed
 * is refused by name. Method: a recording of a real run, altered in one place each, whose unaltered twin is
 * replayed beside it.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedModule, type Recording, type Replay, readRecording } from '../../src/index.ts';
import { makeRecording, type RecordingHeader } from '../../src/recording/file.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let module: LoadedModule;
let recording: Recording;
beforeAll(async () => {
  host = await testKernel();
  module = await host.kernel.load(guest('word-count'));
  const agent = await host.kernel.spawn({
    module,
    record: true,
    arguments: ['word-count'],
    stdin: 'nobody trusts this module\n',
  });
  await agent.exited;
  recording = (await agent.recording)!;
});
afterAll(() => host.kernel.close());

/** The recording with other words in its header, or other entries, as a file that is read. */
async function altered(
  header: Partial<RecordingHeader>,
  alter: (entries: Buffer) => Uint8Array = (entries) => entries,
): Promise<Recording> {
  const entries = alter(Buffer.from(recording.entries));
  const made = { ...recording.header, entries_bytes: entries.length, ...header };
  return readRecording((await makeRecording(made, entries)).bytes);
}

const replay = async (altering: Promise<Recording>): Promise<Replay> =>
  host.kernel.replay(await altering, { module });

/** One text in the place of another of the same length. */
const replaced =
  (was: string, is: string) =>
  (entries: Buffer): Uint8Array => {
    const at = entries.indexOf(was);
    expect(at).toBeGreaterThan(0);
    entries.write(is, at);
    return entries;
  };

test('the recording as it is: identical, also in a process', async () => {
  expect((await replay(altered({}))).difference).toBeNull();
  const apart = await host.kernel.replay(recording, { module, isolation: 'process' });
  expect(apart).toMatchObject({ identical: true, calls: recording.header.calls });
});

describe('a replay tells the first difference', () => {
  test('an answer that was altered: the guest asks for something else from there on', async () => {
    const { difference, identical } = await replay(
      altered({}, replaced('nobody trusts this', 'nobody trus\nts thi')),
    );
    expect(identical).toBe(false);
    expect(difference).toMatchObject({
      what: expect.stringMatching(/^(fuel|arguments)$/),
      function: expect.stringMatching(/^wasi:/),
      call: expect.any(Number),
    });
  });

  test('another function', async () => {
    const { difference } = await replay(altered({}, replaced('#get-stdin', '#get-stdxx')));
    expect(difference).toMatchObject({
      what: 'function',
      recorded: 'wasi:cli/stdin#get-stdxx',
      found: 'wasi:cli/stdin#get-stdin',
    });
  });

  test('other arguments', async () => {
    const { difference } = await replay(
      altered({}, replaced('      1       4', '      1       5')),
    );
    expect(difference).toMatchObject({ what: 'arguments', call: recording.header.calls });
    expect(difference?.recorded).toContain('      1       5');
    expect(difference?.found).toContain('      1       4');
  });

  test('other fuel at a call', async () => {
    const { difference } = await replay(
      altered({}, (entries) => {
        const name = 'wasi:cli/environment#get-arguments';
        // Behind the name: the kind of the entry, the function's number, its fuel.
        const at = entries.indexOf(name) + name.length + 2;
        entries[at]! ^= 1;
        return entries;
      }),
    );
    expect(difference).toMatchObject({ what: 'fuel', call: 1 });
  });

  test('an answer that is not of its function', async () => {
    const { difference } = await replay(
      altered({}, (entries) => {
        // The answer of get-stdin is an object of the host, the first: a number in its place is none, and the
        // next object is the first then.
        const at = entries.indexOf(Buffer.from([14, 0]), entries.indexOf('#get-stdin'));
        entries[at] = 4;
        const next = entries.indexOf(Buffer.from([14, 1]), entries.indexOf('#get-stdout'));
        entries[next + 1] = 0;
        return entries;
      }),
    );
    expect(difference).toMatchObject({ what: 'answer' });
  });

  test('fewer calls, and more', async () => {
    const fewer = await replay(altered({ calls: 0 }, () => new Uint8Array(0)));
    expect(fewer.difference).toMatchObject({ what: 'calls', call: 1 });
    // A call of the first function, no fuel later, without arguments, answered by nothing.
    const more = await replay(
      altered({ calls: recording.header.calls + 1 }, (entries) =>
        Buffer.concat([entries, Buffer.from([2, 0, 0, 0, 0])]),
      ),
    );
    expect(more.difference).toMatchObject({ what: 'calls' });
  });

  test.each([
    ['end', { exit: { code: 1, reason: 'error', message: 'no' } }],
    ['fuel', { fuel: 100_000_000 }],
    ['memory', { memory_bytes: 1 }],
    ['stdout', { stdout: { bytes: 3, sha256: 'ab'.repeat(32) } }],
    ['stderr', { stderr: { bytes: 3, sha256: 'ab'.repeat(32) } }],
  ] as [string, Partial<RecordingHeader>][])('%s, at the end', async (what, header) => {
    expect((await replay(altered(header))).difference).toMatchObject({ what, call: null });
  });

  test('stdout, of one that was ended from outside', async () => {
    const calls = [...recording.trace()];
    const killed = {
      exit: { code: -1, reason: 'killed', message: 'enough' },
      ended_outside: true,
      fuel: calls.at(-1)!.fuel,
    } as const;
    expect((await replay(altered(killed))).identical).toBe(true);
    const lies = { ...killed, stdout: { bytes: 3, sha256: 'ab'.repeat(32) } };
    expect((await replay(altered(lies))).difference).toMatchObject({ what: 'stdout' });
  });

  test('an end in a call that ends nobody so', async () => {
    const name = 'wasi:cli/environment#get-arguments';
    const endsInFirst = (entries: Buffer): Uint8Array => {
      const call = entries.indexOf(name) + name.length;
      entries[call] = 3;
      // Its function, two bytes of fuel, no arguments.
      return entries.subarray(0, call + 5);
    };
    const [{ fuel } = { fuel: 0 }] = recording.trace();
    const inFirst = (exit: RecordingHeader['exit']) =>
      replay(
        altered(
          { calls: 1, fuel, exit, stdout: recording.header.stderr, memory_bytes: 65_536 },
          endsInFirst,
        ),
      );
    const killed = await inFirst({ code: -1, reason: 'killed', message: 'enough' });
    expect(killed).toMatchObject({ identical: true, calls: 1 });
    const normal = await inFirst({ code: 0, reason: 'normal', message: null });
    expect(normal.difference).toMatchObject({ what: 'end', call: 1, function: name });
  });

  test('an exit with another code than it was called with', async () => {
    const exits = await host.kernel.load(guest('exit-code'));
    const agent = await host.kernel.spawn({ module: exits, record: true });
    await agent.exited;
    const { header, entries } = (await agent.recording)!;
    const replayed = async (exit: RecordingHeader['exit']): Promise<Replay> =>
      host.kernel.replay(await makeRecording({ ...header, exit }, entries), { module: exits });
    expect((await replayed(header.exit)).identical).toBe(true);
    for (const exit of [
      { code: 0, reason: 'normal', message: null },
      { code: 1, reason: 'error', message: 'it exited with code 1' },
      { code: -3, reason: 'trap', message: 'unreachable' },
    ] as const) {
      expect((await replayed(exit)).difference).toMatchObject({
        what: 'end',
        function: expect.stringMatching(/^wasi:cli\/exit#/),
      });
    }
  });

  test('one that goes on where the run had ended', async () => {
    const endless = await host.kernel.load(guest('endless-loop'));
    const agent = await host.kernel.spawn({
      module: endless,
      record: true,
      limits: { fuel: 1_000_000 },
    });
    await agent.exited;
    const whole = (await agent.recording)!;
    expect((await host.kernel.replay(whole, { module: endless })).identical).toBe(true);
    const header: RecordingHeader = {
      ...whole.header,
      limits: { ...whole.header.limits, fuel: 0 },
      exit: { code: 0, reason: 'normal', message: null },
    };
    const endsEarly = await makeRecording(header, whole.entries);
    const { difference } = await host.kernel.replay(endsEarly, { module: endless });
    expect(difference).toMatchObject({ what: 'end', found: 'it goes on' });
  });

  test('one that was given up, and one that was out of time', async () => {
    const endless = await host.kernel.load(guest('endless-loop'));
    const agent = await host.kernel.spawn({
      module: endless,
      record: true,
      limits: { fuel: 1_000_000 },
    });
    await agent.exited;
    const whole = (await agent.recording)!;
    const header = { ...whole.header, limits: { ...whole.header.limits, fuel: 0 } };
    // It says that it was ended where the loop comes to in years.
    const far = await makeRecording(
      { ...header, fuel: Number.MAX_SAFE_INTEGER - 1, ended_outside: true },
      whole.entries,
    );
    const late = await host.kernel.replay(far, { module: endless, wallTimeMs: 300 });
    expect(late).toMatchObject({ identical: false, exit: { reason: 'timeout' } });
    const given = new AbortController();
    const waiting = host.kernel.replay(far, { module: endless, signal: given.signal });
    given.abort();
    await expect(waiting.then(({ identical, exit }) => [identical, exit.reason])).resolves.toEqual([
      false,
      'killed',
    ]);
  });
});

test('whatever one byte of its entries is, a replay ends, and says what came of it', async () => {
  const length = recording.entries.length;
  let replayed = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(length - 1), fc.nat(255), async (at, byte) => {
      let read: Recording;
      try {
        read = await altered({}, (entries) => {
          entries[at] = byte;
          return entries;
        });
      } catch (error) {
        expect(error).toMatchObject({ code: 'RF_RECORDING_INVALID' });
        return;
      }
      const { identical, difference } = await host.kernel.replay(read, { module });
      expect(difference === null).toBe(identical);
      replayed += 1;
    }),
    { numRuns: 150, interruptAfterTimeLimit: 60_000 },
  );
  expect(replayed).toBeGreaterThan(0);
  expect(host.warnings).toEqual([]);
}, 120_000);

describe('a recording is refused by name', () => {
  const refused = (message: RegExp) =>
    expect.objectContaining({
      code: 'RF_RECORDING_REFUSED',
      message: expect.stringMatching(message),
    });

  test('with another module', async () => {
    const other = await host.kernel.load(guest('hello'));
    await expect(host.kernel.replay(recording, { module: other })).rejects.toEqual(
      refused(new RegExp(`${other.digest}.*${module.digest}`)),
    );
  });

  test('of another fuel table', async () => {
    await expect(replay(altered({ fuel_table: 1 }))).rejects.toEqual(refused(/table 1/));
  });

  test('that is none', async () => {
    await expect(host.kernel.replay({} as Recording, { module })).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
  });

  test('that might have had more memory than a replay may', async () => {
    const greedy = altered({ limits: { fuel: 0, memory_bytes: 0 } });
    await expect(replay(greedy)).rejects.toEqual(refused(/memory/));
    const allowed = await host.kernel.replay(await greedy, { module, memoryBytesMax: 0 });
    expect(allowed.identical).toBe(true);
  });
});

describe('a recording that is full', () => {
  test('stops, and is replayed up to there, while the agent goes on', async () => {
    const flood = await host.kernel.load(guest('stdout-flood'));
    const agent = await host.kernel.spawn({
      module: flood,
      record: { bytesMax: 2_000 },
      limits: { fuel: 1_000_000 },
      stdout: async () => {},
    });
    expect((await agent.exited).exit.reason).toBe('fuel');
    const full = (await agent.recording)!;
    expect(full.header).toMatchObject({ cut: 'full', exit: { reason: 'fuel' } });
    expect(full.header.entries_bytes).toBeLessThanOrEqual(2_000);
    const replayed = await host.kernel.replay(full, { module: flood });
    expect(replayed).toMatchObject({
      identical: true,
      cut: 'full',
      calls: full.header.calls,
      fuel: full.header.fuel,
    });
    expect(replayed.notes.join()).toContain('full');
  });

  test('ends the agent, where that was asked for', async () => {
    const flood = await host.kernel.load(guest('stdout-flood'));
    const agent = await host.kernel.spawn({
      module: flood,
      record: { bytesMax: 2_000, whenFull: 'end-agent' },
      stdout: async () => {},
    });
    const { exit } = await agent.exited;
    expect(exit).toEqual({
      code: -1,
      reason: 'killed',
      message: 'its recording has reached its limit of 2000 bytes',
    });
    const full = (await agent.recording)!;
    expect((await host.kernel.replay(full, { module: flood })).identical).toBe(true);
  });
});

test('who is ended when it is full has done nothing that is not kept', async () => {
  const puppets = await host.kernel.load(guest('puppet'));
  let told = 0;
  host.kernel.registerTool({ name: 'note', description: 'Notes.' }, () => {
    told += 1;
    return 'x'.repeat(300);
  });
  let lastOf = 0;
  for (let bytesMax = 2_000; bytesMax < 2_400; bytesMax += 50) {
    told = 0;
    const puppet = await spawnPuppet(host.kernel, puppets, {
      record: { bytesMax, whenFull: 'end-agent' },
      grants: { tools: ['note'] },
    });
    while (!(await puppet.tell('tool note {}')).startsWith('ended')) {}
    const full = (await puppet.agent.recording)!;
    const kept = [...full.trace()].filter(({ function: name }) => name.endsWith('tools#call'));
    expect(kept).toHaveLength(told);
    lastOf += kept.at(-1)?.answer === null ? 1 : 0;
    expect(full.header.entries_bytes).toBeLessThanOrEqual(bytesMax);
    const replayed = await host.kernel.replay(await readRecording(full.bytes), { module: puppets });
    expect(replayed.difference).toBeNull();
  }
  // Some ended in the call whose answer had no room.
  expect(lastOf).toBeGreaterThan(0);
}, 120_000);

test('who is not recorded has no recording, and what can not be one is refused', async () => {
  const agent = await host.kernel.spawn({ module });
  await agent.exited;
  expect(agent.recording).toBeNull();
  for (const record of [{ bytesMax: 0 }, { bytesMax: 2 ** 40 }, { whenFull: 'sing' }, 'yes']) {
    await expect(host.kernel.spawn({ module, record: record as never })).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
  }
});
