/** Goal: the kernel's pipes belong to agents, and end with them and with it. Method: real agents. */

import { expect, test } from 'vitest';
import { guest, testKernel } from '../support/kernel.ts';

test('a pipe is written by functions that run as agents, and gone with its owner', async () => {
  const { kernel } = await testKernel();
  const sleeper = await kernel.load(guest('sleeper'));
  const owner = await kernel.spawn({ module: sleeper, grants: { ipc: 'all' } });
  const results = kernel.openPipe('results', { owner: owner.pid, capacity: 2 });
  const write = async (text: string): Promise<void> => {
    using writer = kernel.writePipe('results');
    await writer.send(text, { waitMs: 60_000 });
  };
  const agents = await Promise.all(
    ['a', 'b', 'c'].map((text) => kernel.spawn({ work: () => write(text) })),
  );
  const read = [];
  for (let count = 0; count < 3; count += 1) {
    read.push((await results.next()).value?.val);
  }
  expect(read.sort()).toEqual(['a', 'b', 'c']);
  await Promise.all(agents.map(({ exited }) => exited));
  expect(kernel.pipes()).toEqual([
    {
      name: 'results',
      owner: owner.pid,
      capacity: 2,
      idleMs: 60_000,
      messages: 0,
      bytes: 0,
      writers: 0,
      hasReader: true,
    },
  ]);
  await write('left');
  owner.kill();
  await owner.exited;
  expect(await results.next()).toEqual({ done: true, value: undefined });
  expect(() => kernel.writePipe('results')).toThrow(
    expect.objectContaining({ code: 'RF_PIPE_NOT_FOUND' }),
  );
  expect(await kernel.metrics()).toContain('ringfence_messages_lost_total 1\n');
  await kernel.close();
});

test('a pipe without an owner ends with the kernel, which opens no more', async () => {
  const { kernel } = await testKernel();
  const reader = kernel.openPipe('open');
  await reader.return();
  const again = kernel.readPipe('open');
  expect(kernel.endPipe('nobody')).toBe(false);
  await kernel.close();
  expect(await again.next()).toEqual({ done: true, value: undefined });
  expect(() => kernel.openPipe('late')).toThrow(expect.objectContaining({ code: 'RF_CLOSED' }));
});

test('what can not be understood is refused', async () => {
  const { kernel } = await testKernel();
  for (const [name, options] of [
    ['', {}],
    ['x'.repeat(257), {}],
    ['pipe', { capacity: 0 }],
    ['pipe', { capacity: 10_001 }],
    ['pipe', { idleMs: -1 }],
    ['pipe', { ttl: 1 } as object],
  ] as const) {
    expect(() => kernel.openPipe(name, options)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
  }
  expect(() => kernel.openPipe('pipe', { owner: 999 })).toThrow(
    expect.objectContaining({ code: 'RF_PROCESS_NOT_FOUND' }),
  );
  expect(kernel.pipes()).toEqual([]);
  await kernel.close();
});
