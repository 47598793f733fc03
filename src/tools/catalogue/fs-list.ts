/** `fs.list`: what is in a directory of the agent's own. */

import { filesOf, withPath } from './fs-parameters.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

/** Entries of one answer. */
const FS_ENTRIES_MAX = 1_000;

export function fsList(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.list',
      description: `The first ${FS_ENTRIES_MAX} names in a directory; \`more\` says that there are others.`,
      parameters: withPath(),
    },
    handler: (args, { pid }) =>
      filesOf(reachOf, pid).list((args as { path: string }).path, FS_ENTRIES_MAX),
  };
}
