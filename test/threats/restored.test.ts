/**
 * Family 47, where instances and memories are used again: what one agent leaves for the next that gets its
 * instance or its memory. Goal: nothing, and nobody can tell a restored start from a fresh one. Method: the
 * same lives in workers that use nothing again, memories, or whole instances; each life looks at all that
 * it has, says it, and then overwrites all of it.
 */

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PreparedModule, prepareModule } from '../../src/wasm/component/prepare/prepare.ts';
import { until } from './support/fence.ts';
import { agentOf, importText } from './support/guest-text.ts';
import { type Life, type LifeOptions, Lives, type REUSE } from './support/lives.ts';

const PAGES = 2;
const BYTES = PAGES * 65_536;
/** How the text of an act begins what it does after it has looked and overwritten. */
const ACTS = {
  returns: '',
  'returns an error': `(i32.store (i32.const 80) (i32.const 1)) (i32.store (i32.const 84) (i32.const 16))
    (i32.store (i32.const 88) (i32.const 4)) (return (i32.const 80))`,
  traps: '(unreachable)',
  throws: '(throw $tag)',
  'runs out of fuel': '(loop $l (br $l))',
  'recurses for ever': '(drop (call $deep (i32.const 1) (i32.const 2)))',
  exits: '(call $exit (i32.const 0))',
  computes: '(call $say (i32.const 16) (i32.const 4)) (loop $l (br $l))',
  waits: `(call $say (i32.const 16) (i32.const 4))
    (call $receive (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 512))`,
  'calls a tool': `(call $tool (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 2) (i32.const 512))
    (call $say_number (i64.load8_u (i32.const 512)))
    (if (i32.eqz (i32.load8_u (i32.const 512)))
      (then (call $say (i32.load offset=4 (i32.const 512)) (i32.load offset=8 (i32.const 512)))))`,
  grows: '(drop (memory.grow (i32.const 1))) (i64.store (i32.const 131072) (i64.const -1))',
} as const;
type Act = keyof typeof ACTS;
const acts = Object.values(ACTS);

const GUEST = `(module
  ${importText('ringfence:agent/log', 'log', '$log')}
  ${importText('ringfence:agent/ipc', 'receive', '$receive')}
  ${importText('ringfence:agent/tools', 'call', '$tool')}
  ${importText('wasi:cli/environment', 'get-arguments', '$get_arguments')}
  ${importText('wasi:cli/environment', 'get-environment', '$get_environment')}
  ${importText('wasi:cli/exit', 'exit', '$exit')}
  ${importText('wasi:cli/stdout', 'get-stdout', '$get_stdout')}
  ${importText('wasi:io/streams', '[method]output-stream.check-write', '$check_write')}
  ${importText('wasi:io/streams', '[method]output-stream.write', '$write')}
  ${importText('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')}
  ${importText('wasi:random/insecure-seed', 'insecure-seed', '$seed')}
  (type $act (func (result i32)))
  (tag $tag)
  (memory (export "memory") ${PAGES})
  (global $i32 (mut i32) (i32.const 7)) (global $i64 (mut i64) (i64.const 8))
  (global $f32 (mut f32) (f32.const -0)) (global $f64 (mut f64) (f64.const -inf))
  (global $exported (export "exported") (mut i64) (i64.const 9))
  (global $heap (mut i32) (i32.const 1024))
  (table $acts ${acts.length} funcref)
  (elem (table $acts) (i32.const 0) func ${acts.map((_, at) => `$act_${at}`).join(' ')})
  (data (i32.const 16) "here") (data (i32.const 32) "{}") (data (i32.const 70000) "in the image")
  (start $init)
  (func $init
    (i64.store (i32.const ${BYTES - 8}) (i64.const 0x1122334455667788))
    (global.set $i64 (i64.const 88)))
  (func $sum (result i64) (local $at i32) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $l (i32.lt_u (local.get $at) (i32.const ${BYTES}))))
    (local.get $sum))
  (func $say (param i32 i32) (call $log (i32.const 2) (local.get 0) (local.get 1)))
  (func $say_number (param $number i64) (local $at i32) (local $digit i32)
    (local.set $at (i32.const 144))
    (loop $again
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $digit (i32.and (i32.wrap_i64 (local.get $number)) (i32.const 15)))
      (i32.store8 (local.get $at) (i32.add (local.get $digit)
        (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
      (br_if $again (i32.gt_u (local.get $at) (i32.const 128))))
    (call $say (i32.const 128) (i32.const 16)))
  (func $deep (param i32 i32) (result i32)
    (i32.add (call $deep (local.get 1) (local.get 0)) (i32.const 1)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  ${acts.map((act, at) => `(func $act_${at} (type $act) ${act} (i32.const 64))`).join('\n')}
  (func (export "run") (result i32)
    (local $sum i64) (local $act i32) (local $handle i32)
    ;; Before any call of the host: what is there now is what was there at the start.
    (local.set $sum (call $sum))
    (call $say_number (local.get $sum))
    (call $say_number (i64.extend_i32_u (global.get $i32)))
    (call $say_number (global.get $i64))
    (call $say_number (i64.extend_i32_u (i32.reinterpret_f32 (global.get $f32))))
    (call $say_number (i64.reinterpret_f64 (global.get $f64)))
    (call $say_number (global.get $exported))
    (call $say_number (i64.extend_i32_u (memory.size)))
    (call $get_environment (i32.const 512))
    (call $say_number (i64.load32_u offset=4 (i32.const 512)))
    (local.set $handle (call $subscribe (i64.const -1)))
    (call $say_number (i64.extend_i32_u (local.get $handle)))
    (call $seed (i32.const 512)) (call $say_number (i64.load (i32.const 512)))
    ;; Handles and output that are left.
    (drop (call $subscribe (i64.const 1)))
    (local.set $handle (call $get_stdout))
    (call $check_write (local.get $handle) (i32.const 512))
    (call $write (local.get $handle) (i32.const 16) (i32.const 4) (i32.const 512))
    (call $get_arguments (i32.const 96))
    (local.set $act (i32.sub (i32.load8_u (i32.load (i32.load (i32.const 96)))) (i32.const 97)))
    (memory.fill (i32.const 1024) (i32.const 0xa5) (i32.const ${BYTES - 1024}))
    (global.set $i32 (i32.const -1)) (global.set $i64 (i64.const -1))
    (global.set $f32 (f32.const -1)) (global.set $f64 (f64.const -1))
    (global.set $exported (i64.const -1)) (global.set $heap (i32.const 4096))
    (call_indirect $acts (type $act) (local.get $act))))`;

/** A seed, the last that is said before an act begins, differs from agent to agent. */
const SEED_LINE = 9;
const LINES = 10;

let module: PreparedModule;
beforeAll(async () => {
  module = await prepareModule(await agentOf(GUEST), { cacheDirectory: null });
});

const optionsOf = (act: Act, options: LifeOptions = {}): LifeOptions => ({
  ...options,
  grants: options.grants ?? (act === 'waits' ? { ipc: 'all' } : {}),
  limits: { fuel: act === 'computes' ? 0 : 5_000_000, ...options.limits },
  arguments: [String.fromCharCode(97 + Object.keys(ACTS).indexOf(act))],
});

/** What a life was like, but for what is random or depends on when it was killed. */
function account({ said, written, end, fuel, memoryBytes }: Life): object {
  const texts = written.map((bytes) => new TextDecoder().decode(bytes));
  const used = end?.reason === 'killed' ? null : fuel;
  return { said: said.toSpliced(SEED_LINE, 1), texts, end, used, memoryBytes };
}

/** Lives an act to its end, which is by force where it has none. */
async function live(lives: Lives, act: Act, options: LifeOptions = {}): Promise<Life> {
  const life = lives.begin(optionsOf(act, options));
  if (act === 'computes' || act === 'waits') {
    await until(() => life.said.includes('here') || life.end !== null);
    lives.kill(life);
  }
  await until(() => life.end !== null);
  return life;
}

const ENDS: Readonly<Record<Act, string>> = {
  returns: 'normal',
  'returns an error': 'error',
  traps: 'trap',
  throws: 'trap',
  'runs out of fuel': 'fuel',
  'recurses for ever': 'trap',
  exits: 'normal',
  computes: 'killed',
  waits: 'killed',
  'calls a tool': 'normal',
  grows: 'normal',
};
/** What uses its instance no more for the next. */
const KEEPS: ReadonlySet<string> = new Set(['returns', 'calls a tool']);

const made: Lives[] = [];
const livesOf = (reuse: keyof typeof REUSE): Lives => {
  const lives = new Lives(module, reuse);
  made.push(lives);
  return lives;
};
afterEach(() => {
  for (const { warnings } of made.splice(0)) expect(warnings).toEqual([]);
});

describe.each(['memories', 'instances'] as const)('family 47: %s are used again', (reuse) => {
  it.each(Object.keys(ENDS) as Act[])('47: nothing is left by one that %s', async (act) => {
    const [plain, reusing] = [livesOf('nothing'), livesOf(reuse)];
    const seeds = new Set<string>();
    for (const each of ['returns', act, 'returns', act, 'returns'] as const) {
      const expected = await live(plain, each, { environment: [['A', 'b']] });
      const life = await live(reusing, each, { environment: [['A', 'b']] });
      expect(account(life)).toEqual(account(expected));
      expect(life.end?.reason).toBe(each === 'calls a tool' ? 'normal' : ENDS[each]);
      for (const { said } of [life, expected]) seeds.add(said[SEED_LINE]!);
    }
    expect(seeds.size).toBe(10);
    // What is compared was used again indeed.
    expect(reusing.seats.size + reusing.memories.size).toBe(1);
    expect(reusing.seats.size).toBe(reuse === 'instances' ? 1 : 0);
    expect(plain.seats.size + plain.memories.size).toBe(0);
  });

  it('47: many at once, in whatever order they end', async () => {
    const [plain, reusing] = [livesOf('nothing'), livesOf(reuse)];
    const all = Object.keys(ENDS) as Act[];
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < all.length; at += 4) {
        const four = [0, 1, 2, 3].map((next) => all[(at + next + round) % all.length]!);
        const expected = await Promise.all(four.map((act) => live(plain, act)));
        const lived = await Promise.all(four.map((act) => live(reusing, act)));
        expect(lived.map(account)).toEqual(expected.map(account));
      }
    }
  });

  it('47: what was asked of a tool is answered to who asked, and to nobody later', async () => {
    const lives = livesOf(reuse);
    const grants = { tools: 'all' } as const;
    const first = lives.begin(optionsOf('calls a tool', { grants }));
    await until(() => first.calls.length > 0);
    lives.kill(first);
    await until(() => first.end !== null);
    const second = lives.begin(optionsOf('calls a tool', { grants }));
    await until(() => second.calls.length > 0);
    lives.settle(first, first.calls[0]!, { tag: 'ok', val: 'for the first' });
    lives.settle(second, second.calls[0]!, { tag: 'ok', val: 'for the second' });
    await until(() => second.end !== null);
    expect(second.said.slice(LINES)).toEqual(['0000000000000000', 'for the second']);
    // And one that has no grant asks nobody, in the instance of one that had.
    const third = await live(lives, 'calls a tool');
    expect(third.calls).toEqual([]);
    expect(third.said.slice(LINES)).toEqual(['0000000000000001']);
    expect(await live(lives, 'calls a tool', { limits: { fuel: 1_000 } })).toMatchObject({
      end: { reason: 'fuel' },
      fuel: 1_000,
      said: [],
    });
  });
});

describe('family 47: which instances are used again', () => {
  it.each(Object.keys(ENDS) as Act[])('47: of one that %s', async (act) => {
    const lives = livesOf('instances');
    await live(lives, act);
    expect(lives.seats.size).toBe(KEEPS.has(act) ? 1 : 0);
    // Its memory alone, if it has not grown.
    expect(lives.memories.size).toBe(KEEPS.has(act) || act === 'grows' ? 0 : 1);
  });

  const OTHERS: Readonly<Record<string, string>> = {
    'data.drop': '(data $d "x") (func $f (data.drop $d))',
    'elem.drop': '(elem $e func $f) (func $f (elem.drop $e))',
    'table.set': '(table 1 funcref) (func $f (table.set (i32.const 0) (ref.null func)))',
    'table.grow': '(table 1 funcref) (func $f (drop (table.grow (ref.null func) (i32.const 1))))',
    'a global of references': '(global (mut funcref) (ref.null func)) (func $f)',
    'a NaN in a global': '(global (mut f32) (f32.const nan:0x200001)) (func $f)',
    'a NaN of 64 bits': '(global (mut f64) (f64.const nan)) (func $f)',
    'a start that asks the host': `(start $s)
      (func $s (call $log (i32.const 2) (i32.const 0) (i32.const 0))) (func $f)`,
  };
  it.each(Object.entries(OTHERS))('47: not of a module with %s', async (_, text) => {
    const other = await agentOf(`(module
      ${importText('ringfence:agent/log', 'log', '$log')}
      (memory (export "memory") 1)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
      ${text}
      (func (export "run") (result i32) (call $f) (i32.const 16)))`);
    const lives = new Lives(await prepareModule(other, { cacheDirectory: null }), 'instances');
    made.push(lives);
    for (let life = 0; life < 3; life += 1) {
      expect((await lives.live()).end?.reason).toBe('normal');
      expect(lives.seats.size).toBe(0);
    }
  });
});
