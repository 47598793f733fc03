/** `kv.get`, `kv.set`, `kv.delete`, `kv.list`: the store of the agent's owner. */

import { ToolError } from '../outcome.ts';
import { KV_KEY_CHARACTERS_MAX, type KvStore } from './kv-store.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';

const key = { type: 'string', minLength: 1, maxLength: KV_KEY_CHARACTERS_MAX };
const withKey = {
  type: 'object',
  properties: { key },
  required: ['key'],
  additionalProperties: false,
};

function ownerOf(reachOf: ReachOf, pid: number): string {
  const reach = reachOf(pid);
  if (reach === null) {
    throw new ToolError('unavailable', 'the agent has ended');
  }
  return reach.owner;
}

export function kvGet(reachOf: ReachOf, store: KvStore): CatalogueTool {
  return {
    description: {
      name: 'kv.get',
      description: 'The value that was kept under a key.',
      parameters: withKey,
    },
    handler: (args, { pid }) => {
      const json = store.get(ownerOf(reachOf, pid), (args as { key: string }).key);
      if (json === null) {
        throw new ToolError('not-found', 'nothing is kept under this key');
      }
      return { value: JSON.parse(json) as unknown };
    },
  };
}

export function kvSet(reachOf: ReachOf, store: KvStore): CatalogueTool {
  return {
    description: {
      name: 'kv.set',
      description: 'Keeps a value under a key, for all agents of the same owner.',
      parameters: { ...withKey, properties: { key, value: {} }, required: ['key', 'value'] },
    },
    handler: (args, { pid }) => {
      const given = args as { key: string; value: unknown };
      store.set(ownerOf(reachOf, pid), given.key, JSON.stringify(given.value));
      return {};
    },
  };
}

export function kvDelete(reachOf: ReachOf, store: KvStore): CatalogueTool {
  return {
    description: {
      name: 'kv.delete',
      description: 'Forgets the value under a key; says whether there was one.',
      parameters: withKey,
    },
    handler: (args, { pid }) => ({
      deleted: store.delete(ownerOf(reachOf, pid), (args as { key: string }).key),
    }),
  };
}

export function kvList(reachOf: ReachOf, store: KvStore): CatalogueTool {
  return {
    description: {
      name: 'kv.list',
      description: 'The keys that begin with a prefix, in order.',
      parameters: {
        type: 'object',
        properties: { prefix: { type: 'string', maxLength: KV_KEY_CHARACTERS_MAX } },
        additionalProperties: false,
      },
    },
    handler: (args, { pid }) => ({
      keys: store.keys(ownerOf(reachOf, pid), (args as { prefix?: string }).prefix ?? ''),
    }),
  };
}
