/**
 * Goal: what is sent reliably is replied to in the end, or is a dead letter. Method: guests that reply late,
 * end, and begin to provide a service; how far attempts are apart is tested in src/ipc/ on a clock of its
 * own.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadedModule, Payload, ReliableSend } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let module: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  module = await host.kernel.load(guest('puppet'));
});
afterAll(() => host.kernel.close());

const puppet = () => spawnPuppet(host.kernel, module, { grants: { ipc: 'all' } });
const text = (payload: Payload) => payload.val;
/** Takes a request, and answers its correlation. */
async function taken(by: Puppet): Promise<string> {
  const said = await by.tell('receive 20000');
  expect(said).toMatch(/^receive ok request 0 \d+/);
  return said.split(' ')[4] ?? '';
}

test('what is replied to is acknowledged, with the reply', async () => {
  const receiver = await puppet();
  const sent = host.kernel.sendReliably({ to: receiver.agent.pid, message: 'do it' });
  expect(await receiver.tell(`reply ${await taken(receiver)} done`)).toBe('reply ok');
  expect(text(await sent)).toBe('done');
  expect(host.kernel.deadLetters({ to: receiver.agent.pid })).toEqual([]);
  await receiver.end();
});

test('what is not replied to in time is sent again; a late reply to an earlier attempt is none', async () => {
  const receiver = await puppet();
  const to = receiver.agent.pid;
  const sent = host.kernel.sendReliably({
    to,
    message: 'do it',
    initialMs: 200,
    maxMs: 60_000,
    retries: 10,
  });
  const first = await taken(receiver);
  const second = await taken(receiver);
  expect(Number(second)).toBeGreaterThan(Number(first));
  expect(await receiver.tell(`reply ${first} late`)).toMatch(/^reply err not-found/);
  // Each has twice the time of the one before: one of them waits long enough for its reply.
  for (let last = second; ; last = await taken(receiver)) {
    if ((await receiver.tell(`reply ${last} done`)) === 'reply ok') {
      break;
    }
  }
  expect(text(await sent)).toBe('done');
  await receiver.end();
});

test('what nobody replies to is a dead letter, with its attempts', async () => {
  const receiver = await puppet();
  const to = receiver.agent.pid;
  await expect(
    host.kernel.sendReliably({ to, message: 'do it', retries: 2, initialMs: 5, maxMs: 10 }),
  ).rejects.toMatchObject({ code: 'RF_TIMEOUT', fields: { attempts: 3 } });
  expect(host.kernel.deadLetters({ to })).toMatchObject([
    { reason: 'timeout', from: 0, attempts: 3, payload: { val: 'do it' } },
  ]);
  await receiver.end();
  // The attempts in its mailbox are no letters of their own.
  expect(host.kernel.deadLetters({ to })).toHaveLength(1);
});

test('a receiver that ends is not tried again, and one that never was is not waited for', async () => {
  const receiver = await puppet();
  const to = receiver.agent.pid;
  const sent = host.kernel.sendReliably({ to, message: 'do it', initialMs: 60_000 });
  const refused = expect(sent).rejects.toMatchObject({ code: 'RF_CLOSED' });
  await taken(receiver);
  await receiver.end();
  await refused;
  await expect(host.kernel.sendReliably({ to, message: 'again' })).rejects.toMatchObject({
    code: 'RF_CLOSED',
  });
  await expect(host.kernel.sendReliably({ to: 999_999, message: 'who' })).rejects.toMatchObject({
    code: 'RF_PROCESS_NOT_FOUND',
  });
  expect(host.kernel.deadLetters({ to }).map(({ reason }) => reason)).toEqual(['exited', 'exited']);
  expect(host.kernel.deadLetters({ to: 999_999 })).toMatchObject([{ reason: 'not_found' }]);
});

test('a service gets it when somebody provides it, also after who did has ended', async () => {
  const { kernel } = host;
  const first = await puppet();
  kernel.registerService('store', first.agent.pid);
  const sent = kernel.sendReliably({
    to: { service: 'store' },
    message: 'put',
    initialMs: 50,
    maxMs: 20_000,
    retries: 100,
  });
  await taken(first);
  await first.end();
  const second = await puppet();
  kernel.registerService('store', second.agent.pid);
  for (;;) {
    if ((await second.tell(`reply ${await taken(second)} kept`)) === 'reply ok') {
      break;
    }
  }
  expect(text(await sent)).toBe('kept');
  await second.end();
  await expect(
    kernel.sendReliably({ to: { service: 'store' }, message: 'put', retries: 0, initialMs: 1 }),
  ).rejects.toMatchObject({ code: 'RF_TIMEOUT' });
  expect(kernel.deadLetters({ reason: 'timeout' }).at(-1)).toMatchObject({ to: null });
});

test('is given up by its signal and with the kernel, and is no dead letter then', async () => {
  const { kernel } = await testKernel();
  const loaded = await kernel.load(guest('puppet'));
  const receiver = await spawnPuppet(kernel, loaded, { grants: { ipc: 'all' } });
  const to = receiver.agent.pid;
  const stop = new AbortController();
  const given = kernel.sendReliably({ to, message: 'x', signal: stop.signal });
  const closed = kernel.sendReliably({ to, message: 'x' });
  const nobody = kernel.sendReliably({ to: { service: 'nobody' }, message: 'x' });
  const ends = Promise.allSettled([given, closed, nobody]);
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'RF_CANCELLED' });
  await kernel.close();
  expect((await ends).map((end) => (end as PromiseRejectedResult).reason.code)).toEqual([
    'RF_CANCELLED',
    'RF_CLOSED',
    'RF_CLOSED',
  ]);
  expect(kernel.deadLetters()).toEqual([]);
});

test('more than may be under way, and what can’t be understood, is refused', async () => {
  const { kernel } = await testKernel();
  const send = (change: object = {}) =>
    kernel.sendReliably({ to: { service: 'nobody' }, message: 'x', ...change } as ReliableSend);
  for (const change of [
    { to: 0 },
    { to: -1 },
    { retries: 101 },
    { initialMs: 0 },
    { message: 3 },
  ]) {
    await expect(send(change)).rejects.toMatchObject({ code: 'RF_USAGE' });
  }
  const underWay = Array.from({ length: 1_000 }, () => send());
  const ends = Promise.allSettled(underWay);
  await expect(send()).rejects.toMatchObject({ code: 'RF_LIMIT_EXCEEDED' });
  await kernel.close();
  await ends;
  await expect(send()).rejects.toMatchObject({ code: 'RF_CLOSED' });
});
