/**
 * Goal: the example of docs/authoring.md is what it claims to be. Method: its WIT and its agent are taken out of
 * the page, compiled, and run by a kernel; jco's glue asks for its resource.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { generateBindings } from '../../src/kit/index.ts';
import { readWitFolder } from '../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { testKernel } from '../support/kernel.ts';

const page = readFileSync(new URL('../../docs/authoring.md', import.meta.url), 'utf8');
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  );

let folder: string;
let wit: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-authoring-'));
  wit = join(folder, 'agent.wit');
  writeFileSync(wit, blocksOf('wit')[0] ?? '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The component of one of the page's sources. */
async function build(source: string, worldName: string): Promise<Uint8Array> {
  const file = join(folder, `${worldName}.ts`);
  writeFileSync(file, source);
  const world = await resolveWorld(readWitFolder(wit), worldName);
  const bindings = join(folder, `${worldName}-bindings`);
  const { core } = await compileAssemblyScript({ file, world, folder: bindings, base: folder });
  const { witSource } = world;
  return componentFromCore(core, { world: worldName, stringEncoding: 'utf16', file, witSource });
}

test('the agent runs in its fence', async () => {
  const component = await build(blocksOf('ts')[0] ?? '', 'greeter');
  const { kernel, lines } = await testKernel();
  try {
    const module = await kernel.load(component);
    const named = await kernel.spawn({ module, environment: { NAME: 'Ada' } });
    expect((await named.exited).exit.reason).toBe('normal');
    expect(lines.map(({ message }) => message)).toEqual(['hello Ada']);
    const nameless = await kernel.spawn({ module });
    expect((await nameless.exited).exit.reason).toBe('error');
  } finally {
    await kernel.close();
  }
}, 120_000);

test('others can ask for its resource', async () => {
  const component = await build(blocksOf('ts')[1] ?? '', 'counter');
  const { files } = await transpile(component, { name: 'agent', instantiation: 'async' });
  const glue = join(folder, 'agent.mjs');
  writeFileSync(glue, files['agent.js'] as Uint8Array);
  const { instantiate } = await import(pathToFileURL(glue).href);
  const { tallies } = await instantiate(
    (name: string) => new WebAssembly.Module(new Uint8Array(files[name] ?? [])),
    {},
  );
  const tally = new tallies.Tally(['pear']);
  expect(tally.add('apple')).toEqual({ name: 'apple', count: 1 });
  expect(tally.add('apple')).toEqual({ name: 'apple', count: 2 });
  expect(tally.all()).toEqual([
    { name: 'pear', count: 1 },
    { name: 'apple', count: 2 },
  ]);
}, 120_000);

test('the comments of the WIT stand in the bindings', async () => {
  const { files } = await generateBindings({ wit, world: 'counter' });
  const tallies = files.get('exports/my/agent/tallies.ts');
  expect(tallies).toContain('/** Where things are counted. */');
  expect(tallies).toContain('/** What it is called. */\n    public name: string,');
  expect(tallies).toContain('/** Adds one, and answers how much there is now. */\n  abstract add(');
});
