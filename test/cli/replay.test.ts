/**
 * Goal: `ringfence run --record` writes a recording for its owner's eyes alone, and `ringfence replay` says
 * whether a run is the same, by words, JSON and exit status. Method: the real command line, on files.
 */

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readRecording } from '../../src/index.ts';
import { makeRecording } from '../../src/recording/file.ts';
import { guest, reportOf, ringfence, start, temporaryDirectory } from './ringfence.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());
const file = (name: string): string => join(directory.path, name);

const WORDS = guest('word-count');

describe('ringfence run --record and ringfence replay', { timeout: 120_000 }, () => {
  test('a run is recorded, and replayed to its end', async () => {
    const path = file('words.rec');
    const ran = await ringfence(['run', '--record', path, WORDS], { stdin: 'one two\nthree\n' });
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/2 +3 +14/) });
    expect(statSync(path).mode & 0o777).toBe(0o600);

    const replayed = await ringfence(['replay', path, WORDS]);
    expect(replayed).toMatchObject({ status: 0, stderr: '' });
    expect(replayed.stdout).toMatch(
      /^identical to its end: \d+ host calls, [\d,]+ units of fuel, normal\n$/,
    );

    const traced = await ringfence(['replay', '--trace', path, WORDS]);
    expect(traced.stdout).toMatch(
      /get-arguments\(\) → \["word-count.wasm"\][\s\S]*blocking-read\(#0, \d+\) → ok\(14 bytes "one two\\nthree\\n"\)[\s\S]*identical to its end/,
    );

    const json = await ringfence(['replay', '--json', path, WORDS]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      identical: true,
      difference: null,
      exit: { reason: 'normal' },
      recording_sha256: (await readRecording(readFileSync(path))).digest,
    });
  });

  test('one that trapped is identical all the same', async () => {
    const path = file('trap.rec');
    expect(await ringfence(['run', '--record', path, guest('trap')])).toMatchObject({
      status: 134,
    });
    const replayed = await ringfence(['replay', path, guest('trap')]);
    expect(replayed).toMatchObject({ status: 0, stdout: expect.stringContaining(', trap') });
  });

  test('a difference is named, and ends with status 1', async () => {
    const path = file('twice.rec');
    await ringfence(['run', '--record', path, WORDS], { stdin: 'one two\n' });
    const recording = await readRecording(readFileSync(path));
    const { bytes } = await makeRecording(
      { ...recording.header, exit: { code: 3, reason: 'error', message: 'no' } },
      recording.entries,
    );
    writeFileSync(path, bytes);
    const replayed = await ringfence(['replay', path, WORDS]);
    expect(replayed.status).toBe(1);
    expect(replayed.stdout).toMatch(
      /^different behind \d+ host calls of \d+: end, at [\d,]+ units of fuel\n {2}recorded: error \(3\): no\n {2}found: {4}normal \(0\)\n$/,
    );
  });

  test('what can not be replayed is said in one sentence', async () => {
    const path = file('other.rec');
    await ringfence(['run', '--record', path, WORDS], { stdin: '' });
    const other = await ringfence(['replay', path, guest('hello')]);
    expect(other).toMatchObject({ status: 126, stdout: '' });
    expect(other.stderr).toMatch(/^ringfence: Cannot replay the recording with the module .*\n$/);

    const bytes = readFileSync(path);
    bytes[bytes.length - 40]! ^= 1;
    writeFileSync(path, bytes);
    const damaged = await ringfence(['replay', path, WORDS]);
    expect(damaged.status).toBe(126);
    expect(damaged.stderr).toMatch(/^ringfence: Cannot read the recording: .*\n$/);

    for (const [args, words] of [
      [['replay', file('nowhere'), WORDS], 'ENOENT'],
      [['replay', directory.path, WORDS], 'no file'],
      [['replay', path], 'MODULE'],
      [['run', '--record', join(directory.path, 'no', 'where'), WORDS], 'ENOENT'],
      [['run', '--record', directory.path, WORDS], 'no file'],
      [['run', '--record-all', WORDS], '--record'],
      [['run', '--record', path, '--record-max', '1TiB', WORDS], '--record-max'],
    ] as const) {
      const wrong = await ringfence(args);
      expect(wrong).toMatchObject({ status: 2, stdout: '' });
      expect(wrong.stderr).toContain(words);
    }
  });

  test('a full recording stops, or ends the module where that is asked for', async () => {
    const path = file('flood.rec');
    const flood = guest('stdout-flood');
    const limits = ['--record', path, '--record-max', '4KiB', '--max-fuel', '1000000'];
    const ran = await ringfence(['run', '--json', ...limits, flood]);
    expect(reportOf(ran).exit.reason).toBe('fuel');
    const replayed = await ringfence(['replay', path, flood]);
    expect(replayed.status).toBe(0);
    expect(replayed.stdout).toMatch(/^identical as far as it was recorded/);
    expect(replayed.stderr).toContain('full');

    const ended = await ringfence(['run', '--json', '--record-all', ...limits, flood]);
    expect(reportOf(ended).exit).toMatchObject({
      reason: 'killed',
      message: expect.stringContaining('4096 bytes'),
    });
  });

  test('one that can not be written has its report and its receipt all the same', async () => {
    const [receipt, key] = [file('without.json'), file('without.key')];
    await ringfence(['audit', 'key', key]);
    const audit = ['--audit', file('without'), '--audit-key', key, '--receipt', receipt];
    const report = file('without-recording.json');
    const options = ['--trace', '--report', report, '--record', file('own.rec'), ...audit];
    const running = start(['run', ...options, guest('puppet')], { stdin: 'open' });
    // While it runs somebody puts a directory where the recording is to be.
    await running.untilStderrHas('get-arguments');
    mkdirSync(file('own.rec'));
    running.child.stdin?.end('end\n');
    const ran = await running.ended;
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/Cannot write the recording .*EISDIR/);
    expect(JSON.parse(readFileSync(report, 'utf8')).exit.reason).toBe('normal');
    expect(JSON.parse(readFileSync(receipt, 'utf8'))).toHaveProperty('payload');
  });

  test('a receipt names the recording', async () => {
    const [path, receipt, key] = [file('signed.rec'), file('receipt.json'), file('audit.key')];
    await ringfence(['audit', 'key', key]);
    const audit = ['--audit', file('audit'), '--audit-key', key, '--receipt', receipt];
    const ran = await ringfence(['run', '--record', path, ...audit, WORDS], { stdin: 'one\n' });
    expect(ran.status).toBe(0);
    const { payload } = JSON.parse(readFileSync(receipt, 'utf8')) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { outputs: Record<string, string> };
    };
    expect(predicate.outputs).toEqual({
      recording: (await readRecording(readFileSync(path))).digest,
    });
  });
});
