/**
 * Goal: what custom sections say of the code is true of the rewritten code. Method: names are looked for
 * where the engine shows them, hints are followed to the instructions that they stand for.
 */

import { describe, expect, test } from 'vitest';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { BRANCH_HINTS } from './branch-hints.ts';
import { DEFAULT_METER_CAPS } from './caps.ts';
import { decodeModule } from './module.ts';
import { ByteReader } from './reader.ts';
import { ByteWriter } from './writer.ts';

const OP_IF = 0x04;
const OP_BR_IF = 0x0d;

interface Hint {
  readonly function: number;
  readonly opcode: number;
  readonly value: number;
}

/** The hints of a module, with the opcodes that they stand at. */
function hintsOf(bytes: Uint8Array<ArrayBuffer>): Hint[] {
  const module = decodeModule(bytes, DEFAULT_METER_CAPS);
  const range = module.custom.get(BRANCH_HINTS)!;
  const reader = new ByteReader(bytes, range.start, range.end);
  const hints: Hint[] = [];
  for (let functions = reader.count(); functions > 0; functions--) {
    const index = reader.u32();
    const { start } = module.bodies[index - module.imported.function]!;
    for (let left = reader.count(); left > 0; left--) {
      const opcode = bytes[start + reader.u32()]!;
      expect(reader.u32()).toBe(1);
      hints.push({ function: index, opcode, value: reader.u8() });
    }
  }
  expect(reader.atEnd).toBe(true);
  return hints;
}

/** The module with a custom section before its code. */
function withHints(bytes: Uint8Array, content: readonly number[]): Uint8Array<ArrayBuffer> {
  const module = decodeModule(bytes, DEFAULT_METER_CAPS);
  const code = module.sections.get(10)!;
  // One byte of the section's id and one of its size stand before the content.
  const at = code.content - 2;
  const section = new ByteWriter();
  section.name(BRANCH_HINTS);
  section.raw(...content);
  const out = new ByteWriter();
  out.copy(bytes, 0, at);
  out.section(0, section.bytes);
  out.copy(bytes, at, bytes.length);
  return out.finish();
}

describe('names', () => {
  test('are those of the same functions', async () => {
    const metered = meterForTest(
      await wat(`(module (import "h" "f" (func $imported)) (table 1 funcref) (elem (i32.const 0) $inner)
        (func $unused (call $imported)) (func $inner (call $imported) (unreachable))
        (func $outer (export "run") (call_indirect (i32.const 0))))`),
    );
    const host = new TestHost({ budget: 1n << 20n, slice: null });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
      h: { f: () => {} },
      [metered.injected]: host.imports(),
    });
    const failure = (() => {
      try {
        return (exports.run as () => unknown)();
      } catch (error) {
        return error as Error;
      }
    })() as Error;
    expect(failure.stack).toMatch(/inner[\s\S]*outer/);
    expect(failure.stack).not.toContain('unused');
  });

  test('that can not be read are left out, and the module runs', async () => {
    const bytes = await wat('(module (func (export "run")))');
    const broken = new ByteWriter();
    broken.copy(bytes, 0, bytes.length);
    const section = new ByteWriter();
    section.name('name');
    section.raw(1, 100, 1);
    broken.section(0, section.bytes);
    expect(WebAssembly.validate(meterForTest(broken.finish()).bytes)).toBe(true);
  });
});

describe('branch hints', () => {
  // Locals take one byte, `local.get 0` two: the `if` stands at the third, the `br_if` at the ninth.
  const text = `(module (import "h" "f" (func $f)) (func $g (loop)) (func (export "run") (param i32)
    (if (local.get 0) (then (call $g))) (block (br_if 0 (local.get 0)) (call $f))))`;

  test('of the module stay with their branches, and what is injected is unlikely', async () => {
    const bytes = withHints(await wat(text), [1, 2, 2, 3, 1, 1, 12, 1, 1]);
    const own = hintsOf(bytes);
    expect(own.map(({ opcode, value }) => [opcode, value])).toEqual([
      [OP_IF, 1],
      [OP_BR_IF, 1],
    ]);
    const metered = meterForTest(bytes);
    expect(WebAssembly.validate(metered.bytes)).toBe(true);
    const after = hintsOf(metered.bytes);
    expect(after.filter(({ value }) => value === 1)).toMatchObject([
      { opcode: OP_IF },
      { opcode: OP_BR_IF },
    ]);
    const injected = after.filter(({ value }) => value === 0);
    // Two entries, a loop, and what is asked after the imported call.
    expect(injected.map(({ opcode }) => opcode)).toEqual(expect.arrayContaining([OP_IF, OP_BR_IF]));
    expect(injected).toHaveLength(4);
  });

  test('that can not be read, or stand in dead code, are left out', async () => {
    const dead = `(module (func (export "run") (param i32) (unreachable) (if (local.get 0) (then (nop)))))`;
    for (const bytes of [
      withHints(await wat(text), [9, 9, 9]),
      withHints(await wat(dead), [1, 0, 1, 4, 1, 1]),
    ]) {
      const { bytes: metered } = meterForTest(bytes);
      expect(WebAssembly.validate(metered)).toBe(true);
      expect(hintsOf(metered).filter(({ value }) => value === 1)).toEqual([]);
    }
  });
});
