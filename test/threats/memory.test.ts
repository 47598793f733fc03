/**
 * Families 21, 22 and 31: memory. Goal: a guest has no more than it may, pays for what it moves, and
 * leaves nothing. Method: real guests through the public API beside a neighbour on the same worker; each
 * hostile act with the harmless one that differs in a number.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { leb, RUNS, sectionsOf } from '../support/components.ts';
import { guest as example } from '../support/kernel.ts';
import { actsOf, expectOutOfFuel, FUEL, useFence } from './support/fence.ts';
import { componentOf, GuestText } from './support/guest-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;

const text = new GuestText();
const run = actsOf(fence, text);
text.act('nothing', '');

describe('family 21: memory', () => {
  text.define('(table $grown 1 funcref)');
  const grow = (elements: number) => `(table.grow $grown (ref.null func) (i32.const ${elements}))`;
  const grown = text.text('grown');
  const refused = text.text('refused');
  const tell = (answer: string) => `(if (i32.eq ${answer} (i32.const -1))
    (then (call $say ${refused.operands})) (else (call $say ${grown.operands})))`;
  text
    .act('tables', `${tell(grow(10_000_000))} ${tell(grow(1000))}`)
    .act(
      'memory',
      `${tell('(memory.grow (i32.const -1))')} ${tell('(memory.grow (i32.const 1))')}`,
    );

  it('21: table.grow by 10^7 answers -1, by 10^3 it grows', async () => {
    const { report, said } = await run('tables', { limits: { memoryBytes: 32 * MEBIBYTE } });
    expect(report.exit.reason).toBe('normal');
    expect(said).toEqual(['refused', 'grown']);
    expect(report.usage.memory_bytes).toBeLessThan(2 * MEBIBYTE);
  });

  it('21: memory.grow by 2^32 - 1 pages answers -1 and costs nothing, by 1 it grows', async () => {
    const { report, said } = await run('memory', { limits: { fuel: FUEL } });
    expect(report.exit.reason).toBe('normal');
    expect(said).toEqual(['refused', 'grown']);
    const { report: quiet } = await run('nothing');
    expect(report.usage.memory_bytes - quiet.usage.memory_bytes).toBe(65_536);
    expect(report.usage.fuel).toBeLessThan(quiet.usage.fuel + 50_000);
  });

  const declaring = async (definitions: string) => {
    const module = await fence().load(
      await componentOf(`(component (core module $m ${definitions})
        (core instance (instantiate $m)) ${RUNS})`),
    );
    return fence().run(module, { limits: { memoryBytes: 32 * MEBIBYTE } });
  };

  it.each([
    ['a memory of 4 GiB', '(memory 65536)'],
    ['a table of 10^7 elements', '(table 10000000 funcref)'],
  ])('21: %s is refused for what it declares', async (_, huge) => {
    await expect(declaring(huge)).rejects.toMatchObject({
      code: expect.stringMatching(/^RF_MODULE_/),
    });
  });

  it('21: a memory of 64 KiB and a table of 10 elements are not', async () => {
    const { report } = await declaring('(memory 1) (table 10 funcref)');
    expect(report.exit.reason).toBe('normal');
  });

  it('21: a data segment that says it has 1 GiB is refused, one of 4 bytes is not', async () => {
    const core = (length: readonly number[]) => [
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(11, [1, 0x01, ...length, 1, 2, 3, 4]),
    ];
    const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content];
    const with_ = async (length: readonly number[]) => {
      const runs = await componentOf(`(component ${RUNS})`);
      const extra = sectionsOf([1, core(length)]).subarray(8);
      return Uint8Array.from([...runs, ...extra]);
    };
    expect((await fence().refusal(await with_(leb(2 ** 30)))).code).toBe('RF_MODULE_INVALID');
    expect((await fence().load(await with_([4]))).world).toBe('ringfence:agent');
  });
});

describe('family 22: bulk operations', () => {
  text.define(`(table $bulk 60000 funcref) (elem $segment funcref ${'(ref.null func) '.repeat(64)})
    (data $bytes "${'x'.repeat(4096)}")`);
  const LENGTH = 900_000;
  const operations = {
    'memory.fill': (length: number) =>
      `(memory.fill (i32.const 65536) (i32.const 7) (i32.const ${length}))`,
    'memory.copy': (length: number) =>
      `(memory.copy (i32.const 65536) (i32.const 65537) (i32.const ${length}))`,
    'table.fill': (length: number) =>
      `(table.fill $bulk (i32.const 0) (ref.null func) (i32.const ${Math.min(length, 50_000)}))`,
    'table.copy': (length: number) =>
      `(table.copy $bulk $bulk (i32.const 0) (i32.const 1) (i32.const ${Math.min(length, 50_000)}))`,
    'memory.init': (length: number) =>
      `(memory.init $bytes (i32.const 65536) (i32.const 0) (i32.const ${Math.min(length, 4096)}))`,
    'table.init': (length: number) =>
      `(table.init $bulk $segment (i32.const 0) (i32.const 0) (i32.const ${Math.min(length, 64)}))`,
  };
  const names = Object.keys(operations) as (keyof typeof operations)[];
  for (const name of names) {
    const operation = operations[name];
    text
      .act(name, operation(LENGTH))
      .act(`${name} for ever`, `(loop $l ${operation(LENGTH)} (br $l))`)
      .act(`${name} of 2^32 - 1`, operation(LENGTH).replace(/\d+\)\)$/, '-1))'));
  }

  it.each(names)('22: %s is charged by its length, in a loop it ends by fuel', async (name) => {
    const { report } = await run(name);
    expect(report.exit.reason).toBe('normal');
    expectOutOfFuel(await run(`${name} for ever`, { limits: { fuel: FUEL } }));
  });

  it.each(names)('22: %s of 2^32 - 1 traps before anything is done', async (name) => {
    const { report } = await run(`${name} of 2^32 - 1`, { limits: { fuel: FUEL } });
    expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
    expect(report.exit.message).toMatch(/out of bounds/);
    expect(report.usage.fuel).toBeLessThan(50_000);
  });

  it('22: 256 MiB at a time end by fuel, in the middle of one instruction', async () => {
    const module = await fence().kernel.load(example('bulk'));
    const limits = { memoryBytes: 1024 * MEBIBYTE, fuel: FUEL };
    expectOutOfFuel(await fence().run(module, { limits }));
  });
});

describe('family 31: what is freed', () => {
  it('31: 400 agents that crash with 2 MiB each leave the process as it was', async () => {
    const program = fileURLToPath(new URL('fixtures/crash-loop.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    const { reasons, grown } = JSON.parse(stdout) as { reasons: string[]; grown: number };
    expect(reasons).toEqual(['trap']);
    // Without freeing it would be 800 MiB.
    expect(grown).toBeLessThan(250 * MEBIBYTE);
  });
});
