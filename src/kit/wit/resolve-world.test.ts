/**
 * Goal: a world is resolved out of a folder as others write it, and what is wrong is said with its place.
 * Method: small texts, each wrong in one way beside one that is right; and the WIT of WASI, the comments of
 * which have to arrive.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { jcoFolder } from '../build/wit-source.ts';
import { parseWit } from './parse.ts';
import { readWitFolder } from './read-folder.ts';
import { resolveWorld } from './resolve-world.ts';

const resolve = (text: string, world: string | null = null) =>
  resolveWorld({ root: [{ name: 'a.wit', text }], deps: [] }, world);

const problemOf = async (text: string, world: string | null = null) => {
  const error = await resolve(text, world).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'RF_WIT_INVALID' });
  return (error as Error).message;
};

test('a world has its imports, its exports and its comments', async () => {
  const { world, docs, worldName } = await resolve(`package my:agent@1.0.0;
/// What it is.
interface tools {
  /// A place.
  record point {
    /// To the right.
    x: u8,
  }
  /** Finds
   * a place. */
  @since(version = 1.0.0)
  find: func(near: point) -> option<point>;
  /// It counts.
  resource counter {
    /// Begins.
    constructor();
    /// Adds.
    add: func();
  }
}
/// The world.
world agent {
  import tools;
  /// Runs.
  export run: func();
  import wasi:clocks/wall-clock@0.2.12;
}
`);
  expect(world.name).toBe('my:agent/agent@1.0.0');
  expect(worldName).toBe('agent');
  expect([...world.imports.keys()]).toEqual([
    'my:agent/tools@1.0.0',
    'wasi:clocks/wall-clock@0.2.12',
  ]);
  expect([...world.exports.keys()]).toEqual(['run']);
  const tools = 'my:agent/tools@1.0.0';
  expect(docs.get('')).toBe('The world.');
  expect(docs.get('#run')).toBe('Runs.');
  expect(docs.get(tools)).toBe('What it is.');
  expect(docs.get(`${tools}#point`)).toBe('A place.');
  expect(docs.get(`${tools}#point.x`)).toBe('To the right.');
  expect(docs.get(`${tools}#find`)).toBe('Finds\na place.');
  expect(docs.get(`${tools}#[constructor]counter`)).toBe('Begins.');
  expect(docs.get(`${tools}#[method]counter.add`)).toBe('Adds.');
});

test.each([
  [
    'a missing sign',
    'interface i {\n  f: func(x u32);\n}',
    "3:13: ':' is expected here, but 'u32' stands there.",
  ],
  ['a strange character', 'interface i { $ }', "2:15: WIT has no use for the character '$' here."],
  [
    'an end too early',
    'world w {',
    "3:1: 'import', 'export', 'include', 'use' or a type is expected here, but the file ends.",
  ],
  [
    'a type that is not there',
    'interface i {\n  f: func(x: foo);\n}\nworld w { import i; }',
    "3:14: name 'foo' does not exist.",
  ],
  [
    'an interface that is not there',
    'world w {\n  import foo;\n}',
    "3:10: interface or world 'foo' does not exist.",
  ],
  [
    'a package that is not there',
    'world w {\n  import x:y/z;\n}',
    "3:10: package 'x:y' not found: put its WIT into deps/.",
  ],
  [
    'a version that is not there',
    'world w {\n  import wasi:io/poll@0.1.0;\n}',
    "3:10: package 'wasi:io@0.1.0' not found: put its WIT into deps/.",
  ],
  [
    'two of one name',
    'world w {\n  import f: func();\n  import f: func();\n}',
    "4:10: import 'f' conflicts with prior func of same name.",
  ],
  [
    'a word of WIT as a name',
    'world w { import f: func(%from: u8, from: u8); }',
    "2:37: expected an identifier or string, found keyword 'from': as a name it is written '%from'.",
  ],
  [
    'a type in a ring',
    'interface i {\n  record a { b: a }\n}\nworld w { import i; }',
    "3:10: type 'a' depends on itself.",
  ],
  [
    'too few types',
    'interface i { type a = map<u8>; }',
    "2:30: 'map' has too few types in its '<>'.",
  ],
  [
    'too many flags',
    `interface i { flags many { ${Array.from({ length: 33 }, (_, index) => `f${index}`).join(', ')} } }`,
    "2:178: 'many' has more than 32 flags.",
  ],
])('%s has its line and column', async (_name, text, problem) => {
  expect(await problemOf(`package a:b;\n${text}\n`)).toBe(`a.wit:${problem}`);
});

test('a world is the only one, or is named', async () => {
  const two = 'package a:b;\nworld one { }\nworld two { }\n';
  expect((await resolve(two, 'two')).world.name).toBe('a:b/two');
  expect(await problemOf(two)).toBe(
    "The package a:b has several worlds: name one of 'one', 'two'.",
  );
  expect(await problemOf(two, 'three')).toBe(
    "The package a:b has no world 'three': name one of 'one', 'two'.",
  );
  expect(await problemOf('package a:b;')).toContain('has no world: add one');
  expect(await problemOf('world w { }')).toContain('a.wit:1:1: the file has to begin with');
});

test('what is not offered is refused by its name', async () => {
  const types = {
    'stream<u8>': 'streams of the 0.3 async ABI',
    'list<u8, 4>': 'lists of a fixed length',
  };
  for (const [type, shown] of Object.entries(types)) {
    const problem = await problemOf(`package a:b;\nworld w { import f: func() -> ${type}; }`);
    expect(problem).toContain(`The world 'w' uses ${shown}, which is not offered`);
  }
});

test('types that are nested a hundred deep are made, deeper ones and those of many parts told with their place', async () => {
  const nested = (count: number, type: (before: string) => string) => {
    const records = Array.from({ length: count }, (_, index) =>
      index === 0 ? 'record t0 { a: u8 }' : `record t${index} { ${type(`t${index - 1}`)} }`,
    );
    return `package a:b;\ninterface i {\n${records.join('\n')}\n}\nworld w { import i; }\n`;
  };
  const within = (before: string) => `a: ${before}`;
  expect((await resolve(nested(99, within))).world.name).toBe('a:b/w');
  expect(await problemOf(nested(2_000, within))).toBe(
    "a.wit:102:8: the type 't99' is nested more than 100 deep: make it flatter, or smaller.",
  );
  const twice = (before: string) => `a: list<${before}>, b: list<${before}>`;
  expect((await resolve(nested(14, twice))).world.name).toBe('a:b/w');
  expect(await problemOf(nested(30, twice))).toBe(
    "a.wit:18:8: the type 't15' has more than 100000 parts, with those of its parts: make it flatter, or smaller.",
  );
});

test('a folder has several files, and packages in deps', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-wit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  write('types.wit', 'interface types { type id = u32; }');
  write('world.wit', 'package a:b;\nworld w { import types; import c:d/e@1.0.0; import f:g/h; }');
  write('deps/c/one.wit', 'package c:d@1.0.0;\ninterface e { use two.{text}; f: func() -> text; }');
  write('deps/c/two.wit', 'interface two { type text = string; }');
  write('deps/f.wit', 'package f:g;\ninterface h { f: func(); }');
  const { world } = await resolveWorld(readWitFolder(folder));
  expect([...world.imports.keys()]).toEqual(['a:b/types', 'c:d/two@1.0.0', 'c:d/e@1.0.0', 'f:g/h']);
});

test('a folder that is not there, or has no WIT, is said to be so', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-wit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  expect(() => readWitFolder(folder)).toThrow(/There is no \.wit file in .*: name the folder/);
  expect(() => readWitFolder(join(folder, 'none'))).toThrow(/none isn't there: name a folder/);
});

test('all WIT that jco has is understood', () => {
  const folder = join(jcoFolder(), 'lib', 'wit', 'builtin');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const texts = files.filter((name) => name.endsWith('.wit'));
  expect(texts.length).toBeGreaterThan(30);
  for (const name of texts) {
    const parsed = parseWit({ name, text: readFileSync(join(folder, name), 'utf8') });
    expect(parsed.parts.length, name).toBeGreaterThan(0);
  }
});
