/**
 * Goal: names of WIT that JavaScript keeps for itself are exported, imported and typed, and two names that would
 * be one are refused with both. Method: worlds of such names, built by both engines, called by jco's glue and
 * checked by TypeScript.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { ENGINES } from '../../src/kit/javascript/engines.ts';
import { ROOT } from '../cli/ringfence.ts';
import { node, project as projectIn, ringfence } from './project.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ringfence-names-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// A build takes two seconds alone, and most of a minute beside seven other things.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** A project in TypeScript for a world of this text. */
function project(wit: string, agent: string, engine: string = ENGINES[0]): string {
  const folder = projectIn(scratch, 'agent', 'typescript');
  writeFileSync(join(folder, 'wit/agent.wit'), wit);
  writeFileSync(join(folder, 'src/agent.ts'), agent);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.ringfence.engine = engine;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return folder;
}

/** What the guest exports. */
interface Guest {
  readonly verbs: { delete(what: string): string; in(): string };
  delete(): string;
  default(one: string, other: string): string;
}

async function instantiate(folder: string, file: string): Promise<Guest> {
  const { files } = await transpile(readFileSync(file), {
    name: 'guest',
    instantiation: 'async',
    noTypescript: true,
  });
  const glue = join(folder, 'guest.mjs');
  writeFileSync(glue, files['guest.js'] as Uint8Array);
  const { instantiate: run } = await import(pathToFileURL(glue).href);
  const wasi = new WASIShim({
    sandbox: { preopens: {}, env: {}, args: [], enableNetwork: false },
  }).getImportObject();
  return run((path: string) => new WebAssembly.Module(new Uint8Array(files[path] ?? [])), {
    ...wasi,
    'my:host/words': { delete: (what: string) => `host deletes ${what}` },
    class: { default: () => 'a class of the host' },
  });
}

const RESERVED = `package my:agent;

world words {
  import my:host/words;
  import class: func() -> string;
  export verbs: interface {
    delete: func(new: string) -> string;
    in: func() -> string;
  }
  export delete: func() -> string;
  export default: func(class: string, %static: string) -> string;
}

package my:host {
  interface words { delete: func(what: string) -> string; }
}
`;

const AGENT = `import hostClass from 'class';
import { delete as hostDelete } from 'my:host/words';

export const verbs: typeof import('exports/verbs') = {
  delete: (what) => hostDelete(what),
  in: () => hostClass(),
};
const remove: typeof import('exports/world').delete = () => 'deleted';
const usual: typeof import('exports/world').default = (one, other) => one + other;
export { remove as delete, usual as default };
`;

test('reserved words are exported, imported and typed by quickjs', async () => {
  const folder = project(RESERVED, AGENT);
  const { file } = await buildProject(folder);
  const guest = await instantiate(folder, file);
  expect(guest.verbs.delete('this')).toBe('host deletes this');
  expect(guest.verbs.in()).toBe('a class of the host');
  expect(guest.delete()).toBe('deleted');
  expect(guest.default('a', 'b')).toBe('ab');
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  expect(await node(folder, [compiler, '-p', '.'])).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('of functions by reserved words, starlingmonkey exports those of interfaces alone', async () => {
  const refused = project(RESERVED, AGENT, 'starlingmonkey');
  await expect(buildProject(refused)).rejects.toMatchObject({
    code: 'RF_MODULE_INVALID',
    message: expect.stringContaining(
      "the world 'words' exports a function 'delete', a name that the engine starlingmonkey can't export",
    ),
  });
  const folder = project(
    RESERVED.replace('export delete: func() -> string;', ''),
    AGENT.replace(/.*const remove.*\n/, '').replace('remove as delete, ', ''),
    'starlingmonkey',
  );
  const { file } = await buildProject(folder);
  const guest = await instantiate(folder, file);
  expect(guest.verbs.delete('this')).toBe('host deletes this');
  expect(guest.default('a', 'b')).toBe('ab');
});

test('a reserved word that is not exported is told with how it can be', async () => {
  const folder = project('package my:agent;\nworld w { export delete: func(); }', 'export {};\n');
  const { status, stderr } = await ringfence(folder, 'build');
  expect(stderr).toBe(
    "ringfence: src/agent.ts: it does not export 'delete', which the world 'w' exports: write 'export { yours as delete }'.\n",
  );
  expect(status).toBe(1);
});

describe('two names that are one in JavaScript', () => {
  test.each([
    [
      'interfaces of two packages',
      'world w { export my:a/words; export my:b/words; }',
      "the world 'w' exports 'my:a/words' and 'my:b/words', which a guest in JavaScript exports by one name, 'words': give one of them another name in the WIT, or export them from two components.",
    ],
    [
      'an interface and a function',
      'world w { export my:a/words; export words: func(); }',
      "the world 'w' exports 'words' and 'my:a/words', which ",
    ],
    [
      'functions',
      'interface i { a-1: func(); a1: func(); } world w { import i; }',
      "'a-1' and 'a1' of 'my:agent/i' are both 'a1' in JavaScript: give one of them another name in the WIT.",
    ],
    [
      'types',
      'interface i { record a-1 { x: u8 } record a1 { y: u8 } f: func(x: a-1, y: a1); } world w { export i; }',
      "'a-1' and 'a1' of 'my:agent/i' are both 'A1'",
    ],
    [
      'fields',
      'interface i { record r { a-1: u8, a1: u8 } f: func(x: r); } world w { export i; }',
      "'a-1' and 'a1' of 'r' of 'my:agent/i' are both 'a1'",
    ],
    [
      'methods',
      'interface i { resource r { a-1: func(); a1: func(); } } world w { import i; }',
      "'a-1' and 'a1' of 'r' of 'my:agent/i' are both 'a1'",
    ],
  ])('%s', async (_, text, said) => {
    const others = ['a', 'b'].map(
      (name) => `package my:${name} { interface words { f: func(); } }`,
    );
    const folder = project(`package my:agent;\n${text}\n${others.join('\n')}\n`, 'export {};\n');
    await expect(buildProject(folder)).rejects.toMatchObject({
      code: 'RF_MODULE_INVALID',
      message: expect.stringContaining(said),
    });
  });

  test('alike in two interfaces are two names', async () => {
    const folder = project(
      'package my:agent;\ninterface one { f: func(); }\ninterface two { f: func(); }\nworld w { export one; export two; }\n',
      'export const one = { f() {} };\nexport const two = { f() {} };\n',
    );
    expect((await buildProject(folder)).bytes).toBeGreaterThan(0);
  });
});
