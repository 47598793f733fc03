/** `wasi:keyvalue/atomics`: sums, and values that are kept if nobody else has been faster. */

import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { CasError, Functions } from '../../generated/wasi-keyvalue-atomics.ts';
import type { ErrorVariant } from '../../generated/wasi-keyvalue-store.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { Held } from '../held.ts';
import { base64Of, bytesOf, callForKey, callTool, cancel, needs, valueProblem } from './tools.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:keyvalue/atomics/cas': Cas;
  }
}

/** A key, and the version that it had; 0: nothing was kept. */
export class Cas extends Held {
  readonly key: string;
  readonly version: number;

  constructor(agent: HostAgent, key: string, version: number) {
    super(agent, key.length * 2);
    this.key = key;
    this.version = version;
  }
}

const CALLS = { counts: 'tool_calls', blocking: true, cancel } as const;

/** A swap that was not done; its handle is gone with it. */
function notSwapped(agent: HostAgent, cas: Cas, error: ErrorVariant): Result<undefined, CasError> {
  cas.release(agent);
  return err({ tag: 'store-error', val: error });
}

export const keyvalueAtomics = implement<Functions>('wasi:keyvalue/atomics', null, {
  '[static]cas.new': {
    ...needs('kv.get'),
    ...CALLS,
    run(agent, _bucket, key) {
      return callForKey(
        agent,
        'kv.get',
        key,
        () => ({ key, encoding: 'none', optional: true }),
        ({ version }: { version: number }) => new Cas(agent, key, version),
      );
    },
  },
  '[method]cas.current': {
    ...needs('kv.get'),
    ...CALLS,
    // What it shows may be newer than the handle: the swap is refused then.
    run: (agent, { key }) =>
      callTool(
        agent,
        'kv.get',
        () => ({ key, encoding: 'base64', optional: true }),
        ({ value }: { value?: string }) => (value === undefined ? undefined : bytesOf(value)),
      ),
  },
  increment: {
    ...needs('kv.increment'),
    ...CALLS,
    run(agent, _bucket, key, delta) {
      return callForKey(
        agent,
        'kv.increment',
        key,
        () => ({ key, delta: `${delta}` }),
        ({ value }: { value: string }) => BigInt(value),
      );
    },
  },
  swap: {
    ...needs('kv.swap'),
    ...CALLS,
    denied: (_message, agent, cas) => notSwapped(agent, cas, { tag: 'access-denied' }),
    limitExceeded: (message, agent, cas) => notSwapped(agent, cas, { tag: 'other', val: message }),
    run(agent, cas, value) {
      const problem = valueProblem(value);
      if (problem !== null) {
        return notSwapped(agent, cas, problem);
      }
      const { key, version } = cas;
      const answer = callTool(
        agent,
        'kv.swap',
        () => ({ key, version, encoding: 'base64', value: base64Of(value) }),
        (swapped: { swapped: boolean; version: number }) => swapped,
      );
      if (answer === WAIT) {
        return WAIT;
      }
      if (answer.tag === 'err') {
        return notSwapped(agent, cas, answer.val);
      }
      cas.release(agent);
      return answer.val.swapped
        ? ok()
        : err({ tag: 'cas-failed', val: new Cas(agent, key, answer.val.version) });
    },
  },
  '[resource-drop]cas': releaseHeld,
});
