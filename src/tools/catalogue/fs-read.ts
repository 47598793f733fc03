/** `fs.read`: bytes of a file in the agent's own directories. */

import {
  type Encoding,
  encoding,
  FS_BYTES_MAX,
  filesOf,
  textOf,
  withPath,
} from './fs-parameters.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

export function fsRead(reachOf: ReachOf): CatalogueTool {
  return {
    description: {
      name: 'fs.read',
      description: 'Reads a file, or a part of one; `end` says that nothing follows.',
      parameters: withPath({
        offset: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        length: { type: 'integer', minimum: 1, maximum: FS_BYTES_MAX },
        encoding,
      }),
    },
    handler: (args, { pid }) => {
      const given = args as { path: string; offset?: number; length?: number; encoding?: Encoding };
      const { offset = 0, length = FS_BYTES_MAX } = given;
      const { bytes, end } = filesOf(reachOf, pid).read(given.path, offset, length);
      return { content: textOf(bytes, given.encoding), bytes: bytes.length, end };
    },
  };
}
