/**
 * Family 46: output, log lines and names. Goal: a flood is bounded and ends, and nothing that a guest
 * writes, logs, returns or is called acts on the operator's terminal. Method: floods beside a neighbour;
 * then the real command line under a terminal of util-linux's `script`, and the same without one.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAUNCHER, ROOT, ringfence } from '../cli/ringfence.ts';
import { actsOf, useFence } from './support/fence.ts';
import { agentOf, escaped, GuestText, importText, PLACE } from './support/guest-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;

const text = new GuestText()
  .use('wasi:cli/stdout', 'get-stdout', '$get_stdout')
  .use('wasi:cli/stderr', 'get-stderr', '$get_stderr')
  .use('wasi:io/streams', '[method]output-stream.check-write', '$check_write')
  .use('wasi:io/streams', '[method]output-stream.write', '$write')
  .use('wasi:io/streams', '[method]output-stream.blocking-write-and-flush', '$write_all');
const run = actsOf(fence, text);

describe('family 46: floods', () => {
  const some = text.text('some words');
  const write = (at: number, bytes: number) =>
    `(call $write_all (local.get $i) (i32.const ${at}) (i32.const ${bytes}) (i32.const ${PLACE}))`;
  const log = (bytes: number) =>
    `(memory.fill (i32.const 524288) (i32.const 0x61) (i32.const ${bytes}))
     (call $say (i32.const 524288) (i32.const ${bytes}))`;
  for (const stream of ['stdout', 'stderr']) {
    text
      .act(
        `${stream}: a flood`,
        `(local.set $i (call $get_${stream})) (loop $l ${write(0, 4096)} (br $l))`,
      )
      .act(
        `${stream}: a little`,
        `(local.set $i (call $get_${stream})) ${write(some.at, some.bytes)}`,
      )
      .act(
        `${stream}: a flood that does not wait`,
        `(local.set $i (call $get_${stream}))
         (loop $l
           (call $check_write (local.get $i) (i32.const ${PLACE}))
           (call $write (local.get $i) (i32.const 0)
             (i32.wrap_i64 (i64.load offset=8 (i32.const ${PLACE}))) (i32.const ${PLACE}))
           (br $l))`,
      );
  }
  text
    .act('log: a flood', `(loop $l ${log(65_536)} (br $l))`)
    .act('log: a flood of nothing', '(loop $l (call $say (i32.const 0) (i32.const 0)) (br $l))')
    .act('log: a little', `(call $say ${some.operands})`)
    .act('log: a long line', log(100_000));

  it.each(['stdout', 'stderr'])(
    '46: a flood of %s ends by fuel, and keeps a MiB',
    async (stream) => {
      for (const act of [`${stream}: a flood`, `${stream}: a flood that does not wait`]) {
        const { report, agent } = await run(act, { limits: { fuel: 3_000_000 } });
        expect(report.exit.reason).toBe('fuel');
        expect(agent[stream as 'stdout'].length).toBeLessThanOrEqual(MEBIBYTE);
        expect(agent[stream as 'stdout'].length).toBeGreaterThan(4096);
      }
      const { agent } = await run(`${stream}: a little`);
      expect(Buffer.from(agent[stream as 'stdout']).toString()).toBe('some words');
    },
  );

  it('46: a reader that takes nothing bounds what is written, and the neighbour goes on', async () => {
    let bytes = 0;
    const taken = Promise.withResolvers<void>();
    const agent = await run.start('stdout: a flood that does not wait', {
      stdout: (chunk) => {
        bytes += chunk.length;
        return taken.promise;
      },
      limits: { wallTimeMs: 300 },
    });
    await fence().everybodyIsWell();
    setTimeout(taken.resolve, 400);
    expect((await agent.exited).exit.reason).toBe('timeout');
    expect(bytes).toBeLessThanOrEqual(2 * 64 * 1024);
  });

  it('46: a flood of the log ends by fuel, in lines of at most 8,192 characters', async () => {
    for (const act of ['log: a flood', 'log: a flood of nothing']) {
      const flood = run(act, { limits: { fuel: 1_000_000 } });
      await fence().everybodyIsWell();
      const { report, said } = await flood;
      expect(report.exit.reason).toBe('fuel');
      expect(said.length).toBeGreaterThan(0);
      expect(Math.max(...said.map((line) => line.length))).toBeLessThanOrEqual(8192);
    }
    expect((await run('log: a little')).said).toEqual(['some words']);
    expect((await run('log: a long line')).said).toEqual(['a'.repeat(8192)]);
  });
});

/** Whether there is util-linux's `script`, which makes a terminal. */
const HAS_SCRIPT = spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0;
if (!HAS_SCRIPT) {
  console.warn("No terminal can be made without util-linux's `script`: its tests are skipped.");
}

/** What a terminal would act on: erase, title, clipboard, links, bells, C1 controls, directions. */
const ACTS_ON_TERMINALS = [
  '\u001b[2J\u001b[1;1H',
  '\u001b]0;title\u0007',
  '\u001b]52;c;ZXZpbA==\u0007',
  '\u001b]8;;http://example.org\u001b\\link\u001b]8;;\u001b\\',
  '\u001bP$q"p\u001b\\',
  '\u009b31m\u009d0;title\u009c',
  'over\rwritten\b\b\b',
  '\u202egnp.exe\u2066',
  '\u007f\u0000\u000e',
].join(' ');
const RAW_C1 = Uint8Array.of(0x9b, 0x33, 0x31, 0x6d);
/** What is left on a terminal: line ends and tabs are all that moves anything. */
const MOVES = /(?![\r\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028]/u;

describe('family 46: the operator’s terminal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-terminal-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const module = join(directory, 'na\u001b[2Jme\nof a file\u009b31m.wasm');
  beforeAll(async () => {
    const said = Buffer.concat([Buffer.from(`plain words ${ACTS_ON_TERMINALS} `), RAW_C1]);
    const logged = Buffer.from(`a logged line ${ACTS_ON_TERMINALS}\nand more`);
    const returned = Buffer.from(`what it returned ${ACTS_ON_TERMINALS}\nand more`);
    const write = (stream: string) =>
      `(call $write (call $get_${stream}) (i32.const 1024) (i32.const ${said.length}) (i32.const 16))`;
    const component = await agentOf(`(module
      ${importText('wasi:cli/stdout', 'get-stdout', '$get_stdout')}
      ${importText('wasi:cli/stderr', 'get-stderr', '$get_stderr')}
      ${importText('wasi:io/streams', '[method]output-stream.blocking-write-and-flush', '$write')}
      ${importText('ringfence:agent/log', 'log', '$log')}
      (memory (export "memory") 1)
      (data (i32.const 1024) "${escaped(said)}")
      (data (i32.const 2048) "${escaped(logged)}")
      (data (i32.const 3072) "${escaped(returned)}")
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 512))
      (func (export "run") (result i32)
        ${write('stdout')} ${write('stderr')}
        (call $log (i32.const 2) (i32.const 2048) (i32.const ${logged.length}))
        (i32.store (i32.const 64) (i32.const 1))
        (i32.store (i32.const 68) (i32.const 3072))
        (i32.store (i32.const 72) (i32.const ${returned.length}))
        (i32.const 64)))`);
    writeFileSync(module, component);
  });

  const quotedForShell = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

  /** Runs the command line with a terminal for its three streams; all that the terminal was sent. */
  async function onTerminal(args: readonly string[]): Promise<string> {
    const command = [process.execPath, LAUNCHER, ...args].map(quotedForShell).join(' ');
    const script = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: ROOT,
      // The line that shows the progress of preparing is ringfence's own, and made of escapes.
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    script.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve, reject) => {
      script.on('error', reject);
      script.on('close', resolve);
    });
    return Buffer.concat(chunks).toString('utf8');
  }
  it.skipIf(!HAS_SCRIPT).each([
    ['its output, its log, its error and its name', ['run', '--'], 'what it returned'],
    ['its report', ['run', '--json'], 'what it returned'],
    ['its report behind the output', ['run', '--report', '-'], 'what it returned'],
    ['what is told of it', ['inspect'], 'ringfence:agent'],
    ['what is told of it as JSON', ['inspect', '--json'], 'ringfence:agent'],
  ])('46: %s: nothing acts on the terminal', async (_, options, expected) => {
    const shown = await onTerminal([...options.filter((word) => word !== '--'), module]);
    expect(shown).toContain(expected);
    if (options[0] === 'run') {
      expect(shown).toContain('plain words');
      expect(shown).toContain('a logged line');
    }
    expect(shown).not.toMatch(MOVES);
    // A line of its own is begun by nobody but ringfence and the guest's own output.
    expect(shown).not.toMatch(/^and more/m);
    expect(shown).not.toMatch(/^of a file/m);
  });

  it('46: where there is no terminal the guest’s bytes pass as they are', async () => {
    const outcome = await ringfence(['run', module]);
    expect(outcome.stdout).toContain(ACTS_ON_TERMINALS);
    expect(outcome.stderr).toContain('plain words');
    const logged = outcome.stderr.split('\n').find((line) => line.includes('a logged line'));
    expect(logged).not.toMatch(MOVES);
  });
});
