/**
 * Goal: agents in JavaScript and TypeScript are built and run, into the same bytes wherever the project lies;
 * exceptions are told by the lines of their source, and what is wrong by one sentence. Method: the real command
 * line in directories of the test's own.
 */

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProject, createProject, type Language } from '../../src/kit/index.ts';
import { ROOT, temporaryDirectory } from '../cli/ringfence.ts';
import { testKernel } from '../support/kernel.ts';
import { node, project as projectIn, ringfence, testProject } from './project.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

// A build takes two seconds alone, and most of a minute beside seven other things.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** A new project in a directory of its own, with this as its agent. */
function project(language: Language, agent?: string): string {
  const folder = projectIn(scratch.path, 'agent', language);
  if (agent !== undefined) writeFileSync(join(folder, source(language)), agent);
  return folder;
}

const source = (language: Language) => `src/agent.${language === 'typescript' ? 'ts' : 'js'}`;

describe.each(['javascript', 'typescript'] as const)('a project in %s', (language) => {
  let folder: string;
  let built: string;

  beforeAll(async () => {
    const made = await ringfence(scratch.path, 'new', '--lang', language, language);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    folder = join(scratch.path, language);
    const told = await ringfence(folder, 'build', '--json');
    expect(told).toMatchObject({ status: 0, stderr: '' });
    built = (JSON.parse(told.stdout) as { sha256: string }).sha256;
  });

  test('runs under its policy', async () => {
    const { status, stderr } = await ringfence(
      folder,
      ...['run', '--policy', 'ringfence.toml', `build/${language}.wasm`],
    );
    expect(stderr).toContain('hello from inside the fence');
    expect(status).toBe(0);
  });

  test('makes the same bytes elsewhere, at another time', async () => {
    const parent = join(scratch.path, `elsewhere-of-${language}`, 'in', 'a', 'folder');
    createProject(join(parent, language), language);
    expect((await buildProject(join(parent, language))).sha256).toBe(built);
  });

  test('passes its own tests, and the check of types', async () => {
    const tested = await testProject(folder, ['typescript']);
    expect(tested.stdout + tested.stderr).toMatch(/Tests +3 passed/);
    expect(tested.status).toBe(0);
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const settings = language === 'typescript' ? 'tsconfig.json' : 'jsconfig.json';
    const checked = await node(folder, [compiler, '-p', settings]);
    expect(checked).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

test('the example of docs/authoring-javascript.md answers', async () => {
  const page = readFileSync(new URL('../../docs/authoring-javascript.md', import.meta.url), 'utf8');
  const [, example] = /^```typescript\n(.*?)^```$/ms.exec(page) ?? [];
  const { file } = await buildProject(project('typescript', example));
  const { kernel } = await testKernel();
  try {
    const module = await kernel.load(file);
    const agent = await kernel.spawn({ module, grants: { ipc: 'parent_only' } });
    expect(await agent.request('Ada')).toEqual({ tag: 'json', val: '{"hello":"Ada"}' });
    agent.stop();
    expect((await agent.exited).exit.reason).toBe('normal');
  } finally {
    await kernel.close();
  }
});

describe('what the engine gives', () => {
  let folder: string;

  beforeAll(async () => {
    folder = project(
      'typescript',
      [
        "import { AgentError, log, mailbox } from 'ringfence/javascript';",
        "import { log as plain } from 'ringfence:agent/log@0.1.0';",
        'const early = [Math.random(), Date.now(), new Date().getTime()].join();',
        'export function run(): void {',
        "  console.log('text', { a: [1, undefined] }, 2n);",
        "  log.warn('early ' + early);",
        "  plain('debug', [Math.random(), Date.now(), new Date() instanceof Date].join());",
        '  try {',
        '    mailbox.receive({ timeoutMs: 0 });',
        '  } catch (error) {',
        "    log.info([error instanceof AgentError, (error as AgentError).code].join(' '));",
        '  }',
        '  deeper();',
        '}',
        'interface OnlyForTypes { readonly lines: number }',
        'const limits: OnlyForTypes = { lines: 1 };',
        'function deeper(): never {',
        "  throw new RangeError('more than ' + limits.lines, { cause: new Error('the cause') });",
        '}',
        '',
      ].join('\n'),
    );
    await buildProject(folder);
  });

  test('console, errors of the host, and exceptions by lines of the source', async () => {
    const { status, stderr } = await ringfence(folder, 'run', 'build/agent.wasm');
    expect(status).toBe(1);
    expect(stderr).toContain('agent info text {"a":[1,null]} 2\n');
    expect(stderr).toContain('agent info true denied\n');
    expect(stderr).toContain('RangeError: more than 1');
    expect(stderr).toContain('at deeper (src/agent.ts:18)');
    expect(stderr).toContain('at run (src/agent.ts:13)');
    expect(stderr).toContain('caused by Error: the cause');
    expect(stderr).toContain('agent: error: more than 1\n');
    expect(stderr).not.toContain('globals');
  });

  test('clock and random numbers of the host when it runs, none of them when it is built', async () => {
    const runs = await Promise.all(
      [
        ['--seed', 'one'],
        ['--seed', 'one'],
        ['--seed', 'two'],
      ].map(async (seed) => {
        const { stderr } = await ringfence(folder, 'run', ...seed, 'build/agent.wasm');
        const [, random, now, isDate] = /debug (0\.\d+),(\d+),(true|false)/.exec(stderr) ?? [];
        const [, early] = /early (.*)/.exec(stderr) ?? [];
        return { random, now: Number(now), isDate, early };
      }),
    );
    const [first, again, other] = runs;
    expect(first?.now).toBeGreaterThan(Date.UTC(2026));
    expect(first?.isDate).toBe('true');
    expect(again?.random).toBe(first?.random);
    expect(other?.random).not.toBe(first?.random);
    expect(first?.early).toMatch(/^0\.\d+,0,0$/);
    expect(other?.early).toBe(first?.early);
  });
});

test('it asks for no more than its world, and what is granted to everybody', async () => {
  const { imports } = await buildProject(project('javascript'));
  const own = imports.filter((name) => !name.startsWith('wasi:'));
  expect(own).toEqual(
    ['types', 'process', 'timers', 'ipc', 'tools', 'log', 'capabilities'].map(
      (name) => `ringfence:agent/${name}@0.1.0`,
    ),
  );
  expect(imports.filter((name) => /sockets|http/.test(name))).toEqual([]);
  expect(imports).not.toContain('wasi:random/insecure-seed@0.2.12');
  expect(imports.filter((name) => name.startsWith('local:'))).toEqual([]);
});

test('in a world without the log, console goes to standard error', async () => {
  const folder = project('javascript', "export const run = () => { console.warn('grüße 🦊'); };\n");
  writeFileSync(
    join(folder, 'wit/agent.wit'),
    'package my:agent;\nworld bare { export run: func() -> result<_, string>; }\n',
  );
  await buildProject(folder);
  const { status, stderr } = await ringfence(folder, 'run', 'build/agent.wasm');
  expect(stderr).toBe('grüße 🦊\n');
  expect(status).toBe(0);
});

describe('what is wrong with the source', () => {
  test.each([
    ['its syntax', 'const x = ;', /^ringfence: src\/agent\.js:1:11: Unexpected token\.\n$/],
    [
      'an export that is missing',
      'export const walk = 1;',
      /^ringfence: src\/agent\.js: it does not export 'run', which the world 'agent' exports: /,
    ],
    [
      'a file that is not there',
      "import './other.js';\nexport const run = 1;",
      /^ringfence: src\/agent\.js:1:8: Could not resolve '\.\/other\.js': install its package/,
    ],
    [
      'an interface that the world has not',
      "export const run = 1;\nimport { x } from 'ringfence:agent/nothing';\nx();",
      /^ringfence: src\/agent\.js:2:19: the world 'agent' does not import 'ringfence:agent\/nothing': .*ringfence:agent\/log@0\.1\.0/,
    ],
    [
      'a module of Node',
      "import { readFileSync } from 'node:fs';\nexport const run = () => readFileSync('x');",
      /^ringfence: src\/agent\.js:1:30: 'node:fs' is a module of Node's/,
    ],
    [
      'an exception while it is built',
      "export const run = () => {};\nconst fail = () => {\n  throw new Error('too early');\n};\nfail();",
      /^ringfence: src\/agent\.js:3: Error: too early\.\n$/,
    ],
    [
      'a call of the host while it is built',
      "import { log } from 'ringfence/javascript';\nexport const run = () => {};\nlog.info('x');",
      /^ringfence: src\/agent\.js: it calls 'ringfence:agent\/log@0\.1\.0#log' while it is built/,
    ],
  ])('%s', async (_, text, said) => {
    const folder = project('javascript', text);
    const { status, stdout, stderr } = await ringfence(folder, 'build');
    expect(stderr).toMatch(said);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(existsSync(join(folder, 'build', 'agent.wasm'))).toBe(false);
  });

  test('what ringfence/javascript needs and the world has not', async () => {
    const folder = project('javascript');
    writeFileSync(
      join(folder, 'wit/agent.wit'),
      'package my:agent;\nworld bare { import ringfence:agent/log@0.1.0; export run: func(); }\n',
    );
    const { status, stderr } = await ringfence(folder, 'build');
    expect(stderr).toMatch(
      /^ringfence: src\/agent\.js: it uses 'ringfence:agent\/ipc' by ringfence\/javascript, which the world 'bare' does not import/,
    );
    expect(status).toBe(1);
  });

  test('an engine for a language that has none, and one that nobody knows', async () => {
    for (const [language, engine, said] of [
      ['assemblyscript', 'quickjs', 'ringfence.engine: assemblyscript runs without one'],
      ['javascript', 'v8', 'ringfence.engine: '],
    ] as const) {
      const folder = project(language);
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      manifest.ringfence.engine = engine;
      writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
      const { status, stderr } = await ringfence(folder, 'build');
      expect(stderr).toContain(said);
      expect(status).toBe(2);
    }
  });
});

test('an answer that is a promise is refused, as nothing waits for it', async () => {
  const folder = project('javascript', 'export async function run() {}\n');
  appendFileSync(join(folder, 'src/agent.js'), '// The end.\n');
  await buildProject(folder);
  const { status, stderr } = await ringfence(folder, 'run', 'build/agent.wasm');
  expect(stderr).toContain('an exported function answered a promise');
  expect(status).toBe(1);
});

test('the large engine waits for promises, and tells exceptions by lines of the source as well', async () => {
  const folder = project(
    'typescript',
    [
      "import { processes } from 'ringfence/javascript';",
      'export async function run(): Promise<void> {',
      '  console.log(new TextEncoder().encode(await Promise.resolve("ü")).length, processes.self());',
      '  fail();',
      '}',
      'function fail(): never {',
      "  throw new Error('on purpose');",
      '}',
      '',
    ].join('\n'),
  );
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.ringfence.engine = 'starlingmonkey';
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await buildProject(folder);
  const { status, stderr } = await ringfence(folder, 'run', 'build/agent.wasm');
  expect(stderr).toContain('agent info 2 1\n');
  expect(stderr).toContain('fail@src/agent.ts:7');
  expect(stderr).toContain('agent: error: on purpose\n');
  expect(status).toBe(1);
});

describe('an agent that others write to', () => {
  let kernel: Awaited<ReturnType<typeof testKernel>>['kernel'];
  let module: Awaited<ReturnType<typeof kernel.load>>;

  beforeAll(async () => {
    const folder = project(
      'javascript',
      [
        "import { Agent } from 'ringfence/javascript';",
        'class Mine extends Agent {',
        '  onRequest({ payload }) {',
        "    if (payload === 'slow') for (let round = 0; round < 3_000_000; round += 1) Math.abs(round);",
        "    return typeof payload === 'string' ? payload : 'not text';",
        '  }',
        '}',
        'export const run = () => new Mine().run();',
        '',
      ].join('\n'),
    );
    const { file } = await buildProject(folder);
    ({ kernel } = await testKernel());
    module = await kernel.load(file);
  });
  afterAll(() => kernel.close());

  test('lives on when who asked has gone, and says so', async () => {
    const lines: string[] = [];
    const agent = await kernel.spawn({
      module,
      grants: { ipc: 'parent_only' },
      onLog: ({ message }) => lines.push(message),
    });
    await expect(agent.request('slow', { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'RF_TIMEOUT',
    });
    expect(await agent.request('again', { timeoutMs: 60_000 })).toEqual({
      tag: 'text',
      val: 'again',
    });
    expect(lines).toEqual([expect.stringMatching(/^cannot reply: /)]);
    agent.stop();
    expect((await agent.exited).exit.reason).toBe('normal');
  });

  test('lives on when what is called JSON is none, or nests too deep', async () => {
    const agent = await kernel.spawn({ module, grants: { ipc: 'parent_only' } });
    for (const val of ['{', '['.repeat(100_000), '{"a":1}']) {
      expect(await agent.request({ tag: 'json', val }, { timeoutMs: 60_000 })).toEqual({
        tag: 'text',
        val: 'not text',
      });
    }
    agent.stop();
    expect((await agent.exited).exit.reason).toBe('normal');
  });

  test('needs neither clock nor random numbers unless it asks for them', async () => {
    const agent = await kernel.spawn({
      module,
      grants: { ipc: 'parent_only', clocks: false, random: false },
    });
    expect(await agent.request('hello', { timeoutMs: 60_000 })).toMatchObject({ val: 'hello' });
    agent.stop();
    expect((await agent.exited).exit.reason).toBe('normal');
  });
});

test('a command of WASI has the clock, random numbers and exceptions by lines, too', async () => {
  const folder = project(
    'typescript',
    [
      'export const run = {',
      '  run(): void {',
      '    console.log([Math.random(), Date.now()].join());',
      "    throw new RangeError('this far');",
      '  },',
      '};',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'wit/agent.wit'),
    'package my:agent;\nworld command { export wasi:cli/run@0.2.12; }\n',
  );
  await buildProject(folder);
  const drawn = new Set<string>();
  for (const seed of ['one', 'two']) {
    const { status, stderr } = await ringfence(folder, 'run', '--seed', seed, 'build/agent.wasm');
    const [, random = '', now] = /^(0\.\d+),(\d+)$/m.exec(stderr) ?? [];
    drawn.add(random);
    expect(Number(now)).toBeGreaterThan(Date.UTC(2026));
    expect(stderr).toContain('at run (src/agent.ts:4)');
    // The world's result has no text for it.
    expect(status).toBe(134);
  }
  expect(drawn.size).toBe(2);
});
