/**
 * Goal: a thread is ended with the agent that it was started for, also where that could not be started.
 * Method: a module that can not be handed over.
 */

import { expect, test, vi } from 'vitest';
import { blocksMemory, startAgent } from '../../../test/support/child-agents.ts';
import type { BackendEvents, BackendStart } from '../backend.ts';
import { Starts } from '../starts.ts';
import type { WasmModule } from './module.ts';
import { OwnThreads } from './own-threads.ts';

test('the thread of an agent that could not be started is ended, and its place is free', async () => {
  const options = { sliceFuel: 1, blocks: blocksMemory, onWarning: () => {} };
  const threads = new OwnThreads(options, new Starts(2), 1);
  const broken = { digest: 'broken', plan: {}, compiled: null } as unknown as WasmModule;
  const start = (agentStart: BackendStart, events: BackendEvents) =>
    threads.start(agentStart, broken, events);
  expect(() =>
    startAgent({ start: (given, _, events) => start(given, events) }, 'any', {
      isolation: 'thread',
    }),
  ).toThrow(TypeError);
  const agent = await vi.waitFor(() => startAgent(threads, 'any', { isolation: 'thread' }), 20_000);
  agent.kill();
  await agent.ended;
  await threads.close();
});
