/** Whether a chain that is found may be gone on with: it is what was anchored, and its key is the one that is given. */

import { RingfenceError } from '../../errors.ts';
import { rootOf } from '../merkle.ts';
import { originOf, readCheckpoint } from '../note.ts';
import type { ChainDatabase } from './database.ts';

/**
 * What was signed and kept outside must be the beginning of what is here.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID`
 */
export function requireAnchored(
  database: ChainDatabase,
  size: number,
  anchored: readonly string[],
): void {
  const origin = originOf(database.chain);
  for (const note of anchored) {
    const checkpoint = readCheckpoint(note);
    if (checkpoint === null || checkpoint.origin !== origin) {
      throw new RingfenceError(
        'RF_AUDIT_INVALID',
        'Cannot go on with the audit chain: an anchor has a checkpoint of another chain; give each chain its own.',
      );
    }
    const isLonger = checkpoint.size > size;
    if (isLonger || rootOf(database.hashes(checkpoint.size)) !== checkpoint.root) {
      throw new RingfenceError(
        'RF_AUDIT_INVALID',
        `Cannot go on with the audit chain: ${isLonger ? 'its end is not there' : 'it is not the one'} that was anchored over ${checkpoint.size} events; put the right file back, or keep it and begin another.`,
        { size: checkpoint.size },
      );
    }
  }
}

/**
 * Whether the key at the end of a chain is the one that is given, as C2SP writes it; null: none.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY`
 */
export function requireKeyInForce(database: ChainDatabase, key: string | null): void {
  const inForce = keyInForce(database);
  if (inForce !== key) {
    throw new RingfenceError(
      'RF_AUDIT_KEY',
      `Cannot go on with the audit chain: ${inForce === null ? 'it was begun without a key; begin another to sign it' : 'its key is another; give that one, and rotate'}.`,
    );
  }
}

/** The key that signs at the end of the chain, from what it says itself. */
function keyInForce(database: ChainDatabase): string | null {
  let key: string | null = null;
  for (const body of database.keyEvents()) {
    const { payload } = JSON.parse(body) as { payload: { key?: string; new_key?: string } };
    key = payload.new_key ?? payload.key ?? null;
  }
  return key;
}
