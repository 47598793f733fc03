/**
 * Families 47 and 57: what one agent leaves behind for the next. Goal: nothing, however it ended. Method: agents of one module one after another on one
 * worker; the first leaves traces wherever it can, the next looks there.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ActOptions, actsOf, NORMAL, until, useFence } from './support/fence.ts';
import { GUEST_PAGES, GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .sayOutcomes()
  .use('wasi:cli/environment', 'get-environment', '$get_environment')
  .use('wasi:cli/stdin', 'get-stdin', '$get_stdin')
  .use('wasi:cli/stdout', 'get-stdout', '$get_stdout')
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('wasi:io/streams', '[method]input-stream.read', '$read')
  .use('wasi:io/streams', '[method]input-stream.blocking-read', '$blocking_read')
  .use('wasi:random/insecure-seed', 'insecure-seed', '$seed')
  .use('wasi:random/random', 'get-random-u64', '$number')
  .use('ringfence:agent/ipc', 'receive', '$receive')
  .use('ringfence:agent/ipc', 'send', '$send')
  .use('ringfence:agent/process', 'self', '$self')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

/** Where an agent hides something: behind what its realloc hands out. */
const HIDDEN = 15 * 65_536;
const trace = text.text('a trace of somebody');
const callTool = (name: string) =>
  `(call $call ${text.text(name).operands} ${text.text('{}').operands} (i32.const ${PLACE}))`;
/** Sends a text to a pid. */
const send = (pid: string) => `(call $send
  (i32.const 0) ${pid} (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 0) ${trace.operands}
  (i32.const 0) (i64.const 0) (i32.const ${PLACE}))`;
const receiveNow = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 1) (i64.const 0) (i32.const ${PLACE}))`;
const receive = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 0) (i64.const 0) (i32.const ${PLACE}))`;

text.define(`
  (global $mark (mut i64) (i64.const 0)) (global $kept (mut funcref) (ref.null func))
  (table $left 4 8 funcref) (elem (table $left) (i32.const 1) func $bump)
  (data $once "once") (elem $segment func $bump)
  (func $sum (param $from i32) (param $to i32) (result i64) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (i64.load (local.get $from))))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $l (i32.lt_u (local.get $from) (local.get $to))))
    (local.get $sum))
  (func $leave_traces
    (memory.fill (i32.const ${HIDDEN}) (i32.const 0xa5) (i32.const 65536))
    (drop (memory.grow (i32.const 3)))
    (i64.store (i32.const ${GUEST_PAGES * 65_536}) (i64.const -1))
    (global.set $mark (i64.const -1)) (global.set $kept (ref.func $bump))
    (global.set $heap (i32.const ${HIDDEN - 65_536}))
    (table.fill $left (i32.const 0) (ref.func $bump) (i32.const 4))
    (drop (table.grow $left (ref.func $bump) (i32.const 2)))
    (data.drop $once) (elem.drop $segment)
    (drop (call $subscribe (i64.const -1))) (drop (call $get_stdout)) (drop (call $get_stdin))
    ${send('(call $self)')})
  (elem declare func $bump)`);

/** Everything that could have been left, a line each: in the instance… */
const LOOK_INSIDE = `
  (call $say_number (call $sum (i32.const ${HIDDEN}) (i32.const ${HIDDEN + 65_536})))
  (call $say_number (i64.extend_i32_u (memory.size)))
  (call $say_number (global.get $mark))
  (call $say_number (i64.extend_i32_u (ref.is_null (global.get $kept))))
  (call $say_number (i64.extend_i32_u (table.size $left)))
  (call $say_number (i64.extend_i32_u (ref.is_null (table.get $left (i32.const 0)))))`;
/** …and at the host. Its seed and a random number come last. */
const LOOK_OUTSIDE = `
  (call $say_number (i64.extend_i32_u (call $subscribe (i64.const 0))))
  (call $get_environment (i32.const ${PLACE}))
  (call $say_number (i64.load32_u offset=4 (i32.const ${PLACE})))
  (call $get_arguments (i32.const ${PLACE}))
  (call $say_number (i64.load32_u offset=4 (i32.const ${PLACE})))
  ${receiveNow}
  (call $say_number (i64.load8_u offset=8 (i32.const ${PLACE})))
  (call $read (call $get_stdin) (i64.const 8) (i32.const ${PLACE}))
  (call $say_number (i64.load32_u offset=8 (i32.const ${PLACE})))
  (call $seed (i32.const ${PLACE}))
  (call $say_number (i64.load (i32.const ${PLACE})))
  (call $say_number (call $number))`;
text
  .act(
    'looks',
    `(memory.init $once (i32.const ${PLACE}) (i32.const 0) (i32.const 4))
     (table.init $left $segment (i32.const 2) (i32.const 0) (i32.const 1))
     ${LOOK_INSIDE} ${LOOK_OUTSIDE}`,
  )
  .act(
    'leaves and looks',
    `(call $leave_traces)
     (call $blocking_read (call $get_stdin) (i64.const 1) (i32.const ${PLACE}))
     ${LOOK_INSIDE} ${LOOK_OUTSIDE}`,
  );
/** The last lines: they differ from agent to agent. */
const RANDOM_LINES = 2;

const ENDS: Readonly<Record<string, readonly [act: string, ends: string]>> = {
  'returned ok': ['', 'normal'],
  'returned an error': [`(return (call $fail ${trace.operands}))`, 'error'],
  trapped: ['(unreachable)', 'trap'],
  'used its fuel up': ['(loop $l (br $l))', 'fuel'],
  'was killed while it computed': ['(loop $l (br $l))', 'killed'],
  'was killed while it waited': [`(loop $l ${receive} (br $l))`, 'killed'],
  'was killed while a tool worked': [callTool('works for ever'), 'killed'],
  'was killed in a host call back into it': [
    `${text.reallocation('(loop $l (br $l)) (i32.const 8192)')} ${callTool('answers')} ${callTool('answers')}`,
    'trap',
  ],
};
for (const [name, [act]] of Object.entries(ENDS)) {
  text.act(name, `(call $leave_traces) ${act}`);
}

describe('family 47: what an agent leaves for the next one of its worker', () => {
  const secrets: ActOptions = {
    environment: { SECRET: 'of the first' },
    arguments: ['more', 'arguments'],
    stdin: 'what the first did not read',
    grants: { ipc: 'all', tools: 'all' },
  };
  const looks = async () => {
    const { report, said } = await run('looks', { grants: { ipc: 'all' } });
    expect(report.exit).toEqual(NORMAL);
    return { fuel: report.usage.fuel, said };
  };
  beforeAll(() => {
    const { kernel } = fence();
    kernel.registerTool({ name: 'works for ever', description: '' }, () => new Promise(() => {}));
    kernel.registerTool({ name: 'answers', description: '' }, () => 'x'.repeat(1000));
  });

  it.each(Object.entries(ENDS))('47: nothing, where it %s', async (name, [, ends]) => {
    const before = await looks();
    const fuel = ends === 'fuel' ? 1_000_000 : 0;
    const agent = await run.start(name, { ...secrets, limits: { fuel } });
    if (ends === 'killed') {
      await until(() => agent.usage().messages_sent === 1 || agent.state === 'exited');
      if (/computed/.test(name)) await until(() => agent.slices() > 0 || agent.state === 'exited');
      agent.kill();
    }
    const first = await fence().ended(agent);
    expect(first.report.exit.reason).toBe(ends);
    expect(first.report.usage.messages_sent).toBe(1);
    const after = await looks();
    expect(after.fuel).toBe(before.fuel);
    const fixed = ({ said }: typeof after) => said.slice(0, -RANDOM_LINES);
    expect(fixed(after)).toEqual(fixed(before));
    const [seed, number] = after.said.slice(-RANDOM_LINES);
    expect(before.said.slice(-RANDOM_LINES)).not.toContain(seed);
    expect(before.said.slice(-RANDOM_LINES)).not.toContain(number);
    const [sum, pages, mark] = after.said;
    expect([sum, pages, mark].map((digits) => Number.parseInt(digits!, 16))).toEqual([
      0,
      GUEST_PAGES,
      0,
    ]);
  });

  it('47: what is looked for is found where the agent itself has left it', async () => {
    const before = await looks();
    const { report, said } = await run('leaves and looks', secrets);
    expect(report.exit).toEqual(NORMAL);
    const differs = said.slice(0, -RANDOM_LINES).map((line, at) => line !== before.said[at]);
    expect(differs).toEqual(differs.map(() => true));
  });
});

describe('family 57: killed in every kind of wait', () => {
  it.skipIf(!existsSync('/proc/self/maps'))(
    '57: nothing stays mapped of 2,160 agents that were killed in nine kinds of wait',
    async () => {
      const program = fileURLToPath(new URL('fixtures/many-waits.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [program]);
      const { rounds, agentsInAll } = JSON.parse(stdout) as {
        rounds: number[];
        agentsInAll: number;
      };
      expect(agentsInAll).toBe(2160);
      const early = Math.max(...rounds.slice(0, 4));
      const late = Math.min(...rounds.slice(-3));
      // A stack and a memory of the 20 agents of one kind: 240 in the six rounds between.
      expect(late).toBeLessThan(early + 200);
    },
    60_000,
  );
});
