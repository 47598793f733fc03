/** `ringfence:agent/log`: lines for the operator. Every agent may; what is under way is bounded. */

import type { Caller } from '../agent.ts';
import type { Functions } from '../generated/ringfence-agent-log.ts';
import { implement } from '../implement.ts';

export const log = implement<Functions, Caller>('ringfence:agent/log', null, {
  log: {
    blocking: true,
    run(agent, level, message) {
      if (agent.log.room === 0) {
        agent.pending = true;
        return agent.wait(agent.log.onChange);
      }
      agent.log.write(level, message);
    },
  },
});
