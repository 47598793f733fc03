// What the agent may do, and asking for more.

import { Decision, list as listGrants, request as requestGrant } from 'ringfence/agent/capabilities';
import { Grant } from 'ringfence/agent/process';
import { WitError } from 'ringfence/agent/types';
import { Result } from 'wit/values';

export namespace capabilities {
  /** What it holds that is in force. */
  export function held(): Array<Grant> {
    return listGrants();
  }

  /** Asks for more, and waits for the decision. The reason is shown to whoever decides. */
  export function ask(kind: string, scope: Array<string>, reason: string): Result<Decision, WitError> {
    return requestGrant(new Grant(kind, scope), reason);
  }
}
