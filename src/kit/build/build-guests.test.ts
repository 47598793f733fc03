/**
 * Goal: guests are built when something that goes into them changed, and a guest that can't be built
 * is named with file and line, without harm to the others. Method: a folder of guests of our own.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RingfenceError } from '../../errors.ts';
import { buildGuests } from './build-guests.ts';

const RETURNS_OK = `(module
  (memory (export "memory") 1)
  (func (export "run") (result i32) (i32.const 16)))
`;

let root: string;
let buildFolder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-guests-'));
  buildFolder = join(root, 'build');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function writeGuest(name: string, fileName: string, text: string): void {
  mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, name, fileName), text);
}

async function failureOf(promise: Promise<unknown>): Promise<RingfenceError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RingfenceError);
  return error as RingfenceError;
}

test('a guest is built once, and again when its source or its output changed', async () => {
  writeGuest('quiet', 'agent.wat', RETURNS_OK);
  const first = await buildGuests({ root, buildFolder });
  expect(first.built).toEqual(['quiet']);
  const output = first.files.get('quiet') ?? '';
  const bytes = readFileSync(output);
  expect((await buildGuests({ root, buildFolder })).built).toEqual([]);

  writeGuest('quiet', 'agent.wat', `${RETURNS_OK};; changed`);
  expect((await buildGuests({ root, buildFolder })).built).toEqual(['quiet']);
  writeFileSync(output, 'torn');
  expect((await buildGuests({ root, buildFolder })).built).toEqual(['quiet']);
  expect(readFileSync(output)).toEqual(bytes);
});

test('two builds at once both end with whole files', async () => {
  for (const name of ['one', 'two', 'three']) writeGuest(name, 'agent.wat', RETURNS_OK);
  const [first, second] = await Promise.all([
    buildGuests({ root, buildFolder }),
    buildGuests({ root, buildFolder }),
  ]);
  expect([...first.files.keys()]).toEqual([...second.files.keys()]);
  expect((await buildGuests({ root, buildFolder })).built).toEqual([]);
});

test('only the guests that are named are built', async () => {
  writeGuest('one', 'agent.wat', RETURNS_OK);
  writeGuest('two', 'agent.wat', RETURNS_OK);
  const report = await buildGuests({ root, buildFolder, only: ['two'] });
  expect([...report.files.keys()]).toEqual(['two']);
  expect(statSync(join(buildFolder, 'one.wasm'), { throwIfNoEntry: false })).toBeUndefined();
});

test('a name that no guest has is refused with the names that there are', async () => {
  writeGuest('one', 'agent.wat', RETURNS_OK);
  const error = await failureOf(buildGuests({ root, buildFolder, only: ['three'] }));
  expect(error.code).toBe('RF_USAGE');
  expect(error.message).toContain("no guest 'three'");
  expect(error.message).toContain('one');
});

test('broken text is named with file, line and column, and the others are built', async () => {
  writeGuest('broken', 'agent.wat', '(module\n  (func (nonsense)))\n');
  writeGuest('quiet', 'agent.wat', RETURNS_OK);
  const error = await failureOf(buildGuests({ root, buildFolder }));
  expect(error.code).toBe('RF_MODULE_INVALID');
  expect(error.message).toMatch(/^Cannot build the guest 'broken': .*agent\.wat:2:10: /);
  expect(error.message.split('\n')).toHaveLength(1);
  expect(statSync(join(buildFolder, 'quiet.wasm')).size).toBeGreaterThan(0);
});

test('a module that does not keep to its world is named with what is missing', async () => {
  writeGuest('stray', 'agent.wat', '(module (memory (export "memory") 1))');
  const error = await failureOf(buildGuests({ root, buildFolder }));
  expect(error.message).toMatch(/^Cannot build the guest 'stray': .*run/s);
  expect(error.message.split('\n')).toHaveLength(1);
});

test('broken AssemblyScript is named with file, line and column', async () => {
  writeGuest(
    'broken',
    'agent.ts',
    "import { Result, UNIT, Unit } from 'wit/values';\n\nexport function run(): Result<Unit, string> {\n  return nonsense;\n}\n",
  );
  const error = await failureOf(buildGuests({ root, buildFolder }));
  expect(error.message).toMatch(/^Cannot build the guest 'broken': .*agent\.ts:4:10: .*nonsense/);
  expect(error.message.split('\n')).toHaveLength(1);
});

test('AssemblyScript that leans on a JavaScript host is refused by the name it needs', async () => {
  writeGuest(
    'sines',
    'agent.ts',
    "import { Result } from 'wit/values';\n\nexport function run(): Result<bool, string> {\n  return Result.ok<bool, string>(JSMath.sin(1) > 0);\n}\n",
  );
  const error = await failureOf(buildGuests({ root, buildFolder }));
  expect(error.message).toMatch(/'Math\.sin' of AssemblyScript's library needs a JavaScript host/);
});
