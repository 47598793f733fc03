/** `fs.mkdir`: makes a directory in one of the agent's own. */

import { filesOf, withPath } from './fs-parameters.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function fsMkdir(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.mkdir',
      description: 'Makes a directory in one that is there.',
      parameters: withPath(),
    },
    handler: (args, { pid }) => {
      filesOf(reachOf, pid).makeDirectory((args as { path: string }).path);
      return {};
    },
  };
}
