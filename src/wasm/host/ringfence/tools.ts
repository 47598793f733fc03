/** `ringfence:agent/tools`: what the embedding program offers to do, by name and with JSON. */

import type { ToolScope } from '../../../capability/grant.ts';
import { reachesTool } from '../../../capability/scope.ts';
import type { ToolListing } from '../../../ipc/question.ts';
import { ok } from '../abi/binding.ts';
import type { Caller } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-tools.ts';
import { implement } from '../implement.ts';
import { ARGUMENTS_CHARACTERS_MAX, HOLDS_TOO_MUCH, ToolCall } from '../tool-call.ts';
import { asking, cancelAsking } from './asking.ts';
import { denied, failed, failedOutcome, limitExceeded } from './errors.ts';

/** Whether the tool has done its work already is not known: it is told to stop, and nobody waits. */
const cancel = (agent: Caller): void => (agent.pending as ToolCall).abandon(agent);

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
      const calling =
        (agent.pending as ToolCall | undefined) ?? ToolCall.begin(agent, name, argumentsJson);
      if (calling === null) {
        return failedOutcome(HOLDS_TOO_MUCH);
      }
      if (!calling.isSettled) {
        agent.pending = calling;
        return agent.wait(calling.onSettled);
      }
      const outcome = calling.settle(agent);
      return outcome.tag === 'ok' ? ok(outcome.val) : failedOutcome(outcome);
    },
  },
});
