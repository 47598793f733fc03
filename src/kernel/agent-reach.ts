/** What tools of the catalogue may use on behalf of an agent: what it holds at the moment of the call. */

import type { Grant } from '../capability/grant.ts';
import { keptByAgentId, keptByOwner } from '../kv/store.ts';
import type { Pid } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import type { AgentReach, ReachOf } from '../tools/catalogue/reach.ts';
import { canChange, FilesOfAgent } from './agent-files.ts';
import { fetchFor, type ProgramHttp } from './agent-http.ts';

/** Where agents and their grants are. */
export interface AgentReachOptions {
  find(pid: Pid): Process | undefined;
  /** Those that are in force. */
  grantsOf(pid: Pid): readonly Grant[];
  readonly http: ProgramHttp;
  /** Whether agents without an owner keep values by their agentId. */
  readonly byAgentId: boolean;
}

export function agentReach({ find, grantsOf, http, byAgentId }: AgentReachOptions): ReachOf {
  /** Null: the agent that values would be kept by has ended. */
  const ownerOf = ({ owner, admitted }: Process): string | null => {
    if (owner !== null) {
      return keptByOwner(owner);
    }
    if (!byAgentId) {
      return admitted.owner;
    }
    const first = find(Number(admitted.owner.slice('pid '.length)));
    return first === undefined ? null : keptByAgentId(first.agentId);
  };
  return (pid): AgentReach | null => {
    const process = find(pid);
    if (process === undefined) {
      return null;
    }
    const grants = grantsOf(pid);
    return {
      hasClocks: grants.some(({ kind }) => kind === 'clocks'),
      environment: process.request.environment,
      owner: ownerOf(process),
      files: new FilesOfAgent(process, grants),
      fetch: (ask, signal) => fetchFor(process, () => grantsOf(pid), http, ask, signal),
      canChange: (path) => canChange(grants, path),
    };
  };
}
