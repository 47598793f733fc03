/** `fs.stat`: what a path of the agent's own directories is. */

import { filesOf, withPath } from './fs-parameters.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function fsStat(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.stat',
      description: 'What a path is, how many bytes it has, and when it was changed.',
      parameters: withPath(),
    },
    handler: (args, { pid }) => filesOf(reachOf, pid).stat((args as { path: string }).path),
  };
}
