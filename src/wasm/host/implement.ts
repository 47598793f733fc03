/** How an interface of WASI is declared: each function of it, by name, behind the gate. */

import type { GrantKind } from '../../capability/grant.ts';
import type { GatedFunction } from './abi/binding.ts';
import type { Caller, HostAgent } from './agent.ts';
import { type HostFunction, hostFunction } from './gate.ts';
import type { Held } from './wasi/held.ts';

/** The functions of one interface, by their names in WIT. */
export type Interface = ReadonlyMap<string, GatedFunction>;

// biome-ignore lint/suspicious/noExplicitAny: any parameters fit here; each table infers its own.
type HostWork = (...args: any[]) => unknown;

/** A function that this build doesn't offer: calling it ends the agent by a trap that says why. */
export interface NotOffered {
  readonly notOffered: string;
}

/**
 * One function: its work alone, or its work and what the gate must know besides. The operation's name
 * is the package's and the function's, unless it is given; the capability is the interface's.
 */
export type Implementation<Work extends HostWork, Agent extends Caller = HostAgent> =
  | HostFunction<Work, Agent>['run']
  | (Omit<HostFunction<Work, Agent>, 'operation' | 'capability'> & {
      readonly operation?: string;
      readonly capability?: GrantKind | null;
    })
  | NotOffered;

/** `wasi:io/streams`, `[method]input-stream.read` → `io.input-stream.read`; our own: `ipc.send`. */
function operationName(interfaceName: string, functionName: string): string {
  const [, owner = '', packageName = '', interfaceOnly = ''] =
    /^([^:]*):([^/]*)\/(.*)$/.exec(interfaceName) ?? [];
  const group = owner === 'ringfence' ? interfaceOnly : packageName;
  return `${group}.${functionName.replace(/^\[[a-z-]+\]/, '')}`;
}

/**
 * Puts the gate before every function of an interface. `Functions` is the interface as generated
 * from WIT: a function that is missing, or of another type, does not compile.
 *
 * `capability` is what each function of it needs that says nothing else; null: every agent may. `Agent`
 * is what they must be able to ask of who calls them.
 */
export function implement<
  Functions extends { [Name in keyof Functions]: HostWork },
  Agent extends Caller = HostAgent,
>(
  interfaceName: string,
  capability: GrantKind | null,
  functions: {
    readonly [Name in keyof Functions & string]: Implementation<Functions[Name], Agent>;
  },
): Interface {
  const entries = Object.entries<Implementation<HostWork, Agent>>(functions);
  return new Map(
    entries.map(([name, implementation]) => {
      const operation = operationName(interfaceName, name);
      if ('notOffered' in implementation) {
        const message = `unavailable: ${interfaceName}#${name} is not offered: ${implementation.notOffered}`;
        const run = (agent: HostAgent): never => agent.trap(message);
        return [name, hostFunction({ operation, capability: null, run })];
      }
      const declared =
        typeof implementation === 'function' ? { run: implementation } : implementation;
      return [name, hostFunction({ operation, capability, ...declared })];
    }),
  );
}

/** Declares functions that this build doesn't offer, and why. */
export function notOffered<const Name extends string>(
  why: string,
  names: readonly Name[],
): Readonly<Record<Name, NotOffered>> {
  return Object.fromEntries(names.map((name) => [name, { notOffered: why }])) as Record<
    Name,
    NotOffered
  >;
}

/** The work of a `[resource-drop]` whose object is nothing but accounted for. */
export function releaseHeld(agent: HostAgent, dropped: Held): void {
  dropped.release(agent);
}
