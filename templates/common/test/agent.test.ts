import { testAgent } from 'ringfence/test';
import { expect, test } from 'vitest';

const MODULE = 'build/{{file}}.wasm';

test('it counts the words of a request', async () => {
  await using agent = await testAgent(MODULE, { grants: { ipc: 'parent_only' } });
  expect(await agent.request('nobody trusts this module')).toEqual({ tag: 'text', val: '4' });
  const { exit } = await agent.stop();
  expect(exit.reason).toBe('normal');
});

test('it ends when nobody has asked for a second, and no sooner', async () => {
  await using agent = await testAgent(MODULE, { grants: { ipc: 'parent_only' } });
  await agent.advance(999);
  expect(agent.exit).toBeNull();
  await agent.advance(1);
  expect(agent.exit?.code).toBe(0);
});

test('it needs no more than its policy gives it', async () => {
  await using agent = await testAgent(MODULE, { policy: 'ringfence.toml' });
  const { exit } = await agent.exited;
  expect(exit.code).toBe(0);
  expect(agent.logs.map(({ message }) => message)).toEqual(['hello from inside the fence']);
});
