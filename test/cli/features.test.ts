/**
 * Goal: `--wasm-features` and a policy's `features` decide what is prepared and run, by the real command
 * line, and it says what to write where they don't. Method: one module with a structure, one with an
 * instruction of relaxed SIMD.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { componentOf } from '../threats/support/guest-text.ts';
import { reportOf, ringfence, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
const inScratch = (...names: string[]) => join(scratch.path, ...names);
afterAll(() => scratch.remove());

const GC = inScratch('gc.wasm');
const RELAXED = inScratch('relaxed.wasm');

const agentOf = (definitions: string, body: string) =>
  componentOf(`(component
    (core module $guest ${definitions} (memory (export "memory") 1)
      (func (export "run") (result i32) (drop ${body}) (i32.const 64)))
    (core instance $guest (instantiate $guest))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $guest "run") (memory (core memory $guest "memory")))))`);

beforeAll(async () => {
  writeFileSync(
    GC,
    await agentOf('(type $cell (struct (field i32)))', '(struct.new $cell (i32.const 1))'),
  );
  const lanes = '(f32x4.splat (f32.const 1))';
  writeFileSync(RELAXED, await agentOf('', `(f32x4.relaxed_madd ${lanes} ${lanes} ${lanes})`));
});

describe('run', () => {
  test.each([
    ['gc', GC],
    ['relaxed-simd', RELAXED],
  ])('refuses a module with %s, and says how it is allowed', async (name, module) => {
    const outcome = await ringfence(['run', '--report', '-', module]);
    expect(outcome.status).toBe(126);
    expect(outcome.stderr).toMatch(
      new RegExp(`^ringfence: refused: .*--wasm-features ${name}[^\n]*\n$`),
    );
    expect(reportOf(outcome)).toMatchObject({ pid: null, exit: { reason: 'refused' } });
  });

  test('runs it where that is allowed, garbage collection in a process', async () => {
    const beside = await ringfence(['run', '--wasm-features=gc', GC]);
    expect(beside.status).toBe(126);
    expect(beside.stderr).toMatch(/--isolation process/);
    const allowed = ['--wasm-features', 'gc', '--isolation', 'process'];
    const apart = await ringfence(['run', '--json', ...allowed, GC]);
    expect(apart.status).toBe(0);
    expect(reportOf(apart)).toMatchObject({ deterministic: true });
    const relaxed = await ringfence(['run', '--json', '--wasm-features=gc,relaxed-simd', RELAXED]);
    expect(relaxed.status).toBe(0);
    expect(reportOf(relaxed)).toMatchObject({ deterministic: false });
  });
});

describe('a policy', () => {
  const policy = inScratch('ringfence.toml');
  beforeAll(() =>
    writeFileSync(
      policy,
      `version = 1
[[module]]
match = "gc.wasm"
features = ["gc"]
isolation = "process"
[[module]]
match = "relaxed.wasm"
`,
    ),
  );

  test('allows by module', async () => {
    expect((await ringfence(['run', '--policy', policy, GC])).status).toBe(0);
    expect((await ringfence(['run', '--policy', policy, RELAXED])).status).toBe(126);
  });

  test('options take away from, and add to only where that is said', async () => {
    const run = async (...more: string[]) =>
      (await ringfence(['run', '--policy', policy, ...more])).status;
    expect(await run('--wasm-features=', GC)).toBe(126);
    expect(await run('--wasm-features=relaxed-simd', RELAXED)).toBe(2);
    expect(await run('--widen', '--wasm-features=relaxed-simd', RELAXED)).toBe(0);
  });
});

test('inspect tells what a module uses, where that is allowed', async () => {
  expect((await ringfence(['inspect', GC])).status).toBe(126);
  const { stdout } = await ringfence(['inspect', '--wasm-features=gc', GC]);
  expect(stdout).toMatch(/^features {2}gc \(--wasm-features\)$/m);
  const json = await ringfence(['inspect', '--json', '--wasm-features=gc,relaxed-simd', RELAXED]);
  expect(JSON.parse(json.stdout)).toMatchObject({ features: ['relaxed-simd'] });
});
