/** `time.now`: the time of day, in milliseconds. Needs the grant `clocks`. */

import { ToolError } from '../outcome.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function timeNow(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'time.now',
      description: 'The time of day: milliseconds since 1970, and as a text in UTC.',
      parameters: { type: 'object', additionalProperties: false },
    },
    handler: (_, { pid }) => {
      if (reachOf(pid)?.hasClocks !== true) {
        throw new ToolError('denied', 'time.now needs clocks: grant clocks');
      }
      const now = new Date();
      return { unixMs: now.getTime(), utc: now.toISOString() };
    },
  };
}
