/** `wasi:keyvalue/store`: the one bucket that there is, of the agent's owner. */

import type { ToolScope } from '../../../../capability/grant.ts';
import { reachesTool } from '../../../../capability/scope.ts';
import type { ToolListing } from '../../../../ipc/question.ts';
import { KV_KEY_CHARACTERS_MAX } from '../../../../kv/caps.ts';
import { err, ok, WAIT } from '../../abi/binding.ts';
import type { Functions } from '../../generated/wasi-keyvalue-store.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { asking, cancelAsking } from '../../ringfence/asking.ts';
import {
  Bucket,
  base64Of,
  bytesOf,
  callForKey,
  callTool,
  cancel,
  KV_TOOLS,
  keyProblem,
  needs,
  storeError,
  valueProblem,
} from './tools.ts';

/** What the bucket is called. The empty name is what guests ask for that were tried with wasmtime. */
const NAMES: ReadonlySet<string> = new Set(['default', '']);

const NO_SUCH_STORE = err({ tag: 'no-such-store' } as const);

/** Keys of a page: as many allocations as a guest's realloc has fuel for, whatever language it is of. */
const PAGE_KEYS = 256;

const CALLS = { counts: 'tool_calls', blocking: true, cancel } as const;

interface Found {
  readonly value?: string;
  readonly version: number;
}

export const keyvalueStore = implement<Functions>('wasi:keyvalue/store', null, {
  open: {
    capability: 'tools',
    permits: (scope: ToolScope) => KV_TOOLS.some((tool) => reachesTool(scope, tool)),
    denied: () => err({ tag: 'access-denied' }),
    blocking: true,
    cancel: cancelAsking,
    run(agent, identifier) {
      if (!NAMES.has(identifier)) {
        return NO_SUCH_STORE;
      }
      const isOffered = asking(
        agent,
        () => ({ ask: 'tools' }),
        (answer) =>
          (answer as readonly ToolListing[]).some(({ name }) =>
            KV_TOOLS.some((tool) => tool === name),
          ),
      );
      if (isOffered === WAIT) {
        return WAIT;
      }
      if (isOffered.tag === 'err') {
        const { tag, val } = isOffered.val;
        return err(storeError({ tag: 'err', error: tag, message: val }));
      }
      return isOffered.val ? ok(new Bucket(agent)) : NO_SUCH_STORE;
    },
  },
  '[method]bucket.get': {
    ...needs('kv.get'),
    ...CALLS,
    run(agent, _bucket, key) {
      return callForKey(
        agent,
        'kv.get',
        key,
        () => ({ key, encoding: 'base64', optional: true }),
        ({ value }: Found) => (value === undefined ? undefined : bytesOf(value)),
      );
    },
  },
  '[method]bucket.set': {
    ...needs('kv.set'),
    ...CALLS,
    run(agent, _bucket, key, value) {
      const problem = keyProblem(key) ?? valueProblem(value);
      return problem !== null
        ? err(problem)
        : callTool(
            agent,
            'kv.set',
            () => ({ key, encoding: 'base64', value: base64Of(value) }),
            () => undefined,
          );
    },
  },
  '[method]bucket.delete': {
    ...needs('kv.delete'),
    ...CALLS,
    run(agent, _bucket, key) {
      return callForKey(
        agent,
        'kv.delete',
        key,
        () => ({ key }),
        () => undefined,
      );
    },
  },
  '[method]bucket.exists': {
    ...needs('kv.get'),
    ...CALLS,
    run(agent, _bucket, key) {
      return callForKey(
        agent,
        'kv.get',
        key,
        () => ({ key, encoding: 'none', optional: true }),
        ({ version }: Found) => version > 0,
      );
    },
  },
  '[method]bucket.list-keys': {
    ...needs('kv.list'),
    ...CALLS,
    // A cursor is the last key that was given. A forged one is a place in the agent's own keys.
    run(agent, _bucket, cursor) {
      return cursor !== undefined && cursor.length > KV_KEY_CHARACTERS_MAX
        ? err({ tag: 'other', val: 'the cursor is none that was given: begin without one' })
        : callTool(
            agent,
            'kv.list',
            () => ({ limit: PAGE_KEYS, ...(cursor !== undefined && { after: cursor }) }),
            ({ keys, more }: { keys: readonly string[]; more: boolean }) => ({
              keys,
              cursor: more ? keys.at(-1) : undefined,
            }),
          );
    },
  },
  '[resource-drop]bucket': releaseHeld,
});
