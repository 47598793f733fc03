import { expect, test } from 'vitest';
import { parsePolicy } from './parse-policy.ts';

const parse = (text: string) =>
  parsePolicy(`version = 1\n${text}`, { format: 'toml', path: 'p.toml', nowMs: 0 });

test('commands are written in the words of the policy, and read as a kernel takes them', () => {
  const { exec } = parse(`[exec.log]
command = "/usr/bin/git"
arguments = ["log", { name = "count", schema = { type = "integer" } }]
environment = { A = "1" }
timeout = "5s"
max_output = "1KiB"
`);
  expect(exec).toEqual({
    log: {
      command: '/usr/bin/git',
      arguments: ['log', { name: 'count', schema: { type: 'integer' } }],
      environment: { A: '1' },
      timeoutMs: 5_000,
      maxOutputBytes: 1_024,
    },
  });
  expect(parse('').exec).toEqual({});
});

test.each([
  ['[exec.x]\ncommand = "git"', '3:11', /absolute path/],
  ['[exec.x]\ncommand = "/bin/x"\ntimeoutMs = 5', '4:1', /unknown key 'timeoutMs'/],
  ['[exec.x]\ncommand = "/bin/x"\nshell = true', '4:1', /unknown key 'shell'/],
  ['[exec.x]\ncommand = "/bin/x"\narguments = [5]', '4:14', /write a text, or name and schema/],
])('what is wrong with one is told at its place: %j', (text, place, why) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ message: expect.stringMatching(why) }),
  );
  expect(() => parse(text)).toThrow(place);
});

test.each([
  ['grants.tools = "all"', '4:16'],
  ['grants.tools = { allow = "all" }', '4:16'],
  ['grants.preset = "standard"', '4:17'],
  ['grants.tools = ["exec.x"]', null],
  ['grants = { preset = "standard", tools = [] }', null],
])('whoever allows all tools is told that commands are among them: %s', (grants, place) => {
  const of = (exec: string) =>
    parse(`[[module]]\nmatch = "**"\n${grants}\n${exec}`).warnings.map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    );
  expect(of('')).toEqual([]);
  const told = of('[exec.x]\ncommand = "/bin/true"');
  expect(told).toEqual(place === null ? [] : [expect.stringContaining('every command')]);
  expect(told[0] ?? '').toContain(place ?? '');
});
