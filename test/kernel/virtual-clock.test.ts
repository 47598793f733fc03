/**
 * Goal: in a kernel with a virtual clock all that agents wait for by time follows that, in order and the same
 * each time, and stands still otherwise. Method: puppets that say what they read and receive, and as
 * positive control the same in the machine's time.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kernel, LoadedModule, SpawnOptions, VirtualClock } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

/** 2030-01-01T00:00:00Z. */
const BEGINS_AT_MS = Date.UTC(2030, 0, 1);
/** Longer than anything takes on a busy machine. */
const PATIENT = { patienceMs: 60_000 };
const HOUR_MS = 3_600_000;
/** What a guest can wait for at the most: 2^64 ns. */
const AGES_MS = 18_446_744_073_710;

let kernel: Kernel;
let clock: VirtualClock;
let puppet: LoadedModule;

beforeAll(async () => {
  ({ kernel } = await testKernel({ clock: 'virtual', workers: 1 }));
  clock = kernel.clock as VirtualClock;
  puppet = await kernel.load(guest('puppet'));
});
afterAll(() => kernel.close());

const MAIL = { grants: { ipc: 'all' } } as const;

/** What a puppet of these orders says until it ends, while the time is moved on. */
async function told(
  orders: readonly string[],
  advancesMs: readonly number[],
  options: Partial<SpawnOptions> = {},
): Promise<string[]> {
  clock.begin(BEGINS_AT_MS);
  const agent = await kernel.spawn({
    ...MAIL,
    ...options,
    module: puppet,
    arguments: ['puppet', ...orders.map((order) => `do:${order}`)],
  } as SpawnOptions);
  for (const ms of advancesMs) await clock.advance(ms, PATIENT);
  await agent.exited;
  return Buffer.from(agent.stdout).toString().trimEnd().split('\n');
}

test('clocks stand still until they are advanced, and a receive gives up by them', async () => {
  expect(await told(['clock', 'receive 3600000', 'clock'], [HOUR_MS - 1, 1])).toEqual([
    'clock ok 0 1000000',
    expect.stringContaining('receive err timeout'),
    'clock ok 3600000000000 1000000',
  ]);
});

test('exact clocks tell the same time, to the nanosecond', async () => {
  const grants = { ipc: 'all', clocks: 'exact' } as const;
  expect(await told(['clock', 'receive 5', 'clock'], [5], { grants })).toEqual([
    'clock ok 0 1',
    expect.stringContaining('timeout'),
    'clock ok 5000000 1',
  ]);
});

test('timers ring in their order, each before the next is due, however far the time jumps', async () => {
  const orders = ['after 300 late', 'after 100 early', 'every 200 again'];
  for (let count = 0; count < 4; count += 1) orders.push('receive', 'clock');
  const said = await told(orders, [HOUR_MS]);
  expect(said.slice(3).map((line) => line.replace(/(\d+)000000 1000000$/, '$1'))).toEqual([
    'receive ok timer 2 early',
    'clock ok 100',
    'receive ok timer 3 again',
    'clock ok 200',
    'receive ok timer 1 late',
    'clock ok 300',
    'receive ok timer 3 again',
    'clock ok 400',
  ]);
});

test('who polls for a moment that is centuries away is there at once', async () => {
  clock.begin();
  const sleeper = await kernel.load(guest('sleeper-in-poll'));
  const agent = await kernel.spawn({ module: sleeper });
  await clock.advance(AGES_MS - 1, PATIENT);
  expect(agent.state).toBe('running');
  await clock.advance(1, PATIENT);
  expect((await agent.exited).exit).toMatchObject({ code: 0, reason: 'normal' });
});

test('who waits for room in a full mailbox waits by the same time', async () => {
  clock.begin();
  const small = { limits: { hostBytes: 65_536 }, ...MAIL };
  const full = await kernel.spawn({ ...small, module: await kernel.load(guest('sleeper')) });
  await full.send('x');
  await clock.settled(PATIENT);
  full.suspend();
  for (;;) {
    const sent = await full.send('x'.repeat(8_000)).then(
      () => true,
      () => false,
    );
    if (!sent) break;
  }
  const sender = await spawnPuppet(kernel, puppet, MAIL);
  const answer = sender.tell(`send ${full.pid} ${'y'.repeat(8_000)} 1000`);
  await clock.advance(999, PATIENT);
  sender.say('clock');
  await clock.advance(1, PATIENT);
  expect(await answer).toContain('send err mailbox-full');
  expect(await sender.answer()).toBe('clock ok 1000000000 1000000');
  full.kill();
  await sender.end();
  await full.exited;
});

test('the time waits for a tool that an agent calls, and goes on when it has answered', async () => {
  clock.begin();
  const called = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  kernel.registerTool({ name: 'slow', description: 'Answers when the test says so.' }, () => {
    called.resolve();
    return answer.promise;
  });
  const grants = { tools: ['slow'] };
  const agent = await spawnPuppet(kernel, puppet, { grants });
  const said = agent.tell('tool slow {}');
  await called.promise;
  const advanced = clock.advance(10, PATIENT);
  await expect(clock.settled({ patienceMs: 20 })).rejects.toMatchObject({ code: 'RF_TIMEOUT' });
  expect(clock.elapsedMs).toBe(0);
  answer.resolve('done');
  await advanced;
  expect(await said).toBe('tool ok "done"');
  expect(clock.elapsedMs).toBe(10);
  kernel.unregisterTool('slow');
  await agent.end();
});

test('an agent in a thread of its own lives in the same time as the others', async () => {
  clock.begin();
  const [shared, own] = [
    await spawnPuppet(kernel, puppet, MAIL),
    await spawnPuppet(kernel, puppet, { ...MAIL, isolation: 'thread' }),
  ];
  const both = [shared.tell('receive 500'), own.tell('receive 700')];
  await clock.advance(700, PATIENT);
  expect(await Promise.all(both)).toEqual(Array(2).fill(expect.stringContaining('timeout')));
  expect(await own.tell('clock')).toBe('clock ok 700000000 1000000');
  await Promise.all([shared.end(), own.end()]);
});

test('what would live in another time is refused, and so is a new beginning beside agents', async () => {
  clock.begin();
  await expect(kernel.spawn({ module: puppet, isolation: 'process' })).rejects.toMatchObject({
    code: 'RF_USAGE',
  });
  const agent = await spawnPuppet(kernel, puppet, { isolation: 'thread' });
  expect(() => clock.begin()).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  await agent.end();
  expect(() => clock.begin(Number.NaN)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  clock.begin(BEGINS_AT_MS);
  expect([clock.nowMs, clock.elapsedMs]).toEqual([BEGINS_AT_MS, 0]);
  await expect(clock.advance(-1)).rejects.toMatchObject({ code: 'RF_USAGE' });
  await expect(clock.advance(0.5)).rejects.toMatchObject({ code: 'RF_USAGE' });
});

test('a kernel that was asked for nothing else lives in the machine’s time', async () => {
  const { kernel: other } = await testKernel({ workers: 1 });
  expect(other.clock).toBeNull();
  const agent = await spawnPuppet(other, await other.load(guest('puppet')), MAIL);
  expect(await agent.tell('receive 1')).toContain('timeout');
  await agent.end();
  await other.close();
});
