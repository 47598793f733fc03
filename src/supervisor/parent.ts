/** Whether an agent may spawn a child: its grant, its count, and limits no higher than its own. */

import type { Grant } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';
import type { Limits } from '../resource/limits.ts';
import type { SpawnRequest } from './process.ts';

/** Who would be the parent. */
export interface Parent {
  readonly parent: { readonly request: { readonly limits: Limits } } | null;
  /** Its grants that are in force. */
  readonly grants: readonly Grant[];
  /** Children of it that have not exited. */
  readonly children: number;
}

function denied(request: SpawnRequest, why: string): RingfenceError {
  return new RingfenceError(
    'RF_CAPABILITY_DENIED',
    `Cannot spawn '${request.agentId}' as a child of pid ${request.parentPid}: ${why}.`,
    { pid: request.parentPid, action: 'spawn' },
  );
}

/** 0 is unlimited, and so the highest. */
const isHigher = (limit: number, than: number): boolean =>
  than !== 0 && (limit === 0 || limit > than);

/**
 * Checks that an agent may have a child. That the child's grants are no wider is checked where they
 * are issued.
 *
 * @throws {RingfenceError} `RF_CAPABILITY_DENIED`, `RF_LIMIT_EXCEEDED`, `RF_PROCESS_NOT_FOUND`
 */
export function checkSpawn(request: SpawnRequest, { parent, grants, children }: Parent): void {
  if (parent === null) {
    throw new RingfenceError(
      'RF_PROCESS_NOT_FOUND',
      `Cannot spawn '${request.agentId}' as a child of pid ${request.parentPid}: there is no such agent, or it has ended.`,
      { pid: request.parentPid },
    );
  }
  const spawns = grants.filter((grant) => grant.kind === 'spawn');
  if (spawns.length === 0) {
    throw denied(request, 'it was not granted spawn; grant it (--allow-spawn)');
  }
  const digest = request.module === null ? null : `sha256:${request.module.digest}`;
  const reaching = spawns.filter(
    ({ scope }) =>
      scope.depth > 0 &&
      (scope.modules === 'all' || (digest !== null && scope.modules.has(digest))),
  );
  if (reaching.length === 0) {
    const what = digest === null ? 'a function of the program' : 'the module';
    throw denied(request, `${what} is outside of the scope of its spawn grant; widen it`);
  }
  const most = Math.max(...reaching.map(({ scope }) => scope.count));
  if (children >= most) {
    throw new RingfenceError(
      'RF_LIMIT_EXCEEDED',
      `Cannot spawn '${request.agentId}' as a child of pid ${request.parentPid}: it has ${children} children, and may have ${most}; wait for one to exit.`,
      { pid: request.parentPid, current: children, limit: most },
    );
  }
  for (const name of Object.keys(request.limits) as (keyof Limits)[]) {
    const most = parent.request.limits[name];
    const limit = request.limits[name];
    if (isHigher(limit, most)) {
      throw denied(
        request,
        request.module === null && limit === 0
          ? `a function has no limit '${name}', and its parent has one of ${most}; give it one where functions can have it, or no parent`
          : `its limit '${name}' of ${limit} is higher than its parent's of ${most}; lower it`,
      );
    }
  }
}
