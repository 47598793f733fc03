/** The name under which a prepared module is kept: the file's digest and everything that made of it what it is. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FUEL_TABLE_VERSION } from '../../metering/costs.ts';
import { jcoVersion } from '../prepare/tools.ts';
import { ENTRY_FORMAT } from './entry.ts';

/** Versions of everything that takes part in preparing; a change of any makes all entries unknown. */
export interface ToolVersions {
  readonly ringfence: string;
  readonly jco: string;
  readonly v8: string;
  readonly fuelTable: number;
  readonly planFormat: number;
  readonly entryFormat: number;
  /** SHA-256 over the files that read, plan and meter, so that no forgotten version number lies. */
  readonly code: string;
}

/** As source; as built, these are in the program's chunks and in the children's files. */
const SOURCES = import.meta.url.endsWith('.ts')
  ? ['../../component/', '../../metering/', '../../host/generated/']
  : ['../../../chunks/', '../../component/'];

/** The versions of this installation. */
export function installedVersions(planFormat: number): ToolVersions {
  return {
    ringfence: ownVersion(),
    jco: jcoVersion(),
    v8: process.versions.v8,
    fuelTable: FUEL_TABLE_VERSION,
    planFormat,
    entryFormat: ENTRY_FORMAT,
    code: digestOfSources(),
  };
}

/** The key of a file with this digest (64 hexadecimal digits), as prepared by these versions. */
export function cacheKey(digest: string, versions: ToolVersions): string {
  const parts = Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([digest, parts]))
    .digest('hex');
}

function ownVersion(): string {
  // As deep below the package's root from src/ as from dist/.
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
  );
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error("ringfence's package.json names no version");
}

function digestOfSources(): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const folder = fileURLToPath(new URL(source, import.meta.url));
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name) && !/\.(test|d)\.ts$/.test(name))
      .sort();
    for (const name of files) {
      const content = readFileSync(join(folder, name));
      hash.update(JSON.stringify([source, name, content.length])).update(content);
    }
  }
  return hash.digest('hex');
}
