/** The package's own version, as it tells others. */

import { readFile } from 'node:fs/promises';

/** The file is as far from the source as from what is built of it. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
