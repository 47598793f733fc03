/**
 * Goal: the examples of docs/authoring.md and docs/authoring-assemblyscript.md are what they claim to be. Method:
 * WIT and agents are taken out of the pages, compiled, and run by a kernel; jco's glue asks for the resource.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../src/kit/build/make-component.ts';
import { generateBindings } from '../../src/kit/index.ts';
import { readWitFolder } from '../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { buildAgent } from './sdk/build.ts';

const pageOf = (name: string) =>
  readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
const SDK = pageOf('authoring-assemblyscript');
const blocksIn = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, block = '']) => block,
  );
/** What stands under a heading, to the next one of that level or above. */
function sectionOf(page: string, heading: string): string {
  const start = page.indexOf(`\n${heading}\n`);
  expect(start).toBeGreaterThan(0);
  const marks = heading.slice(0, heading.indexOf(' '));
  const rest = page.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{2,${marks.length}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}
const EXAMPLES = sectionOf(pageOf('authoring'), '### An agent');

let folder: string;
let wit: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-authoring-'));
  wit = join(folder, 'agent.wit');
  writeFileSync(wit, blocksIn(EXAMPLES, 'wit')[0] ?? '');
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
  const component = await build(blocksIn(EXAMPLES, 'ts')[0] ?? '', 'greeter');
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
  const component = await build(blocksIn(EXAMPLES, 'ts')[1] ?? '', 'counter');
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

describe('the SDK', () => {
  const PATIENCE = 120_000;
  let host: TestKernel;
  beforeAll(async () => {
    host = await testKernel({
      onMessage: ({ reply }) => void reply?.({ tag: 'text', val: 'nothing' }),
    });
  });
  afterAll(() => host.kernel.close());

  /** The only example under a heading. */
  async function moduleOf(heading: string) {
    const [source = '', ...more] = blocksIn(sectionOf(SDK, heading), 'ts');
    expect(more).toEqual([]);
    const name = heading.replace(/\W+/g, '-');
    return host.kernel.load(await buildAgent(folder, name, source), { name });
  }
  const messages = () => host.lines.map(({ message }) => message);

  test(
    'the agent greets, and says goodbye',
    async () => {
      const module = await moduleOf('## The agent');
      const agent = await host.kernel.spawn({ module, grants: { ipc: 'parent_only' } });
      expect(await agent.request('Ada')).toEqual({ tag: 'text', val: 'hello Ada' });
      agent.stop();
      expect((await agent.exited).exit.reason).toBe('normal');
      expect(messages()).toContain('goodbye');
    },
    PATIENCE,
  );

  test(
    'messages go both ways',
    async () => {
      const module = await moduleOf('## Messages');
      const agent = await host.kernel.spawn({ module, grants: { ipc: 'all' } });
      await agent.send('this');
      expect((await agent.exited).exit.reason).toBe('normal');
      const mute = await host.kernel.spawn({ module });
      expect((await mute.exited).exit).toMatchObject({
        reason: 'error',
        message: expect.stringContaining('denied: '),
      });
    },
    PATIENCE,
  );

  test(
    'the tool is called, and what it answers is typed',
    async () => {
      const module = await moduleOf('## Tools and JSON');
      let sum: unknown = 42;
      host.kernel.registerTool({ name: 'add', description: 'Adds.' }, async () => ({ sum }));
      const run = async () =>
        (await host.kernel.spawn({ module, grants: { tools: ['add'] } })).exited;
      expect((await run()).exit.reason).toBe('normal');
      expect(messages()).toContain('the sum is 42');
      sum = 2 ** 31;
      expect((await run()).exit.message).toContain(
        "'sum' is wrong: it is 2147483648, not of the type i32",
      );
    },
    PATIENCE,
  );

  test(
    'the worker is watched',
    async () => {
      const module = await moduleOf('## Timers and other agents');
      const grants = { ipc: 'all', spawn: 1 } as const;
      const without = await host.kernel.spawn({ module, grants });
      expect((await without.exited).exit.message).toContain('not-found: ');
      const worker = await buildAgent(
        folder,
        'worker',
        blocksIn(sectionOf(SDK, '## The agent'), 'ts')[0] ?? '',
      );
      await host.kernel.load(worker, { name: 'worker' });
      const watcher = await host.kernel.spawn({ module, grants });
      const child = () => host.kernel.list().find(({ agentId }) => agentId === 'worker');
      await expect.poll(child).toBeDefined();
      host.kernel.agent(child()?.pid ?? 0).stop();
      expect((await watcher.exited).exit.reason).toBe('normal');
      expect(messages()).toContain('the worker has ended: normal');
    },
    PATIENCE,
  );
});
