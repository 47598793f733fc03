/** What tools of the catalogue may use on behalf of an agent: what it holds at the moment of the call. */

import { isWithin } from '../capability/algebra.ts';
import type { Grant } from '../capability/grant.ts';
import type { Pid } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import type { AgentReach, ReachOf } from '../tools/catalogue/reach.ts';

/** Where agents and their grants are. */
export interface AgentReachOptions {
  find(pid: Pid): Process | undefined;
  /** Those that are in force. */
  grantsOf(pid: Pid): readonly Grant[];
}

function canChange(grants: readonly Grant[], path: string): boolean {
  return grants.some(
    (grant) =>
      grant.kind === 'files' &&
      grant.scope.source.kind === 'host' &&
      (grant.scope.modes.write || grant.scope.modes.create) &&
      isWithin(grant.scope.source.path, path),
  );
}

export function agentReach({ find, grantsOf }: AgentReachOptions): ReachOf {
  return (pid): AgentReach | null => {
    const process = find(pid);
    if (process === undefined) {
      return null;
    }
    const grants = grantsOf(pid);
    return {
      hasClocks: grants.some(({ kind }) => kind === 'clocks'),
      environment: process.request.environment,
      owner: process.admitted.owner,
      canChange: (path) => canChange(grants, path),
    };
  };
}
