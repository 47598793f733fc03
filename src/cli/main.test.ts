import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  FAKE_MODULE,
  type FakeEnvironment,
  type FakeKernelParts,
  type FakeOptions,
  fakeEnvironment,
  fakeKernel,
  fakeReport,
} from '../../test/support/cli/fake-environment.ts';
import {
  DEFAULT_LIMITS,
  type ExitReason,
  parseGrants,
  type Report,
  RingfenceError,
  type SpawnOptions,
} from '../index.ts';
import { main } from './main.ts';

const HELLO = 'hello.wasm';

interface Called {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function callIn(environment: FakeEnvironment, args: readonly string[]): Promise<Called> {
  const status = await main(args, environment);
  const { stdout, stderr } = environment.written;
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** Calls the command line with a kernel that does as it is told. */
function call(
  args: readonly string[],
  parts: FakeKernelParts = {},
  options: FakeOptions = {},
): Promise<Called> {
  return callIn(fakeEnvironment({ openKernel: fakeKernel(parts), ...options }), args);
}

function expectOneSentence(called: Called, status: number, ...parts: readonly string[]): void {
  expect(called.stderr).toMatch(/^ringfence: [^\n]+\n$/);
  for (const part of parts) {
    expect(called.stderr).toContain(part);
  }
  expect(called).toMatchObject({ status, stdout: '' });
}

describe('wrong usage ends with status 2 and one sentence', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['an unknown command', ['runn', HELLO], ["'runn'", "did you mean 'run'"]],
    ['a module in place of a command', ['agent.wasm'], ["'agent.wasm'", "'ringfence run'"]],
    ['an unknown option', ['run', '--max-feul', '3', HELLO], ["'--max-feul'", "'--max-fuel'"]],
    ['an option of the module without --', ['run', HELLO, '-l'], ["'-l'", "'--'"]],
    ['an argument of the module without --', ['run', HELLO, 'words'], ["'--'"]],
    ['no module', ['run'], ['MODULE']],
    ['no module but arguments', ['run', '--', HELLO], ['MODULE']],
    ['an option without its value', ['run', '--max-fuel'], ['--max-fuel', 'value']],
    ['a fuel that is no number', ['run', '--max-fuel=lots', HELLO], ['--max-fuel', '"lots"']],
    ['a negative fuel', ['run', '--max-fuel=-1', HELLO], ['--max-fuel', '"-1"']],
    ['a fuel beyond numbers', ['run', '--max-fuel', '9'.repeat(19), HELLO], ['--max-fuel']],
    ['a broken size', ['run', '--max-memory', '12 parrots', HELLO], ['--max-memory', '64MiB']],
    ['an empty size', ['run', '--max-memory=', HELLO], ['--max-memory', '64MiB']],
    ['a duration without a unit', ['run', '--timeout', '5', HELLO], ['--timeout', '500ms']],
    ['a broken duration', ['run', '--max-cpu', '1 week', HELLO], ['--max-cpu', '500ms']],
    ['a broken pid', ['run', '--allow-ipc=0', HELLO], ['--allow-ipc', "'0'"]],
    ['an empty scope in a list', ['run', '--allow-tools=a,,b', HELLO], ['--allow-tools', 'empty']],
    [
      'a broken port',
      ['run', '--allow-net=example.org:99999', HELLO],
      ['--allow-net', 'HOST:PORT'],
    ],
    ['an unknown preset', ['run', '--preset', 'all', HELLO], ["'all'", 'standard']],
    ['mcp without a module', ['mcp'], ['MODULE']],
    ['mcp with arguments of a module', ['mcp', HELLO, '--', 'x'], ["'x'", "'--'"]],
    ['an address without a port', ['mcp', '--http', '127.0.0.1', HELLO], ['--http', 'HOST:PORT']],
    ['a port beyond ports', ['mcp', '--http', '[::1]:65536', HELLO], ['--http', 'HOST:PORT']],
    ['a token without an address', ['mcp', '--token-env', 'T', HELLO], ['--token-env', '--http']],
    [
      'two tokens',
      ['mcp', '--http=[::1]:0', '--token-env=T', '--token-file=t', HELLO],
      ['--token-file', 'leave one'],
    ],
    [
      'a token that is not set',
      ['mcp', '--http=[::1]:0', '--token-env=T', HELLO],
      ['--token-env', "'T'"],
    ],
    [
      'a token file that is not there',
      ['mcp', '--http=[::1]:0', '--token-file=no-such-file', HELLO],
      ['--token-file', 'ENOENT'],
    ],
    [
      'an origin with a path',
      ['mcp', '--http=[::1]:0', '--allow-origin=https://example.org/', HELLO],
      ['--allow-origin', 'https://example.org'],
    ],
    [
      'an unknown feature',
      ['run', '--wasm-features', 'gc,threads', HELLO],
      ['--wasm-features', "'threads'", 'relaxed-simd'],
    ],
    ['features twice', ['run', '--wasm-features=gc', '--wasm-features=gc', HELLO], ['twice']],
    ['an unknown isolation', ['run', '--isolation', 'vm', HELLO], ["'vm'", 'process']],
    ['a directory without a place', ['run', '--dir', '/tmp', HELLO], ['--dir', 'HOST::GUEST']],
    ['a relative place', ['run', '--dir', '/tmp::tmp', HELLO], ['--dir', 'absolute path']],
    ['a broken size of one in memory', ['run', '--tmpfs', '/t:x', HELLO], ['--tmpfs', 'SIZE']],
    [
      'two directories at one place',
      ['run', '--dir', '/a::/d', '--tmpfs', '/d', HELLO],
      ["two directories can't both be at '/d'"],
    ],
    ['an empty seed', ['run', '--seed=', HELLO], ['--seed']],
    ['tools that are denied where none is allowed', ['run', '--deny-tools=x', HELLO], ['no tool']],
    ['denied tools without names', ['run', '--deny-tools=', HELLO], ['name the tools']],
    ['a policy that is not there', ['run', '--policy', '/no/such', HELLO], ['/no/such']],
    ['a policy without a name', ['run', '--policy=', HELLO], ['--policy']],
    ['--widen without a policy', ['run', '--widen', HELLO], ['--widen', '--policy']],
    ['no module to explain', ['policy', 'explain'], ['MODULE', 'policy explain --help']],
    ['two policies to check', ['policy', 'check', 'a', 'b'], ['one policy']],
    ['an unknown command of policies', ['policy', 'chek'], ["did you mean 'check'"]],
    ['arguments for a schema', ['policy', 'schema', 'x'], ['takes none']],
    ['no module to serve', ['serve'], ['MODULE', 'to serve', 'serve --help']],
    ['two modules to serve', ['serve', HELLO, HELLO], ['one module', 'serve MODULE -- ARGS']],
    ['serving for no time', ['serve', '--request-timeout', '0', HELLO], ['1 ms']],
    ['no module to offer', ['mcp'], ['MODULE', 'to offer', 'mcp --help']],
    ['no calls at a time', ['mcp', '--concurrency', '0', HELLO], ['--concurrency', '1 to 1024']],
    ['too much output of a call', ['mcp', '--max-output', '1GiB', HELLO], ['--max-output']],
    ['no file for a key', ['audit', 'key'], ['FILE', 'audit key --help']],
    ['a variable that is not set', ['run', '--env', 'NO_SUCH_VARIABLE', HELLO], ['NAME=VALUE']],
    ['a config value without a name', ['run', '--config', '=x', HELLO], ["'=x'", 'NAME=VALUE']],
    ['a config name without a value', ['run', '--config', 'x', HELLO], ["'x'", 'NAME=VALUE']],
    ['a variable without a name', ['run', '--env', '=x', HELLO], ["'=x'", 'NAME=VALUE']],
    ['a report into a directory', ['run', '--report', '/', HELLO], ["'/'", 'directory']],
    ['a report into nowhere', ['run', '--report', '/no/such/place', HELLO], ['/no/such/place']],
    ['arguments for a module that is inspected', ['inspect', HELLO, '--', 'a'], ["'a'"]],
    ['two modules', ['inspect', HELLO, HELLO], ['one module']],
    ['an escape sequence in an option', ['run', '--\u001b[2Jx', HELLO], ['␛[2Jx']],
  ])('%s', async (_, args, parts) => {
    expectOneSentence(await call(args), 2, ...parts);
  });
});

describe('help and version', () => {
  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(await call(['--version'])).toMatchObject({
      status: 0,
      stdout: `ringfence ${version}\n`,
      stderr: '',
    });
  });

  test('each command explains itself, with examples', async () => {
    for (const command of ['run', 'inspect', 'policy']) {
      const { status, stdout } = await call([command, '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain('MODULE');
      expect(stdout).toContain('Examples:');
    }
    expect(await call(['policy', 'help'])).toMatchObject({ status: 0, stderr: '' });
    expect((await call(['policy', 'explain', '--help'])).stdout).toContain('--allow-ipc[=SCOPE,…]');
  });

  test('without a command the help goes to standard error, with status 2', async () => {
    const { status, stdout, stderr } = await call([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: ringfence');
  });
});

describe('what the kernel is asked for', () => {
  async function spawned(...args: readonly string[]): Promise<SpawnOptions> {
    let options: SpawnOptions | null = null;
    const called = await call(['run', ...args], {
      run: async (given) => {
        options = given;
        return fakeReport();
      },
    });
    expect(called).toMatchObject({ status: 0 });
    return options!;
  }

  test('nothing is granted and no limit is set by default', async () => {
    expect(await spawned('some/where/agent.wasm')).toMatchObject({
      module: FAKE_MODULE,
      agentId: 'agent',
      arguments: ['agent.wasm'],
      environment: {},
      grants: parseGrants({}),
      limits: DEFAULT_LIMITS,
      isolation: 'shared',
      features: { gc: false, relaxedSimd: false },
      terminal: { stdin: false, stdout: false, stderr: false },
    });
  });

  test('every option arrives, before and behind the module', async () => {
    const options = await spawned(
      '--allow-ipc=parent',
      '--allow-net=example.org',
      '--allow-tools',
      '--max-fuel=1_000',
      '--max-memory=1MiB',
      HELLO,
      '--allow-spawn=2',
      '--max-cpu=2s',
      '--timeout=0',
      '--max-messages=1',
      '--max-tool-calls=2',
      '--max-disk=3',
      '--preset=browser',
      '--env=A=b',
      '--deny-tools=x,y',
      '--dir=/data::/in:ro',
      '--dir=/out::/out',
      '--tmpfs=/tmp:1KiB',
      '--exact-clocks',
      '--seed=s',
      '--isolation=thread',
      '--wasm-features=gc,relaxed-simd',
      '--',
      '--max-fuel=0',
    );
    expect(options).toMatchObject({
      arguments: ['hello.wasm', '--max-fuel=0'],
      environment: { A: 'b' },
      isolation: 'thread',
      features: { gc: true, relaxedSimd: true },
      grants: parseGrants({
        preset: 'browser',
        ipc: 'parent_only',
        network: ['example.org'],
        tools: { allow: 'all', deny: ['x', 'y'] },
        spawn: 2,
        files: [
          { host: '/data', guest: '/in' },
          { host: '/out', guest: '/out', modes: ['read', 'write', 'create'] },
          { memory: true, guest: '/tmp', quota: { bytes: 1024 } },
        ],
        clocks: 'exact',
        random: { seed: 's' },
      }),
      limits: {
        fuel: 1_000,
        memoryBytes: 1_048_576,
        cpuTimeMs: 2_000,
        wallTimeMs: 0,
        messages: 1,
        toolCalls: 2,
        diskBytes: 3,
      },
    });
  });

  test('of two values of a limit or a variable the last counts', async () => {
    const options = await spawned('--max-fuel=1', '--max-fuel=2', '--env=A=1', '--env=A=2', HELLO);
    expect(options).toMatchObject({ limits: { fuel: 2 }, environment: { A: '2' } });
  });

  test('a name that is longer than names may be is cut', async () => {
    expect((await spawned(`${'x'.repeat(300)}.wasm`)).agentId).toBe('x'.repeat(256));
    expect((await spawned('.wasm')).agentId).toBe('agent');
  });
});

describe('how a run ends', () => {
  test.each<[ExitReason, number]>([
    ['normal', 0],
    ['worker_lost', 137],
    ['reaped', 137],
    ['killed', 137],
    ['internal', 125],
  ])('%s: %i', async (reason, status) => {
    const called = await call(['run', '--json', HELLO], {
      run: async () => fakeReport({ reason }),
    });
    expect(called.status).toBe(status);
    expect(JSON.parse(called.stdout)).toMatchObject({ exit: { reason } });
  });

  test('an error that nobody expected is one sentence and 125, in the report too', async () => {
    const load = () => Promise.reject(new TypeError('x is not a function\nat y'));
    const called = await call(['run', HELLO], { load });
    expectOneSentence(called, 125, 'internal', 'x is not a function\\nat y');
    const { stdout } = await call(['run', '--json', HELLO], { load });
    expect(JSON.parse(stdout)).toMatchObject({ pid: null, exit: { code: -1, reason: 'internal' } });
  });

  test('a stack is printed with RINGFENCE_DEBUG=1 only', async () => {
    const load = () => Promise.reject(new TypeError('x is not a function'));
    const variables = { RINGFENCE_DEBUG: '1' };
    expect((await call(['run', HELLO], { load }, { variables })).stderr).toMatch(/^\s+at /m);
    expect((await call(['run', HELLO], { load })).stderr).not.toMatch(/^\s+at /m);
  });

  test("a file of ringfence's own that can't be used is no wrong usage", async () => {
    const load = () =>
      Promise.reject(new RingfenceError('RF_FILE', 'Cannot use the cache.', { path: '/cache' }));
    expectOneSentence(await call(['run', HELLO], { load }), 125, 'Cannot use the cache.');
    expectOneSentence(await call(['inspect', HELLO], { load }), 125, 'Cannot use the cache.');
  });
});

describe('signals', () => {
  /** A run that a test stops: `started` resolves when it can. */
  function running(parts: Omit<FakeKernelParts, 'run'> = {}) {
    const started = Promise.withResolvers<void>();
    const environment = fakeEnvironment({
      openKernel: fakeKernel({
        ...parts,
        run: async (_, killed) => {
          started.resolve();
          await new Promise((resolve) => killed.addEventListener('abort', resolve));
          return fakeReport({ code: -1, reason: 'killed', message: String(killed.reason) });
        },
      }),
    });
    return { environment, started: started.promise, called: callIn(environment, ['run', HELLO]) };
  }

  test('the first ends the run in order, with its report', async () => {
    const { environment, started, called } = running();
    await started;
    environment.signal('SIGTERM');
    const { status, stderr } = await called;
    expect(status).toBe(143);
    const [line, report] = stderr.trimEnd().split('\n');
    expect(line).toBe('ringfence: killed: agent: it was stopped by SIGTERM after 2 s');
    expect((JSON.parse(report ?? '') as Report).exit.reason).toBe('killed');
    expect(environment.exits).toEqual([]);
  });

  test('the second ends the process, whatever still holds it up', async () => {
    const started = Promise.withResolvers<void>();
    const environment = fakeEnvironment({
      openKernel: fakeKernel({
        run: () => {
          started.resolve();
          return new Promise(() => {});
        },
      }),
    });
    void main(['run', HELLO], environment);
    await started.promise;
    environment.signal('SIGINT');
    expect(environment.exits).toEqual([]);
    environment.signal('SIGINT');
    expect(environment.exits).toEqual([130]);
  });

  test('the first ends the process where only a reader is waited for', async () => {
    const environment = fakeEnvironment({ openKernel: fakeKernel({}) });
    const stalled = Promise.withResolvers<void>();
    environment.written.stdout._write = () => stalled.resolve();
    void main(['run', '--json', HELLO], environment);
    await stalled.promise;
    environment.signal('SIGINT');
    expect(environment.exits).toEqual([130]);
  });

  test('afterwards nobody listens to them any more', async () => {
    const { environment, started, called } = running();
    await started;
    environment.signal('SIGINT');
    await called;
    environment.signal('SIGINT');
    expect(environment.exits).toEqual([]);
  });

  test('a worker that does not end holds up nobody who presses Ctrl-C', async () => {
    const closing = Promise.withResolvers<void>();
    const environment = fakeEnvironment({
      openKernel: fakeKernel({
        close: () => {
          closing.resolve();
          return new Promise(() => {});
        },
      }),
    });
    const called = callIn(environment, ['run', HELLO]);
    await closing.promise;
    environment.signal('SIGINT');
    expect((await called).status).toBe(0);
  });

  test('while the module is prepared it ends the preparation', async () => {
    const started = Promise.withResolvers<void>();
    const environment = fakeEnvironment({
      openKernel: fakeKernel({
        load: (_, { signal } = {}) =>
          new Promise((_resolve, reject) => {
            started.resolve();
            signal?.addEventListener('abort', () => reject(signal.reason));
          }),
      }),
    });
    const called = callIn(environment, ['run', '--json', HELLO]);
    await started.promise;
    environment.signal('SIGINT');
    const { status, stdout } = await called;
    expect(status).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ pid: null, exit: { code: -1, reason: 'killed' } });
  });
});

describe("the guest's output on a terminal", () => {
  const write = (options: SpawnOptions) =>
    options.stdout?.(Buffer.from('a\tb\u001b]0;title\u0007\n'));

  test('moves no cursor and sets no title', async () => {
    const run = async (options: SpawnOptions) => {
      await write(options);
      expect(options.terminal).toEqual({ stdin: true, stdout: true, stderr: true });
      return fakeReport();
    };
    const { stdout } = await call(['run', HELLO], { run }, { isTerminal: true });
    expect(stdout).toBe('a\tb␛]0;title␇\n');
  });

  test('passes unchanged where it is none', async () => {
    const run = async (options: SpawnOptions) => {
      await write(options);
      return fakeReport();
    };
    expect((await call(['run', HELLO], { run })).stdout).toBe('a\tb\u001b]0;title\u0007\n');
  });

  test("ringfence's own lines begin on their own", async () => {
    const run = async (options: SpawnOptions) => {
      await options.stderr?.(Buffer.from('half a line'));
      return fakeReport({ code: 1, reason: 'error', message: 'no' });
    };
    const { stderr } = await call(['run', HELLO], { run });
    expect(stderr).toBe('half a line\nagent: error: no\n');
  });
});

test('logs are one line each, escaped, behind the name of the agent and the level', async () => {
  const environment = fakeEnvironment({
    openKernel: (options) => {
      options?.onLog?.({ pid: 1, agentId: 'agent', level: 'info', message: 'a\nb\u001b[1m' });
      return fakeKernel({})();
    },
  });
  expect((await callIn(environment, ['run', HELLO])).stderr).toBe('agent info a\\nb␛[1m\n');
});
