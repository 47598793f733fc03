/**
 * The console examples of the README, docs/cli.md, docs/debugging.md and docs/authoring.md do what the pages say. Lines that begin with
 * `$ ` are run by a shell, in the project's folder; what follows is what they print, where `…` stands
 * for anything. Blocks that show how a command is written have no output and are left out.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAUNCHER, ROOT, temporaryDirectory } from './ringfence.ts';

interface Example {
  readonly command: string;
  readonly output: string;
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```console\n(.*?)^```$/gms)]
    .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
    .map((example) => {
      const lineEnd = example.indexOf('\n');
      return { command: example.slice(0, lineEnd), output: example.slice(lineEnd + 1) };
    })
    .filter(({ output }) => output !== '');
}

/** A pattern for an output with `…` in it; on a line of its own it stands for any lines. */
function patternOf(output: string): RegExp {
  const pattern = output
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/^…\n/gm, '(?:.*\n)*')
    .replaceAll('…', '.*');
  return new RegExp(`^${pattern}$`);
}

const programs = temporaryDirectory();

beforeAll(() => {
  const launch = `exec '${process.execPath}' '${LAUNCHER}' "$@"`;
  const scripts = { ringfence: launch, npx: `shift; ${launch}` };
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(programs.path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(programs.path, name), 0o755);
  }
});
afterAll(() => programs.remove());

describe.each(['README.md', 'docs/cli.md', 'docs/debugging.md', 'docs/authoring.md'])(
  '%s',
  (page) => {
    test.each(examplesOf(page))('$command', ({ command, output }) => {
      const printed = execFileSync('sh', ['-c', `{ ${command}\n} 2>&1; true`], {
        cwd: ROOT,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${programs.path}${delimiter}${process.env.PATH}` },
      });
      expect(printed).toMatch(patternOf(output));
    });

    test('has examples', () => {
      expect(examplesOf(page).length).toBeGreaterThan(0);
    });
  },
);
