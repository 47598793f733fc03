/** Goal: what reaches nobody is found again, with why. Method: real mailboxes that are full, or never read. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeadLetter, LoadedModule } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let sleeper: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  sleeper = await host.kernel.load(guest('sleeper-in-poll'));
});
afterAll(() => host.kernel.close());

const spawn = () => host.kernel.spawn({ module: sleeper, grants: { ipc: 'all' } });
const texts = (letters: readonly DeadLetter[]) => letters.map(({ payload }) => payload.val);

test.each(['shared', 'thread'] as const)(
  'the mail of who exits without reading it, in order: isolation %s',
  async (isolation) => {
    const { kernel } = host;
    const agent = await kernel.spawn({ module: sleeper, isolation, grants: { ipc: 'all' } });
    await agent.send('one');
    await agent.send(new Uint8Array([2]));
    expect(kernel.deadLetters({ to: agent.pid })).toEqual([]);
    agent.kill();
    await agent.exited;
    const letters = kernel.deadLetters({ to: agent.pid });
    expect(letters).toMatchObject([
      { reason: 'exited', from: 0, kind: 'message', payload: { tag: 'text', val: 'one' } },
      { reason: 'exited', payload: { tag: 'binary', val: new Uint8Array([2]) } },
    ]);
    const [first] = letters;
    expect(kernel.takeDeadLetter(first?.id ?? 0)).toEqual(first);
    expect(kernel.takeDeadLetter(first?.id ?? 0)).toBeUndefined();
    expect(kernel.deadLetters({ to: agent.pid })).toHaveLength(1);
  },
);

test('what an agent has sent to another that never read it, with who it was from', async () => {
  const { kernel } = host;
  const receiver = await spawn();
  const sender = await kernel.spawn({
    grants: { ipc: { pids: [receiver.pid] } },
    work: ({ send }) => send(receiver.pid, 'from another'),
  });
  await sender.exited;
  receiver.kill();
  await receiver.exited;
  expect(kernel.deadLetters({ from: sender.pid })).toMatchObject([
    { to: receiver.pid, reason: 'exited', payload: { val: 'from another' } },
  ]);
});

test('of a process only the number is known', async () => {
  const { kernel } = await testKernel();
  const module = await kernel.load(guest('sleeper-in-poll'));
  const agent = await kernel.spawn({ module, isolation: 'process', grants: { ipc: 'all' } });
  await agent.send('one');
  await expect.poll(() => kernel.inspect(agent.pid).mailbox).toBe(1);
  agent.kill();
  await agent.exited;
  expect(kernel.deadLetters()).toEqual([]);
  expect(await kernel.metrics()).toContain('ringfence_messages_lost_total 1\n');
  await kernel.close();
});

test('what the program sends where there is no room, or nobody any more; it is told so too', async () => {
  const { kernel } = host;
  const agent = await spawn();
  for (let count = 0; count < 1_024; count += 1) {
    await agent.send('x');
  }
  await expect(agent.send('too much')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
  expect(texts(kernel.deadLetters({ to: agent.pid, reason: 'mailbox_full' }))).toEqual([
    'too much',
  ]);
  agent.kill();
  await agent.exited;
  await expect(agent.send('too late')).rejects.toMatchObject({ code: 'RF_CLOSED' });
  const exited = kernel.deadLetters({ to: agent.pid, reason: 'exited' });
  expect(exited).toHaveLength(1_025);
  expect(texts(exited).at(-1)).toBe('too late');
  const text = await kernel.metrics();
  expect(text).toMatch(/ringfence_dead_letters_total\{reason="mailbox_full"\} 1\n/);
});

test('a filter that can not be understood is refused', () => {
  for (const filter of [{ reason: 'lost' as 'exited' }, { to: -1 }, { pid: 1 } as object]) {
    expect(() => host.kernel.deadLetters(filter)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
  }
});
