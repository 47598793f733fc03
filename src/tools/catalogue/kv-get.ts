/** `kv.get`: what is kept under a key. */

import { ToolError } from '../outcome.ts';
import { ask, type KvParts, withKey } from './kv-parameters.ts';
import type { CatalogueTool } from './reach.ts';

/** How a value is answered. */
type Shape = 'json' | 'base64' | 'none';

function shaped(bytes: Uint8Array | null, as: Shape): { readonly value?: unknown } {
  if (bytes === null) {
    return {};
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (as === 'base64') {
    return { value: buffer.toString('base64') };
  }
  try {
    return { value: JSON.parse(buffer.toString('utf8')) as unknown };
  } catch {
    throw new ToolError('invalid', 'the value is no JSON: ask for it with the encoding base64');
  }
}

export function kvGet(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.get',
      description: 'The value that was kept under a key, and its version.',
      parameters: withKey({
        encoding: {
          enum: ['json', 'base64', 'none'],
          description: 'how the value is answered: as JSON unless said; none: the version alone',
        },
        optional: {
          type: 'boolean',
          description: 'true: where nothing is kept the version is 0 and there is no value',
        },
      }),
    },
    handler: async (args, { pid }) => {
      const given = args as { key: string; encoding?: Shape; optional?: boolean };
      const { key, encoding = 'json', optional = false } = given;
      const entry = await ask<'get'>(parts, pid, {
        op: 'get',
        key,
        withValue: encoding !== 'none',
      });
      if (entry === null && !optional) {
        throw new ToolError('not-found', 'nothing is kept under this key');
      }
      return entry === null
        ? { version: 0 }
        : { ...shaped(entry.value, encoding), version: entry.version };
    },
  };
}
