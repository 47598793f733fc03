/**
 * The directory of the cache: where it is, and whether it may be trusted.
 *
 * Trust ends at the user: whoever may write as this process's own user can replace entries (with their
 * hashes), but could replace this program as well. So the directory and each entry must belong to that
 * user and be writable by nobody else; then another user can at most make the cache useless.
 * Windows has no owner and mode to ask: there the directory is as safe as the profile it is in.
 */

import { lstat, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { RingfenceError } from '../../../errors.ts';

/** What the place of the cache depends on. */
export interface CacheEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * Where prepared modules are kept when nobody says otherwise: `RINGFENCE_CACHE`, else `ringfence` in
 * `XDG_CACHE_HOME`, else the habit of the platform (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`).
 * Relative values of the variables are ignored, as XDG says.
 */
export function defaultCacheDirectory(
  environment: CacheEnvironment = {
    variables: process.env,
    platform: process.platform,
    home: homedir(),
  },
): string {
  const { variables, platform, home } = environment;
  const own = absolute(variables.RINGFENCE_CACHE);
  if (own !== null) return own;
  const xdg = absolute(variables.XDG_CACHE_HOME);
  if (xdg !== null) return join(xdg, 'ringfence');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'ringfence');
  if (platform === 'win32') {
    const local = absolute(variables.LOCALAPPDATA) ?? join(home, 'AppData', 'Local');
    return join(local, 'ringfence', 'cache');
  }
  return join(home, '.cache', 'ringfence');
}

function absolute(path: string | undefined): string | null {
  return path !== undefined && isAbsolute(path) ? path : null;
}

/** Bits of a mode that let somebody else write. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes the directory where it isn't there (0700), and checks that it is ours alone.
 *
 * @throws RingfenceError `RF_FILE` where it can't be trusted; the system's own error where it can't be
 * made or looked at.
 */
export async function openCacheDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // There is something else in its place: the look below says what.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // Not followed: a link could be changed between this look and the next use.
  const status = await lstat(path);
  if (!status.isDirectory()) {
    const what = status.isSymbolicLink() ? 'a symbolic link' : 'no directory';
    throw untrusted(path, `is ${what}`, 'remove it, or name another by RINGFENCE_CACHE');
  }
  const user = process.getuid?.();
  if (user === undefined) return;
  if (status.uid !== user) {
    throw untrusted(path, 'belongs to another user', 'name one of your own by RINGFENCE_CACHE');
  }
  if ((status.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw untrusted(
      path,
      'can be written by other users',
      'make it private (chmod 700), or name another by RINGFENCE_CACHE',
    );
  }
}

function untrusted(path: string, problem: string, advice: string): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot use '${path}' as cache, because it ${problem}: ${advice}.`,
    { path, problem },
  );
}
