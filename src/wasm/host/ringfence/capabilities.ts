/** `ringfence:agent/capabilities`: what the agent may do, and asking for more. */

import { type ElevationOutcome, REASON_CHARACTERS_MAX } from '../../../capability/elevation.ts';
import { GRANT_KINDS } from '../../../capability/grant.ts';
import { wordsOf } from '../../../capability/worded.ts';
import { ok } from '../abi/binding.ts';
import type { HostAgent, Operation } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-capabilities.ts';
import { implement } from '../implement.ts';
import { failed, failedOutcome } from './errors.ts';

interface Asking {
  readonly operation: Operation<ElevationOutcome>;
}

function held(agent: HostAgent): { kind: string; scope: string[] }[] {
  return GRANT_KINDS.flatMap((kind) =>
    agent.grants.of[kind]
      .filter((grant) => agent.grants.inForce(grant))
      .map((grant) => ({ kind, scope: wordsOf(grant) })),
  );
}

export const capabilities = implement<Functions>('ringfence:agent/capabilities', null, {
  list: held,
  request: {
    blocking: true,
    run(agent, grant, reason) {
      if (reason.length > REASON_CHARACTERS_MAX) {
        return failed(
          'invalid',
          `the reason has more than ${REASON_CHARACTERS_MAX} characters: say it shorter`,
        );
      }
      const asking = (agent.pending as Asking | undefined) ?? {
        operation: agent.requestGrant(grant, reason),
      };
      agent.pending = asking;
      const { outcome } = asking.operation;
      if (outcome === null) {
        return agent.wait(asking.operation.onSettled);
      }
      return outcome.tag === 'ok' ? ok(outcome.val) : failedOutcome(outcome);
    },
  },
});
