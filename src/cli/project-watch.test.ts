/**
 * Goal: each change of a source is told, once, however an editor writes it, and nothing else is. Method: a real
 * folder and the real watcher; a marker file that is written after what must not be told shows that it was not.
 */

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ProjectWatch } from './project-watch.ts';

let folder: string;
let watch: ProjectWatch;
const at = (path: string): string => join(folder, path);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-watch-'));
  for (const name of ['src', 'build', 'node_modules']) mkdirSync(at(name));
  for (const name of ['src/agent.ts', 'src/old.ts', 'ringfence.toml']) writeFileSync(at(name), '');
  watch = await ProjectWatch.open(folder, (error) => {
    throw error;
  });
});
afterEach(async () => {
  await watch.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Paths that are told until one of them is there. */
async function toldUntil(path: string): Promise<string[]> {
  const told: string[] = [];
  while (!told.includes(path)) told.push(...(await watch.next()).paths);
  return told;
}

test('a file that is written, one that is new and one that is deleted are told', async () => {
  writeFileSync(at('src/agent.ts'), 'a');
  await toldUntil('src/agent.ts');
  mkdirSync(at('wit/deps'), { recursive: true });
  writeFileSync(at('wit/deps/agent.wit'), '');
  await toldUntil('wit/deps/agent.wit');
  rmSync(at('src/old.ts'));
  await toldUntil('src/old.ts');
});

test('a file that another is put in the place of is told, again and again', async () => {
  for (let time = 0; time < 3; time += 1) {
    writeFileSync(at('src/agent.ts.new'), `${time}`);
    renameSync(at('src/agent.ts.new'), at('src/agent.ts'));
    await toldUntil('src/agent.ts');
  }
});

test('what is built, installed or hidden is no source', async () => {
  for (const path of ['build/a.wasm', 'node_modules/b', '.git', 'src/.agent.ts.swp', 'src/a.ts~']) {
    writeFileSync(at(path), '');
  }
  writeFileSync(at('ringfence.toml'), 'version = 1');
  expect(await toldUntil('ringfence.toml')).toEqual(['ringfence.toml']);
});

test('files that change together are told together, also when nobody has asked yet', async () => {
  for (let index = 0; index < 20; index += 1) writeFileSync(at(`src/${index}.ts`), '');
  const told = await toldUntil('src/19.ts');
  expect(new Set(told)).toEqual(
    new Set(Array.from({ length: 20 }, (_, index) => `src/${index}.ts`)),
  );
});
