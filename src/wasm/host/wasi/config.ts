/** `wasi:config`: the values that the agent was spawned with. It sees its own, and nobody else's. */

import { ok } from '../abi/binding.ts';
import type { Functions } from '../generated/wasi-config-store.ts';
import { implement } from '../implement.ts';

export const configStore = implement<Functions>('wasi:config/store', null, {
  get: (agent, key) => ok(agent.config.find(([name]) => name === key)?.[1]),
  'get-all': (agent) => ok(agent.config),
});
