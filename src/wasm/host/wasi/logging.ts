/** `wasi:logging`: lines in the agent's log, as those of `ringfence:agent/log`. Every agent may. */

import type { Caller } from '../agent.ts';
import type { Functions } from '../generated/wasi-logging-logging.ts';
import { implement } from '../implement.ts';

/** Characters of a context that are kept; the bound of a line is that of the log. */
const LOG_CONTEXT_CHARACTERS_MAX = 256;

export const logging = implement<Functions, Caller>('wasi:logging/logging', null, {
  log: {
    blocking: true,
    run(agent, level, context, message) {
      if (agent.log.room === 0) {
        agent.pending = true;
        return agent.wait(agent.log.onChange);
      }
      // The log has no level above error.
      const kept = level === 'critical' ? 'error' : level;
      const group = context.slice(0, LOG_CONTEXT_CHARACTERS_MAX);
      agent.log.write(kept, group === '' ? message : `${group}: ${message}`);
    },
  },
});
