/** The MCP servers of a policy, started for modules that may call their tools. */

import type { GrantSpec, Kernel, Policy, PolicyMcpServer } from '../index.ts';

/** What of the surroundings servers are started with. */
export interface ServerSurroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Who wants to leave does not wait for a server that is not ready. */
  readonly signal: AbortSignal;
}

/** Whether one of these grants has a tool of the server. */
export function isReached({ name }: PolicyMcpServer, grants: readonly GrantSpec[]): boolean {
  return grants.some(
    (spec) =>
      spec.kind === 'tools' &&
      (spec.scope.allow === 'all' ||
        [...spec.scope.allow].some((tool) => tool.startsWith(`${name}.`))),
  );
}

/**
 * Offers the tools of those servers that one of these grants reaches; the others are not started.
 *
 * @throws {RingfenceError} what {@link Kernel.offerMcp} throws; the signal's reason once that is aborted
 */
export async function offerServers(
  kernel: Kernel,
  policy: Policy | null,
  grants: readonly GrantSpec[],
  { variables, signal }: ServerSurroundings,
): Promise<void> {
  const reached = (policy?.mcp ?? []).filter((server) => isReached(server, grants));
  if (reached.length === 0) {
    return;
  }
  const left = Promise.withResolvers<void>();
  const leave = (): void => left.resolve();
  signal.addEventListener('abort', leave, { once: true });
  const offers = reached.map(({ inherit, ...server }) => {
    const inherited = inherit.flatMap((name) => {
      const value = variables[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const environment = { ...Object.fromEntries(inherited), ...server.environment };
    return kernel.offerMcp('command' in server ? { ...server, environment } : server);
  });
  try {
    await Promise.race([Promise.all(offers), left.promise]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', leave);
    // What is still under way ends with the kernel.
    void Promise.allSettled(offers);
  }
}
