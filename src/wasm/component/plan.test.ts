/**
 * Goal: a plan holds all that a component's start does, in order, and what can't be started is refused
 * by name. Method: components that jco makes of core modules and of texts; beside each refusal what is
 * accepted.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import {
  adaptedCommand,
  agentComponent,
  binaryOf,
  planOf,
  planOfText,
  RUNS,
  refusalOf,
  runnable,
  unmetered,
} from '../../../test/support/components.ts';
import { RingfenceError } from '../../errors.ts';
import { offeredWorld } from './offered.ts';
import { type LinkPlan, parsePlan, planComponent } from './plan.ts';
import { readComponent } from './reader.ts';

const AGENT = `(module
  (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "ringfence:agent/process@0.1.0" "self" (func $self (result i64)))
  (memory (export "memory") 2)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
  (func (export "cabi_post_run") (param i32))
  (func (export "run") (result i32) (drop (call $self)) i32.const 16))`;

const COMMAND = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

/** What every plan is, whatever it was made of. */
function expectSound(plan: LinkPlan): void {
  expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
}

describe('components that jco makes', () => {
  let agent: LinkPlan;
  let command: LinkPlan;
  beforeAll(async () => {
    agent = planOf(await agentComponent(AGENT));
    command = planOf(await adaptedCommand(COMMAND));
  });

  test('an agent of the world in wit/agent.wit', () => {
    expectSound(agent);
    expect(agent.exports).toEqual(['run']);
    expect(agent.imports.map((each) => each.interface)).toEqual(
      expect.arrayContaining(['ringfence:agent/log', 'ringfence:agent/process']),
    );
    expect(agent.lowered).toContainEqual({
      kind: 'function',
      interface: 'ringfence:agent/process',
      version: '0.1.0',
      name: 'self',
      encoding: 'utf8',
      memory: null,
      realloc: null,
    });
    const log = agent.lowered.find((each) => each.kind === 'function' && each.name === 'log');
    expect(log).toMatchObject({ encoding: 'utf8', memory: { name: 'memory' } });
    expect(agent.entry).toMatchObject({
      kind: 'agent-run',
      core: { name: 'run' },
      postReturn: { name: 'cabi_post_run' },
      memory: { name: 'memory' },
      encoding: 'utf8',
    });
  });

  test('a wasip1 command behind the adapter, whose run goes through a component of its own', () => {
    expectSound(command);
    expect(command.entry).toMatchObject({ kind: 'wasi-cli-run', postReturn: null });
    expect(command.modules).toHaveLength(4);
    expect(command.exports[0]).toMatch(/^wasi:cli\/run@0\.2\.\d+$/);
    expect(command.lowered).toContainEqual({
      kind: 'resource-drop',
      interface: 'wasi:io/streams',
      resource: 'output-stream',
    });
  });
});

describe('what is declared', () => {
  test('counts each instantiation of a module, in pages and table elements', async () => {
    const text = `(component
      (core module $m) (core module $n)
      (core instance (instantiate $m)) (core instance (instantiate $m))
      (core instance (instantiate $n)) ${RUNS})`;
    const component = readComponent(await binaryOf(text));
    const memory = (initialPages: number) => ({ initialPages, maximumPages: null, is64: false });
    const modules = component.modules.map((module, index) => ({
      ...unmetered(module.bytes),
      memories: index === 0 ? [memory(3)] : [],
      tables: index === 1 ? [{ initial: 10, maximum: 20 }] : [],
    }));
    const plan = planComponent(component, offeredWorld(), modules);
    expect(plan.declaredBytes).toBe(2 * 3 * 65_536 + 10 * 16);
    expectSound(plan);
  });
});

const CLI_RUN = (version: string, type = '(result (result))') => `
  (core module $c (func (export "run") (result i32) i32.const 0))
  (core instance $ci (instantiate $c))
  (func $cli ${type} (canon lift (core func $ci "run")))
  (instance $cli-run (export "run" (func $cli)))
  (export "wasi:cli/run@${version}" (instance $cli-run))`;

/** A handler whose first parameter is of the resource `first`, second of `second`. */
const HANDLER = (version: string, first = 'incoming-request', second = 'response-outparam') => `
  (import "wasi:http/types@${version}" (instance $http
    (export "incoming-request" (type (sub resource)))
    (export "outgoing-response" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $http "${first}" (type $first))
  (alias export $http "${second}" (type $second))
  (core module $h (func (export "handle") (param i32 i32)))
  (core instance $hi (instantiate $h))
  (func $handle (param "request" (own $first)) (param "response-out" (own $second))
    (canon lift (core func $hi "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@${version}" (instance $handler))`;

describe('what is started', () => {
  test.each(['0.2.0', '0.2.3', '0.2.12'])('a handler of requests, of %s', async (version) => {
    const plan = await planOfText(`(component ${HANDLER(version)})`);
    expect(plan.entry).toMatchObject({ kind: 'http-handle', memory: null, postReturn: null });
    expectSound(plan);
  });

  test('the command where it handles requests besides', async () => {
    const plan = await planOfText(`(component ${HANDLER('0.2.3')} ${CLI_RUN('0.2.3')})`);
    expect(plan.entry.kind).toBe('wasi-cli-run');
  });
  test('the command where there is no run of an agent', async () => {
    const plan = await planOfText(`(component ${CLI_RUN('0.2.0')})`);
    expect(plan.entry).toMatchObject({ kind: 'wasi-cli-run', memory: null });
    expect(plan.exports).toEqual(['wasi:cli/run@0.2.0']);
  });

  test("the agent's run where both are there", async () => {
    const plan = await planOfText(runnable(CLI_RUN('0.2.3')));
    expect(plan.entry.kind).toBe('agent-run');
    expect(plan.exports).toEqual(['wasi:cli/run@0.2.3', 'run']);
  });

  test('the command where run at the root is something else', async () => {
    const other = '(func (export "run") (canon lift (core func $ci "run")))';
    const plan = await planOfText(`(component ${CLI_RUN('0.2.3')} ${other})`);
    expect(plan.entry.kind).toBe('wasi-cli-run');
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '(component)', /exports nothing that ringfence can start: nothing at all/],
    [
      'a run of another type',
      `(component ${RUNS.replace('(result (result (error string)))', '(result u32)')})`,
      /"run" as something else/,
    ],
    [
      'a type called run',
      '(component (type $t u8) (export "run" (type $t)))',
      /"run" as something/,
    ],
    [
      'another export',
      `(component ${RUNS.replace('(func (export "run") (result (', '(func (export "walk") (result (')})`,
      /can start: "walk"/,
    ],
    ['a command of 0.3', `(component ${CLI_RUN('0.3.0')})`, /0\.3 with its async ABI/],
    ['a command of 0.1', `(component ${CLI_RUN('0.1.0')})`, /can start: "wasi:cli\/run@0\.1\.0"/],
    ['a command of another type', `(component ${CLI_RUN('0.2.0', '(result u32)')})`, /can start/],
    [
      'a handler of other resources',
      `(component ${HANDLER('0.2.0', 'outgoing-response')})`,
      /"handle" of wasi:http\/incoming-handler with another type/,
    ],
    [
      'a handler whose resources are the wrong way round',
      `(component ${HANDLER('0.2.0', 'response-outparam', 'incoming-request')})`,
      /with another type/,
    ],
    ['a handler of 0.3', `(component ${HANDLER('0.3.0')})`, /0\.3 with its async ABI/],
    [
      'an import that is exported again',
      `(component
        (import "wasi:cli/stdout@0.2.0" (instance $i))
        (export "wasi:cli/run@0.2.0" (instance $i)))`,
      /can start/,
    ],
  ];
  test.each(refused)('not %s', async (_name, text, message) => {
    const bytes = await binaryOf(text);
    const error = refusalOf(() => planOf(bytes));
    expect(error.code).toBe('RF_MODULE_REFUSED');
    expect(error.message).toMatch(message);
  });
});

const READY = `(import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (alias export $poll "[method]pollable.ready" (func $ready))`;

describe('resources', () => {
  test('an imported one may be dropped, under the name of the interface that owns it', async () => {
    const drop = '(core func (canon resource.drop $pollable))';
    const plan = await planOfText(runnable(`${READY} ${drop}`));
    expect(plan.lowered).toEqual([
      { kind: 'resource-drop', interface: 'wasi:io/poll', resource: 'pollable' },
    ]);
    const used = `${READY} (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $p)) (export "pollable" (type (eq $p)))))
      (alias export $clock "pollable" (type $same)) (core func (canon resource.drop $same))`;
    expect((await planOfText(runnable(used))).lowered).toEqual(plan.lowered);
  });

  test.each([
    ['a type of its own', '(type (resource (rep i32)))'],
    ['making one', `${READY} (core func (canon resource.new $pollable))`],
    ['looking into one', `${READY} (core func (canon resource.rep $pollable))`],
  ])('%s is refused', async (_name, text) => {
    const bytes = await binaryOf(runnable(text));
    expect(refusalOf(() => planOf(bytes)).message).toMatch(/a resource( type)? of its own/);
  });
});

describe('components inside of the component', () => {
  const wrap = (inner: string, given = '') =>
    runnable(`(component $inner ${inner}) (instance (instantiate $inner ${given}))`);

  test('one that only names things is followed', async () => {
    const text = `(component
      (core module $m (memory (export "memory") 1) (func (export "f") (result i32) i32.const 0))
      (core instance $i (instantiate $m))
      (func $f (result (result (error string)))
        (canon lift (core func $i "f") (memory (core memory $i "memory"))))
      (component $inner
        (type $t (record (field "x" u8)))
        (import "import-type" (type $it (sub resource)))
        (import "f" (func $f (result (result (error string)))))
        (instance $i (export "g" (func $f)))
        (export "h" (instance $i)))
      ${READY}
      (instance $made (instantiate $inner (with "f" (func $f)) (with "import-type" (type $pollable))))
      (alias export $made "h" (instance $h))
      (alias export $h "g" (func $g))
      (export "run" (func $g)))`;
    expect((await planOfText(text)).entry).toMatchObject({
      kind: 'agent-run',
      core: { name: 'f' },
    });
  });

  test('one that is never instantiated is left alone', async () => {
    await expect(planOfText(runnable(`(component ${RUNS})`))).resolves.toBeDefined();
  });

  test.each([
    ['a core module', '(core module)'],
    [
      'canonical functions',
      '(type (func)) (import "f" (func $f)) (core func (canon lower (func $f)))',
    ],
    ['an inline core instance', '(core instance)'],
    ['a component', '(component)'],
  ])('one with %s is refused by name', async (_name, inner) => {
    const given = inner.includes('import') ? '(with "f" (func $f))' : '';
    const bytes = await binaryOf(
      `(component ${READY.replaceAll('$ready', '$f')} ${wrap(inner, given).slice(10)}`,
    );
    const error = refusalOf(() => planOf(bytes));
    expect(error.code).toBe('RF_MODULE_REFUSED');
    expect(error.fields.feature).toBe('components composed of components');
  });

  test('an import that is not given, or given as something else, is broken', async () => {
    for (const given of ['', '(with "f" (type $pollable))']) {
      const text = wrap('(import "f" (func))', given).replace(
        '(component ',
        `(component ${READY} `,
      );
      const bytes = await binaryOf(text);
      expect(refusalOf(() => planOf(bytes)).code).toBe('RF_MODULE_INVALID');
    }
  });

  test('many instances of one are bounded by the steps that they take', async () => {
    const types = '(type (tuple u8 u8))'.repeat(2000);
    const instances = '(instance (instantiate $inner))'.repeat(500);
    const bytes = await binaryOf(runnable(`(component $inner ${types}) ${instances}`));
    expect(refusalOf(() => planOf(bytes)).message).toMatch(/more definitions to follow/);
    const few = `(component $inner ${types}) ${'(instance (instantiate $inner))'.repeat(20)}`;
    await expect(planOfText(runnable(few))).resolves.toBeDefined();
  });
});

describe('functions that the linker does not join', () => {
  test('a function of its own as an import', async () => {
    const text = `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f"))) (core func (canon lower (func $f)))`;
    const bytes = await binaryOf(runnable(text));
    expect(refusalOf(() => planOf(bytes)).message).toMatch(/a function of its own as an import/);
  });

  test('a host function as its run, its realloc, its post-return', async () => {
    const lower = `${READY} (core func $l (canon lower (func $ready)))`;
    const lift = '(canon lift (core func $run-instance "run")';
    for (const text of [
      runnable(lower).replace(lift, '(canon lift (core func $l)'),
      runnable(lower).replace(lift, `${lift} (realloc (core func $l))`),
      runnable(lower).replace(lift, `${lift} (post-return (core func $l))`),
    ]) {
      const bytes = await binaryOf(text);
      expect(refusalOf(() => planOf(bytes)).message).toMatch(/host/);
    }
    await expect(planOfText(runnable(lower))).resolves.toBeDefined();
  });
});

test('a module that waits to be told of changes in a store is refused by name', async () => {
  const exporting = (name: string) => runnable(`(instance $i) (export "${name}" (instance $i))`);
  const name = 'wasi:keyvalue/watcher@0.2.0-draft2';
  const bytes = await binaryOf(exporting(name));
  const error = refusalOf(() => planOf(bytes));
  expect(error).toMatchObject({ code: 'RF_MODULE_REFUSED' });
  expect(error.message).toContain(name);
  await expect(planOfText(exporting('wasi:keyvalue/other@0.2.0-draft2'))).resolves.toBeDefined();
});

describe('core instances', () => {
  const given = (name: string, kind = 'func') => `
    (core module $a (func (export "f")) (memory (export "m") 1))
    (core module $b (import "x" "y" (func)))
    (core instance $a (instantiate $a))
    (alias core export $a "${kind === 'func' ? 'f' : 'm'}" (core ${kind} $thing))
    (core instance (instantiate $b (with "x" (instance (export "${name}" (${kind} $thing))))))`;

  test('get what they import, of the kind that they import', async () => {
    expectSound(await planOfText(runnable(given('y'))));
    for (const text of [given('z'), given('y', 'memory')]) {
      const bytes = await binaryOf(runnable(text));
      const error = refusalOf(() => planOf(bytes));
      expect(error.code).toBe('RF_MODULE_INVALID');
      expect(error.message).toMatch(/without its import "x" "y"/);
    }
  });

  test('a name given twice is broken', async () => {
    const text = `(core module $m) (core instance $i (instantiate $m))
      (core instance (instantiate $m (with "x" (instance $i)) (with "x" (instance $i))))`;
    const bytes = await binaryOf(runnable(text));
    expect(refusalOf(() => planOf(bytes)).code).toBe('RF_MODULE_INVALID');
  });

  test('aliases lead back to the instance that has the thing', async () => {
    const text = `(component
      (core module $m (memory (export "memory") 1) (func (export "f") (result i32) i32.const 0))
      (core instance $i (instantiate $m))
      (alias core export $i "f" (core func $f))
      (core instance $j (export "g" (func $f)))
      (func (export "run") (result (result (error string)))
        (canon lift (core func $j "g") (memory (core memory $i "memory")))))`;
    const plan = await planOfText(text);
    expect(plan.entry.core).toEqual({ instance: 0, name: 'f' });
    expectSound(plan);
  });

  test('are capped, and lowered functions and the names of a plan with them', async () => {
    const instances = `(core module $m) ${'(core instance (instantiate $m))'.repeat(401)}`;
    const lowered = `${READY} ${'(core func (canon lower (func $ready)))'.repeat(2001)}`;
    const name = 'n'.repeat(16_000);
    const names = `(core module $m (func (export "${name}"))) (core instance $i (instantiate $m))
      (alias core export $i "${name}" (core func $f))
      (core instance ${Array.from({ length: 200 }, (_, index) => `(export "${index}" (func $f))`).join(' ')})`;
    for (const [text, message] of [
      [instances, /more core instances/],
      [lowered, /more lowered functions/],
      [names, /more characters of names/],
    ] as const) {
      const bytes = await binaryOf(runnable(text));
      expect(refusalOf(() => planOf(bytes)).message).toMatch(message);
    }
    const fewer = runnable(`${READY} ${'(core func (canon lower (func $ready)))'.repeat(2000)}`);
    expectSound(await planOfText(fewer));
  });
});

describe('hostile names', () => {
  const hostile = [
    ...['__proto__', 'constructor', 'toString', "y']||(process.exit())||exports0['x", '"', '\\'],
    ...['\n\r', '\u0000', '\u2028', '\u001b[2J', '\ufeff', '', 'x'.repeat(16_000)],
  ];
  const quoted = (name: string) =>
    `"${[...new TextEncoder().encode(name)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;

  test.each(hostile)('%j passes through a plan as it is', async (name) => {
    const text = `
      (core module $a (func (export ${quoted(name)})))
      (core module $b (import ${quoted(name)} ${quoted(name)} (func)))
      (core instance $a (instantiate $a))
      (alias core export $a ${quoted(name)} (core func $f))
      (core instance $i (export ${quoted(name)} (func $f)))
      (core instance (instantiate $b (with ${quoted(name)} (instance $i))))`;
    const plan = await planOfText(runnable(text));
    expectSound(plan);
    expect(plan.steps[1]).toEqual({ kind: 'inline', exports: [[name, { instance: 0, name }]] });
    expect(plan.steps[2]).toEqual({ kind: 'instantiate', module: 1, args: [[name, 1]] });
  });

  test('one that is refused is shown escaped and cut', async () => {
    for (const name of ['\u001b[2J\n"', 'x'.repeat(10_000)]) {
      const bytes = await binaryOf(runnable(`(import ${quoted(name)} (instance))`));
      const { message } = refusalOf(() => planOf(bytes));
      expect(message.length).toBeLessThan(400);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(message).not.toMatch(/[\u0000-\u001f]/);
    }
  });

  test('a name of a megabyte is refused by a cap', async () => {
    const bytes = await binaryOf(runnable(`(import "${'x'.repeat(1_000_000)}" (instance))`));
    expect(refusalOf(() => planOf(bytes)).message).toMatch(/bytes in a name/);
  });

  test('one name twice among imports or exports is broken', async () => {
    const twice = '(import "wasi:io/error@0.2.0" (instance))'.repeat(2);
    const exported = '(type $t u8) (export "t" (type $t)) (export "t" (type $t))';
    for (const text of [twice, exported]) {
      const bytes = await binaryOf(runnable(text));
      expect(refusalOf(() => planOf(bytes)).code).toBe('RF_MODULE_INVALID');
    }
  });
});

describe('damaged components', () => {
  test('a bit that is wrong leads to a plan or to a RingfenceError, at once', async () => {
    const bytes = await agentComponent(AGENT);
    const { modules } = readComponent(bytes);
    const offered = offeredWorld();
    const facts = modules.map((module) => unmetered(module.bytes));
    const inModule = (at: number) =>
      modules.some(({ offset, bytes: core }) => at >= offset && at < offset + core.length);
    let slowestMs = 0;
    for (let at = 8; at < bytes.length; at++) {
      if (inModule(at)) continue;
      for (let bit = 0; bit < 8; bit++) {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << bit;
        const startedAt = performance.now();
        planOrRefusal(damaged, facts, offered);
        slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      }
    }
    expect(slowestMs).toBeLessThan(1000);
  });
});

function planOrRefusal(
  bytes: Uint8Array,
  facts: readonly ReturnType<typeof unmetered>[],
  offered: ReturnType<typeof offeredWorld>,
): void {
  try {
    const component = readComponent(bytes);
    // A damaged section may hide a module or make one of something else.
    if (component.modules.length !== facts.length) return;
    const plan = planComponent(component, offered, facts);
    parsePlan(plan);
  } catch (error) {
    if (error instanceof RingfenceError && error.code !== 'RF_INTERNAL') return;
    throw error;
  }
}
