/** `ringfence:agent/tools`: what the embedding program offers to do, by name and with JSON. */

import { reaches } from '../../../capability/grants.ts';
import { ok } from '../abi/binding.ts';
import type { HostAgent, Operation } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-tools.ts';
import { implement } from '../implement.ts';
import { denied, failed, failedOutcome, limitExceeded, unavailable } from './errors.ts';

/** Characters of a call's arguments. */
const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024;

function begin(agent: HostAgent, name: string, argumentsJson: string): Operation<string> {
  const operation = agent.callTool(name, argumentsJson);
  agent.pending = operation;
  return operation;
}

export const tools = implement<Functions>('ringfence:agent/tools', 'can_exec_tools', {
  list: { denied, run: unavailable },
  call: {
    permits: (agent, name) => reaches(agent.grants.tool_scope, name),
    counts: 'tool_calls',
    denied,
    limitExceeded,
    blocking: true,
    run(agent, name, argumentsJson) {
      if (argumentsJson.length > ARGUMENTS_CHARACTERS_MAX) {
        return failed('limit-exceeded', 'the arguments are larger than 1 MiB: pass less');
      }
      const operation =
        (agent.pending as Operation<string> | undefined) ?? begin(agent, name, argumentsJson);
      const { outcome } = operation;
      if (outcome === null) {
        return agent.wait(operation.onSettled);
      }
      return outcome.tag === 'ok' ? ok(outcome.val) : failedOutcome(outcome);
    },
  },
});
