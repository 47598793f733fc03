/** Goal: exits of real agents make their scores. Method: good ones, bad ones, and one that is killed. */

import { expect, test } from 'vitest';
import { rankScores } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

test('who ends well is trusted more, who traps less, and to be killed says nothing', async () => {
  const { kernel } = await testKernel();
  for (const [name, agentId] of [
    ['hello', 'good'],
    ['trap', 'bad'],
    ['hello', 'good'],
  ] as const) {
    const module = await kernel.load(guest(name));
    await (await kernel.spawn({ module, agentId })).exited;
  }
  const sleeper = await kernel.load(guest('sleeper'));
  const agent = await kernel.spawn({ module: sleeper, agentId: 'killed', grants: { ipc: 'all' } });
  agent.kill();
  await agent.exited;
  const scores = kernel.scores();
  expect(scores.map(({ agentId, exits }) => [agentId, exits])).toEqual([
    ['good', 2],
    ['bad', 1],
  ]);
  const [best] = rankScores(scores, { trust: 1 });
  expect(best?.agentId).toBe('good');
  expect(best?.score.trust).toBeCloseTo(0.653, 10);
  await kernel.close();
});
