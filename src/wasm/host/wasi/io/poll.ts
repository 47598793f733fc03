/** wasi:io/poll: waiting for the first of many. */

import type { Functions as PollFunctions } from '../../generated/wasi-io-poll.ts';
import { implement, releaseHeld } from '../../implement.ts';
import { readyIndexes, waitForAny } from './pollable.ts';

/** The most pollables that one call of `poll` takes: as many as an agent can hold handles. */
export const POLL_LENGTH_MAX = 4096;

export const ioPoll = implement<PollFunctions>('wasi:io/poll', null, {
  '[method]pollable.ready': (agent, pollable) => readyIndexes(agent, [pollable]).length > 0,
  '[method]pollable.block': {
    blocking: true,
    run: (agent, pollable) =>
      readyIndexes(agent, [pollable]).length > 0 ? undefined : waitForAny(agent, [pollable]),
  },
  '[resource-drop]pollable': releaseHeld,
  poll: {
    blocking: true,
    run: (agent, pollables) => {
      if (pollables.length === 0) {
        return agent.trap('poll was called with an empty list, which would wait forever');
      }
      if (pollables.length > POLL_LENGTH_MAX) {
        return agent.trap(
          `poll was called with ${pollables.length} pollables: it takes ${POLL_LENGTH_MAX} at a time`,
        );
      }
      const ready = readyIndexes(agent, pollables);
      return ready.length > 0 ? Uint32Array.from(ready) : waitForAny(agent, pollables);
    },
  },
});
