import { expect, test } from 'vitest';
import { demangle, withReadableNames } from './readable-names.ts';

test.each([
  ['_ZN5agent11count_words17h0123456789abcdefE', 'agent::count_words'],
  [
    '_ZN3std9panicking19begin_panic_handler28_$u7b$$u7b$closure$u7d$$u7d$17h8ef066ac4d1e7406E',
    'std::panicking::begin_panic_handler::{{closure}}',
  ],
  [
    '_ZN66_$LT$alloc..string..String$u20$as$u20$lib..bindings.._rt..Load$GT$4load17h69220443b071a69bE',
    '<alloc::string::String as lib::bindings::_rt::Load>::load',
  ],
  ['rust_begin_unwind', 'rust_begin_unwind'],
  ['_ZN99shortE', '_ZN99shortE'],
  ['_ZNxE', '_ZNxE'],
  ['_RNvC5agent3run', '_RNvC5agent3run'],
])('%s', (symbol, readable) => {
  expect(demangle(symbol)).toBe(readable);
});

test('functions are renamed in the section of names, and everything else stays', () => {
  const name = '_ZN5agent3run17h0123456789abcdefE';
  const names = [1, 1, 0, name.length, ...Buffer.from(name)];
  const content = [4, ...Buffer.from('name'), 1, names.length - 1, ...names.slice(1)];
  const type = [1, 4, 1, 0x60, 0, 0];
  const code = [...[3, 2, 1, 0], ...[10, 4, 1, 2, 0, 0x0b]];
  const module = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...type,
    ...code,
    ...[0, content.length, ...content],
  ]);
  const readable = withReadableNames(module);
  expect(WebAssembly.validate(readable)).toBe(true);
  expect(Buffer.from(readable).includes('agent::run')).toBe(true);
  expect(Buffer.from(readable).includes('_ZN')).toBe(false);
  expect([...readable.subarray(0, 24)]).toEqual([...module.subarray(0, 24)]);
});
