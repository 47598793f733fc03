/** Finds the packages that a project builds with: its own, else those beside ringfence. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RingfenceError } from '../../errors.ts';

/** The folder of a package with a file in it, as the project in `base` has it, else as ringfence does; null: neither. */
export function findPackage(name: string, base: string, file = 'package.json'): string | null {
  for (const from of [pathToFileURL(join(base, 'package.json')), import.meta.url]) {
    const folder = createRequire(from)
      .resolve.paths(name)
      ?.map((each) => join(each, name))
      .find((each) => existsSync(join(each, file)));
    if (folder !== undefined) return folder;
  }
  return null;
}

/**
 * The folder of a package that the project in `base` has installed, else that ringfence finds.
 *
 * @throws RingfenceError `RF_COMPILER_MISSING` where there is none, with what installs it.
 */
export function packageFolder(name: string, base: string): string {
  const folder = findPackage(name, base);
  if (folder !== null) return folder;
  throw new RingfenceError(
    'RF_COMPILER_MISSING',
    `Cannot build without the package '${name}': run 'npm install --save-dev ${name}'.`,
    { package: name },
  );
}
