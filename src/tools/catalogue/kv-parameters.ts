/** What the tools `kv.*` have in common: keys, values as JSON has them, and whose they are. */

import { KV_KEY_CHARACTERS_MAX, KV_VALUE_BYTES_MAX } from '../../kv/caps.ts';
import type { KvAnswers, KvOperation, KvProblem, RequestOf } from '../../kv/request.ts';
import type { KvStore } from '../../kv/store.ts';
import { ToolError, type ToolErrorKind } from '../outcome.ts';
import type { ReachOf } from './reach.ts';

const key = { type: 'string', minLength: 1, maxLength: KV_KEY_CHARACTERS_MAX };

/** Of a value that is written. */
export const encoding = {
  enum: ['json', 'base64'],
  description: 'what value is: JSON, kept as its text, unless said; base64: bytes',
};

/** The parameters of a tool that takes a key, and some more. */
export const withKey = (
  more: Readonly<Record<string, unknown>> = {},
  required: readonly string[] = [],
): Record<string, unknown> => ({
  type: 'object',
  properties: { key, ...more },
  required: ['key', ...required],
  additionalProperties: false,
});

const SAID: Readonly<Record<KvProblem, readonly [ToolErrorKind, string]>> = {
  'owner full': ['limit-exceeded', 'the store is full: delete what is no longer needed'],
  'store full': ['limit-exceeded', 'the store of all owners is full: try later'],
  'no number': ['invalid', 'what is kept under this key is no whole number: use another key'],
  overflow: ['invalid', 'the sum has more than 64 bits: add less'],
  unwritable: ['unavailable', 'the store can not be written at the moment: try later'],
};

/** What a tool of the store works on. */
export interface KvParts {
  readonly reachOf: ReachOf;
  readonly kv: KvStore;
}

function ownerOf(reachOf: ReachOf, pid: number): string {
  const owner = reachOf(pid)?.owner ?? null;
  if (owner?.isWellFormed() !== true) {
    throw new ToolError(
      'unavailable',
      owner === null
        ? 'the agent that values are kept for has ended'
        : 'the name of the agent’s owner is no text',
    );
  }
  return owner;
}

/** What is asked, but for whose it is. */
type Asked<Op extends KvOperation> = Omit<RequestOf<Op>, 'owner'>;

/** Asks the store for who calls. @throws {ToolError} */
export async function ask<Op extends KvOperation>(
  { reachOf, kv }: KvParts,
  pid: number,
  asked: Asked<Op>,
): Promise<KvAnswers[Op]> {
  for (const text of Object.values(asked)) {
    if (typeof text === 'string' && !text.isWellFormed()) {
      throw new ToolError('invalid', 'arguments: half of a surrogate pair stands alone');
    }
  }
  const request = { ...asked, owner: ownerOf(reachOf, pid) } as unknown as RequestOf<Op>;
  const outcome = await kv.perform<Op>(request);
  if (outcome.tag === 'err') {
    throw new ToolError(...SAID[outcome.why]);
  }
  return outcome.val;
}

/** The bytes of a value that is given. @throws {ToolError} */
export function bytesOf(value: unknown, as: 'json' | 'base64' = 'json'): Uint8Array {
  if (as === 'base64' && (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))) {
    throw new ToolError('invalid', 'arguments/value: is no base64');
  }
  const bytes =
    as === 'base64' ? Buffer.from(value as string, 'base64') : Buffer.from(JSON.stringify(value));
  if (bytes.length > KV_VALUE_BYTES_MAX) {
    throw new ToolError(
      'limit-exceeded',
      `a value has at most ${KV_VALUE_BYTES_MAX} bytes: keep it in parts`,
    );
  }
  return bytes;
}
