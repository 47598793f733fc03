/** `ringfence:agent/process`: who am I; starting and watching others is not offered yet. */

import type { Functions } from '../generated/ringfence-agent-process.ts';
import { implement } from '../implement.ts';
import { denied, unavailable } from './errors.ts';

const spawning = { capability: 'can_spawn', denied, run: unavailable } as const;

export const agentProcess = implement<Functions>('ringfence:agent/process', null, {
  self: (agent) => BigInt(agent.pid),
  parent: (agent) => BigInt(agent.parentPid),
  spawn: spawning,
  stop: spawning,
  link: unavailable,
  unlink: unavailable,
  monitor: unavailable,
  demonitor: unavailable,
  'trap-exit': unavailable,
});
