/**
 * Goal: a dense kernel runs agents where the program was started for it, and says what is missing where
 * it was not. Method: processes of their own, with and without Node's flag.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../fixtures/dense.ts', import.meta.url));
const FLAG = '--disable-wasm-trap-handler';
const EXPECTED = { reason: 'normal', agents: 200 };

const run = promisify(execFile);

test.each([
  ['its arguments', [FLAG], {}],
  ['its environment', [], { NODE_OPTIONS: FLAG }],
])('a program that has the flag in %s', async (_, args, environment) => {
  const env = { ...process.env, ...environment };
  const { stdout } = await run(process.execPath, [...args, PROGRAM], { env });
  expect(JSON.parse(stdout)).toEqual(EXPECTED);
});

test('a program without the flag is refused, and told which it is', async () => {
  const failed = run(process.execPath, [PROGRAM]);
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining(`node ${FLAG}`) });
});
