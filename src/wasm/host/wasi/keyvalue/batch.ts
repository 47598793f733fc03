/**
 * `wasi:keyvalue/batch`: a call of a tool for each key, some at a time. Where one fails, those that are under
 * way with it are done or not, and those behind it are not.
 */

import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';
import { limitSentence, takeOne } from '../../gate.ts';
import type { Functions } from '../../generated/wasi-keyvalue-batch.ts';
import type { ErrorVariant } from '../../generated/wasi-keyvalue-store.ts';
import { implement } from '../../implement.ts';
import { HOLDS_TOO_MUCH, ToolCall } from '../../tool-call.ts';
import {
  base64Of,
  bytesOf,
  type KvTool,
  keyProblem,
  needs,
  readOutcome,
  valueProblem,
} from './tools.ts';

/**
 * Keys of one call: what is passed is lifted anew whenever some of them are done, and a guest's realloc has an
 * allowance of fuel for what is answered.
 */
const BATCH_KEYS_MAX = 256;
/** Calls of tools at a time: half of what one agent has of a tool's turns. */
const CALLS_MAX = 16;

/** What a batch has done so far. */
interface Batch {
  /** Under way, in the order of the keys. */
  calls: ToolCall[];
  /** Keys whose call has begun. */
  begun: number;
  /** What was answered; the host holds it for the agent. */
  readonly answers: unknown[];
  held: number;
  failure: ErrorVariant | null;
}

/** What is called for each item. */
interface Calls<Item, Value> {
  /** As reports call it. */
  readonly operation: string;
  readonly tool: KvTool;
  problem(item: Item): ErrorVariant | null;
  args(item: Item): object;
  read(answer: never): Value;
  /** Bytes of an answer. */
  bytes(value: Value): number;
}

/** Wakes once, when all calls are settled. */
const whenAllSettled =
  (calls: readonly ToolCall[]): Subscribe =>
  (wake) => {
    let left = calls.length;
    const settled = (): void => {
      left -= 1;
      if (left === 0) {
        wake();
      }
    };
    const ends = calls.map((call) => call.onSettled(settled));
    return () => {
      for (const end of ends) {
        end();
      }
    };
  };

function begin<Item, Value>(
  agent: HostAgent,
  batch: Batch,
  items: readonly Item[],
  { operation, tool, args }: Calls<Item, Value>,
): void {
  while (batch.failure === null && batch.calls.length < CALLS_MAX && batch.begun < items.length) {
    if (!takeOne(agent, 'tool_calls')) {
      batch.failure = { tag: 'other', val: limitSentence(operation, 'tool_calls') };
      return;
    }
    const call = ToolCall.begin(agent, tool, JSON.stringify(args(items[batch.begun] as Item)));
    if (call === null) {
      // What is under way gives back what is held for it.
      if (batch.calls.length === 0) {
        batch.failure = { tag: 'other', val: HOLDS_TOO_MUCH.message };
      }
      return;
    }
    batch.begun += 1;
    batch.calls.push(call);
  }
}

function take<Item, Value>(
  agent: HostAgent,
  batch: Batch,
  { read, bytes }: Calls<Item, Value>,
): void {
  for (const call of batch.calls) {
    const answer = readOutcome(call.settle(agent), read);
    if (answer.tag === 'err') {
      batch.failure ??= answer.val;
      continue;
    }
    const more = bytes(answer.val);
    if (batch.failure === null && agent.hold(more)) {
      batch.held += more;
      batch.answers.push(answer.val);
    } else {
      batch.failure ??= { tag: 'other', val: HOLDS_TOO_MUCH.message };
    }
  }
  batch.calls = [];
}

function cancel(agent: HostAgent): void {
  const batch = agent.pending as Batch | undefined;
  for (const call of batch?.calls ?? []) {
    call.abandon(agent);
  }
  agent.release(batch?.held ?? 0);
}

/** Calls a tool for each item; answers what was answered, in their order. */
function each<Item, Value>(
  agent: HostAgent,
  items: readonly Item[],
  calls: Calls<Item, Value>,
): Result<Value[], ErrorVariant> | typeof WAIT {
  let batch = agent.pending as Batch | undefined;
  if (batch === undefined) {
    const problem = problemOf(items, calls);
    if (problem !== null) {
      return err(problem);
    }
    batch = { calls: [], begun: 0, answers: [], held: 0, failure: null };
  }
  for (;;) {
    const waiting = batch.calls.filter(({ isSettled }) => !isSettled);
    if (waiting.length > 0) {
      agent.pending = batch;
      return agent.wait(whenAllSettled(waiting));
    }
    take(agent, batch, calls);
    if (batch.failure !== null || batch.begun === items.length) {
      break;
    }
    begin(agent, batch, items, calls);
    if (batch.calls.length === 0) {
      break;
    }
  }
  agent.release(batch.held);
  // Each was read by `calls.read`.
  return batch.failure === null ? ok(batch.answers as Value[]) : err(batch.failure);
}

/** What is known to be wrong before anything is done. */
function problemOf<Item, Value>(
  items: readonly Item[],
  { problem }: Calls<Item, Value>,
): ErrorVariant | null {
  if (items.length > BATCH_KEYS_MAX) {
    return { tag: 'other', val: `a batch has at most ${BATCH_KEYS_MAX} keys: make several` };
  }
  for (const item of items) {
    const found = problem(item);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

const done = (answer: Result<unknown, ErrorVariant> | typeof WAIT) =>
  answer === WAIT || answer.tag === 'err' ? answer : ok();

const BATCH = { blocking: true, cancel } as const;

const noBytes = (): number => 0;

export const keyvalueBatch = implement<Functions>('wasi:keyvalue/batch', null, {
  'get-many': {
    ...needs('kv.get'),
    ...BATCH,
    run(agent, _bucket, keys) {
      const answer = each(agent, keys, {
        operation: 'keyvalue.get-many',
        tool: 'kv.get',
        problem: keyProblem,
        args: (key) => ({ key, encoding: 'base64', optional: true }),
        read: ({ value }: { value?: string }) => (value === undefined ? undefined : bytesOf(value)),
        bytes: (value) => value?.length ?? 0,
      });
      return answer === WAIT || answer.tag === 'err'
        ? answer
        : ok(
            answer.val.map((value, index) =>
              value === undefined ? undefined : ([keys[index] as string, value] as const),
            ),
          );
    },
  },
  'set-many': {
    ...needs('kv.set'),
    ...BATCH,
    run: (agent, _bucket, pairs) =>
      done(
        each(agent, pairs, {
          operation: 'keyvalue.set-many',
          tool: 'kv.set',
          problem: ([key, value]) => keyProblem(key) ?? valueProblem(value),
          args: ([key, value]) => ({ key, encoding: 'base64', value: base64Of(value) }),
          read: () => undefined,
          bytes: noBytes,
        }),
      ),
  },
  'delete-many': {
    ...needs('kv.delete'),
    ...BATCH,
    run: (agent, _bucket, keys) =>
      done(
        each(agent, keys, {
          operation: 'keyvalue.delete-many',
          tool: 'kv.delete',
          problem: keyProblem,
          args: (key) => ({ key }),
          read: () => undefined,
          bytes: noBytes,
        }),
      ),
  },
});
