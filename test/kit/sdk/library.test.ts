/**
 * Goal: what AssemblyScript's library asks of a JavaScript host is answered by what the world imports, or the
 * build says what the world lacks. Method: agents that use it, run by a kernel.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importNames } from '../../../src/kit/build/imports.ts';
import { type TestKernel, testKernel } from '../../support/kernel.ts';
import { buildAgent } from './build.ts';

const PATIENCE = 120_000;

let folder: string;
let host: TestKernel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-library-'));
  host = await testKernel();
});
afterAll(async () => {
  await host.kernel.close();
  rmSync(folder, { recursive: true, force: true });
});

const worldOf = (...interfaces: readonly string[]) =>
  `package my:agent; world agent {
${interfaces.map((each) => `  import ${each};`).join('\n')}
  export run: func() -> result<_, string>;
}`;

const agentOf = (body: string) => `
import { Result, UNIT, Unit } from 'ringfence/assemblyscript';
export function run(): Result<Unit, string> {
${body}
  return Result.ok<Unit, string>(UNIT);
}`;

const LOG = 'ringfence:agent/log@0.1.0';
const CLOCKS = ['wasi:clocks/wall-clock@0.2.12', 'wasi:clocks/monotonic-clock@0.2.12'];

describe('console, trace, Math.random, Date.now and performance.now', () => {
  const SOURCE = agentOf(`
  console.log(\`random \${Math.random()} \${Math.random()}\`);
  console.log(\`date \${Date.now()}\`);
  console.log(\`time \${performance.now()}\`);
  console.assert(true, 'never');
  console.assert(1 > 2, 'not so');
  console.warn('careful');
  trace('point', 2, 1.5, -2);`);

  test.each([['wasi:random/random@0.2.12'], ['wasi:random/insecure@0.2.12']])(
    'with the log, clocks and %s',
    async (random) => {
      const name = random.replace(/\W/g, '-');
      const component = await buildAgent(folder, name, SOURCE, worldOf(LOG, random, ...CLOCKS));
      const lines: string[] = [];
      const before = Date.now();
      const agent = await host.kernel.spawn({
        module: await host.kernel.load(component),
        onLog: ({ level, message }) => lines.push(`${level} ${message}`),
      });
      expect((await agent.exited).exit.reason).toBe('normal');
      expect(lines).toEqual([
        expect.stringMatching(/^info random 0\.\d+ 0\.\d+$/),
        expect.stringMatching(/^info date \d+$/),
        expect.stringMatching(/^info time [\d.]+$/),
        'error not so',
        'warn careful',
        'trace point 1.5 -2.0',
      ]);
      const [one, other] = /random (\S+) (\S+)/.exec(lines[0] ?? '')?.slice(1) ?? [];
      expect(one).not.toBe(other);
      const date = Number(lines[1]?.split(' ')[2]);
      expect(date).toBeGreaterThanOrEqual(before);
      expect(date).toBeLessThanOrEqual(Date.now());
    },
    PATIENCE,
  );

  test.each([
    ['Math.random', 'Math.random();', 'wasi:random/random'],
    ['Date.now', 'Date.now();', 'wasi:clocks/wall-clock'],
    ['performance.now', 'performance.now();', 'wasi:clocks/monotonic-clock'],
  ])(
    '%s in a world that does not have it is an error of the build',
    async (name, call, wanted) => {
      const source = agentOf(`  const value = ${call}\n  console.log(value.toString());`);
      await expect(buildAgent(folder, name, source, worldOf(LOG))).rejects.toMatchObject({
        code: 'RF_MODULE_INVALID',
        message: `agent.ts: '${name}' needs the world to import ${wanted}.`,
      });
    },
    PATIENCE,
  );

  test(
    'go nowhere in a world without a log, which imports nothing for them',
    async () => {
      const source = agentOf(`
  console.log('nobody');
  console.assert(false, 'hears');
  trace('this', 1, 2);`);
      const component = await buildAgent(folder, 'silent', source, worldOf(...CLOCKS));
      expect(importNames(component)).toEqual([]);
      const agent = await host.kernel.spawn({ module: await host.kernel.load(component) });
      expect((await agent.exited).exit.reason).toBe('normal');
    },
    PATIENCE,
  );
});
