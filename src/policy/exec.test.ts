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
