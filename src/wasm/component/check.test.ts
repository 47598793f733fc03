/**
 * Goal: an import is accepted exactly where its type is ours, and a refusal names it and what differs.
 * Method: components in text form, each differing from one that is accepted in one place.
 */

import { describe, expect, test } from 'vitest';
import {
  binaryOf,
  planOf,
  planOfText,
  refusalOf,
  runnable,
} from '../../../test/support/components.ts';
import type { RingfenceError } from '../../errors.ts';

/** The interfaces of streams as guests of all kinds declare them. */
function streams(version: string, replace: readonly [string, string] = ['', '']): string {
  const text = `
  (import "wasi:io/error@VERSION" (instance $io-error
    (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $the-error))
  (import "wasi:io/streams@VERSION" (instance $io-streams
    (alias outer 1 $the-error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (type $own-error (own $error))
    (type $failure-definition (variant (case "last-operation-failed" $own-error) (case "closed")))
    (export "stream-error" (type $failure (eq $failure-definition)))
    (export "[method]input-stream.read"
      (func (param "self" (borrow $input)) (param "len" u64)
        (result (result (list u8) (error $failure)))))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $output)) (result (result u64 (error $failure)))))))`;
  return text.replaceAll('VERSION', version).replace(replace[0], replace[1]);
}

async function refusal(text: string): Promise<RingfenceError> {
  const bytes = await binaryOf(runnable(text));
  const error = refusalOf(() => planOf(bytes));
  expect(error.message).toMatch(/^The component .*; .*\.$/);
  return error;
}

describe('what is offered as the component wants it', () => {
  test('a part of an interface, with resources that other interfaces own', async () => {
    const plan = await planOfText(runnable(streams('0.2.12')));
    expect(plan.imports).toEqual([
      {
        name: 'wasi:io/error@0.2.12',
        interface: 'wasi:io/error',
        version: '0.2.12',
        functions: [],
      },
      {
        name: 'wasi:io/streams@0.2.12',
        interface: 'wasi:io/streams',
        version: '0.2.12',
        functions: ['[method]input-stream.read', '[method]output-stream.check-write'],
      },
    ]);
  });

  test.each(['0.2.0', '0.2.3', '0.2.99'])('any version of WASI 0.2: %s', async (version) => {
    const plan = await planOfText(runnable(streams(version)));
    expect(plan.imports.map((each) => each.version)).toEqual([version, version]);
  });

  test.each([
    'wasi:config/store@0.2.0-draft',
    'wasi:config/store@0.2.0-rc.1',
    'wasi:logging/logging@0.1.0-draft',
    'wasi:keyvalue/batch@0.2.0-draft2',
    'wasi:keyvalue/batch@0.2.0-draft',
  ])('a draft: %s', async (name) => {
    const plan = await planOfText(runnable(`(import "${name}" (instance))`));
    expect(plan.imports.map((each) => each.name)).toEqual([name]);
  });

  test('a draft whose types are others is refused where they are used', async () => {
    const store = (functions: string) => `(import "wasi:keyvalue/store@0.2.0-draft" (instance
      (export "bucket" (type $bucket (sub resource)))
      (type $all (variant (case "no-such-store") (case "access-denied") (case "other" string)))
      (export "error" (type $error (eq $all)))
      (type $page (record (field "keys" (list string)) (field "cursor" (option u64))))
      (type $opened (result (own $bucket) (error $error)))
      (export "open" (func (param "identifier" string) (result $opened)))
      ${functions}))`;
    const list = `(export "key-response" (type $response (eq $page)))
      (type $listed (result $response (error $error)))
      (export "[method]bucket.list-keys"
        (func (param "self" (borrow $bucket)) (param "cursor" (option u64)) (result $listed)))`;
    await expect(planOfText(runnable(store('')))).resolves.toBeDefined();
    expect((await refusal(store(list))).message).toMatch(/key-response|list-keys/);
  });

  test('two versions of one interface in one component', async () => {
    const second = streams('0.2.3').replaceAll(/\$(io|the)/g, '$second-$1');
    const plan = await planOfText(runnable(`${streams('0.2.0')} ${second}`));
    expect(plan.imports.map((each) => each.name)).toContain('wasi:io/streams@0.2.0');
    expect(plan.imports.map((each) => each.name)).toContain('wasi:io/streams@0.2.3');
  });

  test('a resource that the component does not know to be of another interface', async () => {
    // Allowed by subtyping: it asks for less than it gets.
    const text = streams('0.2.3', ['(eq $outer-error)', '(sub resource)']);
    await expect(planOfText(runnable(text))).resolves.toBeDefined();
  });

  test('a type that the component names and uses nowhere', async () => {
    const text = '(type $t (tuple u8 u8)) (import "t" (type (eq $t)))';
    expect((await planOfText(runnable(text))).imports).toEqual([]);
  });

  test('what ringfence:agent offers', async () => {
    const plan = await planOfText(runnable(log('level', 'enum')));
    expect(plan.imports[0]?.functions).toEqual(['log']);
  });
});

function log(parameter: string, kind: 'enum' | string): string {
  const cases = '"trace" "debug" "info" "warn" "error"';
  const type = kind === 'enum' ? '$level' : kind;
  return `(import "ringfence:agent/log@0.1.0" (instance
    (type $level-definition (enum ${cases}))
    (export "level" (type $level (eq $level-definition)))
    (export "log" (func (param "${parameter}" ${type}) (param "message" string)))))`;
}

describe('what is refused, and what the refusal names', () => {
  const cases: readonly (readonly [string, readonly [string, string], RegExp])[] = [
    ['another parameter type', ['"len" u64', '"len" u32'], /read.*'len' is a u32, not a u64/],
    ['another parameter name', ['"len" u64', '"length" u64'], /parameter 2 is called "length"/],
    ['one parameter more', ['"len" u64)', '"len" u64) (param "x" u8)'], /3 parameters, not 2/],
    ['one parameter less', ['(param "len" u64)', ''], /1 parameters, not 2/],
    ['no result', ['(result (result u64 (error $failure)))', ''], /result is nothing/],
    ['another ok', ['(result u64 (error', '(result s64 (error'], /ok is an s64, not a u64/],
    ['another list', ['(list u8)', '(list s8)'], /a list of an s8, not a u8/],
    ['another case', ['(case "closed")', '(case "open")'], /case 2 is "open", not 'closed'/],
    ['one case more', ['(case "closed")', '(case "closed") (case "x")'], /of 3 cases, not 2/],
    ['a payload', ['(case "closed")', '(case "closed" u8)'], /'closed' is something, not nothing/],
    ['another resource', ['(borrow $input)', '(borrow $output)'], /handle of another resource/],
    ['own for borrow', ['(borrow $input)', '(own $input)'], /an own, not a borrow/],
    [
      'a resource of another interface under a name of ours',
      [
        '"input-stream" (type $input (sub resource))',
        '"input-stream" (type $input (eq $outer-error))',
      ],
      /input-stream.*resource "error" of another interface/,
    ],
    [
      'one resource under two of our names',
      [
        '"output-stream" (type $output (sub resource))',
        '"output-stream" (type $output (eq $input))',
      ],
      /output-stream.*resource "input-stream" of another interface/,
    ],
    [
      'a resource that is not there',
      ['"input-stream" (type', '"stream" (type'],
      /resource "stream"/,
    ],
    [
      'a function that is not there',
      ['[method]output-stream.check-write', '[method]output-stream.peek'],
      /the function "\[method\]output-stream\.peek" of "wasi:io\/streams@0\.2\.12", which is not/,
    ],
    [
      'a function in the place of a type',
      [
        '(export "stream-error" (type $failure (eq $failure-definition)))',
        '(export "stream-error" (func)) (type $failure (variant (case "x")))',
      ],
      /"stream-error".*it is the function here and the type/,
    ],
    [
      'an instance in the place of a function',
      [
        '(export "[method]output-stream.check-write"\n      (func (param "self" (borrow $output)) (result (result u64 (error $failure)))))',
        '(export "[method]output-stream.check-write" (instance))',
      ],
      /it is the instance here and the function/,
    ],
  ];
  test.each(cases)('%s', async (_name, replace, message) => {
    const text = streams('0.2.12', replace);
    expect(text).not.toBe(streams('0.2.12'));
    const error = await refusal(text);
    expect(error.code).toBe('RF_MODULE_REFUSED');
    expect(error.message).toMatch(message);
    expect(error.fields.import).toBe('wasi:io/streams@0.2.12');
  });

  test('other enums, flags, records and tuples', async () => {
    for (const type of ['u64', 'string', 'bool', '$other', '(option $level)'].map((each) =>
      each.replace('(option $level)', '$optional'),
    )) {
      const text = log('level', type).replace(
        '(export "log"',
        '(type $other (enum "trace")) (type $optional (option $level)) (export "log"',
      );
      expect((await refusal(text)).message).toMatch(/'level' is (?:a|an) /);
    }
  });

  const names: readonly (readonly [string, RegExp])[] = [
    ['wasi:io/poll@0.3.0', /0\.3 with its async ABI/],
    ['wasi:io/poll@0.3.0-rc-2025-09-16', /0\.3 with its async ABI/],
    ['wasi:io/poll@0.2.0-rc-2023-11-10', /of which version 0\.2 is offered/],
    ['wasi:io/poll@0.1.0', /of which version 0\.2/],
    ['wasi:io/poll@1.2.0', /of which version 0\.2/],
    ['wasi:io/poll', /of which version 0\.2/],
    ['ringfence:agent/ipc@0.2.0', /of which version 0\.1 is offered/],
    ['ringfence:agent/memory@0.1.0', /which is not offered/],
    ['wasi:nn/tensor@0.2.0', /which is not offered/],
    ['other:package/interface@0.2.0', /which is not offered/],
    ['wasi:config/store@0.2.0', /of which version 0\.2/],
    ['wasi:config/store@0.2.1-draft', /of which version 0\.2/],
    ['wasi:config/store@0.2.0-draft-of-my-own', /of which version 0\.2/],
    ['wasi:config/runtime@0.2.0-draft', /which is not offered/],
    ['plain', /no interface of a package/],
  ];
  test.each(names)('the interface %s', async (name, message) => {
    expect((await refusal(`(import "${name}" (instance))`)).message).toMatch(message);
  });

  test('imports that are no interfaces', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['(import "f" (func))', /imports the function "f" by itself/],
      ['(import "r" (type (sub resource)))', /imports the type "r" by itself/],
      ['(import "c" (component))', /imports the component "c" by itself/],
      ['(core type $t (module)) (import "m" (core module (type $t)))', /core modules/],
    ];
    for (const [text, message] of cases) expect((await refusal(text)).message).toMatch(message);
  });
});

describe('hostile types', () => {
  /** `n` levels of tuples of twice the level below. */
  const doubling = (levels: number, first: string): string => {
    let text = `(type $t0 ${first})`;
    for (let level = 1; level <= levels; level++) {
      text += ` (type $t${level} (tuple $t${level - 1} $t${level - 1}))`;
    }
    return text;
  };

  test('types that double at each level are refused at once where an import has them', async () => {
    const type = log('level', '$t24').replace(
      '(type $level',
      `${doubling(24, 'string')} (type $level`,
    );
    expect((await refusal(type)).message).toMatch(/'level' is a tuple, not an enum/);
  });

  test('types that double at each level and are used by nobody cost nothing', async () => {
    const bytes = await binaryOf(runnable(doubling(1000, 'string')));
    expect(planOf(bytes).imports).toEqual([]);
  });

  test('instance types that double, with resources, are refused by a cap', async () => {
    let text = '(type $t0 (instance (export "r" (type (sub resource)))))';
    for (let level = 1; level <= 24; level++) {
      text += ` (type $t${level} (instance (alias outer 1 $t${level - 1} (type $i))
        (export "a" (instance (type $i))) (export "b" (instance (type $i)))))`;
    }
    expect((await refusal(text)).message).toMatch(/more definitions to follow/);
  });

  test('a large type that is declared anew for each of many imports is refused by a cap', async () => {
    const fields = Array.from({ length: 9000 }, (_, index) => `(field "f${index}" u8)`).join('');
    const type = `(type $big (instance (export "pollable" (type (sub resource)))
      (type (record ${fields}))))`;
    const imports = Array.from(
      { length: 40 },
      (_, index) => `(import "wasi:io/poll@0.2.${index}" (instance (type $big)))`,
    );
    expect((await refusal(type + imports.join(''))).message).toMatch(/more definitions to follow/);
    const few = type + imports.slice(0, 10).join('');
    await expect(planOfText(runnable(few))).resolves.toBeDefined();
  });
});
