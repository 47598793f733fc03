/** `ringfence:agent/process`: who am I, and spawning. Watching others is not offered yet. */

import { ok } from '../abi/binding.ts';
import type { Operation } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-process.ts';
import { implement } from '../implement.ts';
import { denied, failedOutcome, unavailable } from './errors.ts';

interface Spawning {
  readonly operation: Operation<number>;
}

export const agentProcess = implement<Functions>('ringfence:agent/process', null, {
  self: (agent) => BigInt(agent.pid),
  parent: (agent) => BigInt(agent.parentPid),
  spawn: {
    capability: 'spawn',
    denied,
    blocking: true,
    // Whether the child was spawned already is not known: it is, or it is not, and nobody waits.
    cancel: (agent) => (agent.pending as Spawning).operation.abandon(),
    run(agent, request) {
      const spawning = (agent.pending as Spawning | undefined) ?? {
        operation: agent.spawn(request),
      };
      agent.pending = spawning;
      const { outcome } = spawning.operation;
      if (outcome === null) {
        return agent.wait(spawning.operation.onSettled);
      }
      return outcome.tag === 'ok' ? ok(BigInt(outcome.val)) : failedOutcome(outcome);
    },
  },
  stop: { capability: 'spawn', denied, run: unavailable },
  link: unavailable,
  unlink: unavailable,
  monitor: unavailable,
  demonitor: unavailable,
  'trap-exit': unavailable,
});
