/** wasi:http/outgoing-handler: sends requests that a grant of the network reaches. */

import type { NetworkScope } from '../../../../capability/grant.ts';
import { reachesTarget } from '../../../../capability/network.ts';
import { err, ok } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import type { Functions as OutgoingHandlerFunctions } from '../../generated/wasi-http-outgoing-handler.ts';
import { implement } from '../../implement.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing.ts';
import { lineOf, targetOf } from './target.ts';

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
      permits: (scope: NetworkScope, _agent: HostAgent, request: OutgoingRequest) => {
        const line = lineOf(request);
        const target = line === null ? null : targetOf(line);
        // What can't be sent, whatever is granted, is no denial.
        return target === null || reachesTarget(scope, target);
      },
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
        const line = lineOf(request);
        if (line === null || targetOf(line) === null) {
          release(agent, request, options);
          return err({ tag: 'HTTP-request-URI-invalid' });
        }
        return ok(request.send(agent, line, options));
      },
    },
  },
);
