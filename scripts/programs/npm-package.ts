/** Gets a pinned package from the npm registry, and checks that it is the one that was pinned. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command, Unavailable } from './command.ts';

/** A package, to the byte. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the archive, in base64. */
  readonly sha512: string;
}

const DOWNLOAD_DEADLINE_MS = 120_000;

/**
 * Gets and unpacks a package into `folder`, which is emptied first. None of its code is run.
 *
 * @throws {Unavailable} where the registry can't be reached.
 * @throws {Error} when the archive is not the pinned one.
 */
export async function npmPackage(pinned: PinnedPackage, folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const spec = `${pinned.name}@${pinned.version}`;
  let archive: string;
  try {
    const output = await command(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, spec],
      { cwd: folder, deadlineMs: DOWNLOAD_DEADLINE_MS },
    );
    archive = join(folder, output.trim());
  } catch (error) {
    throw new Unavailable(`npm can't get ${spec}: ${(error as Error).message}`);
  }
  const sha512 = createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (sha512 !== pinned.sha512) {
    throw new Error(`${spec} is not what was pinned: its SHA-512 is ${sha512}`);
  }
  await command('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner']);
}
