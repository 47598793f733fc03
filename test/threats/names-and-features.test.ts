/**
 * Families 21, 29, 49, 50 and 52: features of the engine, names, and types of imports. Goal: what is not
 * offered is refused by its name, and no name is more than data. Method: real modules, each beside its
 * harmless twin.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nameBytes, RUNS, sectionsOf } from '../support/components.ts';
import { actsOf, NORMAL, useFence } from './support/fence.ts';
import { componentOf, GuestText, many, PLACE } from './support/guest-text.ts';

const fence = useFence();

/** A component with more core modules, each of which is instantiated. */
const withModules = (...contents: string[]) =>
  componentOf(`(component
    ${many(
      contents.length,
      (at) => `(core module $m${at} ${contents[at]})
      (core instance (instantiate $m${at}))`,
    )}
    ${RUNS})`);

describe('families 21, 29 and 52: features of the engine', () => {
  /** What is refused, and what is nearly the same and is not. */
  const FEATURES: readonly [name: string, hostile: string, harmless: string][] = [
    [
      '29: shared memory, to wait in',
      `(memory 1 1 shared)
       (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))`,
      '(memory 1 1) (func (drop (i32.load (i32.const 0))))',
    ],
    ['52: structures of the garbage collector', '(type (struct (field i64)))', '(type (func))'],
    [
      '52: arrays of the garbage collector',
      '(type (array i8)) (func (drop (array.new_default 0 (i32.const 100000000))))',
      '(func (drop (i32.const 100000000)))',
    ],
    [
      '52: relaxed SIMD',
      `(func (param v128 v128) (result v128)
         (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))`,
      '(func (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1)))',
    ],
  ];

  it.each(FEATURES)('%s: refused by name', async (_, hostile) => {
    const refusal = await fence().refusal(await withModules(hostile));
    expect(refusal.code).toBe('RF_MODULE_REFUSED');
    expect(refusal.message).toMatch(/at byte \d+/);
  });

  it('52: what is nearly the same as each of them runs', async () => {
    const module = await fence().load(
      await withModules(...FEATURES.map(([, , harmless]) => harmless)),
    );
    expect((await fence().run(module)).report.exit).toEqual(NORMAL);
  });
});

describe('family 21: memories of 64 bits, and several of one module', () => {
  const PAGE = 65_536;

  it.each([
    ['one of 64 bits', '(memory i64 4)', 4],
    ['several', '(memory 1) (memory i64 2) (memory 1)', 4],
    ['those of two modules', '(memory 1) (memory 1)) (core module $other (memory i64 2)', 4],
  ])('21: %s: their limit is that of all together', async (_, memories, pages) => {
    const component = await componentOf(`(component
      (core module $m ${memories}) (core instance (instantiate $m))
      ${memories.includes('$other') ? '(core instance (instantiate $other))' : ''} ${RUNS})`);
    const module = await fence().load(component);
    const enough = await fence().run(module, { limits: { memoryBytes: (pages + 1) * PAGE } });
    expect(enough.report.exit).toEqual(NORMAL);
    await expect(
      fence().run(module, { limits: { memoryBytes: pages * PAGE - 1 } }),
    ).rejects.toMatchObject({ code: 'RF_MODULE_REFUSED' });
  });
});

const NAMES = [
  "'); process.exit(1); ('",
  '"quoted" \\back\\slash\\',
  'line\nend\r\n\u2028\u2029end',
  'nul\0byte',
  '\u001b[2J\u001b]0;title\u0007\u009b31m',
  '\u202egnp.exe',
  '__proto__',
  '$\u007bprocess.env.HOME}`',
  '../../outside',
  '<script>alert(1)</script>',
  '%s%n{0}',
  'x'.repeat(256),
];

const text = new GuestText().sayOutcomes().use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

describe('family 49: hostile names', () => {
  text.act(
    'says its arguments',
    `(call $get_arguments (i32.const ${PLACE}))
     (local.set $i (i32.load (i32.const ${PLACE})))
     (local.set $j (i32.add (local.get $i)
       (i32.shl (i32.load offset=4 (i32.const ${PLACE})) (i32.const 3))))
     (loop $l
       (local.set $i (i32.add (local.get $i) (i32.const 8)))
       (if (i32.lt_u (local.get $i) (local.get $j)) (then
         (call $say (i32.load (local.get $i)) (i32.load offset=4 (local.get $i))) (br $l))))`,
  );
  for (const name of NAMES) {
    text.act(
      `calls ${name}`,
      `(call $call ${text.text(name).operands} ${text.text(JSON.stringify(name)).operands}
         (i32.const ${PLACE}))
       (call $say_outcome (i32.const ${PLACE}))`,
    );
  }
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-names-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(NAMES)(
    '49: an agent called %j is called so, in its report and its lines',
    async (name) => {
      const { report, said, agent } = await run('says its arguments', {
        agentId: name,
        arguments: [name, ''],
      });
      expect(report.exit).toEqual(NORMAL);
      expect(said).toEqual([name, '']);
      expect(agent.agentId).toBe(name);
      expect(fence().lines.find(({ pid }) => pid === agent.pid)?.agentId).toBe(name);
      const json = JSON.stringify(report);
      expect(json.split(/[\r\n]/)).toHaveLength(1);
      expect((JSON.parse(json) as typeof report).agent_id).toBe(name);
    },
  );

  it.each([
    ['', 'empty'],
    ['x'.repeat(257), 'of 257 characters'],
    ['x'.repeat(1 << 20), 'of a MiB'],
  ])('49: a name that is too short or too long is refused (%#)', async (agentId) => {
    await expect(run('says its arguments', { agentId })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringMatching(/^.{1,300}$/),
    });
  });

  it.each(NAMES)('49: a tool called %j is called by that name and no other', async (name) => {
    const grants = { tools: [name] };
    expect((await run(`calls ${name}`, { grants })).said[0]).toBe('not-found');
    const seen: unknown[] = [];
    fence().kernel.registerTool({ name, description: name }, (args) => seen.push(args));
    expect((await run(`calls ${name}`, { grants })).said).toEqual(['ok']);
    expect(seen).toEqual([name]);
    const other = { tools: [`${name}x`.slice(-256)] };
    expect((await run(`calls ${name}`, { grants: other })).said[0]).toBe(
      other.tools[0] === name ? 'ok' : 'denied',
    );
  });

  it.each(NAMES.filter((name) => !/[/\0]/.test(name) && name.length < 250))(
    '49: a module in a file called %j is loaded, and its path is data',
    async (name) => {
      const path = join(directory, name);
      writeFileSync(path, await componentOf(`(component ${RUNS})`));
      const module = await fence().kernel.load(path);
      expect(module.path).toBe(path);
      const agent = await fence().spawn(module, { agentId: 'named by its path' });
      expect((await agent.exited).module.path).toBe(path);
    },
  );

  it.each([
    ['of a MiB', 'x'.repeat(1 << 20), /import|bytes/],
    ['with escapes and line ends', NAMES.join('\n'), /import/],
    ['of a host that is not there', 'evil:host/shell@1.0.0', /"evil:host\/shell@1\.0\.0"/],
  ])('49: an import with a name %s is refused in one printable sentence', async (_, name, said) => {
    // An instance type of nothing, and the import of one under that name.
    const refusal = await fence().refusal(
      sectionsOf([7, [1, 0x42, 0x00]], [10, [1, 0x00, ...nameBytes(name), 0x05, 0x00]]),
    );
    expect(refusal.message).toMatch(/^[^\p{Cc}\u2028\u202e]{1,700}$/u);
    expect(refusal.message).toMatch(said);
  });
});

describe('family 50: imports of other versions', () => {
  /** An agent that calls one function by the names of several versions of its interface. */
  const component = (...versions: string[]) =>
    importing(versions.map((version) => `wasi:random/random@${version}`));
  const importing = (names: string[]) =>
    componentOf(`(component
      ${names
        .map(
          (
            name,
            at,
          ) => `(import "${name}" (instance $i${at} (export "get-random-u64" (func (result u64)))))
        (core func $f${at} (canon lower (func $i${at} "get-random-u64")))`,
        )
        .join('\n')}
      (core module $m ${names.map((_, at) => `(import "i" "f${at}" (func $f${at} (result i64)))`).join('')}
        (memory (export "memory") 1)
        (func (export "run") (result i32)
          ${names.map((_, at) => `(drop (call $f${at}))`).join('')} (i32.const 64)))
      (core instance $i (instantiate $m (with "i" (instance
        ${names.map((_, at) => `(export "f${at}" (func $f${at}))`).join(' ')}))))
      (func (export "run") (result (result (error string)))
        (canon lift (core func $i "run") (memory (core memory $i "memory")))))`);

  it('50: two versions of one interface are two names of the same functions', async () => {
    const module = await fence().load(await component('0.2.0', '0.2.6'));
    expect((await fence().run(module)).report.exit).toEqual(NORMAL);
  });

  it('50: version 0.3.0 beside one of ours is refused by name', async () => {
    const refusal = await fence().refusal(await component('0.2.0', '0.3.0'));
    expect(refusal.code).toBe('RF_MODULE_REFUSED');
    expect(refusal.message).toContain('wasi:random/random@0.3.0');
  });
});
