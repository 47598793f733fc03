/**
 * Core exports and imports with names that break careless code: those of JavaScript's own objects,
 * line ends, quotes, the end of a string, and one that is very long. They are only names.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const HOSTILE_NAMES = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', '', ' '],
  ...[
    'line\\nend',
    'line\\u{2028}end',
    'nul\\00byte',
    '\\"quoted\\"',
    "'quoted'",
    '`$\u007bquoted}`',
  ],
  ...['../../outside', '\\5c\\5cserver', '\\1b[2Jclear', 'x'.repeat(10_000)],
];

function componentWithNames(names: readonly string[]): string {
  const exports = names.map(
    (name, index) => `(func (export "${name}") (result i32) (i32.const ${index}))`,
  );
  const imports = names.map(
    (name, index) => `(import "${name}" "${name}" (func $import${index} (result i32)))`,
  );
  const calls = names.map(
    (_, index) => `(if (i32.ne (call $import${index}) (i32.const ${index})) (then (unreachable)))`,
  );
  const instances = names.map((name) => `(with "${name}" (instance $names))`);
  return `(component
    (core module $names
      ${exports.join('\n      ')})
    (core instance $names (instantiate $names))
    (core module $guest
      ${imports.join('\n      ')}
      (memory (export "memory") 1)
      (func (export "__proto__") (result i32)
        ${calls.join('\n        ')}
        (i32.const 16)))
    (core instance $guest (instantiate $guest
      ${instances.join('\n      ')}))
    (alias core export $guest "__proto__" (core func $run))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $run) (memory (core memory $guest "memory")))))`;
}

export const guests: Variants = {
  'attack-names': { kind: 'component-text', make: () => componentWithNames(HOSTILE_NAMES) },
  'attack-names-control': { kind: 'component-text', make: () => componentWithNames(['a', 'b']) },
};
