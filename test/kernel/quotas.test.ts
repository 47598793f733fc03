/**
 * Goal: what agents have together stays within the quotas, and comes back when they exit, however that
 * is. Method: real agents, each refusal beside the spawn that is admitted.
 */

import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Agent, type Kernel, openKernel, RingfenceError } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

const PAGE = 65_536;
const threads: Worker[] = [];
const remember = (thread: Worker): void => {
  threads.push(thread);
};
beforeEach(() => {
  threads.length = 0;
  process.on('worker', remember);
});
afterEach(() => {
  process.off('worker', remember);
});

const sleeper = async (kernel: Kernel, owner?: string): Promise<Agent> =>
  kernel.spawn({
    module: await kernel.load(guest('sleeper')),
    grants: { ipc: 'all' },
    ...(owner !== undefined && { owner }),
  });

async function end(agent: Agent): Promise<void> {
  agent.kill();
  await agent.exited;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('one more agent than the quota is refused, and admitted when one has exited', async () => {
  const { kernel } = await testKernel({ quotas: { agents: 2 } });
  const first = await sleeper(kernel);
  await sleeper(kernel);
  await expect(sleeper(kernel)).rejects.toMatchObject({
    code: 'RF_QUOTA_EXCEEDED',
    fields: { quota: 'agents', owner: null, used: 2, asked: 1, max: 2 },
  });
  await end(first);
  await sleeper(kernel);
  await kernel.close();
});

test('an agent with a process of its own takes no stack of this one', async () => {
  const { kernel } = await testKernel({ quotas: { stacks: 1 } });
  const module = await kernel.load(guest('hello'));
  const first = await sleeper(kernel);
  await expect(sleeper(kernel)).rejects.toMatchObject({ fields: { quota: 'stacks' } });
  const apart = await kernel.spawn({ module, isolation: 'process' });
  expect((await apart.exited).exit.reason).toBe('normal');
  await end(first);
  await sleeper(kernel);
  await kernel.close();
});

test('an owner’s quota is that of all its agents and their children, and nobody else’s', async () => {
  const { kernel } = await testKernel({ ownerQuotas: { agents: 2 } });
  const parent = await sleeper(kernel, 'ada');
  const module = await kernel.load(guest('sleeper'));
  await expect(kernel.spawn({ module, parent, owner: 'bob' })).rejects.toMatchObject({
    code: 'RF_USAGE',
  });
  const named = await sleeper(kernel, 'ada');
  await expect(sleeper(kernel, 'ada')).rejects.toMatchObject({ code: 'RF_QUOTA_EXCEEDED' });
  await sleeper(kernel, 'bob');
  await sleeper(kernel);
  await sleeper(kernel);
  await end(named);
  await sleeper(kernel, 'ada');
  await kernel.close();
});

test('growing answers -1 at the owner’s quota, and what was taken is there again at the exit', async () => {
  const { kernel } = await testKernel({ workers: 2, ownerQuotas: { memoryBytes: 20 * PAGE } });
  const bomb = await kernel.load(guest('memory-bomb'));
  const one = await kernel.spawn({ module: bomb, owner: 'ada' });
  await until(() => one.usage().memory_bytes === 20 * PAGE);
  await expect(kernel.spawn({ module: bomb, owner: 'ada' })).rejects.toMatchObject({
    fields: { quota: 'memoryBytes', used: 20 * PAGE },
  });
  const other = await kernel.spawn({ module: bomb, owner: 'bob' });
  await until(() => other.usage().memory_bytes === 20 * PAGE);
  await end(one);
  const again = await kernel.spawn({ module: bomb, owner: 'ada' });
  await until(() => again.usage().memory_bytes === 20 * PAGE);
  await kernel.close();
});

test('two agents in two threads never have more together than the quota', async () => {
  const { kernel } = await testKernel({ workers: 2, quotas: { memoryBytes: 40 * PAGE } });
  const bomb = await kernel.load(guest('memory-bomb'));
  const agents = await Promise.all([0, 1].map(() => kernel.spawn({ module: bomb })));
  const used = (): number => agents.reduce((sum, agent) => sum + agent.usage().memory_bytes, 0);
  await until(() => used() === 40 * PAGE);
  await until(() => agents.every((agent) => agent.slices() > 20));
  expect(used()).toBe(40 * PAGE);
  await kernel.close();
});

test('a worker that dies gives back what its agents had, once', async () => {
  const { kernel } = await testKernel({
    workers: 1,
    quotas: { memoryBytes: 20 * PAGE, agents: 1 },
  });
  const bomb = await kernel.load(guest('memory-bomb'));
  for (let round = 0; round < 3; round += 1) {
    const agent = await kernel.spawn({ module: bomb });
    await until(() => agent.usage().memory_bytes === 20 * PAGE);
    await expect(kernel.spawn({ module: bomb })).rejects.toBeInstanceOf(RingfenceError);
    // Whichever it runs in: one of a kernel that was closed before may have come late.
    await Promise.all(threads.map((thread) => thread.terminate()));
    expect((await agent.exited).exit.reason).toBe('worker_lost');
  }
  await kernel.close();
}, 120_000);

test('what an agent has open counts, beside the directories that are mounted', async () => {
  const { kernel } = await testKernel({ quotas: { descriptors: 3 } });
  const module = await kernel.load(guest('puppet'));
  const run = async (lines: string): Promise<string> => {
    const agent = await kernel.spawn({
      module,
      stdin: lines,
      grants: { files: [{ memory: true, guest: '/', quota: { bytes: PAGE } }] },
    });
    await agent.exited;
    return new TextDecoder().decode(agent.stdout);
  };
  const lines = ['a', 'b', 'c', 'd'].map((name) => `create ${name} ${name}\n`).join('');
  for (let round = 0; round < 2; round += 1) {
    const answers = (await run(`${lines}end\n`)).trim().split('\n');
    expect(answers.filter((line) => line.startsWith('create ok'))).toHaveLength(3);
    expect(answers.at(-1)).toContain('insufficient-memory');
  }
  await kernel.close();
});

test('a density that the process was not started for is refused, and so is what needs it', async () => {
  await expect(openKernel({ density: 'dense' })).rejects.toMatchObject({
    code: 'RF_BACKEND_NOT_AVAILABLE',
    fields: { flag: '--disable-wasm-trap-handler' },
  });
  await expect(openKernel({ capacity: 12_001 })).rejects.toMatchObject({ code: 'RF_USAGE' });
  await (await openKernel({ capacity: 12_000 })).close();
});
