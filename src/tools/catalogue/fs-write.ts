/** `fs.write`: puts bytes into a file in the agent's own directories. */

import { ToolError } from '../outcome.ts';
import {
  bytesOf,
  type Encoding,
  encoding,
  FS_BYTES_MAX,
  filesOf,
  withPath,
} from './fs-parameters.ts';
import type { CatalogueTool, ReachOf, WriteMode } from './reach.ts';

export function fsWrite(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.write',
      description:
        'Writes a file: makes it anew (replace), only where there is none (create), or adds to it (append).',
      parameters: withPath(
        {
          content: { type: 'string' },
          encoding,
          mode: { enum: ['replace', 'create', 'append'] },
        },
        ['content'],
      ),
    },
    handler: (args, { pid }) => {
      const given = args as {
        path: string;
        content: string;
        encoding?: Encoding;
        mode?: WriteMode;
      };
      const bytes = bytesOf(given.content, given.encoding);
      if (bytes.length > FS_BYTES_MAX) {
        throw new ToolError(
          'limit-exceeded',
          `one call writes at most ${FS_BYTES_MAX} bytes: append`,
        );
      }
      return { bytes: filesOf(reachOf, pid).write(given.path, bytes, given.mode ?? 'replace') };
    },
  };
}
