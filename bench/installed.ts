/** The packages that only the benchmarks need: bench/package.json. */

import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const LOCK = new URL('package-lock.json', import.meta.url);
/** npm writes it when it is done. */
const DONE = new URL('node_modules/.package-lock.json', import.meta.url);

/** Installs them where they are not, or are older than what is locked. No script of theirs is run. */
export function installBenchPackages(): void {
  if (existsSync(DONE) && statSync(DONE).mtimeMs >= statSync(LOCK).mtimeMs) return;
  process.stderr.write(
    'Installing what the benchmark compares with (bench/package.json, some 300 MB) …\n',
  );
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
