/** `ringfence:agent/tools`: what the embedding program offers to do, by name and with JSON. */

import type { ToolScope } from '../../../capability/grant.ts';
import { reachesTool } from '../../../capability/scope.ts';
import type { ToolListing } from '../../../ipc/question.ts';
import { ok } from '../abi/binding.ts';
import type { Caller, Operation } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-tools.ts';
import { implement } from '../implement.ts';
import { asking, cancelAsking } from './asking.ts';
import { denied, failed, failedOutcome, limitExceeded } from './errors.ts';

/** Characters of a call's arguments. */
const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024;

interface Calling {
  readonly operation: Operation<string>;
  /** Bytes that the host holds for the arguments. */
  readonly bytes: number;
}

/** Hands the call on; what is under way is held for the caller. Null: it would be too much. */
function begin(agent: Caller, name: string, argumentsJson: string): Calling | null {
  const bytes = argumentsJson.length * 2;
  if (!agent.hold(bytes)) {
    return null;
  }
  const calling = { operation: agent.callTool(name, argumentsJson), bytes };
  agent.pending = calling;
  return calling;
}

/** Whether the tool has done its work already is not known: it is told to stop, and nobody waits. */
function cancel(agent: Caller): void {
  const calling = agent.pending as Calling;
  calling.operation.abandon();
  agent.release(calling.bytes);
}

const holdsTooMuch = () =>
  failed('limit-exceeded', 'the host holds too much for the agent: pass and ask for less');

export const tools = implement<Functions, Caller>('ringfence:agent/tools', 'tools', {
  list: {
    denied,
    blocking: true,
    cancel: cancelAsking,
    run: (agent) =>
      asking(
        agent,
        () => ({ ask: 'tools' }),
        (answer) => [...(answer as readonly ToolListing[])],
      ),
  },
  call: {
    permits: (scope: ToolScope, _agent, name) => reachesTool(scope, name),
    counts: 'tool_calls',
    denied,
    limitExceeded,
    blocking: true,
    cancel,
    run(agent, name, argumentsJson) {
      if (argumentsJson.length > ARGUMENTS_CHARACTERS_MAX) {
        return failed('limit-exceeded', 'the arguments are larger than 1 MiB: pass less');
      }
      const calling = (agent.pending as Calling | undefined) ?? begin(agent, name, argumentsJson);
      if (calling === null) {
        return holdsTooMuch();
      }
      const { outcome } = calling.operation;
      if (outcome === null) {
        return agent.wait(calling.operation.onSettled);
      }
      agent.release(calling.bytes);
      if (outcome.tag === 'err') {
        return failedOutcome(outcome);
      }
      const bytes = outcome.val.length * 2;
      if (!agent.hold(bytes)) {
        return holdsTooMuch();
      }
      // It is the guest's as soon as this answer is lowered.
      agent.release(bytes);
      return ok(outcome.val);
    },
  },
});
