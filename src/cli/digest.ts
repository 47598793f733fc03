/** The digest of a module's file, for who doesn't load it. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A file that is too large for a module is not read to its end for its digest. */
const DIGESTED_BYTES_MAX = 64 * 1024 * 1024;

/** SHA-256, hexadecimal; null where it can't be read, or is no file that can be a module. */
export async function digestOfFile(path: string): Promise<string | null> {
  try {
    const status = await stat(path);
    if (!status.isFile() || status.size > DIGESTED_BYTES_MAX) {
      return null;
    }
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk);
    }
    return hash.digest('hex');
  } catch {
    return null;
  }
}
