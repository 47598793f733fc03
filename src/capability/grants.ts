/** What an agent may be granted, how a caller writes it, and the presets. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';

/** Whom an agent may exchange messages with. */
export type IpcScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'parent_only' }
  | { readonly kind: 'restricted'; readonly pids: ReadonlySet<number> }
  | { readonly kind: 'topic'; readonly topics: ReadonlySet<string> }
  | { readonly kind: 'none' };

/** Names that a scope reaches: all of them, or a set. An empty set reaches nothing. */
export type NameScope = 'all' | ReadonlySet<string>;

/**
 * The capabilities of one agent. Deny by default: {@link NO_GRANTS} may compute, log and exit.
 */
export interface Grants {
  readonly can_ipc: boolean;
  readonly ipc_scope: IpcScope;
  readonly can_network: boolean;
  /** `host` or `host:port`. */
  readonly network_scope: NameScope;
  readonly can_exec_tools: boolean;
  readonly tool_scope: NameScope;
  readonly can_spawn: boolean;
  /** Children that may live at a time. */
  readonly spawn_count: number;
  /** Coarse clocks (1 ms). */
  readonly clocks: boolean;
  readonly random: boolean;
}

const name = z.string().min(1).max(256);

const grantsSchema = z.strictObject({
  preset: z.enum(['none', 'browser', 'standard']).optional(),
  ipc: z
    .union([
      z.enum(['all', 'parent_only', 'none']),
      z.strictObject({ pids: z.array(z.number().int().positive()).max(10_000) }),
      z.strictObject({ topics: z.array(name).max(10_000) }),
    ])
    .nullish(),
  network: z.union([z.literal('all'), z.array(name).max(10_000)]).nullish(),
  tools: z.union([z.literal('all'), z.array(name).max(10_000)]).nullish(),
  spawn: z.number().int().nonnegative().max(10_000).nullish(),
  clocks: z.boolean().optional(),
  random: z.boolean().optional(),
});

/** Grants as a caller writes them. `null`, a missing field and an empty list all mean nothing. */
export type GrantsInput = z.input<typeof grantsSchema>;

/** Computes, logs, exits; coarse clocks and random numbers, which a policy can withdraw. */
export const NO_GRANTS: Grants = {
  can_ipc: false,
  ipc_scope: { kind: 'none' },
  can_network: false,
  network_scope: new Set(),
  can_exec_tools: false,
  tool_scope: new Set(),
  can_spawn: false,
  spawn_count: 0,
  clocks: true,
  random: true,
};

const PRESETS: Readonly<Record<'none' | 'browser' | 'standard', Grants>> = {
  none: NO_GRANTS,
  // The reference's preset for untrusted agents: messages to nobody yet named, tools, nothing else.
  browser: {
    ...NO_GRANTS,
    can_ipc: true,
    ipc_scope: { kind: 'restricted', pids: new Set() },
    can_exec_tools: true,
    tool_scope: 'all',
  },
  // The reference's defaults.
  standard: {
    ...NO_GRANTS,
    can_ipc: true,
    ipc_scope: { kind: 'all' },
    can_exec_tools: true,
    tool_scope: 'all',
    can_spawn: true,
    spawn_count: 64,
  },
};

type ParsedIpc = NonNullable<z.output<typeof grantsSchema>['ipc']>;

function ipcScope(ipc: ParsedIpc): IpcScope {
  if (typeof ipc === 'string') {
    return { kind: ipc };
  }
  return 'pids' in ipc
    ? { kind: 'restricted', pids: new Set(ipc.pids) }
    : { kind: 'topic', topics: new Set(ipc.topics) };
}

function nameScope(names: 'all' | string[]): NameScope {
  return names === 'all' ? 'all' : new Set(names);
}

function isEmpty(scope: NameScope): boolean {
  return scope !== 'all' && scope.size === 0;
}

/**
 * Reads grants that a caller wrote.
 *
 * @throws {RingfenceError} `RF_USAGE` for an unknown kind or a scope that can't be understood.
 *
 * @example
 * ```ts
 * parseGrants({ ipc: { pids: [2] }, tools: ['add'] }).can_network; // false
 * ```
 */
export function parseGrants(input: unknown): Grants {
  const parsed = grantsSchema.safeParse(input ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'grants';
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use the grant '${where}': ${issue?.message ?? 'not understood'}.`,
      { name: where },
    );
  }
  const given = parsed.data;
  const base = PRESETS[given.preset ?? 'none'];
  const ipc = given.ipc ? ipcScope(given.ipc) : undefined;
  const network = given.network ? nameScope(given.network) : undefined;
  const tools = given.tools ? nameScope(given.tools) : undefined;
  const spawn = given.spawn ?? undefined;
  return {
    can_ipc: ipc === undefined ? base.can_ipc : ipc.kind !== 'none',
    ipc_scope: ipc ?? base.ipc_scope,
    can_network: network === undefined ? base.can_network : !isEmpty(network),
    network_scope: network ?? base.network_scope,
    can_exec_tools: tools === undefined ? base.can_exec_tools : !isEmpty(tools),
    tool_scope: tools ?? base.tool_scope,
    can_spawn: spawn === undefined ? base.can_spawn : spawn > 0,
    spawn_count: spawn ?? base.spawn_count,
    clocks: given.clocks ?? base.clocks,
    random: given.random ?? base.random,
  };
}

/** Whether a scope of names reaches a name. */
export function reaches(scope: NameScope, wanted: string): boolean {
  return scope === 'all' || scope.has(wanted);
}

/** Whether messages may go to a pid; `parentPid` is who spawned the agent. */
export function reachesPid(scope: IpcScope, wanted: number, parentPid: number): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'parent_only':
      return wanted === parentPid;
    case 'restricted':
      return scope.pids.has(wanted);
    case 'topic':
    case 'none':
      return false;
  }
}
