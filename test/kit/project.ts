/** Projects in directories of a test's own, and the real command line that is called in them. */

import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import { createProject, type Language } from '../../src/kit/index.ts';
import { LAUNCHER, ROOT } from '../cli/ringfence.ts';

/** What became of a program. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of Node in a directory. */
export async function node(
  cwd: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const env = { ...process.env, ...variables };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, env });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

/** Runs the command line in a directory. */
export const ringfence = (cwd: string, ...args: string[]): Promise<Outcome> =>
  node(cwd, [LAUNCHER, ...args]);

/** The same with variables of the environment. */
export const ringfenceWith = (
  variables: Readonly<Record<string, string>>,
  cwd: string,
  ...args: string[]
): Promise<Outcome> => node(cwd, [LAUNCHER, ...args], variables);

/** A new project below `parent`, in a directory of its own. */
export function project(parent: string, name: string, language: Language): string {
  const folder = join(parent, `of-${name}-${readdirSync(parent).length}`);
  return createProject(join(folder, name), language).folder;
}

/** Puts other text into a file of the project. */
export function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

/** Puts ringfence into a folder as it is published. Each has its own: another test file may build too. */
async function publish(folder: string): Promise<void> {
  mkdirSync(folder);
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const name of ['bin', 'wit', 'templates', 'node_modules']) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  const { status, stdout, stderr } = await node(ROOT, ['scripts/build.ts', join(folder, 'dist')]);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
}

/**
 * Runs the tests that the project brings by `ringfence test`, with packages as npm would install them: ringfence as
 * it is published.
 */
export async function testProject(
  folder: string,
  packages: readonly string[] = [],
): Promise<Outcome> {
  mkdirSync(join(folder, 'node_modules'));
  await publish(join(folder, 'node_modules', 'ringfence'));
  for (const name of ['vitest', 'vite', ...packages]) {
    const installed = join(ROOT, 'node_modules', name);
    if (existsSync(installed)) symlinkSync(installed, join(folder, 'node_modules', name));
  }
  const { status, stdout, stderr } = await ringfence(
    folder,
    'test',
    // Vitest's five seconds for a test are few on a machine that has others to serve.
    '--',
    '--test-timeout=120000',
  );
  return {
    status,
    stdout: stripVTControlCharacters(stdout),
    stderr: stripVTControlCharacters(stderr),
  };
}

/** What TypeScript says of the project's own files, as an editor would show it. */
export const checkTypes = (folder: string): Promise<Outcome> =>
  node(folder, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'src']);
