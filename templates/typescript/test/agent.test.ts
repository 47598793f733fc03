import { openKernel } from 'ringfence';
import { expect, test } from 'vitest';

test('it counts the words of a request', async () => {
  await using kernel = await openKernel({ workers: 1 });
  const module = await kernel.load('build/{{file}}.wasm');
  const agent = await kernel.spawn({ module, grants: { ipc: 'parent_only' } });
  const reply = await agent.request('nobody trusts this module');
  expect(reply).toEqual({ tag: 'text', val: '4' });
  agent.stop();
  expect((await agent.exited).exit.reason).toBe('normal');
});

test('it needs no grant to greet', async () => {
  await using kernel = await openKernel({ workers: 1 });
  const lines: string[] = [];
  const agent = await kernel.spawn({
    module: await kernel.load('build/{{file}}.wasm'),
    onLog: ({ message }) => lines.push(message),
  });
  expect((await agent.exited).exit.code).toBe(0);
  expect(lines).toEqual(['hello from inside the fence']);
});
