/**
 * One entry of the cache as bytes: a header with a SHA-256 over all that follows it, then the plan as
 * JSON and the metered core modules.
 *
 * The hash finds torn writes, bad disks and entries under another's name. It is no defence against
 * somebody who may write as our own user: see directory.ts for where the trust ends.
 */

import { createHash } from 'node:crypto';

/** What an entry holds: what was prepared of one file. */
export interface CacheContent {
  readonly adapted: boolean;
  /** JSON-serialisable; not trusted when it comes back. */
  readonly plan: unknown;
  readonly modules: readonly Uint8Array[];
}

/** How much an entry may hold; anything above is not read. */
export interface EntryBounds {
  readonly planBytes: number;
  readonly modules: number;
  readonly modulesBytes: number;
}

/** Raised with every change of the layout; part of the key, so entries of others are never found. */
export const ENTRY_FORMAT = 1;

const MAGIC = Buffer.from('RFCACHE\u0001', 'latin1');
const HASH_BYTES = 32;
const KEY_BYTES = 32;
/** Magic and hash: what the hash doesn't cover. */
const UNHASHED_BYTES = MAGIC.length + HASH_BYTES;
/** Key, flags, length of the plan, number of modules. */
const FIXED_BYTES = UNHASHED_BYTES + KEY_BYTES + 12;
const FLAG_ADAPTED = 1;

/** Longest entry there can be within these bounds. */
export function entryBytesMax(bounds: EntryBounds): number {
  return FIXED_BYTES + bounds.modules * 4 + bounds.planBytes + bounds.modulesBytes;
}

/** The entry under a key (64 hexadecimal digits), in pieces to be written one after another. */
export function encodeEntry(key: string, content: CacheContent): Uint8Array[] {
  const plan = Buffer.from(JSON.stringify(content.plan), 'utf8');
  const header = Buffer.alloc(FIXED_BYTES + content.modules.length * 4);
  MAGIC.copy(header);
  let at = UNHASHED_BYTES;
  at += header.write(key, at, KEY_BYTES, 'hex');
  at = header.writeUInt32LE(content.adapted ? FLAG_ADAPTED : 0, at);
  at = header.writeUInt32LE(plan.length, at);
  at = header.writeUInt32LE(content.modules.length, at);
  for (const module of content.modules) at = header.writeUInt32LE(module.length, at);
  const hash = createHash('sha256').update(header.subarray(UNHASHED_BYTES)).update(plan);
  for (const module of content.modules) hash.update(module);
  hash.digest().copy(header, MAGIC.length);
  return [header, plan, ...content.modules];
}

/** What the entry holds, or null where anything about it is not as it was written. */
export function decodeEntry(
  key: string,
  bytes: Uint8Array,
  bounds: EntryBounds,
): CacheContent | null {
  const entry = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (entry.length < FIXED_BYTES || !entry.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const hash = createHash('sha256').update(entry.subarray(UNHASHED_BYTES)).digest();
  if (!hash.equals(entry.subarray(MAGIC.length, UNHASHED_BYTES))) return null;
  if (entry.toString('hex', UNHASHED_BYTES, UNHASHED_BYTES + KEY_BYTES) !== key) return null;

  let at = UNHASHED_BYTES + KEY_BYTES;
  const flags = entry.readUInt32LE(at);
  const planBytes = entry.readUInt32LE(at + 4);
  const count = entry.readUInt32LE(at + 8);
  at = FIXED_BYTES;
  if (flags > FLAG_ADAPTED || planBytes > bounds.planBytes || count > bounds.modules) return null;
  if (at + count * 4 + planBytes > entry.length) return null;
  const sizes = Array.from({ length: count }, (_, index) => entry.readUInt32LE(at + index * 4));
  at += count * 4;
  const modulesBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (modulesBytes > bounds.modulesBytes) return null;
  if (at + planBytes + modulesBytes !== entry.length) return null;

  const plan = jsonOf(entry.subarray(at, at + planBytes));
  if (plan === undefined) return null;
  at += planBytes;
  const modules = sizes.map((size) => {
    // A copy each: a view would keep, and be posted with, the whole entry.
    const module = bytes.slice(at, at + size);
    at += size;
    return module;
  });
  return { adapted: flags === FLAG_ADAPTED, plan, modules };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
