/**
 * Goal: a wasip1 command ends with the code that it gave. Method: commands of a few lines, adapted and
 * run through the public API.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RingfenceError } from '../../src/errors.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { wat } from '../support/metering/wat.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

async function run(text: string) {
  const module = await host.kernel.load(await wat(text));
  const agent = await host.kernel.spawn({ module });
  return (await agent.exited).exit;
}

const exiting = (code: number) => `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const ${code})) (unreachable)))`;

describe('a wasip1 command ends with', () => {
  // As POSIX: the low eight bits are the code.
  test.each([
    [0, 0],
    [2, 2],
    [255, 255],
    [256, 0],
    [-1, 255],
  ])('proc_exit(%i) and so code %i', async (given, code) => {
    const exit = await run(exiting(given));
    expect(exit).toMatchObject({ code, reason: code === 0 ? 'normal' : 'error' });
  });

  test('code 0 when it returns', async () => {
    const returning = exiting(7).replace('(call $exit (i32.const 7)) (unreachable)', '');
    expect(await run(returning)).toMatchObject({ code: 0, reason: 'normal' });
  });
});

test('a command whose proc_exit has another type is refused', async () => {
  const wrong = exiting(7).replace('(param i32)', '(param i64)').replace('i32.const', 'i64.const');
  const refusal = await host.kernel.load(await wat(wrong)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RingfenceError);
  expect((refusal as RingfenceError).code).toBe('RF_MODULE_REFUSED');
});
