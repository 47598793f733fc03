/** How much an owner may keep, and all of them. */

import * as z from 'zod';

/** Bounds on what is kept. Bytes are those of keys and values; what SQLite needs besides comes on top. */
export interface KvQuota {
  /** Bytes of all keys and values of one owner. @default 1 MiB */
  readonly ownerMaxBytes: number;
  /** Keys of one owner. @default 1,000 */
  readonly ownerMaxKeys: number;
  /** Bytes of the keys and values of all owners. @default 256 MiB */
  readonly maxBytes: number;
  /** Owners that have something. @default 1,000 */
  readonly maxOwners: number;
}

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;

/** Reads a quota; what is absent is as {@link KvQuota} says. */
export const kvQuotaShape = {
  ownerMaxBytes: z.int().min(1).max(GIBIBYTE).default(MEBIBYTE),
  ownerMaxKeys: z.int().min(1).max(1_000_000).default(1_000),
  maxBytes: z
    .int()
    .min(1)
    .max(1024 * GIBIBYTE)
    .default(256 * MEBIBYTE),
  maxOwners: z.int().min(1).max(1_000_000).default(1_000),
};

/** What is in force where nobody says anything else. */
export const KV_QUOTA_DEFAULT: KvQuota = z.object(kvQuotaShape).parse({});
