/** Warnings of what an agent has used of its limits: to itself, to its parent, and to the program. */

import { limitOf, RESOURCE_KINDS, usedOf } from '../resource/limit-marks.ts';
import type { ResourceWarning } from './options.ts';
import type { Process } from './process.ts';

/** Tells what was not told yet of what it has used. */
export function warnOfLimits(
  { block, marks, running, request, pid, agentId, parentPid }: Process,
  parent: Process | undefined,
  nearLimit: (warning: ResourceWarning) => void,
): void {
  if (block === null) {
    return;
  }
  const counters = block.read();
  for (const kind of RESOURCE_KINDS) {
    const used = usedOf(counters, kind);
    if (marks.passes(kind, used)) {
      const limit = limitOf(request.limits, kind);
      const signal = { tag: 'warning', pid, kind, used, limit } as const;
      running?.signal(signal);
      parent?.running?.signal(signal);
      nearLimit({ pid, agentId, parentPid, kind, used, limit });
    }
  }
}
