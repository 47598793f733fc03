/**
 * Goal: `ringfence dev` builds and runs a project, again at each change, whatever state its source is in
 * meanwhile, and leaves nothing running. Method: the real command line on a real project, edited as people do;
 * what it says on standard error is waited for.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createProject } from '../../src/kit/index.ts';
import { childrenOf, type Started, start, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

/** Several builds on a machine that has others to serve. */
const PATIENT_MS = 400_000;

/** What is not ended by its test is ended with it. */
function started(...args: string[]): Started {
  const dev = start(['dev', ...args]);
  onTestFinished(() => void dev.child.kill('SIGKILL'));
  return dev;
}

/** As editors do that never leave half a file: another file is put in its place. */
function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(`${file}.new`, text.replaceAll(from, to));
  renameSync(`${file}.new`, file);
}

test(
  'it builds and runs a project, and again at each change, until Ctrl-C',
  async () => {
    const { folder } = createProject(join(scratch.path, 'watched'), 'assemblyscript');
    const source = join(folder, 'src/agent.ts');
    const policy = join(folder, 'ringfence.toml');
    const dev = started(folder, '--', 'first');
    await dev.untilStderrHas('watched info hello from inside the fence');
    await dev.untilStderrHas('dev: waiting for changes');

    // A wrong source is told with its place; what stands in tests is nobody's business.
    edit(source, 'countWords(text.value)}', 'countWordz(text.value)}');
    await dev.untilStderrHas("Cannot find name 'countWordz'");
    await dev.untilStderrHas('dev: the build failed: waiting for changes');

    // A change while it builds begins anew: only the last text is ever run.
    edit(source, 'countWordz(text.value)}', 'countWords(text.value)}');
    edit(source, 'hello from inside', 'one moment inside');
    await dev.untilStderrHas('src/agent.ts');
    edit(source, 'one moment inside', 'good day inside');
    mkdirSync(join(folder, 'wit/deps'), { recursive: true });
    rmSync(join(folder, 'README.md'));
    await dev.untilStderrHas('watched info good day inside the fence');

    // Its policy needs no build.
    edit(policy, 'fuel = 100_000_000', 'fuel = 10');
    await dev.untilStderrHas('ringfence.toml');
    await dev.untilStderrHas('watched used up its 10 units');

    dev.child.kill('SIGINT');
    const { status, stdout, stderr } = await dev.ended;
    expect(status).toBe(130);
    expect(stdout).toBe('');
    // No terminal: no escape sequences.
    expect(stderr).not.toContain('\u001b');
    expect(stderr).not.toContain('one moment inside');
    expect(stderr.match(/^dev: built build\/watched\.wasm in [\d.]+ s$/gm)?.length).toBe(2);
  },
  PATIENT_MS,
);

test(
  'Ctrl-C in the middle of a build leaves no compiler behind',
  async () => {
    const { folder } = createProject(join(scratch.path, 'interrupted'), 'assemblyscript');
    const dev = started(folder);
    const pid = dev.child.pid as number;
    await expect.poll(() => childrenOf(pid).length).toBeGreaterThan(0);
    const builders = childrenOf(pid);
    dev.child.kill('SIGINT');
    expect((await dev.ended).status).toBe(130);
    await expect.poll(() => builders.filter(isBuilder)).toEqual([]);
  },
  PATIENT_MS,
);

/** Whether a pid is still that of a build: another process may have it by now. */
function isBuilder(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('build\0--json');
  } catch {
    return false;
  }
}

test('no project is told in a sentence', async () => {
  const { status, stderr } = await start(['dev', scratch.path]).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(/^ringfence: There is no project in .*\n$/);
});
