import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { parseDuration, parseSize } from '../resource/units.ts';
import { loadPolicy } from './load-policy.ts';
import { PolicyError } from './problem.ts';
import { policyJsonSchema } from './schema.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-policy-')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const inScratch = (...names: string[]) => join(scratch, ...names);

const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

mkdirSync(inScratch('home', 'plugins', 'deep'), { recursive: true });
mkdirSync(inScratch('elsewhere', 'below'), { recursive: true });
for (const file of [
  'home/plugins/a.wasm',
  'home/plugins/b.wasm',
  'home/plugins/deep/c.wasm',
  'elsewhere/evil.wasm',
]) {
  writeFileSync(inScratch(file), '');
}
symlinkSync('../../elsewhere/evil.wasm', inScratch('home', 'plugins', 'link.wasm'));
symlinkSync('../../elsewhere/below', inScratch('home', 'plugins', 'directory'));
symlinkSync('home', inScratch('alias'));

let files = 0;
/** A policy in the directory `home`. */
function policyOf(text: string, place = 'home') {
  files += 1;
  const path = inScratch(place, `${files}.toml`);
  writeFileSync(path, `version = 1\n${text}`);
  return loadPolicy(path);
}

/** The line of the entry for a module, `defaults`, or the code of the error. */
async function entryFor(text: string, path: string | null, digest = DIGEST) {
  const policy = await policyOf(text);
  try {
    return policy.decide({ path: path && inScratch(path), digest }).entry?.line ?? 'defaults';
  } catch (error) {
    return (error as RingfenceError).code;
  }
}

describe('which entry is for a module', () => {
  const A = 'home/plugins/a.wasm';
  const byPattern = '[[module]]\nmatch = "plugins/*.wasm"\n';
  const byPath = '[[module]]\nmatch = "plugins/a.wasm"\n';
  const byDigest = `[[module]]\ndigest = "sha256:${DIGEST}"\n`;

  test('that of the file that was read, whatever its name leads to since', async () => {
    const policy = await policyOf(byPattern);
    const trusted = { path: inScratch(A), digest: DIGEST };
    const read = { ...trusted, realPath: inScratch('elsewhere/evil.wasm') };
    expect(policy.decide(trusted).entry?.line).toBe(2);
    expect(policy.decide({ ...read, realPath: inScratch(A) }).entry?.line).toBe(2);
    for (const realPath of [read.realPath, null]) {
      expect(() => policy.decide({ ...read, realPath })).toThrow(
        expect.objectContaining({ code: 'RF_MODULE_REFUSED' }),
      );
    }
  });

  test('none: it is refused, unless the policy says that it runs', async () => {
    expect(await entryFor('', A)).toBe('RF_MODULE_REFUSED');
    expect(await entryFor(byPattern, 'elsewhere/evil.wasm')).toBe('RF_MODULE_REFUSED');
    expect(await entryFor('[defaults]\nunmatched = "refuse"\n', A)).toBe('RF_MODULE_REFUSED');
    expect(await entryFor('[defaults]\nunmatched = "run"\n', A)).toBe('defaults');
  });

  test('a digest beats a path, a path beats a pattern, wherever they stand', async () => {
    expect(await entryFor(byPattern + byPath + byDigest, A)).toBe(6);
    expect(await entryFor(byDigest + byPath + byPattern, A)).toBe(2);
    expect(await entryFor(byPattern + byPath + byDigest, A, OTHER)).toBe(4);
    expect(await entryFor(byPattern + byPath, 'home/plugins/b.wasm')).toBe(2);
  });

  test('the digest may have its algorithm before it', async () => {
    expect(await entryFor(byDigest, A, `sha256:${DIGEST}`)).toBe(2);
  });

  test('two that are equally sure contradict each other', async () => {
    const two = `${byPattern}[[module]]\nmatch = "**/a.wasm"\n`;
    expect(await entryFor(two, A)).toBe('RF_POLICY');
    expect(await entryFor(two, 'home/plugins/b.wasm')).toBe(2);
    expect(await entryFor(two + byPath, A)).toBe(6);
    const policy = await policyOf(two);
    expect(() => policy.decide({ path: inScratch(A), digest: DIGEST })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('lines 2 and 4'),
        fields: expect.objectContaining({ line: 4 }),
      }),
    );
  });

  test('a module that has no file has its digest only', async () => {
    expect(await entryFor(byDigest, null)).toBe(2);
    expect(await entryFor('[[module]]\nmatch = "**"\n', null)).toBe('RF_MODULE_REFUSED');
  });

  test('what counts is where the file is, not what leads there', async () => {
    // Each would fit the pattern by its name.
    expect(await entryFor(byPattern, 'home/plugins/link.wasm')).toBe('RF_MODULE_REFUSED');
    const climbing = `${inScratch('home/plugins/directory')}/../evil.wasm`;
    const policy = await policyOf(byPattern);
    expect(() => policy.decide({ path: climbing, digest: DIGEST })).toThrow(RingfenceError);
    expect(
      await entryFor('[[module]]\nmatch = "../elsewhere/*.wasm"\n', 'home/plugins/link.wasm'),
    ).toBe(2);
    expect(await entryFor(byPattern, 'alias/plugins/a.wasm')).toBe(2);
    expect(await entryFor(byPattern, 'home/plugins/deep/../b.wasm')).toBe(2);
  });

  test('what was read counts, whatever its path leads to by now', async () => {
    const policy = await policyOf(byPattern);
    const at = (path: string, realPath: string | null) => () =>
      policy.decide({ path: inScratch(path), realPath, digest: DIGEST }).entry;
    expect(at('elsewhere/evil.wasm', inScratch(A))()).toEqual({ line: 2 });
    expect(at(A, inScratch('elsewhere/evil.wasm'))).toThrow(
      expect.objectContaining({ code: 'RF_MODULE_REFUSED' }),
    );
    expect(at(A, null)).toThrow(expect.objectContaining({ code: 'RF_MODULE_REFUSED' }));
  });

  test("an entry's preset takes nothing away that the defaults name by its kind", async () => {
    const text = (preset: string) =>
      `[defaults.grants]\npreset = "standard"\ntools = ["x"]\n[[module]]\nmatch = "**"\n${preset}`;
    const kinds = async (preset: string) =>
      (await policyOf(text(preset)))
        .decide({ path: inScratch(A), digest: DIGEST })
        .grants.map(({ kind }) => kind);
    expect(await kinds('')).toEqual(['ipc', 'tools', 'services', 'spawn', 'clocks', 'random']);
    expect(await kinds('grants.preset = "none"')).toEqual(['tools', 'clocks', 'random']);
  });

  test('a file that is not there is an error of its own', async () => {
    expect(await entryFor(byPattern, 'home/plugins/none.wasm')).toBe('RF_FILE');
  });

  test('a policy that is reached by a link is where its directory is', async () => {
    const policy = await policyOf(byPattern, 'alias');
    expect(policy.decide({ path: inScratch(A), digest: DIGEST }).entry).toEqual({ line: 2 });
  });
});

describe('what it gets', () => {
  const module = { path: inScratch('home/plugins/a.wasm'), digest: DIGEST };
  const decide = async (text: string) => (await policyOf(text)).decide(module);

  test('by an empty entry: clocks and random numbers, the default limits, nothing else', async () => {
    const { grants, ...rest } = await decide('[[module]]\nmatch = "**"\n');
    expect(grants.map(({ kind }) => kind)).toEqual(['clocks', 'random']);
    expect(rest).toMatchObject({
      isolation: 'shared',
      features: { gc: false, relaxedSimd: false },
      restart: 'temporary',
      environment: {},
      config: {},
      limits: { fuel: 0, memoryBytes: 268_435_456, wallTimeMs: 0 },
    });
  });

  test('where values are kept is from the policy’s directory on, with amounts as texts or numbers', async () => {
    const path = inScratch('home', 'kv.toml');
    const load = (text: string) => {
      writeFileSync(path, text);
      return loadPolicy(path);
    };
    const read = (kv: string) => load(`version = 1\n[kv]\n${kv}`);
    expect(
      (await read('path = "kept/values.sqlite"\nowner_max_bytes = "2MiB"\nmax_owners = 3')).kv,
    ).toEqual({
      byAgentId: true,
      path: inScratch('home', 'kept/values.sqlite'),
      ownerMaxBytes: 2 * 1024 * 1024,
      maxOwners: 3,
    });
    expect((await read('')).kv).toEqual({ byAgentId: true });
    expect((await load('version = 1')).kv).toBeNull();
    for (const wrong of ['path = ""', 'max_bytes = 0', 'max_bytes = "x"', 'keys = 1', 'path = 1']) {
      await expect(read(wrong), wrong).rejects.toMatchObject({ code: 'RF_POLICY' });
    }
  });

  test('what the entry says stands instead of the defaults, field by field', async () => {
    const decision = await decide(`
[defaults]
isolation = "thread"
features = ["gc"]
restart = "transient"
[defaults.grants]
tools = ["a"]
ipc = "all"
[defaults.limits]
fuel = 5
timeout = "1s"
[defaults.environment]
A = "1"
B = "1"
[defaults.config]
C = "1"
D = "1"
[[module]]
match = "**"
isolation = "process"
features = ["relaxed-simd"]
[module.grants]
tools = ["b"]
spawn = 1
[module.limits]
timeout = "2s"
[module.environment]
B = "2"
[module.config]
D = "2"
`);
    expect(decision).toMatchObject({
      isolation: 'process',
      features: { gc: false, relaxedSimd: true },
      restart: 'transient',
      limits: { fuel: 5, wallTimeMs: 2_000 },
      environment: { A: '1', B: '2' },
      config: { C: '1', D: '2' },
    });
    const of = Object.fromEntries(decision.grants.map(({ kind, scope }) => [kind, scope]));
    expect(Object.keys(of)).toEqual(['ipc', 'tools', 'spawn', 'clocks', 'random']);
    expect(of.tools).toEqual({ allow: new Set(['b']), deny: new Set() });
  });

  test('an entry can take away what the defaults give', async () => {
    const { grants } = await decide(`
[defaults.grants]
tools = ["a"]
ipc = "all"
[[module]]
match = "**"
[module.grants]
tools = []
ipc = "none"
clocks = false
`);
    expect(grants.map(({ kind }) => kind)).toEqual(['random']);
  });

  test('directories are relative to the policy, wherever the program is', async () => {
    const { grants } = await decide(`
[[module]]
match = "**"
grants.files = [{ host = "data", guest = "/a" }, { host = "/opt", guest = "/b" }, { memory = true, guest = "/c" }]
`);
    expect(grants.flatMap((spec) => (spec.kind === 'files' ? [spec.scope.source] : []))).toEqual([
      { kind: 'host', path: inScratch('home', 'data') },
      { kind: 'host', path: '/opt' },
      { kind: 'memory' },
    ]);
  });

  test('each time anew: what a caller does to it changes nothing', async () => {
    const policy = await policyOf('[[module]]\nmatch = "**"\ngrants.tools = ["a"]\n');
    const [tools] = policy.decide(module).grants;
    (tools as unknown as { scope: { allow: Set<string> } }).scope.allow.add('b');
    expect(policy.decide(module).grants[0]?.scope).toEqual({
      allow: new Set(['a']),
      deny: new Set(),
    });
  });
});

describe('the file', () => {
  const code = (path: string) =>
    loadPolicy(path).then(
      () => 'read',
      (error: RingfenceError) => error.code,
    );
  const write = (name: string, text: string | Uint8Array) => {
    writeFileSync(inScratch(name), text);
    return inScratch(name);
  };

  test('is TOML, or JSON where it is called so', async () => {
    expect(await code(write('a.json', '{"version": 1}'))).toBe('read');
    expect(await code(write('a.toml', '{"version": 1}'))).toBe('RF_POLICY');
    expect(await code(write('policy', 'version = 1'))).toBe('read');
    expect(await code(write('b.json', 'version = 1'))).toBe('RF_POLICY');
  });

  test('is one: no directory, no device, and it is there', async () => {
    for (const path of [scratch, inScratch('none.toml'), '/dev/zero', '/dev/null']) {
      expect(await code(path)).toBe('RF_FILE');
    }
  });

  test('has at most a MiB', async () => {
    const padding = (bytes: number) => `version = 1\n#${' '.repeat(bytes - 13)}`;
    expect(await code(write('most.toml', padding(1024 * 1024)))).toBe('read');
    expect(await code(write('more.toml', padding(1024 * 1024 + 1)))).toBe('RF_POLICY');
  });

  test('is text in UTF-8; a mark at its beginning is no harm', async () => {
    expect(await code(write('latin.toml', Buffer.from('version = 1 # ä', 'latin1')))).toBe(
      'RF_POLICY',
    );
    expect(await code(write('utf.toml', '\ufeffversion = 1 # ä'))).toBe('read');
  });

  test('is named in errors as the caller named it', async () => {
    const path = write('wrong.toml', 'version = 1\nfoo = 1\n');
    await expect(loadPolicy(path)).rejects.toThrow(PolicyError);
    await expect(loadPolicy(path)).rejects.toMatchObject({
      fields: { file: path, line: 2, column: 1 },
    });
  });
});

test('the example of docs/policy.md is one', async () => {
  const page = await readFile(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const example = /```toml\n(.*?)```/s.exec(page)?.[1] ?? '';
  const path = inScratch('home', 'example.toml');
  writeFileSync(path, example);
  const policy = await loadPolicy(path);
  expect(policy).toMatchObject({ entries: 2, warnings: [] });
  const { grants, isolation } = policy.decide({
    path: inScratch('home/plugins/a.wasm'),
    digest: DIGEST,
  });
  expect(isolation).toBe('process');
  expect(grants.map(({ kind }) => kind)).toEqual(['tools', 'files', 'files', 'clocks', 'random']);
});

describe('the JSON Schema', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the type of a schema that is only known as data
  const schema = z.fromJSONSchema(policyJsonSchema() as any);
  const accepts = (document: unknown) => schema.safeParse(document).success;

  test('is the published one', async () => {
    const published = new URL('../../docs/ringfence.policy.schema.json', import.meta.url);
    expect(JSON.parse(await readFile(published, 'utf8'))).toEqual(policyJsonSchema());
  });

  test('accepts what is a policy, and not what is none', () => {
    const module = [{ match: 'a', grants: { tools: ['x'] }, limits: { memory: '64MiB', cpu: 0 } }];
    expect(accepts({ version: 1, defaults: { unmatched: 'run' }, module })).toBe(true);
    expect(accepts({ module })).toBe(false);
    expect(accepts({ version: 1, foo: 1 })).toBe(false);
    expect(accepts({ version: 1, module: [{ match: 'a', grants: { tols: 1 } }] })).toBe(false);
    expect(accepts({ version: 1, module: [{ match: 'a', limits: { cpu: 5 } }] })).toBe(false);
  });

  test('says of sizes and durations what their readers take', () => {
    const isRead = (read: (text: string) => number, text: string) => {
      try {
        return read(text) >= 0;
      } catch {
        return false;
      }
    };
    const texts = ['1', '0', '1k', '1KiB', '1kb', '2GB', '1.5m', '1b', '5s', '5ms', '1h', '3min'];
    for (const text of [...texts, '', 'x', '-1', '1 MiB x', '1.m', '1tb', '1d']) {
      expect([text, accepts({ version: 1, defaults: { limits: { memory: text } } })]).toEqual([
        text,
        isRead(parseSize, text),
      ]);
      expect([text, accepts({ version: 1, defaults: { limits: { cpu: text } } })]).toEqual([
        text,
        isRead(parseDuration, text),
      ]);
    }
  });
});
