/** What a module's grants reach of the tools that a policy offers and of where values are kept. */

import {
  type ExecInput,
  type GrantSpec,
  KV_QUOTA_DEFAULT,
  type KvOptions,
  type PolicyMcpServer,
} from '../index.ts';
import { isReached } from './mcp-servers.ts';

/** Servers and those of their tools that are granted; 'all': whatever they offer. */
export type ReachedServers = Readonly<Record<string, 'all' | readonly string[]>>;

/** Where what an agent keeps by `kv.*` is kept, and how much of it. */
export interface ReachedStore {
  /** Null: in memory, until the command ends. */
  readonly path: string | null;
  readonly owner_max_keys: number;
  readonly owner_max_bytes: number;
  readonly max_owners: number;
  readonly max_bytes: number;
}

/** The commands of a policy that the grants reach. */
export function reachedCommands(exec: ExecInput, grants: readonly GrantSpec[]): ExecInput {
  const isReached = (name: string): boolean =>
    grants.some(
      (spec) =>
        spec.kind === 'tools' &&
        (spec.scope.allow === 'all' || spec.scope.allow.has(`exec.${name}`)) &&
        !spec.scope.deny.has(`exec.${name}`),
    );
  return Object.fromEntries(Object.entries(exec).filter(([name]) => isReached(name)));
}

/** The servers of a policy that the grants reach, as `run` starts them, with the tools that are granted. */
export function reachedServers(
  servers: readonly PolicyMcpServer[],
  grants: readonly GrantSpec[],
): ReachedServers {
  const scopes = grants.flatMap((spec) => (spec.kind === 'tools' ? [spec.scope] : []));
  const isGranted = (tool: string): boolean =>
    scopes.some(({ allow, deny }) => (allow === 'all' || allow.has(tool)) && !deny.has(tool));
  return Object.fromEntries(
    servers
      .filter((server) => isReached(server, grants))
      .map(({ name, tools }) => {
        const named = scopes.flatMap(({ allow }) => (allow === 'all' ? [] : [...allow]));
        const isAll = scopes.some(({ allow }) => allow === 'all');
        if (tools === undefined && isAll) {
          return [name, 'all'];
        }
        const offered =
          tools?.map((tool) => `${name}.${tool}`) ??
          named.filter((tool) => tool.startsWith(`${name}.`));
        return [name, [...new Set(offered)].filter(isGranted)];
      }),
  );
}

/** The store of values; null: no grant reaches a tool that uses it. */
export function reachedStore(
  { path, byAgentId: _, ...quota }: KvOptions,
  grants: readonly GrantSpec[],
): ReachedStore | null {
  const isGranted = grants.some(
    (spec) =>
      spec.kind === 'tools' &&
      (spec.scope.allow === 'all' ||
        [...spec.scope.allow].some((tool) => tool.startsWith('kv.') && !spec.scope.deny.has(tool))),
  );
  const { ownerMaxKeys, ownerMaxBytes, maxOwners, maxBytes } = { ...KV_QUOTA_DEFAULT, ...quota };
  return isGranted
    ? {
        path: path ?? null,
        owner_max_keys: ownerMaxKeys,
        owner_max_bytes: ownerMaxBytes,
        max_owners: maxOwners,
        max_bytes: maxBytes,
      }
    : null;
}
