import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from './parse-policy.ts';
import { PolicyError } from './problem.ts';

const NOW = Date.UTC(2026, 0, 1);

const parse = (text: string, format: 'toml' | 'json' = 'toml') =>
  parsePolicy(text, { format, path: 'the.file', nowMs: NOW });

/** All that is wrong with a text, as `line:column message`. */
function problems(text: string, format: 'toml' | 'json' = 'toml'): string[] {
  try {
    parse(text, format);
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) {
      throw error;
    }
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
}

const WHOLE = `version = 1
[defaults]
unmatched = "run"
isolation = "thread"
[defaults.limits]
timeout = "10s"

[[module]]
match = "plugins/*.wasm"
isolation = "process"
features = ["gc", "relaxed-simd"]
restart = "temporary"
[module.grants]
preset = "browser"
tools = { allow = "all", deny = ["shell"] }
files = [{ host = "data", guest = "/data", modes = ["read", "write"], quota = { bytes = 1_000 } }]
random.seed = "s"
expires = 2030-01-31T12:00:00+01:00
[module.limits]
fuel = 1_000_000
memory = "64MiB"
cpu = 0
messages = "1_000"
[module.environment]
MODE = "test"
constructor = "x"

[[module]]
digest = "sha256:${'a'.repeat(64)}"
[module.limits]
fuel = 7
`;

const AS_JSON = {
  $schema: 'ringfence.policy.schema.json',
  version: 1,
  defaults: { unmatched: 'run', isolation: 'thread', limits: { timeout: '10s' } },
  module: [
    {
      match: 'plugins/*.wasm',
      isolation: 'process',
      features: ['gc', 'relaxed-simd'],
      restart: 'temporary',
      grants: {
        preset: 'browser',
        tools: { allow: 'all', deny: ['shell'] },
        files: [
          { host: 'data', guest: '/data', modes: ['read', 'write'], quota: { bytes: 1_000 } },
        ],
        random: { seed: 's' },
        expires: '2030-01-31T11:00:00.000Z',
      },
      limits: { fuel: 1_000_000, memory: '64MiB', cpu: 0, messages: '1_000' },
      environment: { MODE: 'test', constructor: 'x' },
    },
    { digest: `sha256:${'a'.repeat(64)}`, limits: { fuel: 7 } },
  ],
};

describe('a policy', () => {
  test('is read, with the line of each entry', () => {
    const { entries, defaults, unmatched, warnings } = parse(WHOLE);
    expect(warnings).toEqual([]);
    expect(unmatched).toBe('run');
    expect(defaults).toMatchObject({ isolation: 'thread', limits: { wallTimeMs: 10_000 } });
    expect(entries.map(({ line }) => line)).toEqual([8, 28]);
    expect(entries[0]?.settings).toMatchObject({
      isolation: 'process',
      features: ['gc', 'relaxed-simd'],
      grants: { preset: 'browser', expires: '2030-01-31T11:00:00.000Z' },
      limits: { fuel: 1_000_000, memoryBytes: 67_108_864, cpuTimeMs: 0, messages: 1_000 },
    });
    expect({ ...entries[0]?.settings.environment }).toEqual({ MODE: 'test', constructor: 'x' });
    expect(entries[1]).toMatchObject({
      match: null,
      digest: `sha256:${'a'.repeat(64)}`,
      settings: { limits: { fuel: 7 } },
    });
  });

  test('means the same as JSON', () => {
    const text = JSON.stringify(AS_JSON, null, 2);
    const read = parse(text, 'json');
    const toml = parse(WHOLE);
    const withoutLines = ({ entries, ...rest }: typeof read) => ({
      ...rest,
      entries: entries.map((entry) => ({ ...entry, line: 0 })),
    });
    expect(withoutLines(read)).toEqual(withoutLines(toml));
    expect(read.entries.map(({ line }) => line)).toEqual(
      // An entry's brace stands in the line before its first key.
      ['"match"', '"digest"'].map((key) =>
        text.split('\n').findIndex((line) => line.trim().startsWith(key)),
      ),
    );
  });

  test('can be as small as its version', () => {
    expect(parse('version = 1')).toMatchObject({ unmatched: 'refuse', entries: [] });
    expect(problems('')).toEqual(["1:1 'version': write version = 1: there is no other"]);
  });
});

describe('what is wrong is told at its place', () => {
  const entry = (text: string) => `version = 1\n[[module]]\nmatch = "a"\n${text}\n`;
  test.each<[string, string, string]>([
    ['an unknown key', 'version = 1\nfoo = 1', "2:1 unknown key 'foo'"],
    ['one in a table', entry('[module.grants]\ntols = 1'), "5:1 unknown key 'tols'"],
    ['one in a dotted key', entry('grants.tols = 1'), "4:8 unknown key 'tols'"],
    ['one in an inline table', entry('limits = { a = 1 }'), "4:12 unknown key 'a'"],
    ['another version', 'version = 2', '1:11 '],
    ['a table for a list', 'version = 1\n[module]\nmatch = "a"', '2:2 '],
    ['a wrong type', entry('isolation = 3'), "4:13 'isolation'"],
    ['a feature that there is not', entry('features = ["threads"]'), "4:13 'features"],
    ['features that are no list', entry('features = "gc"'), "4:12 'features"],
    ['a wrong word', entry('restart = "always"'), "4:11 'restart'"],
    [
      'a server with two places',
      'version = 1\n[mcp.a]\ncommand = ["a"]\nurl = "http://a"',
      "2:6 'mcp.a': a server has either",
    ],
    ['a server without one', 'version = 1\n[mcp.a]', "2:6 'mcp.a': a server has either"],
    ['a command that is a text', 'version = 1\n[mcp.a]\ncommand = "a b"', "3:11 'mcp.a.command'"],
    [
      'a header whose secret has more than a name',
      'version = 1\n[mcp.a]\nurl = "http://a"\nheaders = { b = { secret = "c", value = "d" } }',
      "4:33 unknown key 'value'",
    ],
    [
      'a header whose secret has no name',
      'version = 1\n[mcp.a]\nurl = "http://a"\nheaders = { b = { secret = "c d" } }',
      "4:28 'mcp.a.headers.b.secret'",
    ],
    ['a tool with a space', entry('tool.name = "a b"'), "4:13 'tool.name'"],
    ['a tool without an object', entry('tool.input_schema.type = "string"'), "4:6 'tool.input"],
    ['a broken size', entry('limits.memory = "12 parrots"'), "4:17 'limits.memory'"],
    ['a duration without a unit', entry('limits.cpu = 5'), "4:14 'limits.cpu'"],
    ['a negative limit', entry('limits.fuel = -1'), "4:15 'limits.fuel'"],
    ['a limit beyond numbers', entry('limits.fuel = 9999999999999999999'), '4:15 '],
    ['an infinite limit', entry('limits.fuel = inf'), '4:15 '],
    ['a broken scope', entry('grants.ipc = { pids = ["x"] }'), "4:24 'grants.ipc.pids'"],
    ['a broken host', entry('grants.network = [\n"ftp://x"]'), "5:1 'grants.network'"],
    ['a broken instant', entry('grants.expires = "soon"'), "4:18 'grants.expires'"],
    ['a date without a zone', entry('grants.expires = 2030-01-01'), '4:18 a date needs'],
    ['a date that is no expiry', entry('isolation = 2030-01-01T00:00:00Z'), '4:13 '],
    ['a pattern', 'version = 1\n[[module]]\nmatch = "{a,b}"', "3:9 'match'"],
    ['a digest', 'version = 1\n[[module]]\ndigest = "sha256:AB"', "3:10 'digest'"],
    ['a variable', entry('environment.A = 1'), "4:17 'environment.A'"],
    ['a variable with a wrong name', entry('environment."A=B" = "x"'), '4:21 '],
    ['no module', 'version = 1\n[[module]]\nisolation = "shared"', '2:1 an entry is for a module'],
    ['two modules', entry(`digest = "sha256:${'a'.repeat(64)}"`), '3:1 an entry has either'],
    [
      'a tool that is allowed and denied',
      entry('grants.tools = { allow = ["x", "y"], deny = ["y"] }'),
      "4:46 the tool 'y'",
    ],
    [
      'a quota of what is only read',
      entry('grants.files = [{ host = "x", quota = { bytes = 1 } }]'),
      '4:31 a quota',
    ],
    [
      'a number of files that none can be added to',
      entry('grants.files = [{ host = "x", modes = ["read", "write"], quota = { files = 1 } }]'),
      '4:68 ',
    ],
    [
      'two directories at one place',
      entry('grants.files = [{ host = "x" }, { memory = true, guest = "/" }]'),
      '4:58 ',
    ],
    [
      'two entries for one pattern',
      entry('[[module]]\nmatch = "a"'),
      '5:9 the entry in line 2 has the same match',
    ],
    ['broken TOML', 'version = 1\nfoo =', '2:6 '],
    ['a line that breaks off', 'version =\n\n[[module]]', '1:10 '],
    ['a header that breaks off', 'version = 1\n[[module]  \n\n  match = "a"', '2:10 '],
    ['a key alone', 'version = 1\n\tfoo\nbar = 1', '2:5 '],
    [
      'more entries than may be',
      `version = 1\n${'[[module]]\nmatch = "a"\n'.repeat(1001)}`,
      '2:1 a policy has at most 1000 entries',
    ],
    ['a key twice', 'version = 1\nversion = 1', '2:1 '],
    ['a table twice', '[defaults]\n[defaults]', '2:2 '],
    ['__proto__', 'version = 1\n[__proto__]\npolluted = 1', '2:2 the key'],
    ['__proto__ inside', entry('environment.__proto__ = "x"'), '4:13 the key'],
  ])('%s', (_, text, expected) => {
    const [first = 'nothing is wrong'] = problems(text);
    expect(first.slice(0, expected.length)).toBe(expected);
  });

  test.each<[string, string, string]>([
    ['an unknown key', '{"version": 1,\n  "foo": 1}', "2:3 unknown key 'foo'"],
    ['one at the beginning of its line', '{"version": 1,\n"foo": 1}', "2:1 unknown key 'foo'"],
    ['a wrong type', '{"version":\n "1"}', "2:2 'version'"],
    ['a key twice', '{"version": 1,\n "version": 1}', "2:2 the key 'version' is there twice"],
    ['a key twice inside', '{"version": 1, "defaults": {"a": 1, "a": 2}}', '1:37 the key'],
    ['a comment', '{"version": 1 // one\n}', '1:15 this is no JSON'],
    ['a comma at the end', '{"version": 1,}', '1:15 this is no JSON'],
    ['__proto__', '{"version": 1, "__proto__": {"a": 1}}', '1:16 the key'],
    ['no object', '[]', '1:1 '],
    ['nothing', '', '1:1 this is no JSON'],
    ['two values', '{"version": 1} {}', '1:16 this is no JSON'],
    ['a number that is too large', '{"version": 1e999}', "1:13 'version'"],
  ])('in JSON: %s', (_, text, expected) => {
    const [first = 'nothing is wrong'] = problems(text, 'json');
    expect(first.slice(0, expected.length)).toBe(expected);
  });

  test('all at once, contradictions too, in the order of the file', () => {
    const text = `version = 2
[[module]]
match = "a"
grants = { tols = 1, tools = { allow = ["x"], deny = ["x"] } }
[[module]]
limits.cpu = 5
`;
    expect(problems(text).map((problem) => problem.split(' ')[0])).toEqual([
      '1:11',
      '4:12',
      '4:55',
      '5:1',
      '6:14',
    ]);
    const error = (() => {
      try {
        return parse(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({
      code: 'RF_POLICY',
      fields: { file: 'the.file', line: 1, column: 11 },
      message: expect.stringMatching(/the\.file:1:11: .*\(and 4 problems more\)\.$/),
    });
  });

  test('the first hundred, and how many there are; none longer than a line', () => {
    const text = `version = 1\n${Array.from({ length: 150 }, (_, at) => `${'x'.repeat(9_000)}${at} = 1\n`).join('')}`;
    const told = problems(text);
    expect(told).toHaveLength(100);
    expect(Math.max(...told.map((problem) => problem.length))).toBeLessThan(200);
    expect(() => parse(text)).toThrow(expect.objectContaining({ count: 150 }));
  });

  test('what is nested too deeply ends in a sentence', () => {
    for (const depth of [40, 100_000]) {
      const lists = '['.repeat(depth) + ']'.repeat(depth);
      expect(problems(`a = ${lists}`)[0]).toContain('nested');
      expect(problems(`{"a": ${lists}}`, 'json')[0]).toContain('nested');
    }
    expect(problems(`[${'a.'.repeat(100)}a]`)[0]).toContain('nested');
  });

  test('nothing reaches the objects of the program', () => {
    for (const text of ['[__proto__]\nx = 1', 'a.__proto__.x = 1', '"__proto__" = { x = 1 }']) {
      expect(problems(text)).not.toEqual([]);
    }
    expect(problems('{"__proto__": {"x": 1}}', 'json')).not.toEqual([]);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

test('what is not wrong but probably not meant is warned of', () => {
  const { warnings } = parse(`version = 1
[defaults]
restart = "permanent"
grants.expires = 2020-01-01T00:00:00Z
[[module]]
match = "a"
grants.expires = 2020-01-01T00:00:00Z
[[module]]
match = "b"
grants.expires = 2099-01-01T00:00:00Z
`);
  expect(warnings.map(({ line, column }) => `${line}:${column}`).sort()).toEqual(['4:18', '7:18']);
});

test('garbage collection without a process of its own is warned of, whoever says which', () => {
  const warned = (text: string) =>
    parse(`version = 1\n${text}`).warnings.map(({ line, column }) => `${line}:${column}`);
  const entry = '[[module]]\nmatch = "a"\n';
  expect(warned(`${entry}features = ["gc"]`)).toEqual(['4:12']);
  expect(warned(`${entry}features = ["gc"]\nisolation = "thread"`)).toEqual(['4:12']);
  expect(warned(`defaults.isolation = "process"\n${entry}features = ["gc"]`)).toEqual([]);
  expect(warned(`defaults.features = ["gc"]\n${entry}isolation = "process"`)).toEqual([]);
  expect(warned(`${entry}features = ["relaxed-simd"]`)).toEqual([]);
});

describe('whatever the text', () => {
  const refused = (text: string, format: 'toml' | 'json'): boolean =>
    problems(text, format).length > 0;

  test('it is read or refused with a place in it', () => {
    const tokens = fc.constantFrom(
      ...['[', ']', '{', '}', '"', "'", '=', ',', '.', '\n', '#', ':', '1', 'a', 'version = 1'],
      ...['[[module]]', 'match', 'grants', '__proto__', '\\u', '\u0000', '\ud800', '"""', 'é'],
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(tokens, { maxLength: 30 }).map((parts) => parts.join('')),
      // A policy with something put somewhere.
      fc
        .tuple(fc.nat(WHOLE.length), tokens)
        .map(([at, token]) => WHOLE.slice(0, at) + token + WHOLE.slice(at)),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom('toml' as const, 'json' as const), (text, format) => {
        for (const problem of problems(text, format)) {
          const line = Number(problem.split(':')[0]);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split('\n').length + 1);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('what is no JSON for the language is none here', () => {
    const base = JSON.stringify({ version: 1, defaults: { limits: { fuel: 1 } } });
    fc.assert(
      fc.property(
        fc.nat(base.length),
        fc.nat(2),
        fc.constantFrom(
          '',
          ',',
          '0',
          '-',
          '"',
          '\t',
          '\n',
          '/**/',
          '//',
          '.',
          'e',
          '}',
          '\ufeff',
          '\\',
        ),
        (at, drop, put) => {
          const text = base.slice(0, at) + put + base.slice(at + drop);
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          if (!isJson) {
            expect(refused(text, 'json')).toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
    expect(refused(base, 'json')).toBe(false);
  });
});
