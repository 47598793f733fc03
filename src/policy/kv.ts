/** Where values of agents are kept: `[kv]`, in the words of the policy file. */

import { resolve } from 'node:path';
import * as z from 'zod';
import type { KvOptions } from '../kv/options.ts';
import { kvQuotaShape } from '../kv/quota.ts';
import { parseCount, parseSize } from '../resource/units.ts';
import { quantity } from './quantity.ts';

/** The fields of a quota, by the readers of their texts. */
const QUOTA_FIELDS = {
  owner_max_bytes: { name: 'ownerMaxBytes', read: parseSize },
  owner_max_keys: { name: 'ownerMaxKeys', read: parseCount },
  max_bytes: { name: 'maxBytes', read: parseSize },
  max_owners: { name: 'maxOwners', read: parseCount },
} as const;

type QuotaField = keyof typeof QUOTA_FIELDS;

const toNumber = (field: QuotaField, value: number | string): number =>
  typeof value === 'string' ? QUOTA_FIELDS[field].read(value) : value;

/** An amount that the store takes. */
const amount = (field: QuotaField) =>
  quantity(QUOTA_FIELDS[field].read)
    .superRefine((value, context) => {
      let read: number;
      try {
        read = toNumber(field, value);
      } catch {
        // What is no amount at all was told already.
        return;
      }
      const parsed = kvQuotaShape[QUOTA_FIELDS[field].name].safeParse(read);
      if (!parsed.success) {
        context.addIssue({
          code: 'custom',
          message: parsed.error.issues[0]?.message ?? 'not understood',
        });
      }
    })
    .optional();

/** `[kv]`. */
export const policyKvSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({
      description:
        "A file of SQLite, from this file's directory on; without one values are in memory.",
      examples: ['values.sqlite'],
    }),
  owner_max_bytes: amount('owner_max_bytes'),
  owner_max_keys: amount('owner_max_keys'),
  max_bytes: amount('max_bytes'),
  max_owners: amount('max_owners'),
});

/** The store as a kernel is opened with it: each module of the policy keeps values by its name. */
export function toKv(given: z.output<typeof policyKvSchema>, directory: string): KvOptions {
  const { path, ...quota } = given;
  const fields = Object.entries(quota) as [QuotaField, number | string | undefined][];
  return {
    byAgentId: true,
    ...(path !== undefined && { path: resolve(directory, path) }),
    ...Object.fromEntries(
      fields.flatMap(([field, value]) =>
        value === undefined ? [] : [[QUOTA_FIELDS[field].name, toNumber(field, value)]],
      ),
    ),
  };
}
