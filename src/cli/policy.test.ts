/** `run`, `policy check` and `policy explain` with policies, in surroundings of a test's own. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  FAKE_MODULE,
  fakeEnvironment,
  fakeKernel,
  fakeReport,
} from '../../test/support/cli/fake-environment.ts';
import { namesOfFeatures, type SpawnOptions } from '../index.ts';
import { plainScope } from './describe-grant.ts';
import { main } from './main.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-cli-policy-')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const inScratch = (...names: string[]) => join(scratch, ...names);

const MODULE = inScratch('agent.wasm');
writeFileSync(MODULE, 'no component');
const DIGEST = createHash('sha256').update('no component').digest('hex');
mkdirSync(inScratch('data', 'in'), { recursive: true });

const POLICY = inScratch('ringfence.toml');
writeFileSync(
  POLICY,
  `version = 1
[[module]]
match = "agent.wasm"
isolation = "thread"
features = ["relaxed-simd"]
[module.grants]
ipc = "all"
tools = ["a", "b"]
spawn = { count = 4, modules = ["m"], depth = 2 }
files = [{ host = "data", guest = "/data", modes = ["read", "write"], quota = { bytes = 100 } }]
[module.limits]
fuel = 1_000
timeout = "10s"
[module.environment]
MODE = "test"
`,
);

interface Called {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** null: nothing was spawned. */
  readonly spawned: SpawnOptions | null;
}

async function call(...args: readonly string[]): Promise<Called> {
  let spawned: SpawnOptions | null = null;
  const environment = fakeEnvironment({
    openKernel: fakeKernel({
      load: async (path) => ({ ...FAKE_MODULE, digest: DIGEST, realPath: String(path) }),
      run: async (options) => {
        spawned = options;
        return fakeReport();
      },
    }),
  });
  const status = await main(args, environment);
  const { stdout, stderr } = environment.written;
  return { status, stdout: stdout.text, stderr: stderr.text, spawned };
}

const run = (...options: readonly string[]) => call('run', '--policy', POLICY, ...options, MODULE);
const explain = (...options: readonly string[]) =>
  call('policy', 'explain', '--json', '--policy', POLICY, ...options, MODULE);

/** What was spawned, as `policy explain --json` says it. */
function explained({ grants, limits, isolation, features, environment }: SpawnOptions) {
  return {
    isolation,
    features: namesOfFeatures(features ?? {}),
    environment: { ...environment },
    grants: (grants as readonly Parameters<typeof plainScope>[0][]).map((spec) => ({
      kind: spec.kind,
      scope: plainScope(spec),
    })),
    fuel: limits?.fuel,
    timeout: limits?.wallTimeMs,
  };
}

describe('what is explained is what is spawned with', () => {
  test.each<[string[]]>([
    [[]],
    [['--allow-tools=a', '--max-fuel', '5', '--timeout=1s']],
    [['--deny-tools=b', '--isolation=process']],
    [['--wasm-features=']],
    [['--widen', '--wasm-features=gc']],
    [['--dir', `${inScratch('data', 'in')}::/in:ro`]],
    [['--preset=none', '--seed=s']],
    [['--allow-spawn=2', '--env', 'MODE=test']],
    [['--widen', '--allow-net', '--tmpfs=/tmp', '--max-fuel=0', '--env=B=1', '--isolation=shared']],
  ])('%j', async (options) => {
    const { spawned, status } = await run(...options);
    expect(status).toBe(0);
    const { stdout } = await explain(...options);
    const { policy, module, limits, ...rest } = JSON.parse(stdout);
    expect(module).toEqual({ path: MODULE, sha256: DIGEST });
    expect(policy).toEqual({ path: POLICY, line: 2 });
    expect({
      isolation: rest.isolation,
      features: rest.features,
      environment: rest.environment,
      grants: rest.grants.map(({ kind, scope }: { kind: string; scope: unknown }) => ({
        kind,
        scope,
      })),
      fuel: limits.fuel,
      timeout: limits.wall_time_ms,
    }).toEqual(explained(spawned!));
  });

  test('without a policy, too', async () => {
    const options = ['--allow-tools=a', '--max-fuel=7'];
    const { spawned } = await call('run', ...options, MODULE);
    const { stdout } = await call('policy', 'explain', '--json', ...options, MODULE);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: null,
      ...(({ grants, isolation }) => ({ grants, isolation }))(explained(spawned!)),
      limits: { fuel: 7 },
    });
  });
});

describe('where values are kept is explained where they can be', () => {
  const WITH_STORE = inScratch('store.toml');
  writeFileSync(
    WITH_STORE,
    `version = 1
[kv]
path = "values.sqlite"
owner_max_bytes = "2MiB"
[[module]]
match = "agent.wasm"
grants = { tools = ["kv.get", "kv.set"] }
`,
  );
  const kv = async (...options: string[]) => {
    const { stdout } = await call('policy', 'explain', '--json', ...options, MODULE);
    return (JSON.parse(stdout) as { kv: unknown }).kv;
  };
  const quota = { owner_max_keys: 1_000, max_owners: 1_000, max_bytes: 268_435_456 };

  test('by the policy, with its quotas and the others', async () => {
    const ofPolicy = { ...quota, owner_max_bytes: 2_097_152 };
    expect(await kv('--policy', WITH_STORE)).toEqual({
      ...ofPolicy,
      path: inScratch('values.sqlite'),
    });
    expect(await kv('--policy', WITH_STORE, '--kv', 'other')).toEqual({
      ...ofPolicy,
      path: 'other',
    });
    const { stdout } = await call('policy', 'explain', '--policy', WITH_STORE, MODULE);
    expect(stdout).toContain(`kv
  file              ${inScratch('values.sqlite')}
  of one owner      1,000 keys, 2,097,152 bytes
  of all            1,000 owners, 268,435,456 bytes
`);
  });

  test('without one in memory, and not at all where no grant reaches it', async () => {
    const ofNone = { ...quota, owner_max_bytes: 1_048_576 };
    expect(await kv('--allow-tools')).toEqual({ ...ofNone, path: null });
    expect(await kv('--allow-tools=kv.list', '--kv=x')).toEqual({ ...ofNone, path: 'x' });
    expect(await kv('--allow-tools=kv.list', '--deny-tools=kv.list')).toBe(null);
    expect(await kv('--allow-tools=time.now', '--kv=x')).toBe(null);
    const { stdout } = await call('policy', 'explain', MODULE);
    expect(stdout).not.toMatch(/^kv$/m);
  });
});

describe('options take less than the policy gives', () => {
  test('what they don’t speak of stays', async () => {
    const { spawned } = await run('--allow-tools=a');
    expect(spawned).toMatchObject({
      isolation: 'thread',
      limits: { fuel: 1_000, wallTimeMs: 10_000 },
      environment: { MODE: 'test' },
    });
    expect(explained(spawned!).grants).toEqual([
      { kind: 'ipc', scope: { pids: 'all', parent: true, topics: 'all' } },
      { kind: 'tools', scope: { allow: ['a'], deny: [] } },
      { kind: 'spawn', scope: { count: 4, modules: ['m'], depth: 2 } },
      {
        kind: 'files',
        scope: {
          guest: '/data',
          source: { kind: 'host', path: inScratch('data') },
          modes: { write: true, create: false },
          quota: { bytes: 100, files: 0 },
        },
      },
      { kind: 'clocks', scope: { precision: 'coarse' } },
      { kind: 'random', scope: { seed: null } },
    ]);
  });

  test('--deny-tools only ever takes away', async () => {
    const { spawned } = await run('--deny-tools=b,c');
    expect(explained(spawned!).grants).toContainEqual({
      kind: 'tools',
      scope: { allow: ['a', 'b'], deny: ['b', 'c'] },
    });
  });

  test.each<[string, string[]]>([
    ['--allow-net', ['--allow-net=example.org']],
    ['--allow-tools', ['--allow-tools']],
    ['--allow-tools', ['--allow-tools=a,c']],
    ['--allow-spawn', ['--allow-spawn=5']],
    ['--dir', ['--dir', `${inScratch('data')}::/data`]],
    ['--dir', ['--dir', `${scratch}::/data:ro`]],
    ['--tmpfs', ['--tmpfs=/tmp']],
    ['--exact-clocks', ['--exact-clocks']],
    ['--preset standard', ['--preset=standard']],
    ['--isolation', ['--isolation=shared']],
    ['--wasm-features', ['--wasm-features=gc,relaxed-simd']],
    ['--max-fuel', ['--max-fuel=1001']],
    ['--max-fuel', ['--max-fuel=0']],
    ['--max-memory', ['--max-memory=1GiB']],
    ['--timeout', ['--timeout=1m']],
    ['--env', ['--env=MODE=other']],
    ['--env', ['--env=OTHER=1']],
  ])('%s %j is more: refused, and with --widen taken', async (option, options) => {
    const { status, stderr, spawned } = await run(...options);
    expect({ status, spawned }).toEqual({ status: 2, spawned: null });
    expect(stderr.split('\n').at(-2)).toMatch(
      /^ringfence: Cannot use [^\n]+: it goes beyond .*ringfence\.toml:2\); .*--widen/,
    );
    expect(stderr).toContain(option);
    expect((await explain(...options)).status).toBe(2);
    expect(await run('--widen', ...options)).toMatchObject({ status: 0 });
  });
});

describe('a module that the policy is not for', () => {
  const other = inScratch('other.wasm');
  writeFileSync(other, '');

  test('is refused: status 126, with a report', async () => {
    const called = await call('run', '--json', '--policy', POLICY, other);
    expect(called).toMatchObject({ status: 126, spawned: null });
    expect(JSON.parse(called.stdout)).toMatchObject({
      pid: null,
      exit: { reason: 'refused', message: expect.stringContaining(`sha256:${DIGEST}`) },
    });
    expect(await call('policy', 'explain', '--policy', POLICY, other)).toMatchObject({
      status: 126,
      stdout: '',
    });
  });
});

describe('policy check', () => {
  const write = (name: string, text: string) => {
    writeFileSync(inScratch(name), text);
    return inScratch(name);
  };

  test('a policy that can be used: status 0', async () => {
    expect(await call('policy', 'check', POLICY)).toEqual({
      status: 0,
      stdout: `${POLICY}: ok, 1 entry\n`,
      stderr: '',
      spawned: null,
    });
    const { stdout } = await call('policy', 'check', '--json', POLICY);
    expect(JSON.parse(stdout)).toEqual({
      file: POLICY,
      ok: true,
      entries: 1,
      problem_count: 0,
      problems: [],
      warnings: [],
    });
  });

  test('of very many the first hundred, and how many there are', async () => {
    const keys = Array.from({ length: 150 }, (_, at) => `key${at} = 1\n`);
    const path = write('many.toml', `version = 1\n${keys.join('')}`);
    const { stdout } = await call('policy', 'check', path);
    expect(stdout.split('\n').at(-2)).toBe(`${path}: 150 problems, 50 of them not told here`);
    const { stdout: json } = await call('policy', 'check', '--json', path);
    const { problem_count, problems } = JSON.parse(json);
    expect([problem_count, problems.length]).toEqual([150, 100]);
  });

  test('all that is wrong, a line each: status 2', async () => {
    const path = write('wrong.toml', 'version = 1\nfoo = 1\nbar = "x"\n');
    const { status, stdout } = await call('policy', 'check', path);
    expect(status).toBe(2);
    expect(stdout.split('\n')).toEqual([
      `${path}:2:1: unknown key 'foo': docs/policy.md has those that there are`,
      `${path}:3:1: unknown key 'bar': docs/policy.md has those that there are`,
      `${path}: 2 problems`,
      '',
    ]);
    const { stdout: json } = await call('policy', 'check', '--json', path);
    expect(JSON.parse(json)).toMatchObject({
      ok: false,
      entries: null,
      problems: [{ line: 2, column: 1, message: expect.any(String) }, { line: 3 }],
    });
    expect(await call('run', '--policy', path, MODULE)).toMatchObject({
      status: 2,
      spawned: null,
      stderr: expect.stringMatching(/^ringfence: Cannot use the policy: [^\n]+\n$/),
    });
  });

  test('what it says never acts on a terminal', async () => {
    const path = write('hostile.toml', 'version = 1\n"\\u001b[2J\\nringfence: ok" = 1\n');
    for (const args of [
      ['policy', 'check', path],
      ['policy', 'check', '--json', path],
    ]) {
      const { stdout } = await call(...args);
      expect(stdout).not.toContain('\u001b');
      expect(stdout).not.toMatch(/^ringfence: ok/m);
    }
    const hostile = write(
      'hostile2.toml',
      'version = 1\n[[module]]\nmatch = "**"\nenvironment.A = "\\u001b[2J\\nx"\ngrants.tools = ["\\u009b31m"]\n',
    );
    const { stdout } = await call('policy', 'explain', '--policy', hostile, MODULE);
    expect(stdout).toContain('A=␛[2J\\nx');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stdout).not.toMatch(/[\u001b\u0080-\u009f]/);
  });

  test('warnings are no problems', async () => {
    const path = write(
      'old.toml',
      'version = 1\n[[module]]\nmatch = "**"\nrestart = "temporary"\ngrants.tools = ["a"]\ngrants.expires = 2020-01-01T00:00:00Z\n',
    );
    const checked = await call('policy', 'check', path);
    expect(checked.status).toBe(0);
    expect(checked.stdout).toMatch(/^.*:6:18: warning: .*\n.*: ok, 1 entry\n$/);
    const { status, stderr } = await call('run', '--policy', path, MODULE);
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: the grant 'tools' of the policy has expired/);
  });

  test('a file that is not there is wrong usage', async () => {
    expect(await call('policy', 'check', inScratch('none.toml'))).toMatchObject({ status: 2 });
  });
});

test('policy schema prints the JSON Schema', async () => {
  const { status, stdout } = await call('policy', 'schema');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', required: ['version'] });
});

test('policy explain refuses a directory that is not there, as a run does', async () => {
  const explained = (host: string) =>
    call('policy', 'explain', '--dir', `${inScratch(host)}::/x`, MODULE);
  expect(await explained('data')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(inScratch('data')),
  });
  for (const host of ['none', 'agent.wasm']) {
    expect(await explained(host), host).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^ringfence: Cannot mount the directory [^\n]+\n$/),
    });
  }
});

test('policy explain says what arguments have to be, and which commands may be run', async () => {
  const path = inScratch('commands.toml');
  writeFileSync(
    path,
    `version = 1
[exec.log]
command = "/usr/bin/git"
arguments = ["log", { name = "count" }]
[exec.other]
command = "/bin/true"
[[module]]
match = "**"
grants.tools = ["exec.log", { name = "http.fetch", arguments = { required = ["url"] } }]
`,
  );
  const { stdout } = await call('policy', 'explain', '--policy', path, MODULE);
  expect(stdout).toMatch(/^ +tools +exec\.log, http\.fetch with \{"required":\["url"\]\}$/m);
  expect(stdout).toMatch(/^ +exec\.log +\/usr\/bin\/git "log" <count>$/m);
  expect(stdout).not.toContain('exec.other');
  const explained = await call('policy', 'explain', '--json', '--policy', path, MODULE);
  expect(Object.keys(JSON.parse(explained.stdout).exec)).toEqual(['log']);
});

test('policy explain is for people, too', async () => {
  const { stdout } = await call('policy', 'explain', '--policy', POLICY, MODULE);
  expect(stdout).toMatch(/^policy +\S+ringfence\.toml, line 2$/m);
  expect(stdout).toMatch(/^ +tools +a, b$/m);
  expect(stdout).toMatch(/^ +files +\/data in \S+data: read, write, at most 100 bytes more$/m);
  expect(stdout).toMatch(/^ +--timeout +10,000 ms$/m);
  expect(stdout).toMatch(/^ +MODE=test$/m);
  expect(await call('policy', 'explain', inScratch('none.wasm'))).toMatchObject({ status: 2 });
});
