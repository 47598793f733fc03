/** The host module `spectest` that the scripts of the official suite import, as its harness has it. */

import { wat } from '../metering/wat.ts';

type TableType = ConstructorParameters<typeof WebAssembly.Table>[0];

const PRINTS: Readonly<Record<string, readonly string[]>> = {
  print: [],
  print_i32: ['i32'],
  print_i64: ['i64'],
  print_f32: ['f32'],
  print_f64: ['f64'],
  print_i32_f32: ['i32', 'f32'],
  print_f64_f64: ['f64', 'f64'],
};

/**
 * A module that exports the functions it imports: from it they have types, so that an import with another
 * type is refused. It is the host's and never metered.
 */
export async function compileSpectest(): Promise<WebAssembly.Module> {
  const prints = Object.entries(PRINTS).map(
    ([name, types]) =>
      `(func (export "${name}") (import "host" "${name}") (param ${types.join(' ')}))`,
  );
  const globals = ['i32 (i32.const', 'i64 (i64.const', 'f32 (f32.const', 'f64 (f64.const'].map(
    (start) =>
      `(global (export "global_${start.slice(0, 3)}") ${start} ${/^i/.test(start) ? 666 : 666.6}))`,
  );
  return new WebAssembly.Module(await wat(`(module ${prints.join(' ')} ${globals.join(' ')})`));
}

/** What one world imports as `spectest`; `log` is told each call. */
export function spectestOf(
  module: WebAssembly.Module,
  log: (line: string) => void,
): Record<string, WebAssembly.ImportValue> {
  const host = Object.fromEntries(
    Object.keys(PRINTS).map((name) => [
      name,
      (...values: unknown[]) => log(`${name}(${values.map(String).join(', ')})`),
    ]),
  );
  // Node's types don't know 64-bit tables yet.
  const table64 = { element: 'anyfunc', initial: 10n, maximum: 20n, address: 'i64' };
  return {
    ...(new WebAssembly.Instance(module, { host }).exports as Record<
      string,
      WebAssembly.ImportValue
    >),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
    shared_memory: new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }),
    table: new WebAssembly.Table({ element: 'anyfunc', initial: 10, maximum: 20 }),
    table64: new WebAssembly.Table(table64 as unknown as TableType),
  };
}
