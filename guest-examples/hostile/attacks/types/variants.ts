/**
 * Imports whose types aren't ours. A host that binds by name hands its function arguments of other
 * types than it was written for: every one of these must be refused before anything is instantiated.
 * Some types double at each level: comparing them must not expand them.
 */

import type { Variants } from '../../../../src/kit/build/recipe.ts';

const LEVEL = `(type $cases (enum "trace" "debug" "info" "warn" "error"))
        (export "level" (type $level (eq $cases)))`;

/** A component that imports one function of the log, with its parameters, and never calls it. */
function importOfLog(types: string, name: string, parameters: string): string {
  return component(
    `(import "ringfence:agent/log@0.1.0" (instance $log
        ${types}
        (export "${name}" (func ${parameters}))))`,
    `(canon lower (func $log "${name}") (memory (core memory $memory "memory")))`,
  );
}

function component(imports: string, lower: string): string {
  return `(component
    ${imports}
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $lowered ${lower})
    (core module $guest
      (func (export "run") (result i32) (i32.const 16)))
    (core instance $guest (instantiate $guest))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $guest "run") (memory (core memory $memory "memory")))))`;
}

/** Tuples of tuples: 2^levels strings, in as many lines as there are levels. */
function doublingTypes(levels: number): string {
  const lines = ['(type $level0 (tuple string string))'];
  for (let level = 1; level <= levels; level += 1) {
    lines.push(`(type $level${level} (tuple $level${level - 1} $level${level - 1}))`);
  }
  return lines.join('\n        ');
}

/** Standard output, as a handle to a resource of some interface. */
function importOfOtherResource(resourceInterface: string, resource: string): string {
  return component(
    `(import "${resourceInterface}" (instance $owner
        (export "${resource}" (type (sub resource)))))
    (alias export $owner "${resource}" (type $stream))
    (import "wasi:cli/stdout@0.2.12" (instance $stdout
        (alias outer 1 $stream (type $outer))
        (export "output-stream" (type $own (eq $outer)))
        (export "get-stdout" (func (result (own $own))))))`,
    `(canon lower (func $stdout "get-stdout"))`,
  );
}

const RIGHT = '(param "level" $level) (param "message" string)';

const text = (make: () => string) => ({ kind: 'component-text', make }) as const;

export const guests: Variants = {
  'attack-types': text(() =>
    importOfLog(LEVEL, 'log', '(param "level" u64) (param "message" f32)'),
  ),
  'attack-types-enum': text(() => importOfLog(LEVEL.replace('"error"', '"fatal"'), 'log', RIGHT)),
  'attack-types-result': text(() => importOfLog(LEVEL, 'log', `${RIGHT} (result u32)`)),
  'attack-types-function': text(() => importOfLog(LEVEL, 'format', RIGHT)),
  'attack-types-doubling': text(() =>
    importOfLog(doublingTypes(16), 'log', '(param "level" $level16) (param "message" string)'),
  ),
  'attack-types-doubling-deep': text(() =>
    importOfLog(doublingTypes(60), 'log', '(param "level" $level60) (param "message" string)'),
  ),
  'attack-types-control': text(() => importOfLog(LEVEL, 'log', RIGHT)),
  'attack-resource': text(() =>
    importOfOtherResource('wasi:cli/terminal-output@0.2.12', 'terminal-output'),
  ),
  'attack-resource-control': text(() =>
    importOfOtherResource('wasi:io/streams@0.2.12', 'output-stream'),
  ),
};
