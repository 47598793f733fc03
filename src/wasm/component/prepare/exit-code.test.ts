/**
 * Goal: only `proc_exit` is given another host, and the rest of the module stays what it was. Method:
 * small commands through the rewriting alone; test/kernel/wasip1.test.ts runs them.
 */

import { describe, expect, test } from 'vitest';
import { wat } from '../../../../test/support/metering/wat.ts';
import { DEFAULT_METER_CAPS } from '../../metering/caps.ts';
import { decodeModule } from '../../metering/module.ts';
import { passExitCode } from './exit-code.ts';
import { commandAdapter } from './tools.ts';

const WORLD = Uint8Array.of(0, 4, 3, 0x61, 0x62, 0x63);
const adapter = commandAdapter();
const worlds: string[] = [];
const tools = {
  componentEmbed: async ({ binary, witSource }: { binary: Uint8Array; witSource: string }) => {
    worlds.push(witSource);
    return new Uint8Array([...binary, ...WORLD]);
  },
};

const pass = (bytes: Uint8Array, from = adapter) =>
  passExitCode(bytes, decodeModule(bytes, DEFAULT_METER_CAPS), from, tools);

const importsOf = (bytes: Uint8Array) =>
  WebAssembly.Module.imports(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)).map(
    ({ module, name }) => `${module} ${name}`,
  );

const command = (imports: string) => `(module
  ${imports}
  (memory (export "memory") 1)
  (func (export "_start") (call 0 (i32.const 7)))
  (data (i32.const 0) "proc_exit"))`;

describe('the exit code of a wasip1 command', () => {
  test('is let through by another name of its import, and nothing else is changed', async () => {
    const bytes = await wat(
      command(`
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))`),
    );
    const passed = await pass(bytes);
    expect(importsOf(passed)).toEqual([
      'wasi:cli/exit@0.2.12 exit-with-code',
      'wasi_snapshot_preview1 fd_close',
    ]);
    expect(passed.subarray(-WORLD.length)).toEqual(WORLD);
    expect(worlds.at(-1)).toContain('import wasi:cli/exit@0.2.12;');
    // Behind the imports, it is what it was.
    const rest = bytes.subarray(decodeModule(bytes, DEFAULT_METER_CAPS).sections.get(2)!.end);
    expect(passed.subarray(-WORLD.length - rest.length, -WORLD.length)).toEqual(rest);
  });

  test('is no business of a command that imports no proc_exit', async () => {
    const bytes = await wat(
      command('(import "wasi_snapshot_preview1" "sock_close" (func (param i32)))'),
    );
    expect(await pass(bytes)).toBe(bytes);
    const none = await wat('(module (memory (export "memory") 1) (func (export "_start")))');
    expect(await pass(none)).toBe(none);
  });

  test('stays what the adapter makes of it where that calls no exit', async () => {
    const bytes = await wat(
      command('(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))'),
    );
    expect(await pass(bytes, await wat('(module)'))).toBe(bytes);
  });
});
