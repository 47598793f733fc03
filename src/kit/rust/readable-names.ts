/**
 * Makes the names of Rust's functions in a core module what people call them, for traces: compilers of C++ do so
 * as they link, Rust's leaves them mangled.
 */

import {
  CUSTOM_SECTION,
  coreHeader,
  coreSections,
  customName,
  joinBytes,
  readU32,
  sectionBytes,
  writeU32,
} from '../build/core-sections.ts';

/** The subsection of the section `name` that has functions. */
const FUNCTION_NAMES = 1;

/** The module, in whose section `name` functions are called `agent::count_words`. */
export function withReadableNames(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [coreHeader(module)];
  for (const { id, start, content, end } of coreSections(module)) {
    const whole = module.subarray(content, end);
    const isNames = id === CUSTOM_SECTION && customName(whole).name === 'name';
    parts.push(isNames ? sectionBytes(id, renamed(whole)) : module.subarray(start, end));
  }
  return joinBytes(parts);
}

function renamed(content: Uint8Array): Uint8Array {
  let { start } = customName(content);
  const parts: Uint8Array[] = [content.subarray(0, start)];
  while (start < content.length) {
    const [size, from] = readU32(content, start + 1);
    const end = from + size;
    parts.push(
      content[start] === FUNCTION_NAMES
        ? sectionBytes(FUNCTION_NAMES, renamedFunctions(content.subarray(from, end)))
        : content.subarray(start, end),
    );
    start = end;
  }
  return joinBytes(parts);
}

function renamedFunctions(names: Uint8Array): Uint8Array {
  const [count, first] = readU32(names, 0);
  const parts: Uint8Array[] = [names.subarray(0, first)];
  let offset = first;
  for (let index = 0; index < count; index += 1) {
    const [, afterIndex] = readU32(names, offset);
    const [length, start] = readU32(names, afterIndex);
    const name = new TextDecoder().decode(names.subarray(start, start + length));
    const readable = new TextEncoder().encode(demangle(name));
    parts.push(names.subarray(offset, afterIndex), writeU32(readable.length), readable);
    offset = start + length;
  }
  return joinBytes(parts);
}

/** What stands for characters that a symbol can't have. */
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

/**
 * `_ZN5agent11count_words17h0123456789abcdefE` → `agent::count_words`. After rustc's "legacy" mangling
 * (https://github.com/rust-lang/rust/blob/master/compiler/rustc_symbol_mangling/src/legacy.rs); names of another
 * form stay as they are.
 */
export function demangle(symbol: string): string {
  if (!symbol.startsWith('_ZN') || !symbol.endsWith('E')) return symbol;
  const words: string[] = [];
  let rest = symbol.slice(3, -1);
  while (rest !== '') {
    const digits = /^\d+/.exec(rest)?.[0] ?? '';
    const end = digits.length + Number(digits);
    if (digits === '' || end > rest.length) return symbol;
    words.push(rest.slice(digits.length, end));
    rest = rest.slice(end);
  }
  if (/^h[\da-f]{16}$/.test(words.at(-1) ?? '')) words.pop();
  return words.map(readableWord).join('::');
}

function readableWord(word: string): string {
  return word
    .replace(/^_(?=\$)/, '')
    .replace(/\$([A-Z]+|u[\da-f]+)\$/g, (all, code: string) =>
      code.startsWith('u')
        ? String.fromCodePoint(Math.min(Number.parseInt(code.slice(1), 16), 0x10ffff))
        : (ESCAPES[code] ?? all),
    )
    .replaceAll('..', '::');
}
