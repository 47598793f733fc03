/** The bits of the numbers in a test script, as an assembler for WebAssembly text reads them. */

import { wat } from '../metering/wat.ts';

const SLOT_BYTES = 16;
const SLOTS_PER_FUNCTION = 500;
const PAGE_BYTES = 65_536;

/** The bytes of each constant, by its text: as many as it has, the lowest first. */
export type Constants = ReadonlyMap<string, Buffer>;

const SIZES: Readonly<Record<string, number>> = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 };

function typeOf(text: string): string {
  return /[a-z0-9]+/.exec(text)?.[0] ?? '';
}

/** Lets one module store all of them into its memory: no float crosses JavaScript. */
export async function readConstants(texts: Iterable<string>): Promise<Constants> {
  const all = [...new Set(texts)];
  const functions: string[] = [];
  for (let first = 0; first < all.length; first += SLOTS_PER_FUNCTION) {
    const stores = all.slice(first, first + SLOTS_PER_FUNCTION).map((text, place) => {
      const at = (first + place) * SLOT_BYTES;
      return `(${typeOf(text)}.store (i32.const ${at}) ${text})`;
    });
    functions.push(`(func (export "${functions.length}") ${stores.join('\n')})`);
  }
  const pages = Math.ceil((all.length * SLOT_BYTES) / PAGE_BYTES);
  const bytes = await wat(`(module (memory (export "memory") ${pages}) ${functions.join('\n')})`);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  for (const name of functions.keys()) (exports[name] as () => void)();
  const memory = Buffer.from((exports.memory as WebAssembly.Memory).buffer);
  return new Map(
    all.map((text, place) => {
      const at = place * SLOT_BYTES;
      return [text, memory.subarray(at, at + SIZES[typeOf(text)]!)];
    }),
  );
}
