/** The key that verifiers of a chain need, by the key that signs it. */

import { readAuditKey } from './keys.ts';
import { originOf, verifierKey } from './note.ts';
import { ChainDatabase } from './store/database.ts';

/**
 * The public key of the key in a file, as verifiers of the chain in `directory` take it: `NAME+ID+BASE64`, with
 * the chain's name in it. It says nothing of whether that key has signed the chain.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY` for a file that is no key of this user's, `RF_FILE` where there is no
 * chain
 */
export function publicAuditKey(path: string, directory: string): string {
  const key = readAuditKey(path);
  const chain = ChainDatabase.reading(directory, (database) => database.chain);
  return verifierKey(originOf(chain), key).text;
}
