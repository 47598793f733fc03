// Agents as processes: who am I, start, stop and watch others.

import * as host from 'ringfence:agent/process';
import { NONE, u64 } from 'ringfence/javascript/engine';
import { attempt } from './errors.ts';
import type { Pid } from './mailbox.ts';

/** A grant: its kind, such as `ipc` or `tools`, and its scope. */
export interface Grant {
  readonly kind: string;
  readonly scope: readonly string[];
}

/** What to start. */
export interface Child {
  /** What it is called among the caller's children. */
  readonly id: string;
  /** By its name in the host's catalogue, or by its digest. */
  readonly module: { readonly name: string } | { readonly digest: string };
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** No wider than the caller's own. @default none */
  readonly grants?: readonly Grant[];
  /** What is absent is taken from the caller's own. */
  readonly limits?: {
    readonly fuel?: number;
    readonly memoryBytes?: number;
    readonly cpuTimeMs?: number;
    readonly wallTimeMs?: number;
    readonly messages?: number;
    readonly toolCalls?: number;
    readonly diskBytes?: number;
  };
  /** @default 'temporary' */
  readonly restart?: 'permanent' | 'transient' | 'temporary';
  /** Linked to the caller before it starts. @default false */
  readonly linked?: boolean;
}

/** Agents as processes. */
export const processes = {
  self: (): Pid => Number(host.self()),
  /** Who started the agent; 0: the host. */
  parent: (): Pid => Number(host.parent()),

  /** @throws AgentError `denied` without the grant to spawn, or with grants that the caller has not */
  spawn(child: Child): Pid {
    return Number(attempt(() => host.spawn(lowerChild(child))));
  },
  /** @param mode - `graceful`: it is asked to stop, and has time to end. */
  stop(pid: Pid, mode: 'graceful' | 'force' = 'graceful'): void {
    attempt(() => host.stop(u64(pid), mode));
  },
  link(pid: Pid): void {
    attempt(() => host.link(u64(pid)));
  },
  unlink(pid: Pid): void {
    attempt(() => host.unlink(u64(pid)));
  },
  /** Its end arrives as `down`, under the number that is answered. */
  monitor(pid: Pid): number {
    return Number(attempt(() => host.monitor(u64(pid))));
  },
  demonitor(monitor: number): void {
    attempt(() => host.demonitor(u64(monitor)));
  },
  /** Whether exits of linked agents arrive as `exit` instead of ending the caller. */
  trapExit(enabled: boolean): void {
    attempt(() => host.trapExit(enabled));
  },
} as const;

const LIMITS = [
  'fuel',
  'memoryBytes',
  'cpuTimeMs',
  'wallTimeMs',
  'messages',
  'toolCalls',
  'diskBytes',
] as const;

function lowerChild(child: Child): unknown {
  const { id, module, environment = {}, grants = [], limits = {} } = child;
  return {
    agentId: id,
    module:
      'name' in module ? { tag: 'name', val: module.name } : { tag: 'digest', val: module.digest },
    arguments: child.arguments ?? [],
    environment: Object.entries(environment),
    grants,
    limits: Object.fromEntries(
      LIMITS.map((name) => [name, limits[name] === undefined ? NONE : u64(limits[name])]),
    ),
    restart: child.restart ?? 'temporary',
    linked: child.linked ?? false,
  };
}
