/**
 * docs/tutorial.md does what it says, from an empty directory. Its commands are run by a shell, in order, each in
 * the directory where the one before has left off; a block behind a line that ends with a path and a colon is
 * written to that file. `…` stands for anything in what is printed. Packages that npm would install are linked, for
 * ringfence is not published while it is tested.
 */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LAUNCHER, ROOT, temporaryDirectory } from './ringfence.ts';

// Two builds and vitest, on a machine that has others to serve.
vi.setConfig({ testTimeout: 300_000 });

type Step =
  | { readonly kind: 'command'; readonly command: string; readonly output: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string };

const page = readFileSync(join(ROOT, 'docs/tutorial.md'), 'utf8');
const BLOCK = /(?:`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```$/gms;

const steps: Step[] = [...page.matchAll(BLOCK)].flatMap(([, path, language, text = '']): Step[] => {
  if (language !== 'console') return [{ kind: 'file', path: path ?? '', text }];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((example) => {
      const end = example.indexOf('\n');
      return { kind: 'command', command: example.slice(0, end), output: example.slice(end + 1) };
    });
});

const scratch = temporaryDirectory();
const programs = join(scratch.path, 'programs');
let directory = join(scratch.path, 'empty');

beforeAll(() => {
  for (const path of [programs, directory]) mkdirSync(path);
  const scripts = {
    // Vitest's five seconds for a test are few on a machine that has others to serve.
    npx: `shift; [ "$1" = test ] && set -- test -- --test-timeout=120000; exec '${process.execPath}' '${LAUNCHER}' "$@"`,
    node: `exec '${process.execPath}' "$@"`,
    npm: `exec '${process.execPath}' '${join(programs, 'install.mjs')}'`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  writeFileSync(join(programs, 'install.mjs'), `console.log('installed');\n`);
});
afterAll(() => scratch.remove());

/** What `npm install` puts into a project: its packages, and ringfence as it is here. */
function install(folder: string): void {
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'ringfence');
  mkdirSync(own, { recursive: true });
  symlinkSync(join(ROOT, 'src'), join(own, 'src'));
  const exports = { '.': './src/index.ts', './test': './src/testing/index.ts' };
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'ringfence', exports }));
  for (const name of ['vitest', 'vite', 'assemblyscript']) {
    const installed = join(ROOT, 'node_modules', name);
    if (existsSync(installed)) symlinkSync(installed, join(modules, name));
  }
}

/** A pattern for an output with `…` in it; on a line of its own it stands for any lines. */
function patternOf(output: string): RegExp {
  const pattern = output
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/^…\n/gm, '(?:.*\n)*')
    .replace(/^…/gm, '(?:.*\n)*?.*?')
    .replaceAll('…', '.*');
  return new RegExp(`^${pattern}$`);
}

function run(command: string, output: string): void {
  const printed = execFileSync('sh', ['-c', `{ ${command}\n} 2>&1; true`], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH}`, NO_COLOR: '1' },
  });
  expect(stripVTControlCharacters(printed)).toMatch(patternOf(output));
}

test('the page has commands and files', () => {
  expect(steps.filter(({ kind }) => kind === 'command').length).toBeGreaterThan(6);
  expect(steps.flatMap((step) => (step.kind === 'file' ? [step.path] : []))).toEqual([
    'src/agent.ts',
    'ringfence.toml',
    'test/agent.test.ts',
    'main.ts',
  ]);
});

test.each(steps.map((step) => [step.kind === 'file' ? step.path : step.command, step] as const))(
  '%s',
  (_, step) => {
    if (step.kind === 'file') {
      writeFileSync(join(directory, step.path), step.text);
      return;
    }
    const [, into] = /^cd ([\w-]+) && npm install$/.exec(step.command) ?? [];
    run(step.command, step.output);
    if (into !== undefined) {
      directory = join(directory, into);
      install(directory);
    }
  },
);
