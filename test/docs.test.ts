/**
 * Goal: what the pages library, serve, mcp, tools, network, debugging, opentelemetry, replay and testing of docs/ show is what
 * happens. Method: each of their examples is run as a program of its own, beside the built guests; where the page
 * shows an output, it must be that.
 */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guest } from './support/kernel.ts';

const page = [
  'library',
  'serve',
  'mcp',
  'tools',
  'network',
  'debugging',
  'opentelemetry',
  'replay',
  'testing',
]
  .map((name) => readFileSync(new URL(`../docs/${name}.md`, import.meta.url), 'utf8'))
  .join('\n');
/** Entries of the package, and where they are. */
const ENTRIES: Readonly<Record<string, string>> = {
  ringfence: new URL('../src/index.ts', import.meta.url).href,
  'ringfence/test': new URL('../src/testing/index.ts', import.meta.url).href,
};

interface Example {
  readonly title: string;
  readonly source: string;
  readonly output: string | null;
}

const examples: Example[] = [
  ...page.matchAll(/^## (.+)$|```ts\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/gm),
].reduce<{ title: string; found: Example[] }>(
  ({ title, found }, [, heading, source, output]) =>
    source === undefined
      ? { title: heading ?? title, found }
      : { title, found: [...found, { title, source, output: output ?? null }] },
  { title: '', found: [] },
).found;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-docs-'));
  for (const name of [
    'word-count',
    'endless-loop',
    'hello',
    'tool-user',
    'chat',
    'puppet',
    'web-hello',
    'recursion',
    'exit-code',
  ]) {
    symlinkSync(guest(name), join(folder, `${name}.wasm`));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the page has its examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

const words = (text: string): string =>
  text
    .trim()
    .replace(/[ \t]+/g, ' ')
    .replace(/\n /g, '\n');

/** A program in that folder finds no package by its name. */
const withAddresses = (source: string): string =>
  source.replace(/(?<= from )'(ringfence(?:\/test)?|@[\w/-]+)'/g, (_, name) =>
    JSON.stringify(ENTRIES[name] ?? import.meta.resolve(name)),
  );

test.each(examples)('$title', async ({ source, output }) => {
  const file = join(folder, 'example.mts');
  writeFileSync(file, withAddresses(source));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, RINGFENCE_CACHE: join(folder, 'cache') },
  });
  expect(stderr).toBe('');
  expect(stdout).not.toBe('');
  if (output !== null) {
    expect(words(stdout)).toBe(words(output));
  }
});
