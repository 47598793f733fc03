/** Whole runs by the real command line: streams, arguments, environment, limits, reports, statuses. */

import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import {
  guest,
  LAUNCHER,
  LICENSE,
  reportOf,
  ringfence,
  start,
  temporaryDirectory,
} from './ringfence.ts';

const scratch = temporaryDirectory();
const inScratch = (name: string) => join(scratch.path, name);
afterAll(() => scratch.remove());

/** Opens a file as standard input or output for the time of a run. */
async function withFile<Result>(
  path: string,
  flags: string,
  run: (descriptor: number) => Promise<Result>,
): Promise<Result> {
  const descriptor = openSync(path, flags);
  try {
    return await run(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

describe("the streams are the guest's", () => {
  test('it reads standard input and writes standard output, and nothing else is printed', async () => {
    const outcome = await ringfence(['run', guest('word-count')], { stdin: 'one two\nthree\n' });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout.trim().split(/\s+/)).toEqual(['2', '3', '14']);
  });

  test('a file costs the same fuel each time', async () => {
    const fuel = async () =>
      reportOf(
        await withFile(LICENSE, 'r', (stdin) =>
          ringfence(['run', '--json', guest('word-count')], { stdin }),
        ),
      ).usage.fuel;
    const first = await fuel();
    expect(first).toBeGreaterThan(0);
    expect(await fuel()).toBe(first);
  });

  test('an input of 32 MiB passes whole', async () => {
    const line = `${'word '.repeat(15)}word\n`;
    const input = line.repeat(Math.ceil((32 * 1024 * 1024) / line.length));
    const { status, stdout } = await ringfence(['run', guest('word-count')], { stdin: input });
    expect(status).toBe(0);
    expect(stdout.trim().split(/\s+/)).toEqual([
      String(input.length / line.length),
      String((input.length / line.length) * 16),
      String(input.length),
    ]);
  });

  test('what the module logs is a line on standard error, after its name and the level', async () => {
    const outcome = await ringfence(['run', guest('hello')]);
    expect(outcome).toMatchObject({ status: 0, stdout: '' });
    expect(outcome.stderr).toMatch(/^hello info [^\n]+\n$/);
  });

  test('a directory as standard input is said, and the module sees its end', async () => {
    const outcome = await withFile(scratch.path, 'r', (stdin) =>
      ringfence(['run', guest('word-count')], { stdin }),
    );
    expect(outcome.status).toBe(0);
    expect(outcome.stdout.trim().split(/\s+/)).toEqual(['0', '0', '0']);
    expect(outcome.stderr).toMatch(/^ringfence: warning: standard input [^\n]*EISDIR[^\n]*\n$/);
  });

  test('a reader that has seen enough is no reason for a stack', async () => {
    const running = start(['run', '--timeout', '2s', guest('stdout-flood')]);
    const [first] = await once(running.child.stdout!, 'data');
    running.child.stdout!.destroy();
    const outcome = await running.ended;
    expect(String(first)).toMatch(/^\./);
    expect(outcome.status).toBe(124);
    expect(outcome.stderr).toMatch(/^ringfence: timeout: [^\n]+\n( {4}[^\n]+\n)*$/);
  });

  test('a reader that stalls holds up neither the timeout nor the end', async () => {
    const running = start(['run', '--timeout', '500ms', guest('stdout-flood')]);
    running.child.stdout!.pause();
    const [status] = await once(running.child, 'exit');
    expect(status).toBe(124);
    running.child.stdout!.resume();
    await running.ended;
  });

  test
    .skipIf(!existsSync('/dev/full'))
    .each([
      [['inspect', guest('hello')]],
      [['policy', 'schema']],
      [['policy', 'explain', guest('hello')]],
      [['--help']],
    ])('what %j prints to a full disk is not taken for success', async (args) => {
    const outcome = await withFile('/dev/full', 'w', (stdout) => ringfence(args, { stdout }));
    expect(outcome.status).toBe(125);
    expect(outcome.stderr).toMatch(
      /^ringfence: standard output can't be written \(ENOSPC\)[^\n]*\n$/,
    );
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is not taken for success', async () => {
    const outcome = await withFile('/dev/full', 'w', (stdout) =>
      ringfence(['run', guest('word-count')], { stdin: 'a b\n', stdout }),
    );
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toContain('ENOSPC');
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('arguments and environment', () => {
  const lines = async (...args: readonly string[]) =>
    (await ringfence(['run', ...args])).stdout.trimEnd().split('\n');

  test('the first argument is the file name, the others stand behind --', async () => {
    expect(await lines(guest('args-env'), '--', '--json', 'two words', '', '--', 'ü')).toEqual(
      expect.arrayContaining([
        'argument args-env.wasm',
        'argument --json',
        'argument two words',
        'argument ',
        'argument --',
        'argument ü',
      ]),
    );
  });

  test("ringfence's own options count on both sides of the module", async () => {
    const outcome = await ringfence(['run', guest('endless-loop'), '--max-fuel', '1000000']);
    expect(outcome.status).toBe(137);
  });

  test('--allow-… without a scope never swallows the module', async () => {
    for (const option of ['--allow-ipc', '--allow-net', '--allow-tools', '--allow-spawn']) {
      expect(await ringfence(['run', option, guest('hello')])).toMatchObject({ status: 0 });
    }
  }, 120_000);

  test('none of the environment is seen but what --env names', async () => {
    const seen = await ringfence(
      ['run', '--env', 'A=1=2', '--env', 'SHOWN', '--env', '__proto__=x', guest('args-env')],
      { variables: { SHOWN: 'yes', HIDDEN: 'no' } },
    );
    const variables = seen.stdout.split('\n').filter((line) => line.startsWith('environment '));
    expect(variables.sort()).toEqual([
      'environment A=1=2',
      'environment SHOWN=yes',
      'environment __proto__=x',
    ]);
  });

  test('grants that can not be used are accepted with a line that says so', async () => {
    const { status, stderr } = await ringfence([
      'run',
      '--allow-net=example.org:443',
      '--allow-ipc=topic:news',
      '--allow-tools=no-such-tool',
      guest('args-env'),
    ]);
    expect(status).toBe(0);
    expect(stderr.match(/^ringfence: warning: --allow-\w+: /gm)).toEqual([
      'ringfence: warning: --allow-tools: ',
    ]);
  });
});

test('a secret that a grant names and nothing gives is warned of', async () => {
  const asked = ['run', '--allow-net=https://example.org/v1 secret:KEY:authorization'];
  const given = await ringfence([...asked, '--secret', 'KEY=env:PATH', guest('args-env')]);
  expect(given).toMatchObject({ status: 0, stderr: '' });
  const { status, stderr } = await ringfence([...asked, guest('args-env')]);
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^ringfence: warning: nothing gives the value of the secret 'KEY', [^\n]+\n$/,
  );
});

describe('exit statuses', () => {
  const run = async (...args: readonly string[]) => {
    const outcome = await ringfence(['run', '--json', ...args]);
    const { code, reason } = reportOf(outcome).exit;
    return { status: outcome.status, code, reason, stderr: outcome.stderr };
  };

  test('returned ok: 0', async () => {
    expect(await run(guest('hello'))).toMatchObject({ status: 0, code: 0, reason: 'normal' });
  });

  test('returned an error: 1, and its message under its own name', async () => {
    const ended = await run(guest('error'));
    expect(ended).toMatchObject({ status: 1, code: 1, reason: 'error' });
    expect(ended.stderr).toMatch(/^error: error: [^\n]+\n$/);
  });

  test('exited with a code: the code', async () => {
    expect(await run(guest('exit-code'))).toMatchObject({ status: 42, code: 42, reason: 'error' });
  });

  test('trapped: 134', async () => {
    expect(await run(guest('trap'))).toMatchObject({ status: 134, code: -3, reason: 'trap' });
  });

  test('recursed too deeply: 134', async () => {
    expect(await run(guest('recursion'))).toMatchObject({ status: 134, code: -3, reason: 'trap' });
  });

  test('used its fuel up: 137, exactly as much as its limit, and what to do is said', async () => {
    const outcome = await ringfence([
      'run',
      '--json',
      '--max-fuel',
      '1000000',
      guest('endless-loop'),
    ]);
    expect(outcome.status).toBe(137);
    expect(reportOf(outcome)).toMatchObject({
      exit: { code: -1, reason: 'fuel' },
      usage: { fuel: 1_000_000 },
      limits: { fuel: 1_000_000 },
    });
    expect(outcome.stderr).toMatch(
      /^ringfence: fuel: endless-loop used up its 1,000,000 units; raise --max-fuel\n( {4}at [^\n]+\n)+ {4}fuel used: 1,000,000 of 1,000,000; [^\n]+\n$/,
    );
  });

  test('used its CPU time up: 137', async () => {
    expect(await run('--max-cpu', '100ms', guest('endless-loop'))).toMatchObject({
      status: 137,
      code: -1,
      reason: 'cpu_time',
    });
  });

  test('passed its timeout: 124, computing or waiting', async () => {
    for (const name of ['endless-loop', 'sleeper', 'loop-in-start']) {
      expect(await run('--allow-ipc', '--timeout', '200ms', guest(name))).toMatchObject({
        status: 124,
        code: -1,
        reason: 'timeout',
      });
    }
  });

  test('passed its timeout waiting for input that never comes: 124', async () => {
    const { status } = await ringfence(['run', '--timeout', '200ms', guest('word-count')], {
      stdin: 'open',
    });
    expect(status).toBe(124);
  });

  test('a cache that others may write is a failure of its own: 125', async () => {
    const cache = inScratch('shared-cache');
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    const outcome = await ringfence(['run', '--json', guest('hello')], {
      variables: { RINGFENCE_CACHE: cache },
    });
    expect(outcome.status).toBe(125);
    expect(reportOf(outcome).exit).toMatchObject({ code: -1, reason: 'internal' });
    expect(outcome.stderr).toMatch(/^ringfence: internal: [^\n]*RINGFENCE_CACHE[^\n]*\n$/);
  });
});

describe('reports', () => {
  test('--json prints nothing but the report, and the output goes to standard error', async () => {
    const outcome = await ringfence(['run', '--json', guest('word-count')], { stdin: 'a b\n' });
    expect(outcome.stdout).toMatch(/^\{[^\n]+\}\n$/);
    expect(outcome.stderr.trim().split(/\s+/)).toEqual(['1', '2', '4']);
    expect(reportOf(outcome)).toEqual({
      pid: 1,
      agent_id: 'word-count',
      restarted_from: null,
      restarts: 0,
      module: { path: guest('word-count'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      exit: { code: 0, reason: 'normal', message: null },
      usage: {
        fuel: expect.any(Number),
        memory_bytes: expect.any(Number),
        cpu_time_ms: expect.any(Number),
        wall_time_ms: expect.any(Number),
        messages_sent: 0,
        tool_calls: 0,
        disk_bytes: 0,
        fuel_table: expect.any(Number),
        slices: expect.any(Number),
        network_requests: 0,
        network_bytes_out: 0,
        network_bytes_in: 0,
        longest_wait_ms: expect.any(Number),
      },
      limits: {
        fuel: 0,
        memory_bytes: 268_435_456,
        host_bytes: 16_777_216,
        cpu_time_ms: 300_000,
        wall_time_ms: 0,
        messages: 5_000,
        tool_calls: 1_000,
        disk_bytes: 104_857_600,
      },
      denied: [],
      tools: [],
      deterministic: true,
    });
  });

  test('limits are reported as they were given; 0 is unlimited', async () => {
    const outcome = await ringfence([
      'run',
      '--json',
      '--max-memory=64MiB',
      '--max-cpu=0',
      '--timeout=1m',
      '--max-messages=7',
      '--max-tool-calls=0',
      '--max-disk=1kb',
      '--max-fuel=1_000_000_000',
      guest('hello'),
    ]);
    expect(reportOf(outcome).limits).toMatchObject({
      fuel: 1_000_000_000,
      memory_bytes: 67_108_864,
      cpu_time_ms: 0,
      wall_time_ms: 60_000,
      messages: 7,
      tool_calls: 0,
      disk_bytes: 1_000,
    });
  });

  test("--report - prints it behind the module's output, once also with --json", async () => {
    const { stdout } = await ringfence(['run', '--report', '-', guest('word-count')], {
      stdin: 'a b\n',
    });
    const separator = stdout.indexOf('{');
    expect(stdout.slice(0, separator).trim().split(/\s+/)).toEqual(['1', '2', '4']);
    expect(JSON.parse(stdout.slice(separator))).toMatchObject({ exit: { reason: 'normal' } });
    const both = await ringfence(['run', '--json', '--report', '-', guest('hello')]);
    expect(reportOf(both)).toMatchObject({ exit: { reason: 'normal' } });
  });

  test('--report FILE replaces what was there, whole, and leaves nothing beside it', async () => {
    const directory = inScratch('reports');
    mkdirSync(directory);
    const file = join(directory, 'report.json');
    writeFileSync(file, 'x'.repeat(100_000), { mode: 0o600 });
    symlinkSync('report.json', join(directory, 'link.json'));
    await ringfence(['run', '--report', join(directory, 'link.json'), guest('hello')]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ agent_id: 'hello' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(['link.json', 'report.json']);
  });

  test.skipIf(!existsSync('/dev/full'))('a report that does not fit is said: 125', async () => {
    const outcome = await ringfence(['run', '--report', '/dev/full', guest('hello')]);
    expect(outcome.status).toBe(125);
    expect(outcome.stderr).toMatch(/^ringfence: Cannot write the report [^\n]*ENOSPC[^\n]*\n$/m);
  });

  test('an unwritable place is found out before the module runs', async () => {
    const outcome = await ringfence([
      'run',
      '--report',
      inScratch('no/report.json'),
      guest('hello'),
    ]);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).not.toContain('hello info');
  });

  test('what was denied is in the report, with its count', async () => {
    const { denied } = reportOf(await ringfence(['run', '--json', guest('ungranted')]));
    expect(denied.length).toBeGreaterThan(0);
    for (const denial of denied) {
      expect(denial).toEqual({
        capability: expect.any(String),
        operation: expect.any(String),
        count: expect.any(Number),
      });
    }
  });
});

describe('inspect', () => {
  test('--json prints keys that stay', async () => {
    const outcome = await ringfence(['inspect', '--json', guest('ungranted')]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      path: guest('ungranted'),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      size_bytes: statSync(guest('ungranted')).size,
      world: 'ringfence:agent',
      adapted: false,
      imports: expect.arrayContaining([
        {
          interface: 'ringfence:agent/ipc',
          version: '0.1.0',
          functions: expect.arrayContaining(['send']),
        },
      ]),
      exports: ['run'],
      needed_grants: expect.arrayContaining(['ipc', 'tools', 'spawn', 'network']),
      declared_memory_bytes: expect.any(Number),
    });
  });

  test('for people it names the options that grant what the module can use', async () => {
    const { stdout } = await ringfence(['inspect', guest('ungranted')]);
    expect(stdout).toContain('ipc (--allow-ipc)');
    expect(stdout).toContain('tools (--allow-tools)');
    expect(stdout).toMatch(/^sha256 +[0-9a-f]{64}$/m);
    const { stdout: simple } = await ringfence(['inspect', guest('word-count')]);
    expect(simple).toMatch(/^world +wasi:cli$/m);
    expect(simple).toContain('none needed');
  });
});

test('two runs at once do not disturb each other, also with nothing in the cache', async () => {
  const variables = { RINGFENCE_CACHE: inScratch('fresh-cache') };
  const run = () => ringfence(['run', guest('word-count')], { stdin: 'a b\n', variables });
  const outcomes = await Promise.all([run(), run()]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
  }
});

test('the launcher says on an older Node what is needed', async () => {
  const old = `Object.defineProperty(process, 'versions', { value: { node: '20.11.1' } });
    require(${JSON.stringify(LAUNCHER)});`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--eval',
    `${old}; process.on('exit', (code) => { if (code !== 2) process.stderr.write('wrong status') })`,
  ]).catch((error: { stderr: string }) => error);
  expect(stderr).toMatch(
    /^ringfence needs Node 26\.4 or newer, and this is Node 20\.11\.1: [^\n]+\n$/,
  );
});

describe('where it stood', () => {
  test('is printed below a trap, with what it had used', async () => {
    const { stderr, status } = await ringfence(['run', guest('attack-recursion')]);
    expect(status).toBe(134);
    expect(stderr).toMatch(
      /^attack-recursion: trap: call stack exhausted\n {4}at deeper \(0x[\da-f]+\)\n {4}at deeper \(0x[\da-f]+\), \d+ times\n {4}fuel used: [\d,]+; bytes of memory: [\d,]+ of 268,435,456\n$/,
    );
  });

  test('is not printed of one that ends by itself', async () => {
    const { stderr, status } = await ringfence(['run', guest('exit-code')]);
    expect(status).not.toBe(0);
    expect(stderr).not.toContain('    at ');
  });

  test('a source map beside the module says the lines', async () => {
    const module = inScratch('mapped.wasm');
    writeFileSync(module, readFileSync(guest('attack-recursion')));
    const map = { version: 3, sources: ['src/deeper.wat\u001b[2J'], names: [], mappings: 'AAME' };
    writeFileSync(`${module}.map`, JSON.stringify(map));
    const { stderr } = await ringfence(['run', module]);
    expect(stderr).toContain('    at deeper (src/deeper.wat');
    expect(stderr).toContain(':7:3)');
    expect(stderr).not.toContain('\u001b');
  });

  test('a map that is none is a warning, and changes nothing else', async () => {
    const module = inScratch('badly-mapped.wasm');
    writeFileSync(module, readFileSync(guest('attack-recursion')));
    writeFileSync(`${module}.map`, '{');
    const { stderr, status } = await ringfence(['run', module]);
    expect(status).toBe(134);
    expect(stderr).toContain("ringfence: warning: where it stood can't be shown: Cannot read the");
  });
});

describe('--trace', () => {
  test('prints each host call on stderr, and changes neither output nor status', async () => {
    const plain = await ringfence(['run', guest('args-env'), '--', '\u001b[2Jtwo']);
    const { stdout, stderr, status } = await ringfence([
      'run',
      '--trace',
      guest('args-env'),
      '--',
      '\u001b[2Jtwo',
    ]);
    expect({ stdout, status }).toEqual({ stdout: plain.stdout, status: plain.status });
    expect(plain.stderr).toBe('');
    const [first, ...others] = stderr.trimEnd().split('\n');
    expect(first).toMatch(
      /^ +[\d,]+ {2}wasi:cli\/environment#get-arguments\(\) → \["args-env\.wasm", "\\u001b\[2Jtwo"\]$/,
    );
    expect(others.length).toBeGreaterThan(5);
    expect(others.every((line) => /^ +[\d,]+ {2}wasi:[^\n]+ → /.test(line))).toBe(true);
  });

  test('with --json each is a line before the report', async () => {
    const { stdout, status } = await ringfence(['run', '--trace', '--json', guest('exit-code')]);
    expect(status).toBe(42);
    const [call, report, ...rest] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(call).toEqual({
      call: 1,
      function: 'wasi:cli/exit#exit-with-code',
      fuel: expect.any(Number),
      arguments: '42',
      answer: null,
      outcome: 'ended',
    });
    expect(report.exit.code).toBe(42);
    expect(rest).toEqual([]);
  });

  test('a reader that has seen enough holds nobody up', () => {
    const run = `'${process.execPath}' '${LAUNCHER}' run --trace '${guest('host-calls')}' -- clock 20000`;
    const status = inScratch('status');
    const printed = execFileSync(
      'sh',
      ['-c', `{ ${run}; echo $? > '${status}'; } 2>&1 > /dev/null | head -1`],
      { encoding: 'utf8' },
    );
    expect(printed).toContain('#get-arguments()');
    expect(readFileSync(status, 'utf8')).toBe('0\n');
  });
});

describe('the last host calls', () => {
  test('stand below where it stood, without what crossed in them', async () => {
    const { stderr, status } = await ringfence(
      ['run', '--max-fuel', '200000', '--env', 'TOKEN=hunter2', guest('word-count')],
      { stdin: 'hunter2\n'.repeat(2_000) },
    );
    expect(status).toBe(137);
    expect(stderr).toMatch(
      /\n {4}its host calls:\n( {6}wasi:[^\n]+ → [^\n]+\n)+ {4}fuel used: 200,000 of 200,000;/,
    );
    expect(stderr).not.toContain('hunter2');
  });

  test('are no more than ten, of all that there were', async () => {
    const { stderr } = await ringfence([
      'run',
      '--max-fuel',
      '200000',
      guest('host-calls'),
      '--',
      'clock',
      '100000',
    ]);
    const [, of, calls = ''] =
      /\n {4}the last of its ([\d,]+) host calls:\n((?: {6}[^\n]+\n)+)/.exec(stderr) ?? [];
    expect(Number(of?.replaceAll(',', ''))).toBeGreaterThan(100);
    expect(calls.trimEnd().split('\n')).toHaveLength(10);
  });
});

describe('--profile', () => {
  test('writes where fuel went, the same each time', async () => {
    const profileOf = async (name: string) => {
      const file = inScratch(name);
      const { status } = await ringfence(['run', '--profile', file, guest('word-count')], {
        stdin: 'nobody trusts this module\n'.repeat(2_000),
      });
      expect(status).toBe(0);
      return JSON.parse(readFileSync(file, 'utf8'));
    };
    const first = await profileOf('first.cpuprofile');
    expect(first).toEqual(await profileOf('second.cpuprofile'));
    expect(first.samples.length).toBeGreaterThan(0);
  });

  test.each([
    [['--profile', ''], 'Cannot use --profile with an empty name'],
    [['--profile-interval', '5000'], 'Cannot use --profile-interval without --profile'],
    [['--profile', 'x', '--profile-interval', '10'], 'Cannot use --profile-interval'],
    [['--profile', '/no/such/place/x'], 'Cannot write the profile to'],
  ])('%j is refused', async (options, said) => {
    const { stderr, status } = await ringfence(['run', ...options, guest('word-count')]);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
  });
});
