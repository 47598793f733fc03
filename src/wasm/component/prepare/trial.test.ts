/**
 * Goal: the trial compiles everything, now, by the compiler it is meant to try, and a bomb goes off in
 * the child. Method: V8 is asked which compiler made a function; bombs are built byte by byte.
 */

import { describe, expect, test } from 'vitest';
import {
  bodyWithLocals,
  concat,
  coreModule,
  leb,
  repeat,
} from '../../../../test/fixtures/prepare/modules.ts';
import type { RingfenceError } from '../../../errors.ts';
import { NO_FEATURES } from '../../metering/features.ts';
import { runChild } from './child-process.ts';
import { DEFAULT_PREPARE_LIMITS } from './limits.ts';
import { TURBOFAN_FLAGS } from './prepare.ts';

const MIB = 1024 * 1024;
const FIXTURES = new URL('../../../../test/fixtures/prepare/', import.meta.url);

const taskOf = (file: URL, module: Uint8Array, flags: readonly string[], rssBytes = 512 * MIB) => ({
  file,
  flags,
  input: [module],
  bounds: { planBytes: 1, modules: 1, modulesBytes: 1 },
  features: NO_FEATURES,
  limits: { ...DEFAULT_PREPARE_LIMITS, rssBytes },
  deadlineAt: performance.now() + DEFAULT_PREPARE_LIMITS.deadlineMs,
  onStage: () => {},
  signal: undefined,
});

/** Branches out of each of many nested blocks: at each, a compiler looks at every local. */
function bomb(locals: number, blocks: number): Uint8Array {
  const branches = Array.from({ length: blocks }, (_, depth) => concat(0x41, 0, 0x0d, leb(depth)));
  const opened = repeat(blocks, 0x02, 0x40);
  const body = bodyWithLocals(locals, opened, branches, repeat(blocks, 0x0b));
  return coreModule({ bodies: [body] });
}

describe('the compiler', () => {
  const compilerOf = async (flags: readonly string[]) => {
    const file = new URL('which-compiler.ts', FIXTURES);
    const task = taskOf(file, coreModule(), ['--allow-natives-syntax', ...flags]);
    const answer = await runChild(task);
    return (answer as { error: RingfenceError }).error.fields;
  };

  test('is Liftoff, for every function at once', async () => {
    expect(await compilerOf([])).toEqual({ liftoff: true, turbofan: false });
  });

  test('is TurboFan in the second trial', async () => {
    expect(await compilerOf(TURBOFAN_FLAGS)).toEqual({ liftoff: false, turbofan: true });
  });
});

describe.each([
  ['Liftoff', []],
  ['TurboFan', TURBOFAN_FLAGS],
])('a module for %s', (_compiler, flags) => {
  const file = new URL('./optimise-child.ts', import.meta.url);

  test('that is small passes', async () => {
    await expect(runChild(taskOf(file, bomb(10, 10), flags))).resolves.toEqual({
      kind: 'accepted',
      answer: null,
    });
  });

  test('that is a bomb ends in the child, and this process has not grown', async () => {
    const module = bomb(50_000, 12_000);
    expect(module.length).toBeLessThan(100_000);
    const before = process.memoryUsage.rss();
    await expect(runChild(taskOf(file, module, flags))).rejects.toMatchObject({
      code: 'RF_PREPARE_LIMIT',
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MIB);
  });
});
