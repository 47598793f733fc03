/**
 * The tools `kv.*` of the catalogue, as `wasi:keyvalue` calls them: by the agent's grants of tools, each with
 * the arguments that a guest would write itself, so that a schema of a grant sees them.
 */

import type { ToolScope } from '../../../../capability/grant.ts';
import { reachesTool } from '../../../../capability/scope.ts';
import { KV_KEY_CHARACTERS_MAX, KV_VALUE_BYTES_MAX } from '../../../../kv/caps.ts';
import { err, type Result, type WAIT } from '../../abi/binding.ts';
import type { HostAgent, Outcome } from '../../agent.ts';
import type { ErrorVariant } from '../../generated/wasi-keyvalue-store.ts';
import { HOLDS_TOO_MUCH, ToolCall } from '../../tool-call.ts';
import { Held } from '../held.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:keyvalue/store/bucket': Bucket;
  }
}

/** The tools that are called. */
export const KV_TOOLS = [
  'kv.get',
  'kv.set',
  'kv.swap',
  'kv.increment',
  'kv.delete',
  'kv.list',
] as const;

export type KvTool = (typeof KV_TOOLS)[number];

/** The store of the agent's owner. All buckets are the same: what may be done with one, the grants say. */
export class Bucket extends Held {}

const other = (message: string): ErrorVariant => ({ tag: 'other', val: message });

/** What the gate asks for, where a tool is called, and how it says no. */
export const needs = <const Tool extends KvTool>(tool: Tool) => ({
  capability: 'tools' as const,
  permits: (scope: ToolScope) => reachesTool(scope, tool),
  denied: () => err({ tag: 'access-denied' } as const),
  limitExceeded: (message: string) => err(other(message)),
});

/** A failed call, as `wasi:keyvalue` says it: a tool that is not there is a store that is not there. */
export function storeError({
  error,
  message,
}: Extract<Outcome<never>, { tag: 'err' }>): ErrorVariant {
  switch (error) {
    case 'denied':
      return { tag: 'access-denied' };
    case 'not-found':
      return { tag: 'no-such-store' };
    default:
      return other(message);
  }
}

/** Why a key is none. Null: it is one. */
export function keyProblem(key: string): ErrorVariant | null {
  return key.length > 0 && key.length <= KV_KEY_CHARACTERS_MAX
    ? null
    : other(`a key has 1 to ${KV_KEY_CHARACTERS_MAX} characters: choose another`);
}

/** Why a value is too large. Null: it is not. */
export function valueProblem(value: Uint8Array): ErrorVariant | null {
  return value.length <= KV_VALUE_BYTES_MAX
    ? null
    : other(`a value has at most ${KV_VALUE_BYTES_MAX} bytes: keep it in parts`);
}

export const base64Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

export const bytesOf = (base64: string): Uint8Array =>
  new Uint8Array(Buffer.from(base64, 'base64'));

/** The grant is gone while a call waits. */
export const cancel = (agent: HostAgent): void =>
  (agent.pending as ToolCall | undefined)?.abandon(agent);

/** Calls a tool, or looks whether it has answered; `read` makes the guest's value of it. */
export function callTool<Value>(
  agent: HostAgent,
  tool: KvTool,
  args: () => object,
  read: (answer: never) => Value,
): Result<Value, ErrorVariant> | typeof WAIT {
  const calling =
    (agent.pending as ToolCall | undefined) ?? ToolCall.begin(agent, tool, JSON.stringify(args()));
  if (calling === null) {
    return err(other(HOLDS_TOO_MUCH.message));
  }
  if (!calling.isSettled) {
    agent.pending = calling;
    return agent.wait(calling.onSettled);
  }
  return readOutcome(calling.settle(agent), read);
}

/** As {@link callTool}, for a key that a guest gives: of one that is none nothing is called. */
export function callForKey<Value>(
  agent: HostAgent,
  tool: KvTool,
  key: string,
  args: () => object,
  read: (answer: never) => Value,
): Result<Value, ErrorVariant> | typeof WAIT {
  const problem = keyProblem(key);
  return problem !== null ? err(problem) : callTool(agent, tool, args, read);
}

/** Reads how a call came out. The answers are those of our own tools: what they are is known. */
export function readOutcome<Value>(
  outcome: Outcome<string>,
  read: (answer: never) => Value,
): Result<Value, ErrorVariant> {
  return outcome.tag === 'ok'
    ? { tag: 'ok', val: read(JSON.parse(outcome.val) as never) }
    : err(storeError(outcome));
}
