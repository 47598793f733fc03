/** Tools of the catalogue by the real command line, with a guest that calls what it reads on its input. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/index.ts';
import { guest, ringfence, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());
const REPORT = join(scratch.path, 'report.json');
const POLICY = join(scratch.path, 'policy.toml');
writeFileSync(
  POLICY,
  `version = 1
[exec.echo]
command = "/bin/echo"
arguments = ["said:", { name = "what", schema = { pattern = "^[a-z]+$" } }]
[defaults]
unmatched = "run"
grants.tools = ["exec.echo", { name = "kv.set", arguments = { properties = { key = { const = "a" } } } }]
`,
);

async function told(options: readonly string[], ...lines: readonly string[]) {
  const args = ['run', ...options, guest('puppet')];
  const outcome = await ringfence(args, { stdin: `${lines.join('\n')}\nend\n` });
  return { ...outcome, lines: outcome.stdout.trimEnd().split('\n') };
}

test('a tool of the catalogue is there for who may call it', async () => {
  const ECHO = 'tool env.get {"name":"A"}';
  const { lines, stderr } = await told(['--env', 'A=b', '--allow-tools=env.get'], ECHO);
  expect(lines[0]).toBe('tool ok {"value":"b"}');
  expect(stderr).toBe('');
  expect((await told(['--env', 'A=b', '--allow-tools=time.now'], ECHO)).lines[0]).toMatch(
    /^tool err denied/,
  );
  const unknown = await told(['--allow-tools=env.set'], 'tool env.set {}');
  expect(unknown.lines[0]).toMatch(/^tool err not-found/);
  expect(unknown.stderr).toMatch(/^ringfence: warning: --allow-tools: no tool is called 'env.set'/);
});

test('a policy’s commands run with what fits them, and its schemas narrow what may be called', async () => {
  const { lines, stderr, stdout } = await told(
    ['--policy', POLICY, '--report', REPORT],
    'tool exec.echo {"what":"hello"}',
    'tool exec.echo {"what":"two words"}',
    'tool kv.set {"key":"a","value":1}',
    'tool kv.set {"key":"b","value":1}',
    'tool kv.get {"key":"a"}',
  );
  expect(lines[0]).toMatch(/^tool ok .*"stdout":"said: hello\\n"/);
  expect(lines[1]).toMatch(/^tool err invalid arguments\/what: must match pattern/);
  expect(lines[2]).toBe('tool ok {"version":1}');
  expect(lines[3]).toMatch(/^tool err denied .*'arguments\/key'/);
  expect(lines[4]).toMatch(/^tool err denied/);
  expect(stderr).not.toContain(scratch.path);
  expect(stdout).not.toContain(scratch.path);
  const { tools, denied } = JSON.parse(readFileSync(REPORT, 'utf8')) as Report;
  expect(tools.map(({ name, calls, failed }) => [name, calls, failed])).toEqual([
    ['exec.echo', 2, 1],
    ['kv.set', 2, 1],
  ]);
  expect(denied.map(({ operation }) => operation).sort()).toEqual([
    'tools.call',
    'tools.call: the arguments',
  ]);
});

describe('values in a file', () => {
  const file = join(scratch.path, 'values.sqlite');
  const grant = '--allow-tools=kv.get,kv.set';
  const get = 'tool kv.get {"key":"a"}';

  test('--kv keeps them by the module’s name, for the next run, and a policy names the same', async () => {
    const first = await told(['--kv', file, grant], 'tool kv.set {"key":"a","value":1}');
    expect(first.lines[0]).toBe('tool ok {"version":1}');
    const policy = join(scratch.path, 'kv.toml');
    writeFileSync(
      policy,
      `version = 1
[kv]
path = "values.sqlite"
owner_max_keys = 1
[defaults]
unmatched = "run"
grants.tools = ["kv.get", "kv.set"]
`,
    );
    const second = await told(['--policy', policy], get, 'tool kv.set {"key":"b","value":1}');
    expect(second.lines[0]).toBe('tool ok {"value":1,"version":1}');
    expect(second.lines[1]).toMatch(/^tool err limit-exceeded/);
  }, 120_000);

  test('without --kv there is none, and one that can’t be opened is said before anything runs', async () => {
    expect((await told([grant], get)).lines[0]).toMatch(/^tool err not-found/);
    const wrong = await told(['--kv', join(scratch.path, 'none', 'values.sqlite'), grant], get);
    expect(wrong.stdout).toBe('');
    expect(wrong.stderr).toMatch(
      /Cannot keep values in '.*values.sqlite' as it can’t be made \(ENOENT\)/,
    );
  }, 120_000);
});
