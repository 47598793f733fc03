/** What is told of a module's memory, in a process and a kernel that nothing else has run in. */

import type { Kernel } from '../../index.ts';
import type { PermittedModule } from '../load.ts';
import { type Holding, holdAgents } from './held-agents.ts';
import type { BenchInvocation } from './invocation.ts';
import { URL_ASKED } from './requests.ts';
import { spawnOptionsOf } from './subject.ts';
import type { Told } from './told.ts';

/** Requests that a service handles at a time at most (docs/serve.md). */
const CONCURRENT_MAX = 10_000;

/** Measures it; the kernel is one of `HOLDING`. */
export async function measureMemory(
  kernel: Kernel,
  permitted: PermittedModule,
  {
    invocation,
    signal,
    budgetMs,
  }: {
    readonly invocation: BenchInvocation;
    readonly signal: AbortSignal;
    readonly budgetMs: number;
  },
): Promise<Told['memory']> {
  const { module, decision } = permitted;
  if (decision.isolation !== 'shared') {
    return {
      unmeasured: `each has a ${decision.isolation} of its own, of which there are 64 at a time (docs/isolation.md)`,
    };
  }
  const most = invocation.rounds ?? Number.POSITIVE_INFINITY;
  const held = await holdAgents(kernel, {
    budgetMs,
    most: module.world === 'wasi:http' ? Math.min(most, CONCURRENT_MAX) : most,
    signal,
    start: starter(kernel, permitted, invocation),
  });
  if (held === null) {
    return { unmeasured: 'its agents end before they can be held' };
  }
  const { agents, residentBytesPerAgent, fit } = held;
  return {
    declared_bytes: module.declaredBytes,
    resident_bytes_per_agent: residentBytesPerAgent,
    agents_held: agents,
    fit: {
      in_bytes: fit.inBytes,
      agents: fit.agents,
      bound_by: fit.boundBy,
      refusal: fit.refusal,
      reached: fit.reached,
    },
  };
}

function starter(
  kernel: Kernel,
  permitted: PermittedModule,
  invocation: BenchInvocation,
): Holding['start'] {
  const spawning = {
    ...spawnOptionsOf(permitted, invocation),
    stdout: () => {},
    stderr: () => {},
  };
  if (permitted.module.world !== 'wasi:http') {
    return async () => {
      await kernel.spawn(spawning);
    };
  }
  const service = kernel.serve({ ...spawning, maxConcurrent: CONCURRENT_MAX });
  return async () => {
    // It is held before it answers, until the kernel is closed.
    service.handle(new Request(URL_ASKED)).catch(() => {});
  };
}
