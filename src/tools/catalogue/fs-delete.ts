/** `fs.delete`: removes a file, or an empty directory, of the agent's own. */

import { filesOf, withPath } from './fs-parameters.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function fsDelete(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.delete',
      description: 'Removes a file, or with `directory` a directory that is empty.',
      parameters: withPath({ directory: { type: 'boolean' } }),
    },
    handler: (args, { pid }) => {
      const { path, directory = false } = args as { path: string; directory?: boolean };
      filesOf(reachOf, pid).remove(path, directory ? 'directory' : 'file');
      return {};
    },
  };
}
