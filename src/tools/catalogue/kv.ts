/** `kv.set`, `kv.swap`, `kv.increment`, `kv.delete`, `kv.list`: the store of the agent's owner. */

import { KV_KEY_CHARACTERS_MAX } from '../../kv/caps.ts';
import { ask, bytesOf, encoding, type KvParts, withKey } from './kv-parameters.ts';
import type { CatalogueTool } from './reach.ts';

/** Keys that one call lists. */
const KEYS_MAX = 1_000;

interface Given {
  readonly key: string;
  readonly value: unknown;
  readonly encoding?: 'json' | 'base64';
}

export function kvSet(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.set',
      description: 'Keeps a value under a key, for all agents of the same owner.',
      parameters: withKey({ value: {}, encoding }, ['value']),
    },
    handler: async (args, { pid }) => {
      const given = args as Given;
      const value = bytesOf(given.value, given.encoding);
      return { version: await ask<'set'>(parts, pid, { op: 'set', key: given.key, value }) };
    },
  };
}

export function kvSwap(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.swap',
      description:
        'Keeps a value under a key if the version there is still the given one (0: nothing is kept).',
      parameters: withKey({ value: {}, encoding, version: { type: 'integer', minimum: 0 } }, [
        'value',
        'version',
      ]),
    },
    handler: async (args, { pid }) => {
      const given = args as Given & { version: number };
      const { isDone, version } = await ask<'swap'>(parts, pid, {
        op: 'swap',
        key: given.key,
        value: bytesOf(given.value, given.encoding),
        expected: given.version,
      });
      return { swapped: isDone, version };
    },
  };
}

export function kvIncrement(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.increment',
      description:
        'Adds to the whole number under a key, 0 where nothing is kept; answers the sum, as text.',
      parameters: withKey(
        {
          delta: {
            anyOf: [
              {
                type: 'integer',
                minimum: Number.MIN_SAFE_INTEGER,
                maximum: Number.MAX_SAFE_INTEGER,
              },
              { type: 'string', pattern: '^-?[0-9]{1,19}$' },
            ],
            description: 'a number, or a text of digits where it has more than 53 bits',
          },
        },
        ['delta'],
      ),
    },
    handler: async (args, { pid }) => {
      const { key, delta } = args as { key: string; delta: number | string };
      const asked = { op: 'increment', key, delta: BigInt(delta) } as const;
      return { value: `${await ask<'increment'>(parts, pid, asked)}` };
    },
  };
}

export function kvDelete(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.delete',
      description: 'Forgets the value under a key; says whether there was one.',
      parameters: withKey(),
    },
    handler: async (args, { pid }) => {
      const { key } = args as { key: string };
      return { deleted: await ask<'delete'>(parts, pid, { op: 'delete', key }) };
    },
  };
}

export function kvList(parts: KvParts): CatalogueTool {
  return {
    description: {
      name: 'kv.list',
      description: 'The keys that begin with a prefix, in order, and whether there are more.',
      parameters: {
        type: 'object',
        properties: {
          prefix: { type: 'string', maxLength: KV_KEY_CHARACTERS_MAX },
          after: {
            type: 'string',
            maxLength: KV_KEY_CHARACTERS_MAX,
            description: 'only keys behind this one: the last one of the answer before',
          },
          limit: { type: 'integer', minimum: 1, maximum: KEYS_MAX },
        },
        additionalProperties: false,
      },
    },
    handler: async (args, { pid }) => {
      const given = args as { prefix?: string; after?: string; limit?: number };
      const { prefix = '', after = null, limit = KEYS_MAX } = given;
      return await ask<'list'>(parts, pid, { op: 'list', prefix, after, limit });
    },
  };
}
