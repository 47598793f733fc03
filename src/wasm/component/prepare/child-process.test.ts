/**
 * Goal: whatever a preparing child does, the caller gets one error with one sentence, soon, and no
 * process is left. Method: children that misbehave on purpose, in test/fixtures/prepare/.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RingfenceError } from '../../../errors.ts';
import { NO_FEATURES } from '../../metering/features.ts';
import { type ChildTask, runChild } from './child-process.ts';
import { DEFAULT_PREPARE_LIMITS, type PrepareLimits } from './limits.ts';

const MIB = 1024 * 1024;

function taskOf(fixture: string, limits: Partial<PrepareLimits> = {}): ChildTask {
  const all = { ...DEFAULT_PREPARE_LIMITS, ...limits };
  return {
    file: new URL(`../../../../test/fixtures/prepare/${fixture}.ts`, import.meta.url),
    flags: [],
    input: [],
    bounds: { planBytes: MIB, modules: 4, modulesBytes: MIB },
    features: NO_FEATURES,
    limits: all,
    deadlineAt: performance.now() + all.deadlineMs,
    onStage: () => {},
    signal: undefined,
  };
}

async function failureOf(task: ChildTask): Promise<RingfenceError> {
  const error: unknown = await runChild(task).then(
    (answer) => expect.fail(`was answered: ${JSON.stringify(answer)}`),
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(RingfenceError);
  const failure = error as RingfenceError;
  expect(failure.message).toMatch(/^[^\n]+\.$/);
  return failure;
}

describe('a child that misbehaves', () => {
  test('hangs: it is ended at the deadline, and the stage is named', async () => {
    const failure = await failureOf(taskOf('hang', { deadlineMs: 5_000 }));
    expect(failure.code).toBe('RF_PREPARE_LIMIT');
    expect(failure.fields).toMatchObject({ limit: 'deadline', stage: 'metering' });
  });

  test('takes memory outside of any heap: it is ended at the limit', async () => {
    const failure = await failureOf(taskOf('exhaust', { rssBytes: 256 * MIB }));
    expect(failure.code).toBe('RF_PREPARE_LIMIT');
    expect(failure.fields).toMatchObject({ limit: 'memory' });
  });

  test('fills its JavaScript heap: it is a limit, not a fault', async () => {
    const failure = await failureOf(taskOf('exhaust-heap', { heapBytes: 32 * MIB }));
    expect(failure.code).toBe('RF_PREPARE_LIMIT');
    expect(failure.fields).toMatchObject({ limit: 'memory' });
  });

  test('crashes: its stderr is in the cause only, cut and without controls', async () => {
    const failure = await failureOf(taskOf('crash', { stderrBytes: 1_000 }));
    expect(failure.code).toBe('RF_INTERNAL');
    expect(failure.message).not.toContain('secret');
    const cause = failure.cause as Error;
    expect(cause.message).toContain('secret path');
    expect(cause.message).not.toContain('\u001b');
    expect(cause.message.length).toBeLessThan(2_000);
  });

  test('dies by a signal: the signal is named', async () => {
    const failure = await failureOf(taskOf('crash-signal'));
    expect(failure.code).toBe('RF_INTERNAL');
    expect(failure.message).toContain('SIGSEGV');
  });

  test('floods: it is ended, and nothing is kept', async () => {
    const failure = await failureOf(taskOf('flood'));
    expect(['RF_INTERNAL', 'RF_PREPARE_LIMIT']).toContain(failure.code);
  });

  test('announces 4 GiB: nothing is allocated for it', async () => {
    const failure = await failureOf(taskOf('claim-much'));
    expect(failure.code).toBe('RF_PREPARE_LIMIT');
    expect(failure.fields).toMatchObject({ limit: 'answer' });
  });

  test('stops half way: its answer is not taken for whole', async () => {
    const failure = await failureOf(taskOf('stop-half-way'));
    expect(failure.code).toBe('RF_INTERNAL');
  });

  test('is not there: it is a fault of ours, said as one', async () => {
    const failure = await failureOf(taskOf('no-such-file'));
    expect(failure.code).toBe('RF_INTERNAL');
  });
});

describe('a child that is no longer wanted', () => {
  test('an abort ends it with the reason of the signal', async () => {
    const controller = new AbortController();
    const task = {
      ...taskOf('hang'),
      signal: controller.signal,
      onStage: () => controller.abort(new Error('enough')),
    };
    await expect(runChild(task)).rejects.toThrow('enough');
  });

  test('an error of the listener ends it, and is the caller’s own', async () => {
    const task = {
      ...taskOf('hang'),
      onStage: () => {
        throw new RangeError('mine');
      },
    };
    await expect(runChild(task)).rejects.toThrow(RangeError);
  });

  test('nothing is started for a signal that was aborted before', async () => {
    const task = { ...taskOf('no-such-file'), signal: AbortSignal.abort(new Error('before')) };
    await expect(runChild(task)).rejects.toThrow('before');
  });

  test('the death of its parent ends it, though it computes for ever', async () => {
    // A process in between starts the child and is killed: the child has nobody to watch it then.
    const file = fileURLToPath(taskOf('hang-watched').file);
    const program = `
      import { spawn } from 'node:child_process';
      const settings = { sizes: [], deadlineMs: 60000, rssBytes: 1e9, parentPid: process.pid,
        features: ${JSON.stringify(NO_FEATURES)} };
      spawn(process.execPath, [${JSON.stringify(file)}, JSON.stringify(settings)],
        { stdio: ['ignore', 'ignore', 'inherit'] });
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(parent.stderr, 'data');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    // The pipe is closed when its last holder is gone, and that is the child.
    parent.stderr.resume();
    await once(parent.stderr, 'close');
  });
});

test('a child sees its input and its own code, and can do nothing but answer', async () => {
  const utf8 = new TextEncoder();
  const answer = await runChild({
    ...taskOf('look-around'),
    input: [utf8.encode('first'), utf8.encode('second')],
  });
  expect(answer.kind).toBe('refused');
  const { fields } = (answer as { error: RingfenceError }).error;
  expect(fields).toMatchObject({
    input: 'first|second',
    variables: '',
    directory: '/',
    write: 'ERR_ACCESS_DENIED',
    spawn: 'ERR_ACCESS_DENIED',
    connect: 'ERR_ACCESS_DENIED',
  });
  expect(existsSync('/tmp/ringfence-must-not-exist')).toBe(false);
});
