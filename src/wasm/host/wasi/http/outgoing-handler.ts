/** wasi:http/outgoing-handler: denied without a grant; with one, this build says that it sends nothing. */

import { err } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { Functions as OutgoingHandlerFunctions } from '../../generated/wasi-http-outgoing-handler.ts';
import { implement } from '../../implement.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing.ts';

const NOT_SENT =
  'unavailable: this build of ringfence sends no HTTP requests yet, whatever is granted';

/** The request and its options were given away with the call: they end with it, however it ends. */
function release(
  agent: HostAgent,
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): void {
  request.release(agent);
  options?.release(agent);
}

export const outgoingHandler = implement<OutgoingHandlerFunctions>(
  'wasi:http/outgoing-handler',
  'network',
  {
    handle: {
      denied: (
        _message: string,
        agent?: HostAgent,
        request?: OutgoingRequest,
        options?: RequestOptions,
      ) => {
        if (agent !== undefined && request !== undefined) {
          release(agent, request, options);
        }
        return err({ tag: 'HTTP-request-denied' });
      },
      run: (agent, request, options) => {
        release(agent, request, options);
        // Not a denial, and nothing that another configuration would change.
        return err({ tag: 'internal-error', val: NOT_SENT });
      },
    },
  },
);
